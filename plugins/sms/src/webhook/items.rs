//! A pushed request as a list of items with fields: JSON, urlencoded or the query string alone.

use std::collections::BTreeSet;

use rejoin_plugin_api::WebhookRequest;
use serde_json::{Map, Value};

use crate::place::scalar;

/// Field names repeated in one item are kept as their first value; more names than this is not a receipt.
const FIELDS_MAX: usize = 1000;

pub(super) struct Content {
    value: Value,
}

pub(super) struct Item<'a> {
    /// Counted from 1, in the request's order.
    pub(super) number: usize,
    value: &'a Value,
}

impl Content {
    /// The items at `list`, or of the body itself: the elements of an array, or one object. Nothing when absent.
    pub(super) fn items(&self, list: Option<&str>) -> Vec<Item<'_>> {
        let value = match list {
            Some(pointer) => self.value.pointer(pointer),
            None => Some(&self.value),
        };
        let values = match value {
            None => &[],
            Some(Value::Array(values)) => values.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        values.iter().enumerate().map(|(at, value)| Item { number: at + 1, value }).collect()
    }
}

impl Item<'_> {
    /// A field by JSON pointer or name; blank counts as absent.
    pub(super) fn get(&self, field: &str) -> Option<String> {
        let value = if field.starts_with('/') {
            self.value.pointer(field)?
        } else {
            self.value.as_object()?.get(field)?
        };
        scalar(value).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    pub(super) fn get_opt(&self, field: &Option<String>) -> Option<String> {
        self.get(field.as_deref()?)
    }

    pub(super) fn raw(&self) -> String {
        self.value.to_string()
    }
}

pub(super) fn read(request: &WebhookRequest) -> Result<Content, String> {
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    if request.body.is_empty() {
        if query.is_empty() {
            return Err("the request has neither a body nor a query string".to_owned());
        }
        return Ok(Content { value: Value::Object(urlencoded(query, Map::new())?) });
    }
    let text = std::str::from_utf8(&request.body)
        .map_err(|e| format!("the body is not UTF-8 (byte {} of it)", e.valid_up_to()))?;
    let kind = request.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let start = text.trim_start();
    if kind.contains("json") || start.starts_with(['{', '[']) {
        let value = serde_json::from_str(text).map_err(|e| format!("the body is not JSON: {e}"))?;
        return Ok(Content { value });
    }
    if kind.contains("xml") || start.starts_with('<') {
        return Err("the body is XML, which this plugin does not read; ask the gateway for JSON".to_owned());
    }
    let fields = urlencoded(query, Map::new())?;
    Ok(Content { value: Value::Object(urlencoded(text, fields)?) })
}

fn urlencoded(text: &str, mut fields: Map<String, Value>) -> Result<Map<String, Value>, String> {
    let mut here = BTreeSet::new();
    for pair in text.trim().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        if here.insert(name.clone()) {
            fields.insert(name, Value::String(value));
        }
        if fields.len() > FIELDS_MAX {
            return Err(format!("the request has more than {FIELDS_MAX} fields"));
        }
    }
    Ok(fields)
}

/// Strict: a lone `%` and bytes that are not UTF-8 are refused, not guessed at.
fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                hex(rest.next(), rest.next()).ok_or("a % in the request is not followed by two hex digits")?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| "an urlencoded value is not UTF-8".to_owned())
}

fn hex(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(high?)? * 16 + digit(low?)?).ok()
}
