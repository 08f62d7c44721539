use chrono_tz::Tz;
use proptest::prelude::*;
use rejoin_model::time::{HOUR_MS, MINUTE_MS};

use super::oracle::{Matcher, Wall, walls};
use super::*;
use crate::testing::at;

fn next(expr: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let schedule = Schedule::parse(expr, zone).unwrap();
    schedule.after(at(from)).take(count).map(|t| format(t, zone)).collect()
}

#[test]
fn classic_crontab_meanings() {
    // 2026-06-01 is a Monday.
    for (expr, expected) in [
        ("0 9 * * 1-5", ["06-01", "06-02", "06-03", "06-04", "06-05", "06-08"]),
        ("0 9 * * 0", ["06-07", "06-14", "06-21", "06-28", "07-05", "07-12"]),
        ("0 9 * * 7", ["06-07", "06-14", "06-21", "06-28", "07-05", "07-12"]),
        ("0 9 * * sun", ["06-07", "06-14", "06-21", "06-28", "07-05", "07-12"]),
        ("0 9 * * 1", ["06-01", "06-08", "06-15", "06-22", "06-29", "07-06"]),
        ("0 9 * * MON-3", ["06-01", "06-02", "06-03", "06-08", "06-09", "06-10"]),
        ("0 9 * * 5-7", ["06-05", "06-06", "06-07", "06-12", "06-13", "06-14"]),
        ("0 9 13 * 5", ["06-05", "06-12", "06-13", "06-19", "06-26", "07-03"]),
        ("0 9 13 * *", ["06-13", "07-13", "08-13", "09-13", "10-13", "11-13"]),
        ("0 9 */10 * 1", ["06-01", "08-31", "09-21", "12-21", "01-11", "02-01"]),
        ("0 9 1 jun,12 *", ["06-01", "12-01", "06-01", "12-01", "06-01", "12-01"]),
        ("0 9 29 2 *", ["02-29", "02-29", "02-29", "02-29", "02-29", "02-29"]),
    ] {
        let found = next(expr, "Asia/Shanghai", "2026-06-01T00:00:00+08:00", 6);
        let days: Vec<&str> = found.iter().map(|t| &t[5..10]).collect();
        assert_eq!(days, expected, "{expr}: {found:?}");
        assert!(found.iter().all(|t| t.ends_with("T09:00:00+08:00")), "{expr}: {found:?}");
    }
}

#[test]
fn macros_are_their_fields() {
    for (name, fields) in [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        (" @Weekly ", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
    ] {
        let from = "2026-03-28T00:00:00Z";
        assert_eq!(next(name, "Europe/Prague", from, 40), next(fields, "Europe/Prague", from, 40), "{name}");
    }
}

#[test]
fn clock_changes() {
    for (expr, zone, from, expected) in [
        // The gap: 02:30 does not exist on 29 March.
        (
            "30 2 * * *",
            "Europe/Prague",
            "2026-03-28T00:00:00Z",
            ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"],
        ),
        // The fold: 02:30 comes twice on 25 October.
        (
            "30 2 * * *",
            "Europe/Prague",
            "2026-10-24T00:00:00Z",
            ["2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"],
        ),
        (
            "15,45 2 * * *",
            "Europe/Prague",
            "2026-03-28T12:00:00Z",
            ["2026-03-29T03:00:00+02:00", "2026-03-30T02:15:00+02:00", "2026-03-30T02:45:00+02:00"],
        ),
        // An even pace skips the gap and runs on through the fold.
        (
            "*/30 * * * *",
            "Europe/Prague",
            "2026-03-29T00:20:00Z",
            ["2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"],
        ),
        (
            "*/30 2 * * *",
            "Europe/Prague",
            "2026-10-25T00:20:00Z",
            ["2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00"],
        ),
        (
            "30 1 * * *",
            "America/New_York",
            "2026-10-31T12:00:00Z",
            ["2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00", "2026-11-03T01:30:00-05:00"],
        ),
        (
            "*/30 * * * *",
            "America/New_York",
            "2026-11-01T05:00:00Z",
            ["2026-11-01T01:30:00-04:00", "2026-11-01T01:00:00-05:00", "2026-11-01T01:30:00-05:00"],
        ),
        // Midnight does not exist.
        (
            "@daily",
            "Africa/Cairo",
            "2026-04-23T00:00:00Z",
            ["2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00", "2026-04-26T00:00:00+03:00"],
        ),
        (
            "@daily",
            "America/Sao_Paulo",
            "2018-11-03T12:00:00Z",
            ["2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00", "2018-11-06T00:00:00-02:00"],
        ),
        // 30 December 2011 does not exist in Apia.
        (
            "0 9 30 * *",
            "Pacific/Apia",
            "2011-12-01T00:00:00Z",
            ["2011-12-31T00:00:00+14:00", "2012-01-30T09:00:00+14:00", "2012-03-30T09:00:00+14:00"],
        ),
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T00:00:00Z",
            ["2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00", "2026-10-06T02:15:00+11:00"],
        ),
    ] {
        assert_eq!(next(expr, zone, from, 3), expected, "{expr} {zone}");
    }
}

