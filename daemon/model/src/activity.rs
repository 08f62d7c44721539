//! Activities: dated facts about a party.

use serde::{Deserialize, Serialize};

use crate::id::OutboxId;
use crate::time::Timestamp;

/// A dated fact, as a connector reports it. It hangs on a source record, never on a customer: whoever the record
/// is linked to owns it, so merging and splitting customers moves no activity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    pub kind: ActivityKind,
    /// The connector's own key of the fact; the same key again replaces it.
    pub key: String,
    /// Key of the source record it is about, within the same connector.
    pub party_key: String,
    pub at: Timestamp,
    /// Orders and refunds carry money; a refund's amount is positive.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub money: Option<Money>,
    /// The outbox row this answers (a reply, a bounce, a receipt), once matched.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answers: Option<OutboxId>,
    /// Subject, product, status or reply text: whatever a person reading the history wants to see.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
}

macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($(#[$vdoc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $type { $($(#[$vdoc])* #[serde(rename = $name)] $variant,)+ }

        impl $type {
            /// Every value with its written name, for checks and *did you mean*.
            pub const ALL: &'static [(&'static str, Self)] = &[$(($name, Self::$variant),)+];

            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(crate) use names;

names! {
    /// What happened. The written name is used in TOML, SQL and JSON.
    ActivityKind {
        Order = "order",
        Refund = "refund",
        Visit = "visit",
        /// A customer wrote to us, or answered a message of ours.
        Reply = "reply",
        Complaint = "complaint",
        SurveyAnswer = "survey_answer",
        /// A provider's receipt for a message of ours.
        Delivery = "delivery",
        Bounce = "bounce",
        Open = "open",
        Click = "click",
    }
}

/// An exact amount of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Hundredths of the currency's unit, whatever the currency: 18.90 is 1890.
    pub cents: i64,
    /// ISO 4217 code.
    pub currency: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for (name, kind) in ActivityKind::ALL {
            assert_eq!(ActivityKind::from_name(name), Some(*kind));
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("{name:?}"));
        }
    }
}
