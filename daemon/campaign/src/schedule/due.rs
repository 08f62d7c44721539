//! What a schedule owes now: at most one run, and the list of those it is too late for.
//!
//! A daemon that was down for a week does not send seven newsletters when it comes back: the newest fire time is run
//! if it is not too late, and all others are missed.

use rejoin_model::Timestamp;
use rejoin_model::time::HOUR_MS;

use super::Schedule;

/// So many missed fire times are listed, the oldest; the answer says when there are more.
pub const MISSED_MAX: usize = 100;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// The fire time to run now. It is the run's key: running it twice must be impossible.
    pub run: Option<Timestamp>,
    /// Fire times that are not run any more, oldest first, at most [`MISSED_MAX`].
    pub missed: Vec<Timestamp>,
    /// There were more than listed.
    pub more_missed: bool,
}

/// `last` is the newest fire time already run or missed; without one, counting starts at `created`, so that a new
/// campaign does not run for the past. A fire time more than `late_ms_max` ago is missed.
pub fn due(
    schedule: &Schedule,
    last: Option<Timestamp>,
    created: Timestamp,
    now: Timestamp,
    late_ms_max: i64,
) -> Due {
    let start = last.unwrap_or(created);
    let run = newest(schedule, start, now, late_ms_max.max(0));
    let mut owed = schedule.after(start).take_while(|at| *at <= now && Some(*at) != run);
    let missed: Vec<Timestamp> = owed.by_ref().take(MISSED_MAX).collect();
    let more_missed = missed.len() == MISSED_MAX && owed.next().is_some();
    Due { run, missed, more_missed }
}

/// The newest fire time in `(start, now]` that is at most `late_ms_max` old. Looks back over windows that double, so
/// that a schedule of every minute is not walked from the beginning.
fn newest(schedule: &Schedule, start: Timestamp, now: Timestamp, late_ms_max: i64) -> Option<Timestamp> {
    let mut back_ms = HOUR_MS.min(late_ms_max);
    loop {
        // One millisecond further: a fire time exactly at the edge is still in time.
        let from = start.max(now.plus_ms(-back_ms).plus_ms(-1));
        if let Some(newest) = schedule.after(from).take_while(|at| *at <= now).last() {
            return Some(newest);
        }
        if back_ms >= late_ms_max || from == start {
            return None;
        }
        back_ms = back_ms.saturating_mul(2).min(late_ms_max);
    }
}