#[test]
fn after_is_exclusive_to_the_millisecond_and_covers_the_whole_line_of_time() {
    let schedule = Schedule::parse("30 9 * * *", "UTC").unwrap();
    let fire = at("2026-05-13T09:30:00Z");
    assert_eq!(schedule.next_after(fire.plus_ms(-1)), Some(fire));
    assert_eq!(schedule.next_after(fire), Some(at("2026-05-14T09:30:00Z")));
    assert_eq!(schedule.next_after(fire.plus_ms(1)), Some(at("2026-05-14T09:30:00Z")));
    assert_eq!(schedule.next_after(Timestamp(i64::MIN)), Some(at("1970-01-01T09:30:00Z")));
    assert_eq!(schedule.next_after(Timestamp(i64::MAX)), None);
    assert_eq!(schedule.next_after(at("2100-12-31T12:00:00Z")), None);
}

#[test]
fn refused_with_place_and_hint() {
    for (expr, piece, says) in [
        ("0 30 9 * * 1-5", "0 30 9 * * 1-5", "seconds"),
        ("30 9 * * 1-5 2026", "30 9 * * 1-5 2026", "year"),
        ("0 30 9 * * 1-5 2026", "0 30 9 * * 1-5 2026", "7 fields"),
        ("30 9 * *", "30 9 * *", "4 fields"),
        ("", "", "empty"),
        ("60 9 * * *", "60", "0 to 59"),
        ("0 24 * * *", "24", "0 to 23"),
        ("0 0 0 * *", "0", "1 to 31"),
        ("0 0 1 13 *", "13", "1 to 12"),
        ("0 0 * * 8", "8", "0 to 7"),
        ("5/15 * * * *", "5/15", "5-59/15"),
        ("*/0 * * * *", "0", "1 to 59"),
        ("*/90 * * * *", "90", "1 to 59"),
        ("0 22-2 * * *", "22-2", "22-23,0-2"),
        ("0 9 * * fri-sun", "fri-sun", "Sunday is also 7"),
        ("0 9 * * monday", "monday", "`mon`"),
        ("0 9 * sept *", "sept", "`sep`"),
        ("0 9 L * *", "L", "does not fit the day of month"),
        ("0 9 * * 5#3", "5#3", "other programs"),
        ("0 9 ? * 1", "?", "`*`"),
        ("0 9,, * * *", "", "missing"),
        ("0 9 1,* * *", "1,*", "alone"),
        ("0 -1 * * *", "", "missing in the hour"),
        ("0 +1 * * *", "+1", "does not fit the hour"),
        ("0 ９ * * *", "９", "does not fit the hour"),
        ("0 999999999999999999999 * * *", "999999999999999999999", "0 to 23"),
        ("0 0 31 2 *", "0 0 31 2 *", "never fires"),
        ("0 0 31 4,6,9,11 *", "0 0 31 4,6,9,11 *", "never fires"),
        ("@reboot", "@reboot", "name a time"),
        ("@every 5m", "@every 5m", "*/15"),
        ("@dayly", "@dayly", "@daily"),
    ] {
        let error = Schedule::parse(expr, "Europe/Prague").unwrap_err();
        assert_eq!(&expr[error.offset..error.offset + error.len], piece, "{expr}: {error:?}");
        let said = format!("{} {}", error.message, error.hint.clone().unwrap_or_default());
        assert!(said.contains(says), "{expr}: {said}");
    }
    let error = Schedule::parse("0 9 * * *", "Europe/Parague").unwrap_err();
    assert_eq!(
        (error.subject, error.hint.as_deref()),
        (Subject::Zone, Some("did you mean `Europe/Prague`?"))
    );
    assert!(Schedule::parse("0 9 * * *", "UTC+8").is_err());
}

