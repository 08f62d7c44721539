//! The forms in which Tryton writes values into JSON. Knows no model.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate, Timelike};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

/// Microseconds since 1970, UTC: all that a Tryton timestamp holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(pub(crate) i64);

#[derive(Deserialize)]
struct Parts {
    year: i32,
    month: u32,
    day: u32,
    #[serde(default)]
    hour: u32,
    #[serde(default)]
    minute: u32,
    #[serde(default)]
    second: u32,
    #[serde(default)]
    microsecond: u32,
}

impl Stamp {
    pub(crate) fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// For a domain.
    pub(crate) fn to_wire(self) -> Value {
        let t = self.to_chrono();
        json!({
            "__class__": "datetime", "year": t.year(), "month": t.month(), "day": t.day(), "hour": t.hour(),
            "minute": t.minute(), "second": t.second(), "microsecond": t.timestamp_subsec_micros(),
        })
    }

    fn to_chrono(self) -> DateTime<chrono::Utc> {
        // Outside of chrono's 262,000 years nothing was written or will be.
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_chrono().to_rfc3339_opts(chrono::SecondsFormat::Micros, true))
    }
}

/// As Tryton writes it.
impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let p = Parts::deserialize(deserializer)?;
        NaiveDate::from_ymd_opt(p.year, p.month, p.day)
            .and_then(|date| date.and_hms_micro_opt(p.hour, p.minute, p.second, p.microsecond))
            .map(|time| Self(time.and_utc().timestamp_micros()))
            .ok_or_else(|| serde::de::Error::custom("a date that no calendar has"))
    }
}

/// As a record shows it.
impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A day, shown as `2026-11-22`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Day(NaiveDate);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let p = Parts::deserialize(deserializer)?;
        NaiveDate::from_ymd_opt(p.year, p.month, p.day)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a date that no calendar has"))
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A decimal number, shown as the text it is: `18.90`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Decimal {
    decimal: String,
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.decimal)
    }
}

/// A truth value: on SQLite Tryton writes 0 and 1.
pub(crate) fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Truth {
        Said(bool),
        Counted(i64),
        Unset(()),
    }
    Ok(match Truth::deserialize(deserializer)? {
        Truth::Said(truth) => truth,
        Truth::Counted(number) => number != 0,
        Truth::Unset(()) => false,
    })
}
