//! A member and a campaign that pass every rule, for tests to spoil.

use rejoin_model::audience::ConsentState;
use rejoin_model::campaign::{CampaignClass, Channel, ChannelChoice, Content, UnknownPolicy};
use rejoin_model::customer::Golden;
use rejoin_model::record::PartyKind;
use rejoin_model::segment::Condition;
use rejoin_model::time::{DAY_MS, HOUR_MS};
use rejoin_model::{Campaign, Customer, CustomerId, Member, Profile, RecordId, Segment, Stage, Timestamp};

use crate::schedule;

/// Noon in Prague, a Wednesday.
pub(crate) const NOON: &str = "2026-05-13T12:00:00+02:00";

pub(crate) fn at(rfc3339: &str) -> Timestamp {
    Timestamp(chrono::DateTime::parse_from_rfc3339(rfc3339).unwrap().timestamp_millis())
}

/// How an instant reads, for messages of failed tests and for tables.
pub(crate) fn shown(instant: Timestamp, zone: &str) -> String {
    schedule::format(instant, zone)
}

pub(crate) fn golden(value: &str) -> Option<Golden> {
    Some(Golden { value: value.to_owned(), from: RecordId(1) })
}

pub(crate) fn consent(channel: &str, topic: &str, granted: bool) -> ConsentState {
    ConsentState { channel: channel.to_owned(), topic: topic.to_owned(), granted, at: Timestamp(0) }
}

pub(crate) fn member() -> Member {
    let now = at(NOON);
    Member {
        customer: Customer {
            id: CustomerId(1 << 30),
            kind: PartyKind::Person,
            name: golden("Jana Nováková"),
            given_name: golden("Jana"),
            family_name: golden("Nováková"),
            company: golden("Nová s.r.o."),
            emails: golden("jana@example.org").into_iter().collect(),
            phones: golden("+420602000001").into_iter().collect(),
            street: None,
            city: golden("Brno"),
            postcode: None,
            country: golden("CZ"),
            language: golden("en"),
            zone: golden("Europe/Prague"),
            birth_date: None,
            tags: vec!["vip".to_owned()],
            records: 2,
        },
        profile: Profile {
            orders: 3,
            first_order_at: Some(now.plus_ms(-400 * DAY_MS)),
            last_order_at: Some(now.plus_ms(-100 * DAY_MS)),
            total_cents: 123_450,
            currency: Some("CZK".to_owned()),
            stage: Stage::Decline,
            ..Profile::default()
        },
        consents: vec![consent("*", "*", true)],
        suppressed: Vec::new(),
        marketed_at: Vec::new(),
    }
}

/// A member of whom nothing is known but an address.
pub(crate) fn stranger() -> Member {
    let full = member();
    Member {
        customer: Customer {
            name: None,
            given_name: None,
            family_name: None,
            company: None,
            city: None,
            country: None,
            language: None,
            zone: None,
            tags: Vec::new(),
            ..full.customer
        },
        profile: Profile::default(),
        ..full
    }
}

pub(crate) fn campaign() -> Campaign {
    Campaign {
        name: "spring".to_owned(),
        class: CampaignClass::Marketing,
        topic: "news".to_owned(),
        segment: Segment { name: "all".to_owned(), source: String::new(), condition: Condition::All },
        schedule: None,
        zone: "Europe/Prague".to_owned(),
        channels: vec![
            ChannelChoice { connector: "mail".to_owned(), channel: Channel::Email },
            ChannelChoice { connector: "texts".to_owned(), channel: Channel::Sms },
        ],
        holdout: 0.0,
        cap: None,
        quiet: None,
        late_ms_max: 6 * HOUR_MS,
        lifetime_ms: 3 * DAY_MS,
        unknown: UnknownPolicy::Never,
        content: vec![("en".to_owned(), Content::default())],
    }
}
