//! An exact token bucket: never more than `burst` messages at once, never more than `rate` a second over time.
//!
//! Pure: `now` is the time since the plugin was opened. Kept as the one instant at which the bucket is full again,
//! so no fraction of a token is ever lost to rounding.

use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    /// How far ahead of `now` the bucket may run: `(burst - 1)` intervals.
    credit: Duration,
    full_at: Duration,
}

impl Pace {
    /// `rate` is finite and above 0 (checked by `validate`); `None` is no limit.
    pub(crate) fn new(rate: Option<f64>, burst: u32) -> Self {
        let interval = rate.and_then(|r| Duration::try_from_secs_f64(1.0 / r).ok()).unwrap_or(Duration::ZERO);
        Self { interval, credit: interval.saturating_mul(burst.saturating_sub(1)), full_at: Duration::ZERO }
    }

    /// Takes the next token and says how long to wait before using it. When that is longer than `wait_max` no token
    /// is taken, and the wait is the error.
    pub(crate) fn take(&mut self, now: Duration, wait_max: Duration) -> Result<Duration, Duration> {
        let due = self.full_at.max(now);
        let wait = due.saturating_sub(self.credit).saturating_sub(now);
        if wait > wait_max {
            return Err(wait);
        }
        self.full_at = due.saturating_add(self.interval);
        Ok(wait)
    }

    /// Time between two messages.
    pub(crate) fn interval(&self) -> Duration {
        self.interval
    }
}
