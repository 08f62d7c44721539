//! From a party as written to the forms that can be compared: keys, a name form, dates.
//!
//! It refuses to guess: what is plainly not an address, a number or a date yields nothing, and the raw value stays in
//! the source record. Placeholders (`test@test.com`, 13800000000) are not listed here; keys shared by too many
//! different parties are learned as generic when resolving.

mod birth_date;
mod email;
mod national_id;
mod phone;
#[cfg(test)]
mod tests;
mod text;

use rejoin_model::Party;
use rejoin_model::customer::{IdentityKey, KeyKind};

use crate::name::NameForm;

pub use birth_date::{birth_date, birth_dates_agree};
pub use email::{Email, email};
pub use national_id::national_id;
pub use phone::phone;
pub(crate) use text::fold;

/// What the site assumes where a record does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// ISO 3166-1 alpha-2 code of the country whose national phone numbers need no prefix.
    pub region: String,
}

/// A party in comparable form. Everything in it can be computed again from the raw record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Normalised {
    /// Strong identifiers, sorted, each once.
    pub keys: Vec<IdentityKey>,
    pub name: NameForm,
    /// Addresses one can write to: tidied, but with the dots and tags their owner uses.
    pub emails: Vec<String>,
    /// E.164.
    pub phones: Vec<String>,
    /// `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    pub national_id: Option<String>,
}

/// Reads a party. Deterministic, a few microseconds.
pub fn normalise(party: &Party, defaults: &Defaults) -> Normalised {
    let mut normalised = Normalised { name: NameForm::of(party), ..Normalised::default() };
    let region = party.country.as_deref().filter(|c| c.len() == 2).unwrap_or(&defaults.region);
    for raw in party.emails.iter().flat_map(|raw| pieces(raw, &[',', ';', '，', '；', '、'])) {
        if let Some(Email { address, key }) = email(raw) {
            add(&mut normalised.emails, address);
            normalised.keys.push(IdentityKey { kind: KeyKind::Email, value: key });
        }
    }
    for raw in party.phones.iter().flat_map(|raw| pieces(raw, &[',', ';', '/', '，', '；', '、'])) {
        if let Some(number) = phone(raw, region) {
            normalised.keys.push(IdentityKey { kind: KeyKind::Phone, value: number.clone() });
            add(&mut normalised.phones, number);
        }
    }
    let external = party.external_keys.iter().filter_map(|raw| external_key(raw));
    normalised.keys.extend(external.map(|value| IdentityKey { kind: KeyKind::External, value }));
    normalised.national_id = party.national_id.as_deref().and_then(national_id);
    if let Some(id) = &normalised.national_id {
        normalised.keys.push(IdentityKey { kind: KeyKind::NationalId, value: id.clone() });
    }
    normalised.birth_date = party.birth_date.as_deref().and_then(|raw| birth_date(raw, region));
    normalised.keys.sort_unstable();
    normalised.keys.dedup();
    normalised
}

/// `system:key`; the system's name is ours, so its case means nothing, while the key's may.
fn external_key(raw: &str) -> Option<String> {
    let raw = raw.trim();
    let Some((system, key)) = raw.split_once(':') else {
        return (!raw.is_empty()).then(|| raw.to_owned());
    };
    let (system, key) = (system.trim().to_lowercase(), key.trim());
    (!key.is_empty()).then(|| format!("{system}:{key}"))
}

/// One cell often holds several addresses.
fn pieces<'a>(raw: &'a str, separators: &'a [char]) -> impl Iterator<Item = &'a str> {
    raw.split(separators).map(str::trim).filter(|piece| !piece.is_empty())
}

fn add(values: &mut Vec<String>, value: String) {
    if !values.contains(&value) {
        values.push(value);
    }
}
