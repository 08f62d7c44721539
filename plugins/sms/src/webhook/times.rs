//! When it happened, by the gateway's own word where that can be read, else when it reached us.

use chrono::{DateTime, FixedOffset, NaiveDateTime, SecondsFormat};
use serde::Serialize;

/// Times without a zone, tried in order.
const LOCAL_FORMATS: [&str; 6] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y/%m/%d %H:%M",
];
/// Ten digits below this are seconds since 1970 (until 2039), above it `YYMMDDhhmm` as SMPP receipts write it.
const EPOCH_SECONDS_MAX: i64 = 2_200_000_000;

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Moment {
    /// RFC 3339.
    pub(super) at: String,
    /// What the gateway wrote, when it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at_unread: Option<String>,
}

pub(super) fn moment(said: Option<String>, utc_offset: Option<&str>, received_at_ms: i64) -> Moment {
    let offset = utc_offset.and_then(|o| o.parse().ok());
    match said.as_deref().map(|text| parse(text, offset)) {
        Some(Some(at)) => Moment { at: written(at), at_unread: None },
        Some(None) => Moment { at: received(received_at_ms), at_unread: said },
        None => Moment { at: received(received_at_ms), at_unread: None },
    }
}

fn received(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).map_or_else(String::new, |at| written(at.fixed_offset()))
}

fn written(at: DateTime<FixedOffset>) -> String {
    at.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn parse(text: &str, offset: Option<FixedOffset>) -> Option<DateTime<FixedOffset>> {
    let zoned = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc2822(text))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f %z"));
    if let Ok(at) = zoned {
        return Some(at);
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return digits(text, offset);
    }
    LOCAL_FORMATS.iter().find_map(|format| local(NaiveDateTime::parse_from_str(text, format).ok()?, offset))
}

/// `20260102030405`, `260102030405`, `2601020304`, and seconds or milliseconds since 1970.
fn digits(text: &str, offset: Option<FixedOffset>) -> Option<DateTime<FixedOffset>> {
    let number: i64 = text.parse().ok()?;
    let century = |rest: &str| NaiveDateTime::parse_from_str(&format!("20{rest}"), "%Y%m%d%H%M%S").ok();
    match text.len() {
        14 => local(NaiveDateTime::parse_from_str(text, "%Y%m%d%H%M%S").ok()?, offset),
        12 => local(century(text)?, offset),
        10 if number >= EPOCH_SECONDS_MAX => local(century(&format!("{text}00"))?, offset),
        10 => DateTime::from_timestamp(number, 0).map(|at| at.fixed_offset()),
        13 => DateTime::from_timestamp_millis(number).map(|at| at.fixed_offset()),
        _ => None,
    }
}

fn local(at: NaiveDateTime, offset: Option<FixedOffset>) -> Option<DateTime<FixedOffset>> {
    let offset = offset.or_else(|| FixedOffset::east_opt(0))?;
    at.and_local_timezone(offset).single()
}
