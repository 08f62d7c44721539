//! The raw fields of one line, decoded once and shallowly: strings are borrowed where JSON allows, nested values stay
//! text until an expression asks for them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::MapError;

#[derive(Debug, Default)]
pub(super) struct Row<'a> {
    fields: Vec<(Cow<'a, str>, Cell<'a>)>,
}

#[derive(Debug, Clone)]
pub(super) enum Cell<'a> {
    Null,
    Bool(bool),
    /// As written, so that no digit is lost.
    Number(&'a str),
    Text(Cow<'a, str>),
    /// An array or an object.
    Nested(&'a RawValue),
}

impl<'a> Row<'a> {
    pub(super) fn parse(v: &'a RawValue) -> Result<Self, MapError> {
        serde_json::from_str(v.get()).map_err(|e| MapError::NotJson(e.to_string()))
    }

    /// The field of this name; the last one wins when a name is repeated, as JSON readers do.
    pub(super) fn get(&self, name: &str) -> Option<&Cell<'a>> {
        self.fields.iter().rev().find(|(n, _)| n == name).map(|(_, cell)| cell)
    }

    pub(super) fn fields(&self) -> &[(Cow<'a, str>, Cell<'a>)] {
        &self.fields
    }
}

impl<'de> Deserialize<'de> for Row<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Row<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of fields")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row<'de>, A::Error> {
                let mut fields = Vec::with_capacity(map.size_hint().unwrap_or(12));
                while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
                    let raw: &'de RawValue = map.next_value()?;
                    fields.push((name, cell(raw)));
                }
                Ok(Row { fields })
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// A key, borrowed when it holds no escape.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// `raw` is valid JSON already, so its first byte says what it is.
fn cell(raw: &RawValue) -> Cell<'_> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') => Cell::Text(string(text)),
        Some(b'{' | b'[') => Cell::Nested(raw),
        Some(b't') => Cell::Bool(true),
        Some(b'f') => Cell::Bool(false),
        Some(b'n') | None => Cell::Null,
        Some(_) => Cell::Number(text),
    }
}

fn string(quoted: &str) -> Cow<'_, str> {
    let inner = quoted.get(1..quoted.len() - 1).unwrap_or_default();
    if !inner.as_bytes().contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    // A lone surrogate is the one thing a checked JSON string can still hold that Rust text cannot: keep it as written.
    serde_json::from_str::<String>(quoted).map_or(Cow::Borrowed(inner), Cow::Owned)
}