#[test]
fn instants_are_shown_with_their_offset() {
    for (instant, zone, expected) in [
        ("2026-03-29T01:00:00Z", "Europe/Prague", "2026-03-29T03:00:00+02:00"),
        ("2026-03-29T01:00:00Z", "UTC", "2026-03-29T01:00:00+00:00"),
        ("2026-03-29T01:00:00Z", "Asia/Kathmandu", "2026-03-29T06:45:00+05:45"),
        ("2026-03-29T01:00:00Z", "no zone", "2026-03-29T01:00:00+00:00"),
    ] {
        assert_eq!(format(at(instant), zone), expected);
    }
    assert_eq!(format(Timestamp(i64::MIN), "Asia/Shanghai"), "-9223372036854775808 ms after 1970");
}

/// Zones with every kind of trap: half-hour and two-hour changes, midnight gaps, a missing day, Ramadan, odd offsets.
const ZONES: [(&str, i32); 12] = [
    ("America/New_York", 2026),
    ("Europe/Prague", 2026),
    ("Australia/Lord_Howe", 2026),
    ("Africa/Cairo", 2026),
    ("America/Havana", 2026),
    ("America/Sao_Paulo", 2018),
    ("Asia/Shanghai", 2026),
    ("Pacific/Apia", 2011),
    ("Asia/Tehran", 2021),
    ("Africa/Casablanca", 2026),
    ("Asia/Kathmandu", 2026),
    ("Antarctica/Troll", 2026),
];

/// Few fire times: compared over six weeks around each clock change and the turn of the year.
const SPARSE: [&str; 11] = [
    "30 2 * * *",
    "0 0 * * *",
    "30 1 * * *",
    "15 2 * * *",
    "0 9 * * 1-5",
    "0 2 * * 0",
    "0 0 13 * 5",
    "30 0 30 * *",
    "59 23 31 12 *",
    "0 3 */2 * 0",
    "30 2 29-31 3,10 6,7",
];

/// Many: compared over the day and a half around the same moments.
const DENSE: [&str; 10] = [
    "* * * * *",
    "*/7 * * * *",
    "*/30 * * * *",
    "5 * * * *",
    "*/20 1-3 * * *",
    "15,45 0-4 * * *",
    "0 */2 * * *",
    "10-20/5 0,1,2,3,23 * * *",
    "* 2 * * *",
    "0-59/15 1-2 1-31/2 * 1-6",
];

#[test]
fn agrees_with_brute_force() {
    let mut compared = 0;
    for (zone, year) in ZONES {
        for moment in moments(zone, year) {
            let walls =
                walls(zone.parse().unwrap(), moment.plus_ms(-23 * DAY_MS), moment.plus_ms(21 * DAY_MS));
            compared += SPARSE.iter().map(|expr| compare(expr, zone, &walls)).sum::<usize>();
            let middle = 23 * 1440;
            let near = &walls[middle - LEAD - 1080..middle + 1080];
            compared += DENSE.iter().map(|expr| compare(expr, zone, near)).sum::<usize>();
        }
    }
    assert!(compared > 50_000, "only {compared} fire times were compared");
}

/// So many minutes the oracle watches the clock before it speaks.
const LEAD: usize = 2 * 1440;

/// The clock changes of a year to the hour, and its end.
fn moments(zone: &str, year: i32) -> Vec<Timestamp> {
    let tz: Tz = zone.parse().unwrap();
    let end = at(&format!("{}-01-01T00:00:00Z", year + 1));
    let wall = |hour: i64| {
        let utc = DateTime::from_timestamp_millis(end.0 - hour * HOUR_MS).unwrap();
        utc.with_timezone(&tz).naive_local()
    };
    let changes = (0..8760).filter(|hour| wall(*hour) - wall(hour + 1) != TimeDelta::hours(1));
    changes.map(|hour| end.plus_ms(-hour * HOUR_MS)).chain([end]).collect()
}

