//! Source records: what a connector said about one party, and what our mapping reads in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::RecordId;

/// The name of a source record: the connector's name and the key the connector gave it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordKey {
    pub connector: Arc<str>,
    pub key: String,
}

/// Our fields of a party as one source record states them: as written, not yet normalised.
///
/// Absent fields are not serialised, so the stored form stays small.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Party {
    #[serde(skip_serializing_if = "PartyKind::is_unknown")]
    pub kind: PartyKind,
    /// Full name as written, in whatever order and script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// The organisation a person belongs to, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
    /// Keys of this party in other systems, `system:key`, e.g. `erp:12`; equal ones are the same party.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub external_keys: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub national_id: Option<String>,
    /// As written; the identity crate reads the common forms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    /// ISO 3166-1 alpha-2, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// BCP 47 tag, e.g. `zh` or `en`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// IANA time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Fields of the site's own, kept and shown, not used by identity.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<String, String>,
}

/// Every name under which a mapping may set a field of [`Party`], in the order they are documented.
pub const PARTY_FIELDS: &[&str] = &[
    "kind",
    "name",
    "given_name",
    "family_name",
    "company",
    "email",
    "phone",
    "external_key",
    "national_id",
    "birth_date",
    "street",
    "city",
    "postcode",
    "country",
    "language",
    "zone",
    "tags",
];

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    #[default]
    Unknown,
    Person,
    Organisation,
}

impl PartyKind {
    pub fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }
}

/// A stored source record as the resolve task reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRecord {
    pub id: RecordId,
    pub key: RecordKey,
    pub party: Party,
    /// The connector says this party no longer exists; kept, but it supports no customer.
    pub deleted: bool,
    /// Rises with every change, so that a decision about an older state does not pass for one about this.
    pub version: u32,
}
