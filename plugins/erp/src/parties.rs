//! Parties as records: with their addresses, contact mechanisms and identifiers.

use serde::{Deserialize, Serialize};

use crate::lane::Table;
use crate::wire::{Stamp, truth};

/// A change of an address or a contact mechanism does not touch its party's own `write_date`.
pub(crate) const TABLES: &[Table] = &[
    Table { model: "party.party", parent: None },
    Table { model: "party.address", parent: Some("party") },
    Table { model: "party.contact_mechanism", parent: Some("party") },
];

pub(crate) const FIELDS: &[&str] = &[
    "code",
    "name",
    "lang.code",
    "active",
    "create_date",
    "write_date",
    "addresses.street",
    "addresses.postal_code",
    "addresses.city",
    "addresses.country.code",
    "addresses.active",
    "contact_mechanisms.type",
    "contact_mechanisms.value",
    "contact_mechanisms.active",
    "identifiers.type",
    "identifiers.code",
];

#[derive(Deserialize)]
pub(crate) struct Read {
    id: i64,
    code: Option<String>,
    name: Option<String>,
    #[serde(rename = "lang.")]
    lang: Option<Coded>,
    #[serde(deserialize_with = "truth")]
    active: bool,
    create_date: Option<Stamp>,
    write_date: Option<Stamp>,
    #[serde(rename = "addresses.", default)]
    addresses: Vec<ReadAddress>,
    #[serde(rename = "contact_mechanisms.", default)]
    mechanisms: Vec<Mechanism>,
    #[serde(rename = "identifiers.", default)]
    identifiers: Vec<Identifier>,
}

#[derive(Deserialize)]
struct Coded {
    code: Option<String>,
}

#[derive(Deserialize)]
struct ReadAddress {
    street: Option<String>,
    postal_code: Option<String>,
    city: Option<String>,
    #[serde(rename = "country.")]
    country: Option<Coded>,
    #[serde(deserialize_with = "truth")]
    active: bool,
}

#[derive(Deserialize)]
struct Mechanism {
    r#type: String,
    value: Option<String>,
    #[serde(deserialize_with = "truth")]
    active: bool,
}

#[derive(Serialize, Deserialize)]
struct Identifier {
    r#type: Option<String>,
    code: Option<String>,
}

/// What the record shows.
#[derive(Serialize)]
pub(crate) struct Party {
    pub(crate) id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lang: Option<String>,
    active: bool,
    addresses: Vec<Address>,
    emails: Vec<String>,
    phones: Vec<String>,
    other: Vec<Other>,
    identifiers: Vec<Identifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_date: Option<Stamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    write_date: Option<Stamp>,
}

#[derive(Serialize)]
struct Address {
    #[serde(skip_serializing_if = "Option::is_none")]
    street: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
}

#[derive(Serialize)]
struct Other {
    r#type: String,
    value: String,
}

impl From<Read> for Party {
    fn from(read: Read) -> Self {
        let (mut emails, mut phones, mut other) = (Vec::new(), Vec::new(), Vec::new());
        for Mechanism { r#type, value, active } in read.mechanisms {
            match (r#type.as_str(), value) {
                (_, Some(value)) if !active || value.is_empty() => {}
                ("email", Some(value)) => emails.push(value),
                ("phone" | "mobile", Some(value)) => phones.push(value),
                (_, Some(value)) => other.push(Other { r#type, value }),
                (_, None) => {}
            }
        }
        let addresses = read.addresses.into_iter().filter(|address| address.active).map(Address::from);
        Self {
            id: read.id,
            code: read.code,
            name: read.name,
            lang: read.lang.and_then(|lang| lang.code),
            active: read.active,
            addresses: addresses.collect(),
            emails,
            phones,
            other,
            identifiers: read.identifiers,
            create_date: read.create_date,
            write_date: read.write_date,
        }
    }
}

impl From<ReadAddress> for Address {
    fn from(read: ReadAddress) -> Self {
        let country = read.country.and_then(|country| country.code);
        Self { street: read.street, postal_code: read.postal_code, city: read.city, country }
    }
}
