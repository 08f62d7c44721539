//! A campaign as marketing defined it, checked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::activity::names;
use crate::segment::Segment;

/// A checked campaign: every name in it exists, every template compiles, the schedule fires.
#[derive(Debug, Clone, PartialEq)]
pub struct Campaign {
    pub name: String,
    pub class: CampaignClass,
    /// Consent is asked for by topic.
    pub topic: String,
    pub segment: Segment,
    /// Five-field cron; without one the campaign runs only by hand.
    pub schedule: Option<String>,
    /// IANA zone of the schedule, and of a recipient whose own zone is unknown.
    pub zone: String,
    /// Tried in order: the first one on which the customer has an address that may be written to is used.
    pub channels: Vec<ChannelChoice>,
    /// Share of the audience, 0 to 1, that is deliberately not written to, so that lift can be measured.
    pub holdout: f64,
    pub cap: Option<Cap>,
    /// Local hours in which nothing is sent.
    pub quiet: Option<QuietHours>,
    /// A scheduled run that starts later than this is missed, not sent. Milliseconds.
    pub late_ms_max: i64,
    /// A message that could not be sent for this long is given up. Milliseconds.
    pub lifetime_ms: i64,
    pub unknown: UnknownPolicy,
    /// Content by language; the first tag is the fallback.
    pub content: Vec<(String, Content)>,
}

names! {
    CampaignClass {
        /// Needs consent, obeys cap, quiet hours and holdout, carries an unsubscribe link.
        Marketing = "marketing",
        /// Service to a customer: needs no consent by default, still obeys suppression and quiet hours, and an open
        /// complaint does not pause it.
        Care = "care",
    }
}

/// A channel connector and the kind of address it writes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelChoice {
    /// Name of the connector.
    pub connector: String,
    pub channel: Channel,
}

names! {
    /// Kinds of address a message can go to; consent and suppression are kept per channel.
    Channel {
        Email = "email",
        Sms = "sms",
    }
}

/// At most `messages` marketing messages to one customer in any `days` days, over all campaigns and channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
    pub messages: u32,
    pub days: u32,
}

/// Local wall time, minutes after midnight; `from` later than `to` spans midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    pub from_min: u16,
    pub to_min: u16,
}

names! {
    /// What to do with a message whose fate a crash left open.
    UnknownPolicy {
        /// Leave it: better one message too few than one too many.
        Never = "never",
        /// Send it again with the same idempotency key and Message-ID.
        Resend = "resend",
    }
}

/// Templates of one language, as written; campaign::compose compiles them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    pub subject: Option<String>,
    pub text: Option<String>,
    pub html: Option<String>,
    pub sms: Option<String>,
}

/// Who is speaking, on every message: compliance text of the site.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// Shown in the footer of marketing mail (CAN-SPAM) and usable in templates.
    pub name: String,
    pub postal_address: String,
    /// 【signature】 of Chinese SMS, without the brackets.
    pub sms_signature: Option<String>,
    /// Other values templates may use as `site.…`.
    pub values: BTreeMap<String, String>,
}
