//! Where a value stands in a gateway's answer: a JSON pointer, or in plain text the words in front of it.

use serde_json::Value;

/// An answer's body, parsed at most once.
pub(crate) struct Body<'a> {
    pub(crate) text: &'a str,
    json: Option<Value>,
}

impl<'a> Body<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, json: serde_json::from_str(text).ok() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Pointer(String),
    After(String),
}

impl Place {
    /// `"/data/id"` is a pointer; any other text is what stands before the value.
    pub(crate) fn parse(text: &str) -> Self {
        if text.starts_with('/') { Self::Pointer(text.to_owned()) } else { Self::After(text.to_owned()) }
    }

    /// The value as text; `None` when it is not there, or is null, a list or an object.
    pub(crate) fn read(&self, body: &Body<'_>) -> Option<String> {
        match self {
            Self::Pointer(pointer) => scalar(body.json.as_ref()?.pointer(pointer)?),
            Self::After(words) => word_after(body.text, words).map(str::to_owned),
        }
    }
}

pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The first run of characters behind `words` that are not separators; `words` must not begin inside a longer word,
/// so that `id=` is not found in `valid=`.
fn word_after<'t>(text: &'t str, words: &str) -> Option<&'t str> {
    let inside_word = |at: usize| {
        let before = text[..at].chars().next_back();
        before.is_some_and(char::is_alphanumeric) && words.starts_with(char::is_alphanumeric)
    };
    let (at, _) = text.match_indices(words).find(|(at, _)| !inside_word(*at))?;
    let rest = text[at + words.len()..].trim_start();
    let end = rest.find(|c: char| c.is_whitespace() || ",;&|<>\"'".contains(c)).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}
