//! Calls into the plugin, one function of the contract each, and the checks of what comes back.
#![allow(unsafe_code, reason = "calls through the plugin's function table")]

use std::ptr::null_mut;
use std::sync::{Arc, Mutex};

use rejoin_plugin_api::ReadRequest;
use rejoin_plugin_api::abi::{self, Buf, PluginTable, RawBatch, RawError, RawInstance, RawRead, RawRequest};
use rejoin_plugin_api::abi::{Status, Str};

use super::buffer::Bytes;
use super::host::{Canceller, HostState, Open, lock};
use crate::protocol::{Done, FromChild, Functions};

const MESSAGE_BYTES_MAX: usize = 64 << 10;
const DETAIL_BYTES_MAX: usize = 1 << 20;

/// Why there is no answer.
pub(crate) enum Trouble {
    /// The plugin says so.
    Failed { status: Status, message: String, hint: Option<String>, retry_after_ms: Option<u32> },
    /// The plugin broke the contract.
    Fault(String),
}

pub(crate) type Answer = Result<(Done, Bytes), Trouble>;

/// A loaded plugin and, once open, its instance.
pub(crate) struct Plugin {
    table: PluginTable,
    manifest: &'static str,
    state: &'static HostState,
    instance: *mut RawInstance,
    open: Arc<Open>,
}

impl Plugin {
    pub(super) fn new(table: PluginTable, manifest: &'static str, state: &'static HostState) -> Self {
        let open = Arc::new(Open(Mutex::new(null_mut())));
        Self { table, manifest, state, instance: null_mut(), open }
    }

