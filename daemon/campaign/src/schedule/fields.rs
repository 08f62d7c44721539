//! The five fields as written → lists of numbers.
//!
//! Reads what every cron program reads alike and refuses the rest: an expression moved here from elsewhere either
//! means the same or is an error.

use super::{ScheduleError, Subject};

const MACROS: &[(&str, &str)] = &[
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// What a field may hold.
struct Kind {
    name: &'static str,
    min: u8,
    max: u8,
    names: &'static [&'static str],
}

const KINDS: [Kind; 5] = [
    Kind { name: "minute", min: 0, max: 59, names: &[] },
    Kind { name: "hour", min: 0, max: 23, names: &[] },
    Kind { name: "day of month", min: 1, max: 31, names: &[] },
    Kind { name: "month", min: 1, max: 12, names: MONTHS },
    // 0 and 7 are both Sunday.
    Kind { name: "day of week", min: 0, max: 7, names: WEEKDAYS },
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// Rising, without repeats.
    values: Vec<u8>,
    /// Begins with `*`: means an even pace, and does not restrict the day.
    star: bool,
    /// Is `*`.
    any: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

impl Fields {
    pub(super) fn wildcard(&self) -> bool {
        self.minute.star || self.hour.star
    }

    /// The `cron` crate's own form. When both day fields restrict the day, either is enough: two expressions.
    pub(super) fn for_crate(&self) -> Vec<String> {
        let list = |field: &Field| match field.any {
            true => "*".to_owned(),
            false => field.values.iter().map(u8::to_string).collect::<Vec<_>>().join(","),
        };
        let (minute, hour, month) = (list(&self.minute), list(&self.hour), list(&self.month));
        let expression = |day: &str, weekday: &str| format!("0 {minute} {hour} {day} {month} {weekday}");
        let (day, weekday) = (list(&self.day), self.weekday_for_crate());
        if self.day.star || self.weekday.star {
            vec![expression(&day, &weekday)]
        } else {
            vec![expression(&day, "*"), expression("*", &weekday)]
        }
    }

    /// The crate counts Sunday as 1.
    fn weekday_for_crate(&self) -> String {
        if self.weekday.any {
            return "*".to_owned();
        }
        let mut days: Vec<u8> = self.weekday.values.iter().map(|v| v % 7 + 1).collect();
        days.sort_unstable();
        days.dedup();
        days.iter().map(u8::to_string).collect::<Vec<_>>().join(",")
    }
}

/// An error about the whole expression.
pub(super) fn whole(expr: &str, message: String, hint: Option<String>) -> ScheduleError {
    let offset = expr.len() - expr.trim_start().len();
    ScheduleError { subject: Subject::Expression, offset, len: expr.trim().len(), message, hint }
}

/// A piece of the expression with its place.
#[derive(Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Piece<'a> {
    fn error(self, message: String, hint: Option<&str>) -> ScheduleError {
        ScheduleError {
            subject: Subject::Expression,
            offset: self.offset,
            len: self.text.len(),
            message,
            hint: hint.map(str::to_owned),
        }
    }

    fn split(self, at: char) -> impl Iterator<Item = Piece<'a>> {
        let mut offset = self.offset;
        self.text.split(at).map(move |text| {
            let piece = Piece { text, offset };
            offset += text.len() + at.len_utf8();
            piece
        })
    }

    fn split_once(self, at: char) -> Option<(Piece<'a>, Piece<'a>)> {
        let (left, right) = self.text.split_once(at)?;
        let offset = self.offset + left.len() + at.len_utf8();
        Some((Piece { text: left, ..self }, Piece { text: right, offset }))
    }
}

pub(super) fn parse(expr: &str) -> Result<Fields, ScheduleError> {
    let trimmed = expr.trim();
    if trimmed.starts_with('@') {
        return match MACROS.iter().find(|(name, _)| trimmed.eq_ignore_ascii_case(name)) {
            Some((_, meaning)) => parse(meaning),
            None => Err(unknown_macro(expr)),
        };
    }
    let pieces: Vec<Piece<'_>> = expr
        .split_whitespace()
        .map(|text| Piece { text, offset: text.as_ptr() as usize - expr.as_ptr() as usize })
        .collect();
    let [minute, hour, day, month, weekday] = pieces[..] else {
        return Err(wrong_count(expr, pieces.len()));
    };
    Ok(Fields {
        minute: field(minute, &KINDS[0])?,
        hour: field(hour, &KINDS[1])?,
        day: field(day, &KINDS[2])?,
        month: field(month, &KINDS[3])?,
        weekday: field(weekday, &KINDS[4])?,
    })
}

fn unknown_macro(expr: &str) -> ScheduleError {
    let name = expr.trim();
    let hint = match name.split_whitespace().next() {
        Some("@reboot") => "a campaign does not depend on when the daemon starts; name a time".to_owned(),
        Some("@every") => "write the pace as fields, e.g. `*/15 * * * *`".to_owned(),
        _ => crate::suggest::did_you_mean(name, MACROS.iter().map(|(name, _)| *name))
            .unwrap_or_else(|| "known are @yearly, @monthly, @weekly, @daily and @hourly".to_owned()),
    };
    whole(expr, format!("`{name}` is not a schedule"), Some(hint))
}

