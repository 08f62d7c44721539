//! What becomes of a message after an attempt: sent, failed, unknown, or pending until it is tried again.
//!
//! The one rule that is never bent: a message of which nobody knows whether it was sent is not sent again, unless its
//! campaign asked for that.

use rejoin_model::campaign::UnknownPolicy;
use rejoin_model::time::{HOUR_MS, SECOND_MS};
use rejoin_model::{OutboxId, OutboxState, Outcome, Timestamp};

/// Wait after the first attempt; it doubles with every further one.
const BACKOFF_MS_FIRST: i64 = 30 * SECOND_MS;
const BACKOFF_MS_MAX: i64 = 2 * HOUR_MS;
/// The wait is stretched by up to a quarter, so that a thousand messages deferred together do not come back together.
const JITTER_PARTS: u64 = 4;
/// Providers have been seen to answer with a whole web page.
const REASON_CHARS_MAX: usize = 300;

/// What to write into the outbox row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    pub state: OutboxState,
    /// One short phrase; empty when sent.
    pub reason: String,
    /// When to try again; meaningful while pending, `now` otherwise.
    pub due_at: Timestamp,
    pub provider_id: Option<String>,
    /// The address does not exist: suppress it.
    pub suppress: bool,
}

/// `attempts` counts this one; `first_due` is when the message was first meant to go out.
pub fn after(
    outbox: OutboxId,
    attempts: u32,
    outcome: &Outcome,
    first_due: Timestamp,
    now: Timestamp,
    lifetime_ms: i64,
    unknown: UnknownPolicy,
) -> Settlement {
    let settled = |state, reason: &str| Settlement {
        state,
        reason: one_line(reason),
        due_at: now,
        provider_id: None,
        suppress: false,
    };
    let again = |not_before_ms: i64, reason: &str, given_up: OutboxState| {
        let due_at = now.plus_ms(backoff_ms(outbox, attempts).max(not_before_ms));
        if due_at.ms_since(first_due) > lifetime_ms {
            settled(given_up, &format!("given up after its lifetime; last answer: {reason}"))
        } else {
            Settlement { due_at, ..settled(OutboxState::Pending, reason) }
        }
    };
    match outcome {
        Outcome::Accepted { provider_id } => {
            Settlement { provider_id: provider_id.clone(), ..settled(OutboxState::Sent, "") }
        }
        Outcome::Rejected { reason, hard_bounce } => {
            Settlement { suppress: *hard_bounce, ..settled(OutboxState::Failed, reason) }
        }
        Outcome::Deferred { reason, after_ms } => again(after_ms.unwrap_or(0), reason, OutboxState::Failed),
        Outcome::Unknown { reason } => match unknown {
            UnknownPolicy::Never => settled(OutboxState::Unknown, reason),
            // It may have arrived, so running out of time does not make it failed.
            UnknownPolicy::Resend => again(0, reason, OutboxState::Unknown),
        },
    }
}

/// Doubling from half a minute to two hours, stretched by a share that depends on the row and the attempt only.
fn backoff_ms(outbox: OutboxId, attempts: u32) -> i64 {
    let doublings = attempts.saturating_sub(1).min(20);
    let base = (BACKOFF_MS_FIRST << doublings).min(BACKOFF_MS_MAX);
    let draw = crate::policy::mix(outbox.0 as u64 ^ u64::from(attempts).rotate_left(48));
    base + (draw % (base as u64 / JITTER_PARTS)) as i64
}