    pub(crate) fn manifest(&self) -> &'static str {
        self.manifest
    }

    pub(crate) fn functions(&self) -> Functions {
        Functions {
            validate: self.table.validate.is_some(),
            read: self.table.read.is_some(),
            committed: self.table.committed.is_some(),
            handle: self.table.handle.is_some(),
            send: self.table.send.is_some(),
            write: self.table.write.is_some(),
        }
    }

    pub(crate) fn say(&self, head: &FromChild, body: &[u8]) {
        self.state.say(head, body);
    }

    pub(crate) fn canceller(&self) -> Canceller {
        Canceller { state: self.state, cancel: self.table.cancel, instance: Arc::clone(&self.open) }
    }

    pub(crate) fn validate(&self, config: &str) -> Answer {
        let validate = present(self.table.validate)?;
        let (mut out, mut error) = (Buf::EMPTY, RawError::EMPTY);
        // SAFETY: all arguments outlive the call.
        let status = unsafe { validate(Str::new(config), &mut out, &mut error) };
        give(status, error, Bytes::new(out), "findings")
    }

    pub(crate) fn open(&mut self, config: &str) -> Answer {
        let open = present(self.table.open)?;
        let (mut instance, mut error) = (null_mut(), RawError::EMPTY);
        // SAFETY: the host table is never freed, the rest outlives the call.
        let status = unsafe { open(self.state.table(), Str::new(config), &mut instance, &mut error) };
        settle(status, error)?;
        if instance.is_null() {
            return Err(Trouble::Fault("it opened without an instance".to_owned()));
        }
        self.instance = instance;
        *lock(&self.open.0) = instance;
        Ok(nothing())
    }

    /// The last call. A plugin that was never opened has nothing to close.
    pub(crate) fn close(&mut self) {
        let mut open = lock(&self.open.0);
        *open = null_mut();
        if let Some(close) = self.table.close
            && !self.instance.is_null()
        {
            // SAFETY: opened, and closed once: the pointer is cleared.
            unsafe { close(std::mem::replace(&mut self.instance, null_mut())) };
        }
    }

    pub(crate) fn check(&mut self) -> Answer {
        let check = present(self.table.check)?;
        let instance = self.opened()?;
        let (mut out, mut error) = (Buf::EMPTY, RawError::EMPTY);
        // SAFETY: the instance is open, and no other call on it runs.
        let status = unsafe { check(instance, &mut out, &mut error) };
        give(status, error, Bytes::new(out), "its report")
    }

    pub(crate) fn read(&mut self, request: &ReadRequest, deadline_ms: u64) -> Answer {
        let read = present(self.table.read)?;
        let instance = self.opened()?;
        let raw = RawRead {
            struct_size: size_of::<RawRead>() as u32,
            max_records: request.max_records,
            max_bytes: request.max_bytes,
            deadline_ms,
            accept_encodings: abi::ENC_JSONL,
            flags: if request.keys_only { abi::READ_KEYS_ONLY } else { 0 },
            stream: Str::new(&request.stream),
            cursor: Str::optional(request.cursor.as_deref()),
        };
        let (mut out, mut error) = (RawBatch::EMPTY, RawError::EMPTY);
        // SAFETY: the instance is open, no other call on it runs, and the request outlives this one.
        let status = unsafe { read(instance, &raw, &mut out, &mut error) };
        let answer = batch(status, error, out);
        match (status, answer) {
            (abi::MORE, Ok((done, lines))) => Ok((Done { more: true, ..done }, lines)),
            (abi::CAUGHT_UP, answer) => answer,
            (_, Ok(_)) => Err(Trouble::Fault(format!(
                "it answered read with status {status}, which is neither more nor caught up"
            ))),
            (_, Err(trouble)) => Err(trouble),
        }
    }

    pub(crate) fn committed(&mut self, stream: &str, cursor: &str) -> Answer {
        let committed = present(self.table.committed)?;
        let instance = self.opened()?;
        let mut error = RawError::EMPTY;
        // SAFETY: the instance is open, and no other call on it runs.
        let status = unsafe { committed(instance, Str::new(stream), Str::new(cursor), &mut error) };
        settle(status, error).map(|_| nothing())
    }

    pub(crate) fn handle(&mut self, head: &str, body: &[u8], deadline_ms: u64) -> Answer {
        let handle = present(self.table.handle)?;
        let instance = self.opened()?;
        let raw = RawRequest {
            struct_size: size_of::<RawRequest>() as u32,
            reserved: 0,
            deadline_ms,
            head_json: Str::new(head),
            body: Str::of_bytes(body),
        };
        let (mut out, mut error) = (RawBatch::EMPTY, RawError::EMPTY);
        // SAFETY: the instance is open, no other call on it runs, and the request outlives this one.
        let status = unsafe { handle(instance, &raw, &mut out, &mut error) };
        batch(status, error, out)
    }

    pub(crate) fn send(&mut self, count: u32, lines: &[u8]) -> Answer {
        let send = present(self.table.send)?;
        let instance = self.opened()?;
        let messages = RawBatch { records: count.into(), data: Buf::borrowed(lines), ..RawBatch::EMPTY };
        let mut error = RawError::EMPTY;
        self.state.begin_send(count);
        // SAFETY: the instance is open, no other call on it runs, and the messages outlive this one.
        let status = unsafe { send(instance, &messages, &mut error) };
        let fault = self.state.end_send();
        let settled = settle(status, error);
        match fault {
            Some(what) => Err(Trouble::Fault(what)),
            None => settled.map(|_| nothing()),
        }
    }

    fn opened(&self) -> Result<*mut RawInstance, Trouble> {
        if self.instance.is_null() {
            return Err(Trouble::Fault("the daemon called it before it was open".to_owned()));
        }
        Ok(self.instance)
    }
}

fn nothing() -> (Done, Bytes) {
    (Done::default(), Bytes::empty())
}

fn present<F>(function: Option<F>) -> Result<F, Trouble> {
    function.ok_or_else(|| Trouble::Failed {
        status: abi::E_UNSUPPORTED,
        message: "the plugin has no such function".to_owned(),
        hint: None,
        retry_after_ms: None,
    })
}

/// The status, unless it is an error; the error's buffers are given back either way.
fn settle(status: Status, error: RawError) -> Result<Status, Trouble> {
    let (message, detail) = (Bytes::new(error.message), Bytes::new(error.detail_json));
    if status >= 0 {
        return Ok(status);
    }
    let text = message.text("an error message", MESSAGE_BYTES_MAX).map_err(Trouble::Fault)?;
    let message =
        if text.is_empty() { format!("it gave no reason (status {status})") } else { text.to_owned() };
    let detail = detail.text("error details", DETAIL_BYTES_MAX).map_err(Trouble::Fault)?;
    // Details are a courtesy: when they do not parse, the sentence still stands.
    let detail: serde_json::Value = serde_json::from_str(detail).unwrap_or_default();
    let hint = detail.get("hint").and_then(|h| h.as_str()).map(str::to_owned);
    let retry_after_ms = Some(error.retry_after_ms).filter(|ms| *ms > 0);
    Err(Trouble::Failed { status, message, hint, retry_after_ms })
}

