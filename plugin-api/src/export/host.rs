//! The host's table in safe words.
#![allow(unsafe_code, reason = "calls through the host's function table")]

use crate::abi::{self, HostTable, RawOutcome, Str};
use crate::{Host, LogLevel, Outcome};

/// The host's table, which outlives the instance.
#[derive(Clone, Copy)]
pub(super) struct HostPointer(pub(super) *const HostTable);

// SAFETY: the contract lets every host function but `outcome` be called from any thread, and the thunk of `send`
// alone calls that one.
unsafe impl Send for HostPointer {}
// SAFETY: as above.
unsafe impl Sync for HostPointer {}

impl HostPointer {
    fn table(&self) -> &HostTable {
        // SAFETY: the host keeps its table until `close` has returned.
        unsafe { &*self.0 }
    }

    pub(super) fn handle(self) -> Host {
        Host::new(move |level, text| self.log(level, text), move || self.is_cancelled())
    }

    pub(super) fn log(&self, level: LogLevel, text: &str) {
        if let Some(log) = self.table().log {
            // SAFETY: any thread may call it; the host copies the text.
            unsafe { log(self.table().ctx, level as u32, Str::new(text), Str::ABSENT) };
        }
    }

    fn is_cancelled(&self) -> bool {
        // SAFETY: any thread may call it.
        self.table().is_cancelled.is_some_and(|ask| unsafe { ask(self.table().ctx) } != 0)
    }

    pub(super) fn report(&self, index: u32, outcome: &Outcome) {
        let Some(report) = self.table().outcome else { return };
        let raw = raw_outcome(index, outcome);
        // SAFETY: called within `send`, on its thread; the host copies before it returns.
        unsafe { report(self.table().ctx, &raw, 1) };
    }
}

fn raw_outcome(index: u32, outcome: &Outcome) -> RawOutcome {
    let mut raw = RawOutcome {
        index,
        outcome: abi::ACCEPTED,
        remote_id: Str::ABSENT,
        reason: Str::ABSENT,
        retry_after_ms: 0,
        flags: 0,
    };
    match outcome {
        Outcome::Accepted { provider_id } => raw.remote_id = Str::optional(provider_id.as_deref()),
        Outcome::Rejected { reason, bad_address } => {
            raw.outcome = abi::REJECTED;
            raw.reason = Str::new(reason);
            raw.flags = if *bad_address { abi::OUTCOME_BAD_ADDRESS } else { 0 };
        }
        Outcome::Deferred { reason, after_ms } => {
            raw.outcome = abi::DEFERRED;
            raw.reason = Str::new(reason);
            raw.retry_after_ms = after_ms.unwrap_or(0);
        }
        Outcome::Unknown { reason } => {
            raw.outcome = abi::UNKNOWN;
            raw.reason = Str::new(reason);
        }
    }
    raw
}
