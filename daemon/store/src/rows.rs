//! Small conversions between rows and values that every noun needs. No SQL of any noun.

use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// A batch of ids as one parameter: `… IN (SELECT value FROM json_each(?1))`.
pub(crate) fn list<T: Copy + Into<i64>>(ids: impl IntoIterator<Item = T>) -> String {
    let mut text = String::from("[");
    for (place, id) in ids.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(&id.into().to_string());
    }
    text.push(']');
    text
}

pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(Error::internal)
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(Error::corrupt)
}

/// The value behind a written name, as `ActivityKind::from_name` finds it.
pub(crate) fn named<T>(found: Option<T>, name: &str) -> Result<T, Error> {
    found.ok_or_else(|| Error::Corrupt(format!("the word {name:?} stands where it means nothing")))
}

/// `limit` as SQL wants it; a limit beyond its range is no limit.
pub(crate) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A count; SQLite has no unsigned integers.
pub(crate) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::unsigned_abs)
}

/// Text for LIKE in which every character means itself, with `%` on both sides.
pub(crate) fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// Adds to one of the running totals.
pub(crate) fn add_tally(db: &Connection, name: &str, change: i64) -> Result<(), Error> {
    if change != 0 {
        let sql = "INSERT INTO tally (name, total) VALUES (?1, ?2) \
                   ON CONFLICT (name) DO UPDATE SET total = total + excluded.total";
        db.prepare_cached(sql)?.execute((name, change))?;
    }
    Ok(())
}

pub(crate) fn tally(db: &Connection, name: &str) -> Result<u64, Error> {
    let sql = "SELECT total FROM tally WHERE name = ?1";
    let total: Option<i64> = db.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()?;
    Ok(total.unwrap_or(0).max(0) as u64)
}