fn wrong_count(expr: &str, count: usize) -> ScheduleError {
    let (message, hint) = match count {
        0 => ("the schedule is empty".to_owned(), "write five fields, e.g. `30 9 * * 1-5`"),
        6 | 7 => (
            format!(
                "the schedule has {count} fields, not five: some programs read the first of six as seconds, others \
                 the last as a year, so it would mean different times in different places"
            ),
            "write minute, hour, day of month, month, day of week; leave out seconds and year",
        ),
        _ => (
            format!("the schedule has {count} field{}, not five", if count == 1 { "" } else { "s" }),
            "write minute, hour, day of month, month, day of week",
        ),
    };
    whole(expr, message, Some(hint.to_owned()))
}

fn field(piece: Piece<'_>, kind: &Kind) -> Result<Field, ScheduleError> {
    let mut values = Vec::new();
    for item in piece.split(',') {
        if item.text == "*" && piece.text != "*" {
            return Err(piece.error(
                format!("`*` in a list makes the rest of the {} field meaningless", kind.name),
                Some("write `*` alone, or leave it out of the list"),
            ));
        }
        list_item(item, kind, &mut values)?;
    }
    values.sort_unstable();
    values.dedup();
    Ok(Field { values, star: piece.text.starts_with('*'), any: piece.text == "*" })
}

/// `*`, `a`, `a-b`, and `/step` after the first and the last.
fn list_item(item: Piece<'_>, kind: &Kind, values: &mut Vec<u8>) -> Result<(), ScheduleError> {
    if item.text.is_empty() {
        return Err(item.error(format!("a value is missing in the {} field", kind.name), None));
    }
    if let Some(special) = item.text.chars().find(|c| matches!(c, '?' | '#' | '%')) {
        return Err(item.error(
            format!("`{special}` is not understood in the {} field", kind.name),
            Some("write `*` for any value; the forms `L`, `W`, `#` and `?` belong to other programs"),
        ));
    }
    let (span, step) = match item.split_once('/') {
        Some((span, step)) => (span, Some(step)),
        None => (item, None),
    };
    let (low, high) = if span.text == "*" {
        (kind.min, kind.max)
    } else if let Some((low, high)) = span.split_once('-') {
        range(span, value(low, kind)?, value(high, kind)?, kind)?
    } else {
        let single = value(span, kind)?;
        if step.is_some() {
            let hint = format!("write `{}-{}/{}`", span.text, kind.max, step.map_or("", |s| s.text));
            return Err(item.error(
                "a step after a single value means different things to different programs".to_owned(),
                Some(&hint),
            ));
        }
        (single, single)
    };
    let step = step.map_or(Ok(1), |step| step_of(step, kind))?;
    values.extend((low..=high).step_by(step));
    Ok(())
}

fn range(span: Piece<'_>, low: u8, high: u8, kind: &Kind) -> Result<(u8, u8), ScheduleError> {
    if low <= high {
        return Ok((low, high));
    }
    let hint = match kind.name {
        "day of week" if high == 0 => "Sunday is also 7: end the range with 7, e.g. `5-7`".to_owned(),
        _ => format!("write both halves: `{low}-{},{}-{high}`", kind.max, kind.min),
    };
    Err(span.error(format!("the {} range runs backwards", kind.name), Some(&hint)))
}

fn step_of(step: Piece<'_>, kind: &Kind) -> Result<usize, ScheduleError> {
    match number(step.text) {
        Some(n) if (1..=kind.max).contains(&n) => Ok(usize::from(n)),
        _ => Err(step.error(
            format!("`{}` is not a step for the {} field", step.text, kind.name),
            Some(&format!("a step is a number from 1 to {}", kind.max)),
        )),
    }
}

fn value(piece: Piece<'_>, kind: &Kind) -> Result<u8, ScheduleError> {
    if piece.text.is_empty() {
        return Err(piece.error(format!("a value is missing in the {} field", kind.name), None));
    }
    let lower = piece.text.to_ascii_lowercase();
    if let Some(place) = kind.names.iter().position(|name| *name == lower) {
        return Ok(place as u8 + kind.min);
    }
    match number(piece.text) {
        Some(n) if (kind.min..=kind.max).contains(&n) => Ok(n),
        Some(_) => Err(out_of_range(piece, kind)),
        None if piece.text.bytes().all(|b| b.is_ascii_digit()) => Err(out_of_range(piece, kind)),
        None => {
            // `monday`, `Sept`: the first three letters are what is meant.
            let short = lower.get(..3).and_then(|short| kind.names.iter().find(|name| **name == short));
            let hint = match short {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("write a number from {} to {}", kind.min, kind.max),
            };
            Err(piece.error(format!("`{}` does not fit the {} field", piece.text, kind.name), Some(&hint)))
        }
    }
}

fn out_of_range(piece: Piece<'_>, kind: &Kind) -> ScheduleError {
    piece.error(
        format!("`{}` does not fit the {} field", piece.text, kind.name),
        Some(&format!("it goes from {} to {}", kind.min, kind.max)),
    )
}

/// One or two digits; `u8::from_str` would also take a sign and leading zeros without end.
fn number(text: &str) -> Option<u8> {
    (matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}
