//! Schedules: five cron fields and a zone → instants, right around clock changes.
//!
//! The fields are read and checked here ([`fields`]); the `cron` crate, which counts weekdays from 1, joins the two
//! day fields with *and*, and loses its way around clock changes, only ever sees explicit lists in UTC on wall times
//! that belong to no zone. Wall times become instants here, by the rule of cronie: a time that does not exist fires at
//! the first instant after the gap, a time that comes twice fires the first time; but when the minute or the hour field
//! begins with `*` the schedule means an even pace, so what does not exist is skipped and what comes twice fires twice.
//!
//! Refused, with a reason: six or seven fields, `L W # ?`, `@reboot`, forms that cron programs read differently, and
//! expressions that never fire.

mod due;
mod fields;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
mod wall;

use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use rejoin_model::Timestamp;
use rejoin_model::time::DAY_MS;

pub use due::{Due, MISSED_MAX, due};

/// What is wrong with a schedule, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScheduleError {
    /// Which of the two texts is meant.
    pub subject: Subject,
    /// In bytes from the beginning of that text.
    pub offset: usize,
    pub len: usize,
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Expression,
    Zone,
}

/// A checked schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    zone: Tz,
    /// One, or two to be joined with *or*: by day of the month and by day of the week.
    parts: Vec<cron::Schedule>,
    /// The minute or the hour field begins with `*`.
    wildcard: bool,
}

/// Longer than any gap or fold, and than the distance of any zone from UTC.
const EDGE: TimeDelta = TimeDelta::hours(26);
/// The crate knows the years 1970 to 2100; an earlier `after` starts here.
const BEFORE_ALL: Timestamp = Timestamp(-2 * DAY_MS);
/// 2101-01-03, after everything the crate knows in any zone.
const AFTER_ALL: Timestamp = Timestamp(4_134_153_600_000);

impl Schedule {
    /// `expr` is `minute hour day-of-month month day-of-week` or a macro such as `@daily`; `zone` an IANA name.
    pub fn parse(expr: &str, zone: &str) -> Result<Self, ScheduleError> {
        let zone = wall::zone(zone)?;
        let fields = fields::parse(expr)?;
        let mut parts = Vec::new();
        for text in fields.for_crate() {
            // Our own lists are always accepted; should the crate ever disagree, say so instead of guessing.
            let part = cron::Schedule::from_str(&text)
                .map_err(|e| fields::whole(expr, format!("the schedule is not understood: {e}"), None))?;
            parts.push(part);
        }
        let schedule = Self { zone, parts, wildcard: fields.wildcard() };
        if schedule.next_after(BEFORE_ALL).is_none() {
            let message = "this schedule never fires: no month it names has such a day".to_owned();
            return Err(fields::whole(
                expr,
                message,
                Some("the last day of February is 28 or 29".to_owned()),
            ));
        }
        Ok(schedule)
    }

    /// The first fire time strictly after an instant. `None` after the year 2100.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let after = after.max(BEFORE_ALL);
        if after >= AFTER_ALL {
            return None;
        }
        let local = self.local(after)?;
        let unambiguous = self.zone.from_local_datetime(&local).single().is_some();
        let first = self.next_wall(local)?;
        // Away from clock changes the order of wall times is the order of instants.
        if unambiguous && let Some(instant) = self.zone.from_local_datetime(&first).single() {
            return Some(Timestamp(instant.timestamp_millis()));
        }
        self.next_by_scan(after, local, first)
    }

    /// All fire times after an instant, in order.
    pub fn after(&self, start: Timestamp) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next_after(start), |last| self.next_after(*last))
    }

    /// Around a clock change a later wall time can be an earlier instant, by as much as the clock is put forward or
    /// back; so every wall time near enough is looked at.
    fn next_by_scan(
        &self,
        after: Timestamp,
        local: NaiveDateTime,
        first: NaiveDateTime,
    ) -> Option<Timestamp> {
        let reach = wall::swing(self.zone, local).max(wall::swing(self.zone, first));
        let mut best: Option<(Timestamp, NaiveDateTime)> = None;
        let mut wall = self.next_wall(local - reach);
        while let Some(candidate) = wall {
            if best.is_some_and(|(_, wall_of_best)| candidate > wall_of_best + reach) {
                break;
            }
            for instant in wall::instants(self.zone, candidate, self.wildcard) {
                if instant > after && best.is_none_or(|(earliest, _)| instant < earliest) {
                    best = Some((instant, self.local(instant)?));
                }
            }
            wall = self.next_wall(candidate);
        }
        best.map(|(instant, _)| instant)
    }

    /// The next wall time the fields allow, in no zone.
    fn next_wall(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        self.parts
            .iter()
            .filter_map(|part| part.after(&after.and_utc()).next())
            .min()
            .map(|next| next.naive_utc())
    }

    fn local(&self, at: Timestamp) -> Option<NaiveDateTime> {
        Some(DateTime::from_timestamp_millis(at.0)?.with_timezone(&self.zone).naive_local())
    }
}

/// RFC 3339 with the zone's offset, to the second: `2026-03-29T03:00:00+02:00`. UTC when the zone is unknown.
pub fn format(at: Timestamp, zone: &str) -> String {
    let zone: Tz = zone.parse().unwrap_or(Tz::UTC);
    match DateTime::from_timestamp_millis(at.0) {
        // An offset cannot carry these over the edge of what the calendar holds.
        Some(utc) if utc > DateTime::<Utc>::MIN_UTC + EDGE && utc < DateTime::<Utc>::MAX_UTC - EDGE => {
            utc.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false)
        }
        _ => format!("{} ms after 1970", at.0),
    }
}
