//! The plugin's state behind the host's pointer, and how every call on it ends: with a status, whatever happened.
#![allow(unsafe_code, reason = "the host's pointers to our instance and to its place for the error")]

use serde_json::json;

use super::host::HostPointer;
use crate::abi::{self, Buf, RawError, RawInstance, Status};
use crate::panics;
use crate::{Error, ErrorClass, Plugin};

/// What stands behind a `rj_instance`.
pub(super) struct Instance<P> {
    pub(super) plugin: P,
    pub(super) host: HostPointer,
    pub(super) panicked: bool,
}

/// Runs `call` on the instance, unless it panicked before.
///
/// # Safety
/// `instance` came from `open::<P>`, and no other call on it is running.
pub(super) unsafe fn with<P: Plugin>(
    instance: *mut RawInstance,
    err: *mut RawError,
    call: impl FnOnce(&mut Instance<P>) -> Result<Status, Error>,
) -> Status {
    // SAFETY: the caller's promise.
    let own = unsafe { &mut *instance.cast::<Instance<P>>() };
    let status = if own.panicked {
        answer(err, || Err(Error::new(ErrorClass::Panic, "it panicked in an earlier call")))
    } else {
        answer(err, || call(own))
    };
    if status == abi::E_PANIC {
        // SAFETY: as above; the borrow given to `call` has ended.
        unsafe { (*instance.cast::<Instance<P>>()).panicked = true };
    }
    status
}

/// Runs `call`, and turns an error or a panic into a status and a filled `err`.
pub(super) fn answer(err: *mut RawError, call: impl FnOnce() -> Result<Status, Error>) -> Status {
    let error = match panics::catch(call) {
        Ok(Ok(status)) => return status,
        Ok(Err(error)) => error,
        Err(text) => Error::new(ErrorClass::Panic, text),
    };
    // SAFETY: the host gives a place for the error, or NULL.
    if let Some(err) = unsafe { err.as_mut() } {
        err.retry_after_ms = error.retry_after_ms.unwrap_or(0);
        if let Some(hint) = &error.hint {
            err.detail_json = Buf::from_vec(json!({ "hint": hint }).to_string().into_bytes());
        }
        err.message = Buf::from_vec(error.message.into_bytes());
    }
    error.class.status()
}
