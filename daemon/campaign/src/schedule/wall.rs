//! Wall times and instants of a zone.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use rejoin_model::Timestamp;
use rejoin_model::time::{HOUR_MS, SECOND_MS};

use super::{ScheduleError, Subject};

/// No zone is, or ever was, further from UTC.
const OFFSET_MS_MAX: i64 = 16 * HOUR_MS;

pub(super) fn zone(name: &str) -> Result<Tz, ScheduleError> {
    name.parse().map_err(|_| {
        let known = chrono_tz::TZ_VARIANTS.iter().map(|z| z.name());
        let hint = crate::suggest::did_you_mean(name, known)
            .unwrap_or_else(|| "write an IANA name such as Asia/Shanghai or Europe/Prague".to_owned());
        ScheduleError {
            subject: Subject::Zone,
            offset: 0,
            len: name.len(),
            message: format!("`{name}` is not a time zone"),
            hint: Some(hint),
        }
    })
}

/// When a wall time happens, by cronie's rule.
pub(super) fn instants(zone: Tz, wall: NaiveDateTime, wildcard: bool) -> impl Iterator<Item = Timestamp> {
    let (first, second) = match zone.from_local_datetime(&wall) {
        MappedLocalTime::Single(at) => (Some(instant(&at)), None),
        MappedLocalTime::Ambiguous(a, b) => {
            let (a, b) = (instant(&a), instant(&b));
            (Some(a.min(b)), wildcard.then_some(a.max(b)))
        }
        MappedLocalTime::None if wildcard => (None, None),
        MappedLocalTime::None => (gap_end(zone, wall), None),
    };
    first.into_iter().chain(second)
}

/// By how much the offset differs within a day around a wall time: no gap or fold there is longer.
pub(super) fn swing(zone: Tz, wall: NaiveDateTime) -> TimeDelta {
    let offsets = (-28..=28).step_by(4).map(|hours| {
        zone.offset_from_utc_datetime(&(wall + TimeDelta::hours(hours))).fix().local_minus_utc()
    });
    let (low, high) = offsets.fold((i32::MAX, i32::MIN), |(low, high), s| (low.min(s), high.max(s)));
    TimeDelta::seconds(i64::from(high) - i64::from(low))
}

fn instant(at: &DateTime<Tz>) -> Timestamp {
    Timestamp(at.timestamp_millis())
}

/// The first instant whose wall time is after a wall time that does not exist, found by halving: around a gap the wall
/// clock only goes forward.
fn gap_end(zone: Tz, wall: NaiveDateTime) -> Option<Timestamp> {
    let near = wall.and_utc().timestamp_millis();
    let (mut before, mut after) = ((near - OFFSET_MS_MAX) / SECOND_MS, (near + OFFSET_MS_MAX) / SECOND_MS);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        let utc = DateTime::from_timestamp(middle, 0)?;
        if utc.with_timezone(&zone).naive_local() > wall {
            after = middle;
        } else {
            before = middle;
        }
    }
    Some(Timestamp(after * SECOND_MS))
}
