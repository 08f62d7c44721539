//! Brute force: walks every minute of a year on the wall clock of a zone and says when cronie would fire.
//!
//! Shares nothing with the code under test but the zone data: it matches fields of its own reading, and finds gaps and
//! folds by watching the wall clock jump.

use chrono::{DateTime, Datelike, NaiveDateTime, Timelike};
use chrono_tz::Tz;
use rejoin_model::Timestamp;

pub(super) struct Matcher {
    minute: Vec<bool>,
    hour: Vec<bool>,
    day: Vec<bool>,
    month: Vec<bool>,
    weekday: Vec<bool>,
    either_day: bool,
    wildcard: bool,
}

fn set(text: &str, min: usize, max: usize) -> Vec<bool> {
    let mut on = vec![false; 64];
    for item in text.split(',') {
        let (span, step) = item.split_once('/').map_or((item, 1), |(s, n)| (s, n.parse().unwrap()));
        let (low, high) = match span.split_once('-') {
            _ if span == "*" => (min, max),
            Some((low, high)) => (low.parse().unwrap(), high.parse().unwrap()),
            None => (span.parse().unwrap(), span.parse().unwrap()),
        };
        (low..=high).step_by(step).for_each(|v| on[v] = true);
    }
    on
}

impl Matcher {
    pub(super) fn new(expr: &str) -> Self {
        let f: Vec<&str> = expr.split(' ').collect();
        let star = |n: usize| f[n].starts_with('*');
        let mut weekday = set(f[4], 0, 7);
        weekday[0] |= weekday[7];
        Self {
            minute: set(f[0], 0, 59),
            hour: set(f[1], 0, 23),
            day: set(f[2], 1, 31),
            month: set(f[3], 1, 12),
            weekday,
            either_day: !star(2) && !star(4),
            wildcard: star(0) || star(1),
        }
    }

    fn matches(&self, wall: &Wall) -> bool {
        if !self.minute[wall.minute as usize] || !self.hour[wall.hour as usize] {
            return false;
        }
        let day = self.day[wall.day as usize];
        let weekday = self.weekday[wall.weekday as usize];
        self.month[wall.month as usize] && if self.either_day { day || weekday } else { day && weekday }
    }

    /// Every fire time within the minutes of `walls`, of which the first `lead` only prepare.
    pub(super) fn fires(&self, walls: &[Wall], lead: usize) -> Vec<Timestamp> {
        let mut fires = Vec::new();
        let mut latest = walls[0].count;
        for (n, wall) in walls.iter().enumerate().skip(1) {
            let repeated = wall.count <= latest;
            let mut fire = self.matches(wall) && (self.wildcard || !repeated);
            if !self.wildcard && !repeated {
                fire |= (latest + 1..wall.count).any(|lost| self.matches(&Wall::of(wall.at, lost)));
            }
            latest = latest.max(wall.count);
            if fire && n >= lead {
                fires.push(wall.at);
            }
        }
        fires
    }
}

/// A minute, and what the clock on the wall shows.
pub(super) struct Wall {
    pub(super) at: Timestamp,
    /// Minutes the wall clock is past 1970.
    pub(super) count: i64,
    minute: u8,
    hour: u8,
    day: u8,
    month: u8,
    weekday: u8,
}

impl Wall {
    fn of(at: Timestamp, count: i64) -> Self {
        let shown: NaiveDateTime = DateTime::from_timestamp(count * 60, 0).unwrap().naive_utc();
        Self {
            at,
            count,
            minute: shown.minute() as u8,
            hour: shown.hour() as u8,
            day: shown.day() as u8,
            month: shown.month() as u8,
            weekday: shown.weekday().num_days_from_sunday() as u8,
        }
    }
}

/// The wall clock of a zone, minute by minute.
pub(super) fn walls(zone: Tz, from: Timestamp, to: Timestamp) -> Vec<Wall> {
    (from.0..to.0)
        .step_by(60_000)
        .map(|ms| {
            let utc = DateTime::from_timestamp_millis(ms).unwrap();
            let local = utc.with_timezone(&zone).naive_local();
            Wall::of(Timestamp(ms), local.and_utc().timestamp().div_euclid(60))
        })
        .collect()
}