/// One text as the answer.
fn give(status: Status, error: RawError, out: Bytes, what: &str) -> Answer {
    settle(status, error)?;
    out.text(what, abi::BUFFER_BYTES_MAX).map_err(Trouble::Fault)?;
    Ok((Done::default(), out))
}

/// A batch of lines as the answer.
fn batch(status: Status, error: RawError, out: RawBatch) -> Answer {
    let RawBatch { encoding, records, data, cursor, .. } = out;
    let (data, cursor) = (Bytes::new(data), Bytes::new(cursor));
    settle(status, error)?;
    let checked = check_batch(encoding, records, &data, &cursor);
    let cursor = checked.map_err(Trouble::Fault)?;
    Ok((Done { records, cursor, more: false }, data))
}

/// The cursor; `Err` completes "broke the contract: …". Lines are not parsed: one bad line harms one record, and the
/// daemon puts it into quarantine.
fn check_batch(encoding: u32, records: u64, data: &Bytes, cursor: &Bytes) -> Result<Option<String>, String> {
    if encoding != abi::ENC_JSONL {
        return Err(format!("it returned a batch in encoding {encoding}, which was not asked for"));
    }
    let lines = data.text("a batch", abi::BUFFER_BYTES_MAX)?;
    if !lines.is_empty() && !lines.ends_with('\n') {
        return Err("it returned a batch whose last line does not end".to_owned());
    }
    let counted = lines.bytes().filter(|&b| b == b'\n').count() as u64;
    if counted != records {
        return Err(format!("it returned a batch of {counted} lines, but says they are {records}"));
    }
    let text = cursor.text("a cursor", abi::CURSOR_BYTES_MAX)?;
    Ok((!cursor.is_absent()).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &[u8]) -> Bytes {
        Bytes::new(Buf::from_vec(text.to_vec()))
    }

    #[test]
    fn a_batch_that_contradicts_itself_is_a_fault() {
        let good = check_batch(1, 2, &bytes(b"{}\nnot json\n"), &bytes(b"c"));
        assert_eq!(good, Ok(Some("c".to_owned())));
        assert_eq!(check_batch(1, 0, &Bytes::empty(), &Bytes::empty()), Ok(None));
        let long = vec![b'c'; abi::CURSOR_BYTES_MAX + 1];
        for (encoding, records, data, cursor, expected) in [
            (2, 1, b"{}\n".as_slice(), b"".as_slice(), "encoding 2"),
            (1, 1, b"{}", b"", "does not end"),
            (1, 2, b"{}\n", b"", "1 lines, but says they are 2"),
            (1, 1, b"\xff\n", b"", "not UTF-8"),
            (1, 0, b"", b"\xff", "a cursor that is not UTF-8"),
            (1, 0, b"", &long, "a cursor of 1048577 bytes"),
        ] {
            let what = check_batch(encoding, records, &bytes(data), &bytes(cursor)).unwrap_err();
            assert!(what.contains(expected), "{what}");
        }
    }

    #[test]
    fn an_error_keeps_its_sentence_its_hint_and_its_wait() {
        let error = RawError {
            retry_after_ms: 250,
            message: Buf::from_vec(b"too fast".to_vec()),
            detail_json: Buf::from_vec(br#"{"hint":"slow down","http_status":429}"#.to_vec()),
            ..RawError::EMPTY
        };
        let Err(Trouble::Failed { status, message, hint, retry_after_ms }) = settle(-3, error) else {
            panic!("it was an error")
        };
        assert_eq!((status, message.as_str(), retry_after_ms), (-3, "too fast", Some(250)));
        assert_eq!(hint.as_deref(), Some("slow down"));
        let Err(Trouble::Failed { message, .. }) = settle(-5, RawError::EMPTY) else { panic!("an error") };
        assert_eq!(message, "it gave no reason (status -5)");
    }
}
