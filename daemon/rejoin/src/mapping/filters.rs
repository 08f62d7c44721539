//! The filters expressions may use beyond minijinja's own. An absent value passes through every one of them as absent,
//! because vendors leave out what is empty.

use std::borrow::Cow;
use std::sync::LazyLock;

use chrono::{NaiveDate, NaiveDateTime};
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

/// Filters the manual lists, for *did you mean*.
pub const FILTERS: &[&str] = &[
    "lower",
    "upper",
    "trim",
    "replace",
    "default",
    "join",
    "split",
    "first",
    "last",
    "int",
    "float",
    "round",
    "digits",
    "parse_date",
    "length",
    "title",
    "capitalize",
    "list",
    "string",
    "abs",
    "sort",
    "unique",
];

/// Decimals `round` can keep.
const PLACES_MAX: usize = 9;

/// The one environment of all expressions. It holds no template and loads none.
pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Chainable);
    env.set_debug(true);
    env.add_filter("lower", |v: Value| map_text(&v, |t| t.to_lowercase()));
    env.add_filter("upper", |v: Value| map_text(&v, |t| t.to_uppercase()));
    env.add_filter("trim", |v: Value| map_text(&v, |t| t.trim().to_owned()));
    env.add_filter("digits", |v: Value| map_text(&v, digits));
    env.add_filter("replace", |v: Value, from: String, to: String| map_text(&v, |t| t.replace(&from, &to)));
    env.add_filter("split", split);
    env.add_filter("first", |v: Value| end_of(&v, false));
    env.add_filter("last", |v: Value| end_of(&v, true));
    env.add_filter("int", int);
    env.add_filter("round", round);
    env.add_filter("parse_date", parse_date);
    env
});

fn is_absent(value: &Value) -> bool {
    value.is_undefined() || value.is_none()
}

fn text_of(value: &Value) -> Cow<'_, str> {
    value.as_str().map_or_else(|| Cow::Owned(value.to_string()), Cow::Borrowed)
}

fn map_text(value: &Value, change: impl Fn(&str) -> String) -> Value {
    if is_absent(value) { Value::UNDEFINED } else { Value::from(change(&text_of(value))) }
}

/// Full-width digits are digits, too.
fn digits(text: &str) -> String {
    let narrow = |c: char| match c {
        '０'..='９' => char::from_u32(c as u32 - '０' as u32 + '0' as u32),
        c => c.is_ascii_digit().then_some(c),
    };
    text.chars().filter_map(narrow).collect()
}

/// Parts are trimmed, and empty ones left out; without a separator, at white space.
fn split(value: Value, separator: Option<String>) -> Value {
    if is_absent(&value) {
        return Value::UNDEFINED;
    }
    let text = text_of(&value);
    let parts: Vec<&str> = match separator.as_deref() {
        None | Some("") => text.split_whitespace().collect(),
        Some(separator) => text.split(separator).collect(),
    };
    parts.iter().map(|p| p.trim()).filter(|p| !p.is_empty()).collect::<Value>()
}

/// First or last item of a list, character of a text.
fn end_of(value: &Value, last: bool) -> Result<Value, Error> {
    if is_absent(value) {
        return Ok(Value::UNDEFINED);
    }
    if let Some(text) = value.as_str() {
        let end = if last { text.chars().next_back() } else { text.chars().next() };
        return Ok(end.map_or(Value::UNDEFINED, Value::from));
    }
    let mut items = value.try_iter()?;
    Ok(if last { items.last() } else { items.next() }.unwrap_or(Value::UNDEFINED))
}

/// The whole number a text begins with.
fn int(value: Value) -> Result<Value, Error> {
    if is_absent(&value) {
        return Ok(Value::UNDEFINED);
    }
    let text = text_of(&value);
    let whole = text.trim().split('.').next().unwrap_or_default();
    whole
        .parse::<i64>()
        .map(Value::from)
        .map_err(|_| invalid(format!("{:?} is not a whole number", text.trim())))
}

/// Half away from zero, on the decimal digits: `"2.675"|round(2)` is 2.68, which floating point would not give.
fn round(value: Value, places: Option<usize>) -> Result<Value, Error> {
    if is_absent(&value) {
        return Ok(Value::UNDEFINED);
    }
    let text = text_of(&value);
    let places = places.unwrap_or(0).min(PLACES_MAX);
    let rounded =
        round_text(text.trim(), places).ok_or_else(|| invalid(format!("{text:?} is not a number")))?;
    Ok(Value::from(rounded))
}

fn round_text(text: &str, places: usize) -> Option<String> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (kept, rest) = fraction.split_at(places.min(fraction.len()));
    let scaled: i128 = format!("{whole}{kept:0<places$}").parse().ok()?;
    let scaled = scaled + i128::from(rest.bytes().next().is_some_and(|b| b >= b'5'));
    let padded = format!("{scaled:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    Some(if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// Reads a date or a date and time in a strftime form and writes it as our times are written.
fn parse_date(value: Value, form: String) -> Result<Value, Error> {
    if is_absent(&value) {
        return Ok(Value::UNDEFINED);
    }
    let text = text_of(&value);
    let text = text.trim();
    if text.is_empty() {
        return Ok(Value::UNDEFINED);
    }
    if let Ok(at) = NaiveDateTime::parse_from_str(text, &form) {
        return Ok(Value::from(at.format("%Y-%m-%d %H:%M:%S").to_string()));
    }
    match NaiveDate::parse_from_str(text, &form) {
        Ok(date) => Ok(Value::from(date.format("%Y-%m-%d").to_string())),
        Err(_) => Err(invalid(format!("{text:?} is not a date of the form {form:?}"))),
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

#[cfg(test)]
mod tests {
    use super::round_text;

    #[test]
    fn rounding_is_exact() {
        for (text, places, rounded) in [
            ("2.675", 2, Some("2.68")),
            ("2.674", 2, Some("2.67")),
            ("-0.005", 2, Some("-0.01")),
            ("9.999", 2, Some("10.00")),
            ("7", 2, Some("7.00")),
            ("7.5", 0, Some("8")),
            ("x", 2, None),
            ("", 2, None),
        ] {
            assert_eq!(round_text(text, places).as_deref(), rounded, "{text}");
        }
    }
}
