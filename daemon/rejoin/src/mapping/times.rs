//! Times as connectors write them, to an instant.

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use rejoin_model::Timestamp;

/// Numbers of fewer digits are seconds since 1970, not milliseconds: 10^11 ms is 1973, 10^11 s is the year 5138.
const SECONDS_DIGITS_MAX: usize = 11;
/// `20260328` is a date.
const COMPACT_DATE_DIGITS: usize = 8;

/// RFC 3339, `2026-03-28 09:30[:15]`, `2026-03-28`, the same with `/` or `.` or 年月日, RFC 2822, or a number since
/// 1970. A time without an offset is wall time in `zone`; a date is its first instant there.
pub fn parse_time(text: &str, zone: Tz) -> Option<Timestamp> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && text.len() != COMPACT_DATE_DIGITS {
        return since_1970(text);
    }
    if !text.bytes().take(4).all(|b| b.is_ascii_digit()) {
        return Some(Timestamp(DateTime::parse_from_rfc2822(text).ok()?.timestamp_millis()));
    }
    let (date, rest) = split_date(text)?;
    clock(date, rest.trim_start_matches(['T', 't', ' ']).trim(), zone)
}

fn since_1970(digits: &str) -> Option<Timestamp> {
    let number: i64 = digits.parse().ok()?;
    let ms = if digits.len() <= SECONDS_DIGITS_MAX { number.checked_mul(1000)? } else { number };
    // Beyond the year 9999 it is not a time but a mistake.
    (ms <= 253_402_300_799_999).then_some(Timestamp(ms))
}

/// The leading date and what follows it.
fn split_date(text: &str) -> Option<(NaiveDate, &str)> {
    let (year, rest) = text.split_at_checked(4)?;
    let (month, day, rest) = if rest.len() == 4 && rest.bytes().all(|b| b.is_ascii_digit()) {
        (&rest[..2], &rest[2..], "")
    } else {
        let separator = rest.chars().next()?;
        let (after_month, end) = match separator {
            '-' | '/' | '.' => (separator, ""),
            '年' => ('月', "日"),
            _ => return None,
        };
        let (month, rest) = rest[separator.len_utf8()..].split_once(after_month)?;
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (day, rest) = rest.split_at(length);
        (month, day, rest.strip_prefix(end)?)
    };
    let small = |t: &str| (matches!(t.len(), 1 | 2)).then(|| t.parse::<u32>().ok()).flatten();
    let date = NaiveDate::from_ymd_opt(year.parse().ok()?, small(month)?, small(day)?)?;
    Some((date, rest))
}

/// The wall time and, when there is one, its offset.
fn clock(date: NaiveDate, text: &str, zone: Tz) -> Option<Timestamp> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(text.len());
    let (clock, offset) = text.split_at(end);
    let time = if clock.is_empty() { NaiveTime::MIN } else { wall(clock)? };
    let wall = date.and_time(time);
    match offset.trim() {
        "" => local(wall, zone),
        _ if clock.is_empty() => None,
        "Z" | "z" | "UTC" | "GMT" => Some(Timestamp(wall.and_utc().timestamp_millis())),
        offset => {
            let shift = TimeDelta::minutes(offset_min(offset)?);
            Some(Timestamp(wall.checked_sub_signed(shift)?.and_utc().timestamp_millis()))
        }
    }
}

fn wall(clock: &str) -> Option<NaiveTime> {
    let mut parts = clock.splitn(3, ':');
    let number = |part: Option<&str>| part.filter(|p| matches!(p.len(), 1 | 2))?.parse::<u32>().ok();
    let (hour, minute) = (number(parts.next())?, number(parts.next())?);
    let (second, ms) = match parts.next() {
        None => (0, 0),
        Some(rest) => {
            let (second, fraction) = rest.split_once('.').unwrap_or((rest, ""));
            if !fraction.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
            (number(Some(second))?, thousandths.parse().ok()?)
        }
    };
    NaiveTime::from_hms_milli_opt(hour, minute, second, ms)
}

/// `+08:00`, `+0800`, `+08` → minutes.
fn offset_min(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits = digits.replace(':', "");
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits[..2].parse().ok()?;
    let minutes: i64 = if digits.len() == 4 { digits[2..].parse().ok()? } else { 0 };
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// A wall time that happens twice is its first; one that never happens is the first instant after the gap.
fn local(wall: NaiveDateTime, zone: Tz) -> Option<Timestamp> {
    let mut probe = wall;
    for _ in 0..=8 {
        match zone.from_local_datetime(&probe) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => {
                return Some(Timestamp(at.timestamp_millis()));
            }
            LocalResult::None => probe = probe.checked_add_signed(TimeDelta::minutes(30))?,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Timestamp {
        Timestamp(DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
    }

    #[test]
    fn times_as_they_are_written() {
        for (text, instant) in [
            ("2026-03-28T09:30:00Z", "2026-03-28T09:30:00Z"),
            ("2026-03-28T09:30:00.125+08:00", "2026-03-28T01:30:00.125Z"),
            ("2026-03-28 09:30:00 +0800", "2026-03-28T01:30:00Z"),
            ("2026-03-28 09:30", "2026-03-28T01:30:00Z"),
            ("2026-03-28 09:30:15", "2026-03-28T01:30:15Z"),
            ("2026/3/8 9:05", "2026-03-08T01:05:00Z"),
            ("2026.03.28", "2026-03-27T16:00:00Z"),
            ("2026年3月28日", "2026-03-27T16:00:00Z"),
            ("2026年3月28日 14:00", "2026-03-28T06:00:00Z"),
            ("20260328", "2026-03-27T16:00:00Z"),
            ("1774661400000", "2026-03-28T01:30:00Z"),
            ("1774661400", "2026-03-28T01:30:00Z"),
            ("Sat, 28 Mar 2026 09:30:00 +0800", "2026-03-28T01:30:00Z"),
            ("28 Mar 2026 01:30:00 GMT", "2026-03-28T01:30:00Z"),
        ] {
            assert_eq!(parse_time(text, chrono_tz::Asia::Shanghai), Some(utc(instant)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-02-30",
            "2026-13-01",
            "28.03.2026",
            "2026-03-28 25:00",
            "2026-03-28 09:30 PM",
            "2026-03-28+08:00",
            "99999999999999999",
            "2026-03-28 09:30:00 +99:00",
            "2026年3月",
        ] {
            assert_eq!(parse_time(text, chrono_tz::UTC), None, "{text}");
        }
    }

    #[test]
    fn wall_time_at_a_clock_change() {
        let prague = chrono_tz::Europe::Prague;
        assert_eq!(
            parse_time("2026-03-29 02:30", prague),
            Some(utc("2026-03-29T01:00:00Z")),
            "never happened"
        );
        assert_eq!(
            parse_time("2026-10-25 02:30", prague),
            Some(utc("2026-10-25T00:30:00Z")),
            "happened twice"
        );
    }

    proptest::proptest! {
        #[test]
        fn what_has_no_digit_is_no_time(text in "[0-9年月日T:/. +\\-]{0,24}") {
            let digit = text.bytes().any(|b| b.is_ascii_digit());
            proptest::prop_assert!(digit || parse_time(&text, chrono_tz::Europe::Prague).is_none());
        }
    }
}
