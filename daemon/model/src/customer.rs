//! Customers (golden records) and the links that make them.

use serde::{Deserialize, Serialize};

use crate::activity::names;
use crate::id::{CustomerId, RecordId};
use crate::record::PartyKind;
use crate::time::Timestamp;

/// The golden record: one real person or organisation, computed from the linked source records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    pub id: CustomerId,
    pub kind: PartyKind,
    pub name: Option<Golden>,
    pub given_name: Option<Golden>,
    pub family_name: Option<Golden>,
    pub company: Option<Golden>,
    /// Normalised; the first one is written to.
    pub emails: Vec<Golden>,
    /// E.164; the first one is written to.
    pub phones: Vec<Golden>,
    pub street: Option<Golden>,
    pub city: Option<Golden>,
    pub postcode: Option<Golden>,
    pub country: Option<Golden>,
    pub language: Option<Golden>,
    pub zone: Option<Golden>,
    pub birth_date: Option<Golden>,
    pub tags: Vec<String>,
    /// Number of live source records behind it.
    pub records: u32,
}

/// A golden field's value, and the source record it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Golden {
    pub value: String,
    pub from: RecordId,
}

/// Source record → customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub record: RecordId,
    pub customer: CustomerId,
    pub reason: LinkReason,
}

/// Why a record belongs to its customer: the strongest edge that tied it to an older record of the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum LinkReason {
    /// The first record of its customer: there was nobody to be compared with.
    First,
    /// It shares a strong key with another record, and no guard objected.
    SharedKey { kind: KeyKind, value: String, with: RecordId, names: NameVerdict },
    /// A person decided.
    Decision { decision: String, with: RecordId },
}

/// What the names of two records say about them being one party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameVerdict {
    Same,
    Similar,
    /// Written in scripts that cannot be compared, e.g. Hanzi and Latin: no evidence either way.
    OtherScript,
    /// At least one of the two has no name.
    Missing,
    Different,
}

names! {
    /// Kinds of identifier that can tie two records together.
    KeyKind {
        Email = "email",
        Phone = "phone",
        External = "external",
        NationalId = "national_id",
    }
}

/// A normalised identifier of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IdentityKey {
    pub kind: KeyKind,
    pub value: String,
}

/// A person's word about two records; it outweighs every score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub id: i64,
    pub verdict: Verdict,
    pub a: RecordId,
    pub b: RecordId,
    pub who: String,
    pub at: Timestamp,
    pub note: String,
}

names! {
    Verdict {
        MustLink = "must_link",
        CannotLink = "cannot_link",
    }
}

/// What the resolve task writes, in one transaction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resolution {
    /// Records this settles, with the version that was looked at.
    pub resolved: Vec<(RecordId, u32)>,
    /// Links that are new or changed.
    pub links: Vec<Link>,
    /// Records that belong to nobody any more (deleted at their source).
    pub unlinked: Vec<RecordId>,
    /// Golden records that are new or changed.
    pub customers: Vec<Customer>,
    /// Customers that ended: merged into a survivor, or left without any record.
    pub ended: Vec<(CustomerId, Option<CustomerId>)>,
    /// The whole new key set of each record whose keys changed.
    pub keys: Vec<(RecordId, Vec<IdentityKey>)>,
    /// Keys found to be shared by too many different parties to mean anything.
    pub generic: Vec<IdentityKey>,
}
