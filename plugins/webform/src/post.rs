//! One form as it was posted: names and values, before anything is believed.

use serde_json::{Map, Value};

/// A form's fields by the names of the form. A name posted several times holds an array.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Post {
    pub(crate) fields: Map<String, Value>,
    pub(crate) files: Vec<File>,
}

/// A file that came with the form and was not kept.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct File {
    pub(crate) field: String,
    pub(crate) name: String,
    pub(crate) bytes: u64,
}

/// A post that can be no record, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) reason: String,
    pub(crate) raw: String,
}

/// The posts of one request.
pub(crate) type Posts = Vec<Result<Post, Refused>>;

/// The bounds of one form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) fields_max: usize,
    pub(crate) field_bytes_max: usize,
}

impl Post {
    /// Adds a value under a name that may have one already.
    pub(crate) fn add(&mut self, name: String, text: String, limits: Limits) -> Result<(), String> {
        check_text(&name, &text, limits)?;
        let value = Value::String(text);
        match self.fields.get_mut(&name) {
            None => {
                self.fields.insert(name, value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
        let count: usize = self.fields.values().map(|v| v.as_array().map_or(1, Vec::len)).sum();
        if count > limits.fields_max {
            return Err(format!("the form has more than {} fields (fields_max)", limits.fields_max));
        }
        Ok(())
    }

    /// The last non-blank value of a field as text: of a hidden `0` and a ticked `1` of one name, the `1`.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.fields.get(name)? {
            Value::Array(values) => values.iter().rev().find_map(plain),
            one => plain(one),
        }
    }

    /// The form as JSON, for quarantine.
    pub(crate) fn raw(&self) -> String {
        Value::Object(self.fields.clone()).to_string()
    }
}

/// NUL is refused because no database text may hold it; the rest of Unicode is welcome.
pub(crate) fn check_text(name: &str, text: &str, limits: Limits) -> Result<(), String> {
    if text.len() > limits.field_bytes_max {
        return Err(format!(
            "the field {name:?} is longer than {} bytes (field_bytes_max)",
            limits.field_bytes_max
        ));
    }
    if name.contains('\0') || text.contains('\0') {
        return Err(format!("the field {name:?} holds a NUL character"));
    }
    Ok(())
}

fn plain(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}
