//! JSON: one object is one post, an array of objects is several. Values keep their types and may nest a little.

use serde_json::Value;

use crate::post::{Limits, Post, Posts, Refused, check_text};

/// A form has no reason to nest deeper.
const DEPTH_MAX: usize = 8;
/// Posts in one request; more is a file to import, not a form.
const POSTS_MAX: usize = 1000;

/// The posts of a body, each with the reason when it is not one; `Err` when nothing of it can be read.
pub(crate) fn parse(body: &[u8], limits: Limits) -> Result<Posts, String> {
    let text = std::str::from_utf8(body)
        .map_err(|e| format!("the body is not UTF-8 (byte {} of it)", e.valid_up_to()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value = serde_json::from_str(text).map_err(|e| format!("the body is not JSON: {e}"))?;
    match value {
        Value::Array(values) if values.is_empty() => Err("the body is an empty array".to_owned()),
        Value::Array(values) if values.len() > POSTS_MAX => {
            Err(format!("the body holds more than {POSTS_MAX} posts"))
        }
        Value::Array(values) => Ok(values.into_iter().map(|value| post(value, limits)).collect()),
        one => Ok(vec![post(one, limits)]),
    }
}

fn post(value: Value, limits: Limits) -> Result<Post, Refused> {
    let mut count = 0;
    let checked = match &value {
        Value::Object(fields) => {
            fields.iter().try_for_each(|(name, value)| check(name, value, 1, &mut count, limits))
        }
        _ => Err("a post must be a JSON object".to_owned()),
    };
    match (checked, value) {
        (Ok(()), Value::Object(fields)) => Ok(Post { fields, files: Vec::new() }),
        (Ok(()), _) => Ok(Post::default()),
        (Err(reason), value) => Err(Refused { reason, raw: value.to_string() }),
    }
}

fn check(name: &str, value: &Value, depth: usize, count: &mut usize, limits: Limits) -> Result<(), String> {
    *count += 1;
    if *count > limits.fields_max {
        return Err(format!("the form has more than {} fields (fields_max)", limits.fields_max));
    }
    if depth > DEPTH_MAX {
        return Err(format!("the field {name:?} nests deeper than {DEPTH_MAX} levels"));
    }
    match value {
        Value::String(text) => check_text(name, text, limits),
        Value::Array(values) => values.iter().try_for_each(|v| check(name, v, depth + 1, count, limits)),
        Value::Object(fields) => fields.iter().try_for_each(|(n, v)| check(n, v, depth + 1, count, limits)),
        Value::Null | Value::Bool(_) | Value::Number(_) => check_text(name, "", limits),
    }
}
