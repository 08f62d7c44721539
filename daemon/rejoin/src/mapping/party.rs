//! Setting the fields of a party from what the expressions gave.

use std::borrow::Cow;

use rejoin_model::Party;
use rejoin_model::record::{PARTY_FIELDS, PartyKind};

use super::expr::Val;
use super::{MapError, PartyField};

/// Longest value of one field that is taken; the largest real ones are reply texts.
pub(super) const VALUE_BYTES_MAX: usize = 1 << 20;
const LIST_SEPARATORS: [char; 4] = [';', ',', '；', '，'];

impl PartyField {
    pub fn named(name: &str) -> Option<Self> {
        PARTY_FIELDS.iter().position(|f| *f == name).map(Self)
    }

    pub fn name(self) -> &'static str {
        PARTY_FIELDS.get(self.0).copied().unwrap_or_default()
    }
}

/// Puts `value` into `party`. A field that holds one value keeps the first that is not empty.
pub(super) fn set(
    party: &mut Party,
    field: PartyField,
    value: Val<'_>,
    connector: &str,
) -> Result<(), MapError> {
    let name = field.name();
    match name {
        "email" => return add(&mut party.emails, value, name, true),
        "phone" => return add(&mut party.phones, value, name, true),
        "tags" => return add(&mut party.tags, value, name, true),
        "external_key" => return add_external(&mut party.external_keys, value, connector),
        _ => {}
    }
    let Some(text) = one(value, name)? else { return Ok(()) };
    let place = match name {
        "kind" => {
            party.kind = kind(&text)?;
            return Ok(());
        }
        "country" if text.len() == 2 => {
            party.country.get_or_insert(text.to_ascii_uppercase());
            return Ok(());
        }
        "language" => {
            party.language.get_or_insert(language(&text)?);
            return Ok(());
        }
        "zone" => {
            text.parse::<chrono_tz::Tz>()
                .map_err(|_| bad_word(name, &text, "the IANA zones, such as Asia/Shanghai"))?;
            &mut party.zone
        }
        "name" => &mut party.name,
        "given_name" => &mut party.given_name,
        "family_name" => &mut party.family_name,
        "company" => &mut party.company,
        "national_id" => &mut party.national_id,
        "birth_date" => &mut party.birth_date,
        "street" => &mut party.street,
        "city" => &mut party.city,
        "postcode" => &mut party.postcode,
        _ => &mut party.country,
    };
    place.get_or_insert(text);
    Ok(())
}

/// One cleaned text; a list's items are joined with a space. `None` when there is nothing in it.
pub(super) fn one(value: Val<'_>, field: &str) -> Result<Option<String>, MapError> {
    let text = match value {
        Val::Absent => return Ok(None),
        Val::Bool(b) => Cow::Borrowed(if b { "true" } else { "false" }),
        Val::Number(text) | Val::Text(text) => text,
        Val::List(items) => Cow::Owned(items.join(" ")),
    };
    clean(&text, field)
}

/// Trimmed, with control characters (line breaks among them) as spaces: they have no business in a one-line field,
/// and CR or LF in one that becomes a mail header would be an attack.
fn clean(text: &str, field: &str) -> Result<Option<String>, MapError> {
    if text.len() > VALUE_BYTES_MAX {
        return Err(too_long(field, text.len()));
    }
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().any(char::is_control) {
        let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        return Ok(Some(spaced.trim().to_owned()).filter(|t| !t.is_empty()));
    }
    Ok(Some(text.to_owned()))
}

pub(super) fn too_long(field: &str, bytes: usize) -> MapError {
    MapError::TooLong { field: field.to_owned(), bytes, max: VALUE_BYTES_MAX }
}

fn add(list: &mut Vec<String>, value: Val<'_>, field: &str, split: bool) -> Result<(), MapError> {
    let mut push = |text: &str| -> Result<(), MapError> {
        if let Some(text) = clean(text, field)?
            && !list.contains(&text)
        {
            list.push(text);
        }
        Ok(())
    };
    match value {
        Val::List(items) => items.iter().try_for_each(|item| push(item)),
        Val::Absent => Ok(()),
        Val::Bool(b) => push(if b { "true" } else { "false" }),
        Val::Number(text) | Val::Text(text) if split && text.contains(LIST_SEPARATORS) => {
            text.split(LIST_SEPARATORS).try_for_each(push)
        }
        Val::Number(text) | Val::Text(text) => push(&text),
    }
}

/// `system:key`; a key without its system belongs to the connector's.
fn add_external(list: &mut Vec<String>, value: Val<'_>, connector: &str) -> Result<(), MapError> {
    let mut keys = Vec::new();
    add(&mut keys, value, "external_key", false)?;
    for key in keys {
        let key = if key.contains(':') { key } else { format!("{connector}:{key}") };
        if !list.contains(&key) {
            list.push(key);
        }
    }
    Ok(())
}

fn kind(text: &str) -> Result<PartyKind, MapError> {
    match text.to_lowercase().as_str() {
        "person" | "individual" | "个人" | "個人" | "自然人" => Ok(PartyKind::Person),
        "organisation" | "organization" | "company" | "business" | "企业" | "企業" | "公司" | "单位"
        | "單位" => Ok(PartyKind::Organisation),
        "unknown" => Ok(PartyKind::Unknown),
        _ => Err(bad_word("kind", text, "person, organisation, unknown")),
    }
}

/// `zh_CN` is written by many systems and means `zh-CN`.
fn language(text: &str) -> Result<String, MapError> {
    let tag = text.replace('_', "-");
    if crate::config::is_language(&tag) {
        Ok(tag)
    } else {
        Err(bad_word("language", text, "language tags such as zh or en"))
    }
}

pub(super) fn bad_word(field: &str, value: &str, allowed: &str) -> MapError {
    /// Enough of a value to recognise it by.
    const SHOWN_CHARS_MAX: usize = 60;
    let value = value.chars().take(SHOWN_CHARS_MAX).collect();
    MapError::BadWord { field: field.to_owned(), value, allowed: allowed.to_owned() }
}
