//! What the plugin may call: the host's table and the state behind it. Called from any thread of the plugin's.
#![allow(unsafe_code, reason = "the callbacks of a C contract")]

use std::ffi::c_void;
use std::os::unix::net::UnixStream;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rejoin_plugin_api::Outcome;
use rejoin_plugin_api::abi::{self, HostTable, RawInstance, RawOutcome, Str};

use crate::frame;
use crate::protocol::FromChild;

/// Of a line a plugin logs, and of an outcome's reason.
const TEXT_BYTES_MAX: usize = 4 << 10;

/// Lives as long as the process.
pub(super) struct HostState {
    table: HostTable,
    /// `None` only after it was taken back to say that the plugin was refused.
    socket: Mutex<Option<UnixStream>>,
    cancelled: AtomicBool,
    sending: Mutex<Sending>,
}

/// The `send` that is running.
#[derive(Default)]
struct Sending {
    /// Which of its messages have been reported; empty outside `send`.
    reported: Vec<bool>,
    fault: Option<String>,
}

impl Sending {
    /// `Err` completes "broke the contract: …".
    fn take(&mut self, raw: &RawOutcome) -> Result<Outcome, String> {
        let count = self.reported.len();
        if count == 0 {
            return Err("it reported an outcome outside of send".to_owned());
        }
        let Some(reported) = self.reported.get_mut(raw.index as usize) else {
            return Err(format!("it reported an outcome for message {}, but got only {count}", raw.index));
        };
        if std::mem::replace(reported, true) {
            return Err(format!("it reported two outcomes for message {}", raw.index));
        }
        read_outcome(raw)
    }

    /// The first fault is the one to tell.
    fn blame(&mut self, what: String) {
        if self.fault.is_none() {
            self.fault = Some(what);
        }
    }
}

// SAFETY: `table` is never changed and its `ctx` leads to this very value, whose other members are synchronised.
unsafe impl Sync for HostState {}

impl HostState {
    pub(super) fn leak(socket: UnixStream) -> &'static Self {
        let state: &'static mut Self = Box::leak(Box::new(Self {
            table: HostTable {
                struct_size: size_of::<HostTable>() as u32,
                abi_major: abi::ABI_MAJOR,
                abi_minor: abi::ABI_MINOR,
                ctx: null_mut(),
                get_extension: Some(get_extension),
                log: Some(log),
                is_cancelled: Some(is_cancelled),
                outcome: Some(outcome),
            },
            socket: Mutex::new(Some(socket)),
            cancelled: AtomicBool::new(false),
            sending: Mutex::default(),
        }));
        state.table.ctx = std::ptr::from_mut(state).cast();
        state
    }

    pub(super) fn table(&self) -> &HostTable {
        &self.table
    }

    /// Tells the daemon.
    pub(super) fn say(&self, head: &FromChild, body: &[u8]) {
        if let Some(socket) = lock(&self.socket).as_mut()
            && frame::write(socket, head, body).is_err()
        {
            // It is gone. Whatever the plugin is in the middle of, nobody is left to answer for it.
            super::die();
        }
    }

    pub(super) fn take_socket(&self) -> UnixStream {
        let taken = lock(&self.socket).take();
        // It is there: it is taken once, by the loader that put it in. Without it there is nobody to tell.
        taken.unwrap_or_else(|| std::process::exit(1))
    }

    pub(super) fn begin_send(&self, count: u32) {
        *lock(&self.sending) = Sending { reported: vec![false; count as usize], fault: None };
    }

    /// What was wrong with the reports of the `send` that has just returned.
    pub(super) fn end_send(&self) -> Option<String> {
        std::mem::take(&mut *lock(&self.sending)).fault
    }

    fn report(&self, raw: &RawOutcome) {
        let mut sending = lock(&self.sending);
        match sending.take(raw) {
            // Said while the lock is held, so that nothing is reported after `send` has been answered.
            Ok(outcome) => self.say(&FromChild::Outcome { index: raw.index, outcome }, &[]),
            Err(what) => sending.blame(what),
        }
    }
}

/// Cancels the running call from the listening thread.
pub(crate) struct Canceller {
    pub(super) state: &'static HostState,
    pub(super) cancel: Option<unsafe extern "C" fn(*mut RawInstance)>,
    pub(super) instance: Arc<Open>,
}

/// The open instance, locked so that `cancel` never meets `close`.
pub(super) struct Open(pub(super) Mutex<*mut RawInstance>);

