//! The restart budget of one connector: pauses that double, and a limit past which it is left off for a while. Pure:
//! `now` is an argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::spec::Limits;

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Within the window, oldest first.
    failures: VecDeque<Instant>,
    /// Without a success between them.
    pub(crate) streak: u32,
    wait_until: Option<Instant>,
    left_off: bool,
    pub(crate) starts: u32,
    pub(crate) last_error: Option<String>,
}

/// Not now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) left_off: bool,
    pub(crate) retry_in: Duration,
}

impl Ledger {
    /// Whether a child may be started now.
    pub(crate) fn wait(&self, now: Instant) -> Option<Wait> {
        let retry_in = self.wait_until?.checked_duration_since(now).filter(|d| !d.is_zero())?;
        Some(Wait { left_off: self.left_off, retry_in })
    }

    pub(crate) fn started(&mut self) {
        self.starts += 1;
    }

    /// A call was answered: the next failure pauses for the shortest time again, but stays counted in the window.
    pub(crate) fn succeeded(&mut self) {
        self.streak = 0;
        self.wait_until = None;
        self.last_error = None;
        if std::mem::take(&mut self.left_off) {
            self.failures.clear();
        }
    }

    /// The child was lost.
    pub(crate) fn failed(&mut self, now: Instant, limits: &Limits, why: String) {
        self.last_error = Some(why);
        self.streak += 1;
        self.failures.push_back(now);
        while self.failures.front().is_some_and(|&t| now.duration_since(t) > limits.restart_window) {
            self.failures.pop_front();
        }
        self.left_off = self.failures.len() > limits.restarts_max as usize;
        let pause = if self.left_off {
            limits.restart_window
        } else {
            let doubled = limits.backoff_min.saturating_mul(1 << (self.streak - 1).min(20));
            doubled.min(limits.backoff_max)
        };
        self.wait_until = Some(now + pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { restarts_max: 3, ..Limits::default() }
    }

    #[test]
    fn pauses_double_and_end_in_being_left_off() {
        let (mut ledger, mut now, limits) = (Ledger::default(), Instant::now(), limits());
        for pause in [1, 2, 4] {
            ledger.failed(now, &limits, "boom".into());
            let retry_in = Duration::from_secs(pause);
            assert_eq!(ledger.wait(now), Some(Wait { left_off: false, retry_in }));
            now += retry_in;
            assert_eq!(ledger.wait(now), None);
        }
        ledger.failed(now, &limits, "boom".into());
        assert_eq!(ledger.wait(now), Some(Wait { left_off: true, retry_in: limits.restart_window }));
    }

    #[test]
    fn one_more_failure_after_being_left_off_leaves_it_off_again_and_a_success_forgives() {
        let (mut ledger, mut now, limits) = (Ledger::default(), Instant::now(), limits());
        for _ in 0..4 {
            ledger.failed(now, &limits, "boom".into());
        }
        now += limits.restart_window;
        assert_eq!(ledger.wait(now), None);
        ledger.failed(now, &limits, "boom".into());
        assert!(ledger.wait(now).unwrap().left_off);
        now += limits.restart_window;
        ledger.succeeded();
        ledger.failed(now, &limits, "boom".into());
        assert_eq!(ledger.wait(now), Some(Wait { left_off: false, retry_in: limits.backoff_min }));
    }

    #[test]
    fn failures_between_successes_still_use_up_the_budget() {
        let (mut ledger, now, limits) = (Ledger::default(), Instant::now(), limits());
        for n in 1..=4 {
            ledger.failed(now, &limits, "boom".into());
            assert_eq!(ledger.wait(now).unwrap().left_off, n > 3);
            if n < 4 {
                ledger.succeeded();
            }
        }
    }
}
