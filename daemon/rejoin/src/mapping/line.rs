//! One line as a plugin emits it, borrowed from the batch: nothing is copied until something is kept.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::MapError;

/// `{"op","stream","key","v"}` of a record, or `{"op":"q","at","reason","raw"}` of input the plugin refused.
#[derive(Debug, Deserialize)]
pub struct RawLine<'a> {
    #[serde(borrow, default)]
    pub op: Cow<'a, str>,
    #[serde(borrow, default)]
    pub stream: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub key: Cow<'a, str>,
    /// The vendor's own fields.
    #[serde(borrow, default)]
    pub v: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub at: Cow<'a, str>,
    #[serde(borrow, default)]
    pub reason: Cow<'a, str>,
    #[serde(borrow, default)]
    pub raw: Cow<'a, str>,
}

impl<'a> RawLine<'a> {
    pub fn parse(line: &'a [u8]) -> Result<Self, MapError> {
        serde_json::from_slice(line).map_err(|e| MapError::NotJson(e.to_string()))
    }
}
