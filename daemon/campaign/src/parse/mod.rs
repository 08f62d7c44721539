//! The text of a segment → a checked condition.
//!
//! The language is the condition of an SQL `where`, over the documented fields of
//! [`FIELDS`](rejoin_model::segment::FIELDS): `and or not ( )`, `= != <> < <= > >=`, `[not] in (…)`,
//! `[not] like`, `[not] between … and …`, `is [not] null`, text in single or double quotes (doubled inside to mean
//! itself), numbers, `true` and `false`. A yes-or-no field may stand alone: `open_complaint`.
//!
//! All mistakes are reported at once, each with its place. No text is ever passed on as SQL, and none makes this
//! panic or go deep: nesting and length are bounded.

mod check;
mod grammar;
mod lex;
mod predicate;
#[cfg(test)]
mod tests;

use rejoin_model::Segment;
use rejoin_model::segment::Condition;

/// Longer conditions are written by programs, and should be tags.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Further mistakes are mostly echoes of the first ones.
const ERRORS_MAX: usize = 50;

/// One mistake. Offsets are bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    pub offset: usize,
    pub len: usize,
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

/// Empty text means everybody.
pub fn segment(name: &str, text: &str) -> Result<Segment, Vec<ParseError>> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(vec![ParseError {
            offset: 0,
            len: 0,
            message: format!("the condition is longer than {TEXT_BYTES_MAX} bytes"),
            hint: Some("let a mapping set a tag, and ask for the tag".to_owned()),
        }]);
    }
    let (tokens, mut errors) = lex::tokens(text);
    let condition =
        if tokens.is_empty() { Condition::All } else { grammar::condition(text, &tokens, &mut errors) };
    if errors.is_empty() {
        return Ok(Segment { name: name.to_owned(), source: text.to_owned(), condition });
    }
    errors.sort_by_key(|e| e.offset);
    errors.truncate(ERRORS_MAX);
    Err(errors)
}