// SAFETY: only `cancel` uses the pointer from another thread, which the contract allows, and the lock keeps it alive.
unsafe impl Send for Open {}
// SAFETY: as above.
unsafe impl Sync for Open {}

impl Canceller {
    pub(crate) fn cancel(&self) {
        self.state.cancelled.store(true, Ordering::Relaxed);
        let instance = lock(&self.instance.0);
        if let Some(cancel) = self.cancel
            && !instance.is_null()
        {
            // SAFETY: any thread may call it while the instance is open, and the lock keeps it open.
            unsafe { cancel(*instance) };
        }
    }

    pub(crate) fn reset(&self) {
        self.state.cancelled.store(false, Ordering::Relaxed);
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_outcome(raw: &RawOutcome) -> Result<Outcome, String> {
    let reason = || text(raw.reason, "an outcome's reason").map(Option::unwrap_or_default);
    Ok(match raw.outcome {
        abi::ACCEPTED => Outcome::Accepted { provider_id: text(raw.remote_id, "a provider's id")? },
        abi::REJECTED => {
            Outcome::Rejected { reason: reason()?, bad_address: raw.flags & abi::OUTCOME_BAD_ADDRESS != 0 }
        }
        abi::DEFERRED => {
            let after_ms = Some(raw.retry_after_ms).filter(|ms| *ms > 0);
            Outcome::Deferred { reason: reason()?, after_ms }
        }
        abi::UNKNOWN => Outcome::Unknown { reason: reason()? },
        other => return Err(format!("it reported outcome {other}, which does not exist")),
    })
}

fn text(raw: Str, what: &str) -> Result<Option<String>, String> {
    if raw.len > 0 && raw.ptr.is_null() {
        return Err(format!("it reported {what} of {} bytes without data", raw.len));
    }
    // SAFETY: the plugin lends it for the call.
    let Some(bytes) = (unsafe { raw.bytes() }) else { return Ok(None) };
    let text = std::str::from_utf8(bytes).map_err(|_| format!("it reported {what} that is not UTF-8"))?;
    Ok(Some(shorten(text).to_owned()))
}

fn shorten(text: &str) -> &str {
    if text.len() <= TEXT_BYTES_MAX {
        return text;
    }
    let end = (0..=TEXT_BYTES_MAX).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    &text[..end]
}

/// # Safety
/// `ctx` is the one of our table.
unsafe fn state<'a>(ctx: *mut c_void) -> Option<&'a HostState> {
    // SAFETY: the caller's promise; the state is never freed.
    unsafe { ctx.cast::<HostState>().as_ref() }
}

/// 1.0 offers none.
unsafe extern "C" fn get_extension(_ctx: *mut c_void, _id: Str) -> *const c_void {
    null()
}

unsafe extern "C" fn log(ctx: *mut c_void, level: u32, message: Str, fields: Str) {
    // SAFETY: the plugin passes back our `ctx` and lends the texts for the call.
    let (Some(state), Some(message)) = (unsafe { state(ctx) }, unsafe { message.bytes() }) else { return };
    let mut message = shorten(&String::from_utf8_lossy(message)).to_owned();
    // SAFETY: as above.
    if let Some(fields) = unsafe { fields.bytes() } {
        message.push(' ');
        message.push_str(shorten(&String::from_utf8_lossy(fields)));
    }
    state.say(&FromChild::Log { level, message }, &[]);
}

unsafe extern "C" fn is_cancelled(ctx: *mut c_void) -> i32 {
    // SAFETY: the plugin passes back our `ctx`.
    unsafe { state(ctx) }.is_some_and(|s| s.cancelled.load(Ordering::Relaxed)).into()
}

unsafe extern "C" fn outcome(ctx: *mut c_void, outcomes: *const RawOutcome, count: usize) {
    // SAFETY: the plugin passes back our `ctx`.
    let Some(state) = (unsafe { state(ctx) }) else { return };
    if outcomes.is_null() || !outcomes.is_aligned() || count > abi::BUFFER_BYTES_MAX / size_of::<RawOutcome>()
    {
        let what = format!("it reported {count} outcomes at an impossible address");
        lock(&state.sending).blame(what);
        return;
    }
    // SAFETY: the plugin lends `count` outcomes for the call.
    unsafe { std::slice::from_raw_parts(outcomes, count) }.iter().for_each(|raw| state.report(raw));
}
