//! Permission to send, and reasons never to.

use serde::{Deserialize, Serialize};

use crate::activity::names;
use crate::time::Timestamp;

/// One statement of a party about one channel and topic. Facts are kept for ever; the newest per
/// (record, channel, topic) counts, and over a customer's records the strictest wins: a merge can never turn a
/// withdrawal into a permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentFact {
    /// Key of the source record whose party spoke, within the same connector.
    pub party_key: String,
    /// Channel name: `email`, `sms`, or `*` for all.
    pub channel: String,
    /// Topic name, or `*` for all.
    pub topic: String,
    pub granted: bool,
    pub at: Timestamp,
    /// The proof: the text that was shown, the form or the message it came from.
    pub proof: String,
}

/// Never send to this address on this channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// Channel name the address belongs to: `email` or `sms`.
    pub channel: String,
    /// The normalised address: lower-case e-mail, E.164 phone.
    pub address: String,
    pub reason: SuppressionReason,
    pub at: Timestamp,
    /// Where it came from: a message, a receipt, a person.
    pub proof: String,
}

names! {
    SuppressionReason {
        /// The person used the unsubscribe page or its one-click link.
        Unsubscribed = "unsubscribed",
        /// The person answered with an opt-out word.
        OptOut = "opt_out",
        /// The address does not exist.
        HardBounce = "hard_bounce",
        /// The person reported the message as spam.
        SpamComplaint = "spam_complaint",
        /// A member of staff entered it.
        Manual = "manual",
    }
}