/// How many fire times were found equal.
fn compare(expr: &str, zone: &str, walls: &[Wall]) -> usize {
    let expected = Matcher::new(expr).fires(walls, LEAD);
    let schedule = Schedule::parse(expr, zone).unwrap();
    let (from, to) = (walls[LEAD].at.plus_ms(-1), walls[walls.len() - 1].at);
    let found: Vec<Timestamp> = schedule.after(from).take_while(|t| *t <= to).collect();
    let differs = |n: &usize| found.get(*n) != expected.get(*n);
    if let Some(n) = (0..found.len().max(expected.len())).find(differs) {
        let show = |list: &[Timestamp]| list.get(n).map(|t| format(*t, zone));
        panic!("{expr} {zone}, fire {n}: found {:?}, brute force {:?}", show(&found), show(&expected));
    }
    found.len()
}

/// Asking again from any moment gives the same answer: no state is kept between fire times.
#[test]
fn any_starting_point_gives_the_same_next() {
    for (expr, zone) in [
        ("*/30 * * * *", "Europe/Prague"),
        ("30 2 * * *", "Europe/Prague"),
        ("*/7 1-3 * * *", "America/New_York"),
    ] {
        let schedule = Schedule::parse(expr, zone).unwrap();
        for day in ["2026-03-08", "2026-03-29", "2026-10-25", "2026-11-01"] {
            let start = at(&format!("{day}T00:00:00Z"));
            let fires: Vec<Timestamp> = schedule.after(start).take(200).collect();
            for offset in 0..12 * 60 {
                let from = start.plus_ms(offset * MINUTE_MS);
                let expected = fires.iter().find(|t| **t > from).copied();
                assert_eq!(schedule.next_after(from), expected, "{expr} {zone} from {}", format(from, zone));
            }
        }
    }
}

#[test]
fn one_run_is_caught_up_and_the_rest_is_missed() {
    let daily = Schedule::parse("0 9 * * *", "UTC").unwrap();
    let created = at("2026-05-01T00:00:00Z");
    let late = 6 * HOUR_MS;
    let nine = |day: u32| at(&format!("2026-05-{day:02}T09:00:00Z"));
    for (last, now, run, missed) in [
        (None, "2026-05-01T08:59:59Z", None, vec![]),
        (None, "2026-05-01T09:00:00Z", Some(1), vec![]),
        (Some(1), "2026-05-01T12:00:00Z", None, vec![]),
        (Some(1), "2026-05-02T15:00:00Z", Some(2), vec![]),
        (Some(1), "2026-05-02T15:00:01Z", None, vec![2]),
        (Some(1), "2026-05-05T10:00:00Z", Some(5), vec![2, 3, 4]),
        (Some(1), "2026-05-05T20:00:00Z", None, vec![2, 3, 4, 5]),
        (Some(9), "2026-05-05T20:00:00Z", None, vec![]),
    ] {
        let found = due(&daily, last.map(nine), created, at(now), late);
        let expected =
            Due { run: run.map(nine), missed: missed.into_iter().map(nine).collect(), more_missed: false };
        assert_eq!(found, expected, "{last:?} {now}");
    }
}

#[test]
fn a_long_stop_is_answered_with_a_bounded_list() {
    let minutely = Schedule::parse("* * * * *", "Europe/Prague").unwrap();
    let (created, now) = (at("2020-01-01T00:00:00Z"), at("2026-05-01T00:00:30Z"));
    let found = due(&minutely, None, created, now, 6 * HOUR_MS);
    assert_eq!(found.run, Some(at("2026-05-01T00:00:00Z")));
    assert_eq!((found.missed.len(), found.more_missed), (MISSED_MAX, true));
    assert_eq!(found.missed[0], at("2020-01-01T00:01:00Z"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(expr in "\\PC{0,30}", zone in "[A-Za-z/_]{0,12}") {
        let _answer = Schedule::parse(&expr, "UTC");
        let _answer = Schedule::parse("0 0 * * *", &zone);
    }

    #[test]
    fn no_text_of_the_alphabet_makes_it_panic_and_times_rise(
        fields in prop::collection::vec("[0-9*/,-]{1,6}|mon|jan|[0-9]{1,2}|\\*/[0-9]", 5),
        start in -200_000_000_000i64..4_200_000_000_000,
    ) {
        if let Ok(schedule) = Schedule::parse(&fields.join(" "), "Europe/Prague") {
            let mut last = Timestamp(start);
            for fire in schedule.after(last).take(5) {
                prop_assert!(fire > last);
                last = fire;
            }
        }
    }
}
