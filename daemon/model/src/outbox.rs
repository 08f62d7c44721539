//! The outbox: one row per (run, customer), written before anything is sent, and the only legal ways it may change.

use serde::{Deserialize, Serialize};

use crate::activity::names;
use crate::campaign::Channel;
use crate::id::{CustomerId, OutboxId, RunId};
use crate::time::Timestamp;

/// Work is spread over this many buckets, so that claims stay within one shard of a distributed store.
pub const BUCKETS: i64 = 64;

/// The bucket of everything that is queued for a customer.
pub fn bucket(customer: CustomerId) -> i64 {
    // The low bits are a sequence; a multiplicative hash (Knuth, TAOCP 3, 6.4) spreads them.
    ((customer.0 as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58) as i64 % BUCKETS
}

names! {
    /// Where a message stands. Each audience member of a run is in exactly one state, so the states of a run add up
    /// to its audience: that sum is the run's conservation line.
    OutboxState {
        /// Waiting for its time.
        Pending = "pending",
        /// Waiting for the recipient's quiet hours to end.
        Quiet = "quiet",
        /// Claimed and perhaps on the wire. A crash turns it into `unknown`.
        InFlight = "in_flight",
        Sent = "sent",
        /// Refused for good, or given up after its lifetime.
        Failed = "failed",
        /// No permission, a suppression, no address, an open complaint.
        Suppressed = "suppressed",
        /// The frequency cap was reached.
        Capped = "capped",
        /// Deliberately not sent to.
        HeldOut = "held_out",
        /// On the wire when the daemon or the channel died: nobody knows.
        Unknown = "unknown",
    }
}

impl OutboxState {
    /// Nothing changes it any more, except that evidence may settle `unknown` into `sent` or `failed`.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Quiet | Self::InFlight)
    }

    /// The legal changes; everything else is a defect of ours.
    pub fn may_become(self, next: Self) -> bool {
        use OutboxState::{Capped, Failed, InFlight, Pending, Quiet, Sent, Suppressed, Unknown};
        match self {
            Pending | Quiet => {
                matches!(next, Pending | Quiet | InFlight | Suppressed | Capped | Failed)
            }
            InFlight => matches!(next, Sent | Failed | Pending | Unknown),
            Unknown => matches!(next, Sent | Failed | Pending),
            _ => false,
        }
    }
}

/// One row as it is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxMessage {
    pub id: OutboxId,
    pub run: RunId,
    pub customer: CustomerId,
    /// Connector it goes out through; `None` when it was never to be sent.
    pub connector: Option<String>,
    pub channel: Option<Channel>,
    /// Normalised address.
    pub address: Option<String>,
    pub state: OutboxState,
    /// Why it is in this state, in one short phrase; empty while pending.
    pub reason: String,
    /// Not to be claimed before this.
    pub due_at: Timestamp,
    pub attempts: u32,
}

/// What a channel said of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took responsibility; its own id, when it gave one.
    Accepted { provider_id: Option<String> },
    /// Refused for good.
    Rejected { reason: String, hard_bounce: bool },
    /// Certainly not sent; may be tried again, not before `after_ms` when given.
    Deferred { reason: String, after_ms: Option<i64> },
    /// Nobody knows whether it was sent.
    Unknown { reason: String },
}

/// The states of a run, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conservation {
    pub audience: u64,
    pub sent: u64,
    pub failed: u64,
    pub suppressed: u64,
    pub capped: u64,
    pub quiet: u64,
    pub held_out: u64,
    pub unknown: u64,
    /// Pending and in flight.
    pub pending: u64,
}

impl Conservation {
    pub fn add(&mut self, state: OutboxState, count: u64) {
        let place = match state {
            OutboxState::Pending | OutboxState::InFlight => &mut self.pending,
            OutboxState::Quiet => &mut self.quiet,
            OutboxState::Sent => &mut self.sent,
            OutboxState::Failed => &mut self.failed,
            OutboxState::Suppressed => &mut self.suppressed,
            OutboxState::Capped => &mut self.capped,
            OutboxState::HeldOut => &mut self.held_out,
            OutboxState::Unknown => &mut self.unknown,
        };
        *place += count;
    }

    /// Whether every member of the audience is accounted for.
    pub fn holds(&self) -> bool {
        self.audience
            == self.sent
                + self.failed
                + self.suppressed
                + self.capped
                + self.quiet
                + self.held_out
                + self.unknown
                + self.pending
    }
}

/// `audience 120 = sent 100 + failed 1 + …`, the line every run prints.
impl std::fmt::Display for Conservation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { audience, sent, failed, suppressed, capped, quiet, held_out, unknown, pending } = self;
        write!(
            f,
            "audience {audience} = sent {sent} + failed {failed} + suppressed {suppressed} + capped {capped} + \
             quiet {quiet} + held out {held_out} + unknown {unknown} + pending {pending}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_final_state_is_left_only_by_evidence() {
        for (_, from) in OutboxState::ALL {
            for (_, to) in OutboxState::ALL {
                if from.is_final() && *from != OutboxState::Unknown {
                    assert!(!from.may_become(*to), "{from} -> {to}");
                }
            }
        }
        assert!(!OutboxState::Pending.may_become(OutboxState::Sent), "nothing is sent without being claimed");
    }

    #[test]
    fn buckets_are_spread() {
        let mut seen = [0u32; BUCKETS as usize];
        for sequence in 0..6400 {
            seen[bucket(CustomerId((1 << 40) + sequence)) as usize] += 1;
        }
        assert!(seen.iter().all(|&n| (50..200).contains(&n)), "{seen:?}");
    }

    #[test]
    fn conservation_counts_every_state_once() {
        let mut line = Conservation { audience: OutboxState::ALL.len() as u64, ..Default::default() };
        for (_, state) in OutboxState::ALL {
            line.add(*state, 1);
        }
        assert!(line.holds(), "{line}");
    }
}
