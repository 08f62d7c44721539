//! Quiet hours: by the clock on the recipient's wall, whatever that clock does in spring and autumn.

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use rejoin_model::campaign::QuietHours;
use rejoin_model::time::{HOUR_MS, MINUTE_MS};
use rejoin_model::{Campaign, Member, Timestamp};

use super::{Finding, FindingVerdict};

/// When neither zone can be read nobody knows the hour: hold, and look again after this.
const BLIND_HOLD_MS: i64 = HOUR_MS;
/// A zone changes its offset at most a few times in the day that quiet hours can last.
const TRANSITIONS_MAX: usize = 8;

/// When the message may go, if not now.
pub(super) fn until(member: &Member, campaign: &Campaign, now: Timestamp) -> Option<Timestamp> {
    let quiet = campaign.quiet?;
    let Some((zone, _)) = zone(member, campaign) else {
        return Some(now.plus_ms(BLIND_HOLD_MS));
    };
    end(quiet, zone, now)
}

pub(super) fn explain(member: &Member, campaign: &Campaign, now: Timestamp) -> Finding {
    let finding = |verdict, detail| Finding { rule: "quiet_hours", connector: None, verdict, detail };
    let Some(quiet) = campaign.quiet else {
        return finding(FindingVerdict::NotAsked, "the campaign has no quiet hours".to_owned());
    };
    let Some((zone, whose)) = zone(member, campaign) else {
        return finding(
            FindingVerdict::Hold,
            "no time zone can be read, so nobody knows the hour".to_owned(),
        );
    };
    let hours = format!("quiet from {} to {}", clock(quiet.from_min), clock(quiet.to_min));
    let here = crate::schedule::format(now, zone.name());
    match end(quiet, zone, now) {
        None => finding(FindingVerdict::Pass, format!("{here} in {zone} ({whose}); {hours}")),
        Some(end) => {
            let end = crate::schedule::format(end, zone.name());
            finding(FindingVerdict::Hold, format!("{here} in {zone} ({whose}); {hours}; may go at {end}"))
        }
    }
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// The recipient's zone; the campaign's when that is unknown or no zone at all.
fn zone(member: &Member, campaign: &Campaign) -> Option<(Tz, &'static str)> {
    let own =
        member.customer.zone.as_ref().and_then(|z| z.value.parse().ok()).map(|z| (z, "the customer's zone"));
    own.or_else(|| campaign.zone.parse().ok().map(|z| (z, "the campaign's zone")))
}

/// The first instant from `now` on whose wall time is not quiet; `None` when that is `now`.
///
/// Steps to where the hours would end if the clock ran evenly. When the offset changes on the way, steps to the change
/// instead and looks again: the change itself may jump out of the quiet hours, or back into them.
fn end(quiet: QuietHours, zone: Tz, now: Timestamp) -> Option<Timestamp> {
    let mut at = now;
    for _ in 0..TRANSITIONS_MAX {
        let Some(wall) = wall(zone, at) else { return Some(now.plus_ms(BLIND_HOLD_MS)) };
        let Some(left_ms) = left_ms(quiet, wall) else {
            return (at != now).then_some(at);
        };
        let even = at.plus_ms(left_ms);
        at = first_change(zone, at, even).unwrap_or(even);
    }
    Some(at)
}

/// Milliseconds of quiet left at a wall time; `None` outside. Equal bounds mean no quiet hours.
fn left_ms(quiet: QuietHours, wall: NaiveDateTime) -> Option<i64> {
    let of_day =
        i64::from(wall.num_seconds_from_midnight()) * 1000 + i64::from(wall.nanosecond() / 1_000_000);
    let day = 24 * HOUR_MS;
    let from = i64::from(quiet.from_min) * MINUTE_MS;
    let to = i64::from(quiet.to_min) * MINUTE_MS;
    let since = (of_day - from).rem_euclid(day);
    let length = (to - from).rem_euclid(day);
    (since < length).then_some(length - since)
}

fn wall(zone: Tz, at: Timestamp) -> Option<NaiveDateTime> {
    Some(utc(at)?.naive_utc() + chrono::TimeDelta::seconds(offset_s(zone, at)?))
}

fn offset_s(zone: Tz, at: Timestamp) -> Option<i64> {
    let utc = utc(at)?;
    Some(i64::from(zone.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc()))
}

/// Instants a calendar can hold with room for an offset: years 0 to 9999.
fn utc(at: Timestamp) -> Option<DateTime<Utc>> {
    const YEAR_0_MS: i64 = -62_167_219_200_000;
    const YEAR_9999_MS: i64 = 253_370_764_800_000;
    (YEAR_0_MS..YEAR_9999_MS).contains(&at.0).then(|| DateTime::from_timestamp_millis(at.0)).flatten()
}

/// The first millisecond in `(from, to]` with another offset than `from`'s, found by halving: within a day a zone
/// does not change twice back to where it was.
fn first_change(zone: Tz, from: Timestamp, to: Timestamp) -> Option<Timestamp> {
    let before = offset_s(zone, from)?;
    if offset_s(zone, to)? == before {
        return None;
    }
    let (mut same, mut changed) = (from.0, to.0);
    while changed - same > 1 {
        let middle = same + (changed - same) / 2;
        if offset_s(zone, Timestamp(middle))? == before {
            same = middle;
        } else {
            changed = middle;
        }
    }
    Some(Timestamp(changed))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{at, shown};

    /// `rule` is `from-to zone`; the answer is empty when it is not quiet now.
    fn ends(rule: &str, now: &str) -> String {
        let (hours, zone) = rule.split_once(' ').unwrap();
        let minutes = |text: &str| text[..2].parse::<u16>().unwrap() * 60 + text[3..].parse::<u16>().unwrap();
        let quiet = QuietHours { from_min: minutes(&hours[..5]), to_min: minutes(&hours[6..]) };
        end(quiet, zone.parse().unwrap(), at(now)).map(|end| shown(end, zone)).unwrap_or_default()
    }

    #[test]
    fn ends_by_the_wall_clock() {
        for (rule, now, expected) in [
            ("21:00-08:00 Europe/Prague", "2026-05-13T12:00:00+02:00", ""),
            ("21:00-08:00 Europe/Prague", "2026-05-13T20:59:59+02:00", ""),
            ("21:00-08:00 Europe/Prague", "2026-05-13T21:00:00+02:00", "2026-05-14T08:00:00+02:00"),
            ("21:00-08:00 Europe/Prague", "2026-05-14T07:59:59+02:00", "2026-05-14T08:00:00+02:00"),
            ("21:00-08:00 Europe/Prague", "2026-05-14T08:00:00+02:00", ""),
            ("12:00-13:00 Asia/Shanghai", "2026-05-14T12:30:00+08:00", "2026-05-14T13:00:00+08:00"),
            ("08:00-08:00 Asia/Shanghai", "2026-05-14T08:00:00+08:00", ""),
            // The night of 29 March is an hour short, that of 25 October an hour long.
            ("21:00-08:00 Europe/Prague", "2026-03-28T23:00:00+01:00", "2026-03-29T08:00:00+02:00"),
            ("21:00-08:00 Europe/Prague", "2026-10-24T23:00:00+02:00", "2026-10-25T08:00:00+01:00"),
            // 02:30 does not exist: quiet ends when the clock has jumped past it.
            ("21:00-02:30 Europe/Prague", "2026-03-28T23:00:00+01:00", "2026-03-29T03:00:00+02:00"),
            // 02:30 comes twice; after the first the wall reads 02:59 and then quiet 02:00 again.
            ("21:00-02:30 Europe/Prague", "2026-10-25T01:00:00+02:00", "2026-10-25T02:30:00+02:00"),
            ("21:00-02:30 Europe/Prague", "2026-10-25T02:10:00+01:00", "2026-10-25T02:30:00+01:00"),
            // Midnight does not exist in Cairo on this day.
            ("20:00-00:00 Africa/Cairo", "2026-04-23T23:00:00+02:00", "2026-04-24T01:00:00+03:00"),
        ] {
            assert_eq!(ends(rule, now), expected, "{rule} at {now}");
        }
    }

    proptest! {
        /// Walking minute by minute finds the same end.
        #[test]
        fn the_end_is_the_first_minute_that_is_not_quiet(
            minute in 0i64..527_040,
            from_min in 0u16..1440,
            to_min in 0u16..1440,
            zone in prop::sample::select(vec![
                "Europe/Prague", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Antarctica/Troll",
                "Asia/Shanghai", "America/Havana", "Asia/Kathmandu",
            ]),
        ) {
            let quiet = QuietHours { from_min, to_min };
            let zone: Tz = zone.parse().unwrap();
            let now = at("2026-01-01T00:00:00Z").plus_ms(minute * MINUTE_MS);
            let is_quiet = |t: Timestamp| left_ms(quiet, wall(zone, t).unwrap()).is_some();
            let walked = (0..).map(|n| now.plus_ms(n * MINUTE_MS)).find(|t| !is_quiet(*t)).unwrap();
            prop_assert_eq!(end(quiet, zone, now).unwrap_or(now), walked);
        }
    }
}
