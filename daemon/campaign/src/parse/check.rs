//! Does a value fit its field?

use rejoin_model::Stage;
use rejoin_model::segment::{Field, FieldType, Value};

use super::ParseError;
use crate::suggest;

pub(super) struct Literal {
    pub(super) value: Value,
    pub(super) offset: usize,
    pub(super) len: usize,
}

const KINDS: [&str; 3] = ["person", "organisation", "unknown"];

/// The values of a text field that has few; `None` when any text may stand there.
fn words(field: &Field) -> Option<Vec<&'static str>> {
    match field.name {
        "kind" => Some(KINDS.to_vec()),
        "stage" => Some(Stage::ALL.iter().map(|(name, _)| *name).collect()),
        _ => None,
    }
}

/// Whether less and greater mean anything.
pub(super) fn is_ordered(field: &Field) -> bool {
    match field.kind {
        FieldType::Number => true,
        FieldType::Text => words(field).is_none(),
        FieldType::Bool | FieldType::Set => false,
    }
}

pub(super) fn holds(field: &Field) -> &'static str {
    match field.kind {
        FieldType::Text => "holds text",
        FieldType::Number => "holds a number",
        FieldType::Bool => "is true or false",
        FieldType::Set => "is a set of words",
    }
}

pub(super) fn example(field: &Field) -> String {
    match (field.kind, words(field)) {
        (FieldType::Number, _) => format!("write e.g. `{} >= 5`", field.name),
        (FieldType::Bool, _) => format!("write `{0}` or `not {0}`", field.name),
        (_, Some(words)) => format!("write e.g. `{} = '{}'`", field.name, words[0]),
        (_, None) => format!("write e.g. `{} = 'text'`", field.name),
    }
}

/// What is wrong with this value for this field, if anything.
pub(super) fn literal(field: &Field, literal: &Literal) -> Option<ParseError> {
    let error = |message, hint| Some(ParseError { offset: literal.offset, len: literal.len, message, hint });
    match (&literal.value, field.kind) {
        (Value::Text(text), FieldType::Text | FieldType::Set) => {
            let words = words(field).filter(|words| !words.contains(&text.as_str()))?;
            let known = words.join(", ");
            let hint = suggest::did_you_mean(text, words).unwrap_or_else(|| format!("it is one of {known}"));
            error(format!("{} is never '{text}'", field.name), Some(hint))
        }
        (Value::Number(_), FieldType::Number) | (Value::Bool(_), FieldType::Bool) => None,
        (Value::Text(text), FieldType::Number) => {
            let hint = text.trim().parse::<f64>().ok().map(|n| format!("write {n} without quotes"));
            error(format!("{} holds a number, and this is text", field.name), hint)
        }
        (Value::Number(number), FieldType::Text | FieldType::Set) => error(
            format!("{} {}, and this is a number", field.name, holds(field)),
            Some(format!("write '{number}'")),
        ),
        (_, FieldType::Bool) => error(
            format!("{} is true or false", field.name),
            Some("write `true` or `false`, without quotes".to_owned()),
        ),
        (Value::Bool(_), _) => error(format!("{} {}, and not true or false", field.name, holds(field)), None),
    }
}