/// A provider's words, fit for a log line and a table cell.
fn one_line(reason: &str) -> String {
    let mut text: String =
        reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_CHARS_MAX).collect();
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rejoin_model::time::DAY_MS;

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn settle(attempts: u32, outcome: &Outcome, unknown: UnknownPolicy) -> Settlement {
        after(OutboxId(5), attempts, outcome, NOW, NOW, DAY_MS, unknown)
    }

    fn deferred(after_ms: Option<i64>) -> Outcome {
        Outcome::Deferred { reason: "451 try later".to_owned(), after_ms }
    }

    #[test]
    fn outcomes_become_states() {
        let unknown = Outcome::Unknown { reason: "the connection broke".to_owned() };
        let rejected = Outcome::Rejected { reason: "550 no such user".to_owned(), hard_bounce: true };
        let refused = Outcome::Rejected { reason: "554 content".to_owned(), hard_bounce: false };
        let accepted = Outcome::Accepted { provider_id: Some("p1".to_owned()) };
        for (outcome, policy, state, suppress) in [
            (&accepted, UnknownPolicy::Never, OutboxState::Sent, false),
            (&rejected, UnknownPolicy::Never, OutboxState::Failed, true),
            (&refused, UnknownPolicy::Resend, OutboxState::Failed, false),
            (&deferred(None), UnknownPolicy::Never, OutboxState::Pending, false),
            (&unknown, UnknownPolicy::Never, OutboxState::Unknown, false),
            (&unknown, UnknownPolicy::Resend, OutboxState::Pending, false),
        ] {
            let settled = settle(1, outcome, policy);
            assert_eq!((settled.state, settled.suppress), (state, suppress), "{outcome:?} {policy}");
        }
        assert_eq!(settle(1, &accepted, UnknownPolicy::Never).provider_id.as_deref(), Some("p1"));
    }

    #[test]
    fn waits_double_up_to_a_bound() {
        let waits: Vec<i64> =
            (1..=12).map(|n| settle(n, &deferred(None), UnknownPolicy::Never).due_at.ms_since(NOW)).collect();
        for (n, wait) in waits.iter().enumerate() {
            let base = (BACKOFF_MS_FIRST << n).min(BACKOFF_MS_MAX);
            assert!((base..base + base / 4).contains(wait), "attempt {}: {wait}", n + 1);
        }
        let long = settle(1, &deferred(Some(HOUR_MS)), UnknownPolicy::Never);
        assert_eq!(long.due_at, NOW.plus_ms(HOUR_MS), "the provider's own wait is kept when it is longer");
    }

    #[test]
    fn rows_deferred_together_do_not_come_back_together() {
        let mut dues: Vec<i64> = (0..1000)
            .map(|id| {
                after(OutboxId(id), 1, &deferred(None), NOW, NOW, DAY_MS, UnknownPolicy::Never).due_at.0
            })
            .collect();
        dues.sort_unstable();
        dues.dedup();
        assert!(dues.len() > 900, "{} different times", dues.len());
    }

    #[test]
    fn a_lifetime_ends_in_failed_but_never_for_what_may_have_arrived() {
        let late = NOW.plus_ms(DAY_MS - SECOND_MS);
        let end = |outcome: &Outcome, policy| after(OutboxId(5), 3, outcome, NOW, late, DAY_MS, policy);
        let failed = end(&deferred(None), UnknownPolicy::Never);
        assert_eq!(failed.state, OutboxState::Failed);
        assert_eq!(failed.reason, "given up after its lifetime; last answer: 451 try later");
        let unknown = Outcome::Unknown { reason: "the connection broke".to_owned() };
        assert_eq!(end(&unknown, UnknownPolicy::Resend).state, OutboxState::Unknown);
    }

    #[test]
    fn a_reason_is_one_short_line() {
        let outcome = Outcome::Rejected {
            reason: format!("550 no\r\nX-Evil: 1{}", "x".repeat(9000)),
            hard_bounce: false,
        };
        let reason = settle(1, &outcome, UnknownPolicy::Never).reason;
        assert!(reason.chars().count() <= REASON_CHARS_MAX && !reason.contains(char::is_control), "{reason}");
    }

    proptest! {
        #[test]
        fn every_settlement_is_a_legal_change(
            attempts: u32, id: i64, after_ms: Option<i64>, first: i64, now: i64, lifetime: i64, kind in 0..4, resend: bool,
        ) {
            let reason = "x".to_owned();
            let outcome = match kind {
                0 => Outcome::Accepted { provider_id: None },
                1 => Outcome::Rejected { reason, hard_bounce: true },
                2 => Outcome::Deferred { reason, after_ms },
                _ => Outcome::Unknown { reason },
            };
            let policy = if resend { UnknownPolicy::Resend } else { UnknownPolicy::Never };
            let settled = after(OutboxId(id), attempts, &outcome, Timestamp(first), Timestamp(now), lifetime, policy);
            prop_assert!(OutboxState::InFlight.may_become(settled.state));
            prop_assert!(settled.due_at >= Timestamp(now));
            if kind == 3 && !resend {
                prop_assert_eq!(settled.state, OutboxState::Unknown);
            }
        }
    }
}
