//! What [`export_plugin!`](crate::export_plugin) expands to: one thunk for each function of the contract, turning C
//! values into the safe traits' and back. Nothing here is for plugin authors to call.
//!
//! No panic passes a thunk: it is caught, its text kept by a hook, and answered as `RJ_E_PANIC`; from then on the
//! instance answers nothing else, because what the panic left half-done is unknown.
#![allow(
    unsafe_code,
    reason = "the C side of the contract; every pointer comes from the host, which keeps it"
)]

use serde_json::json;

use crate::abi::{self, Buf, HostTable, PluginTable, RawBatch, RawError, RawInstance, RawRead, RawRequest};
use crate::abi::{RawOutcome, Status, Str};
use crate::panics;
use crate::{
    Batch, Channel, Error, ErrorClass, Host, LogLevel, Message, Outcome, Outcomes, Plugin, Progress,
    ReadRequest, Source, Webhook, WebhookRequest,
};

/// Exports a plugin: its type and its capabilities.
///
/// ```ignore
/// rejoin_plugin_api::export_plugin!(Email: source, channel);
/// ```
#[macro_export]
macro_rules! export_plugin {
    (@source $plugin:ty, $table:ident) => { $crate::export::source::<$plugin>($table) };
    (@webhook $plugin:ty, $table:ident) => { $crate::export::webhook::<$plugin>($table) };
    (@channel $plugin:ty, $table:ident) => { $crate::export::channel::<$plugin>($table) };
    ($plugin:ty : $($capability:ident),+ $(,)?) => {
        #[allow(unsafe_code, reason = "a C library exports its entry by name; the body is the SDK's")]
        const _: () = {
            static TABLE: $crate::abi::PluginTable = {
                let table = $crate::export::plugin::<$plugin>();
                $(let table = $crate::export_plugin!(@$capability $plugin, table);)+
                table
            };

            /// # Safety
            /// Called by a Rejoin host, as `rejoin_plugin.h` says.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn rejoin_plugin_entry_v1(
                host: *const $crate::abi::HostTable,
                out: *mut *const $crate::abi::PluginTable,
            ) -> $crate::abi::Status {
                // SAFETY: the host's promise, passed on.
                unsafe { $crate::export::entry(host, out, &TABLE) }
            }
        };
    };
}

/// The table without capabilities.
pub const fn plugin<P: Plugin>() -> PluginTable {
    PluginTable {
        struct_size: size_of::<PluginTable>() as u32,
        abi_major: abi::ABI_MAJOR,
        abi_minor: abi::ABI_MINOR,
        manifest_json: Str::new(P::MANIFEST),
        get_extension: None,
        validate: Some(validate::<P>),
        open: Some(open::<P>),
        close: Some(close::<P>),
        check: Some(check::<P>),
        discover: None,
        read: None,
        committed: None,
        handle: None,
        send: None,
        write: None,
        cancel: None,
    }
}

pub const fn source<P: Source>(mut table: PluginTable) -> PluginTable {
    table.read = Some(read::<P>);
    table.committed = Some(committed::<P>);
    table
}

pub const fn webhook<P: Webhook>(mut table: PluginTable) -> PluginTable {
    table.handle = Some(handle::<P>);
    table
}

pub const fn channel<P: Channel>(mut table: PluginTable) -> PluginTable {
    table.send = Some(send::<P>);
    table
}

/// # Safety
/// `host` and `out` are as `rejoin_plugin.h` promises for the entry function.
pub unsafe fn entry(
    host: *const HostTable,
    out: *mut *const PluginTable,
    table: &'static PluginTable,
) -> Status {
    // SAFETY: the caller's promise; NULL is answered, not read.
    let (Some(host), Some(out)) = (unsafe { host.as_ref() }, unsafe { out.as_mut() }) else {
        return abi::E_UNSUPPORTED;
    };
    // The host compares the minor: it knows both products' names and can say what to upgrade.
    if host.abi_major != abi::ABI_MAJOR {
        return abi::E_UNSUPPORTED;
    }
    panics::keep_texts();
    *out = table;
    abi::OK
}

/// What stands behind a `rj_instance`.
struct Instance<P> {
    plugin: P,
    host: HostPointer,
    panicked: bool,
}

/// The host's table, which outlives the instance.
#[derive(Clone, Copy)]
struct HostPointer(*const HostTable);

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

    fn handle(self) -> Host {
        Host::new(move |level, text| self.log(level, text), move || self.is_cancelled())
    }

    fn log(&self, level: LogLevel, text: &str) {
        if let Some(log) = self.table().log {
            // SAFETY: any thread may call it; the host copies the text.
            unsafe { log(self.table().ctx, level as u32, Str::new(text), Str::ABSENT) };
        }
    }

    fn is_cancelled(&self) -> bool {
        // SAFETY: any thread may call it.
        self.table().is_cancelled.is_some_and(|ask| unsafe { ask(self.table().ctx) } != 0)
    }

    fn report(&self, index: u32, outcome: &Outcome) {
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

unsafe extern "C" fn validate<P: Plugin>(config: Str, out: *mut Buf, err: *mut RawError) -> Status {
    answer(err, || {
        // SAFETY: the host lends the text for the call.
        let findings = P::validate(&parse_config::<P>(unsafe { text(config) }?)?);
        // SAFETY: the host gives a place for the answer.
        unsafe { give(out, serde_json::to_vec(&findings).map_err(not_json)?) };
        Ok(abi::OK)
    })
}

unsafe extern "C" fn open<P: Plugin>(
    host: *const HostTable,
    config: Str,
    out: *mut *mut RawInstance,
    err: *mut RawError,
) -> Status {
    answer(err, || {
        let host = HostPointer(host);
        // SAFETY: the host lends the text for the call.
        let config = parse_config::<P>(unsafe { text(config) }?)?;
        let plugin = P::open(config, host.handle())?;
        let instance = Box::new(Instance { plugin, host, panicked: false });
        // SAFETY: the host gives a place for the instance.
        unsafe { *out = Box::into_raw(instance).cast() };
        Ok(abi::OK)
    })
}

unsafe extern "C" fn close<P: Plugin>(instance: *mut RawInstance) {
    if instance.is_null() {
        return;
    }
    // SAFETY: `instance` came from `open`, and the host closes it once.
    let instance = unsafe { Box::from_raw(instance.cast::<Instance<P>>()) };
    let host = instance.host;
    if instance.panicked {
        // Its fields may be half-changed; the process ends soon anyway.
        std::mem::forget(instance);
    } else if let Err(text) = panics::catch(|| drop(instance)) {
        host.log(LogLevel::Error, &format!("the plugin panicked while closing: {text}"));
    }
}

unsafe extern "C" fn check<P: Plugin>(
    instance: *mut RawInstance,
    out: *mut Buf,
    err: *mut RawError,
) -> Status {
    // SAFETY: `instance` came from `open::<P>`; the host gives a place for the answer.
    unsafe {
        with::<P>(instance, err, |own| {
            give(out, own.plugin.check()?.into_bytes());
            Ok(abi::OK)
        })
    }
}

unsafe extern "C" fn read<P: Source>(
    instance: *mut RawInstance,
    request: *const RawRead,
    out: *mut RawBatch,
    err: *mut RawError,
) -> Status {
    // SAFETY: `instance` came from `open::<P>`; the host lends the request and gives a place for the batch.
    unsafe {
        with::<P>(instance, err, |own| {
            let raw = &*request;
            let request = ReadRequest {
                stream: text(raw.stream)?.to_owned(),
                cursor: if raw.cursor.ptr.is_null() { None } else { Some(text(raw.cursor)?.to_owned()) },
                max_records: raw.max_records,
                max_bytes: raw.max_bytes,
                keys_only: raw.flags & abi::READ_KEYS_ONLY != 0,
            };
            let mut batch = Batch::new(request.max_records, request.max_bytes);
            let progress = own.plugin.read(&request, &mut batch)?;
            give_batch(out, batch);
            Ok(match progress {
                Progress::More => abi::MORE,
                Progress::CaughtUp => abi::CAUGHT_UP,
            })
        })
    }
}

unsafe extern "C" fn committed<P: Source>(
    instance: *mut RawInstance,
    stream: Str,
    cursor: Str,
    err: *mut RawError,
) -> Status {
    // SAFETY: `instance` came from `open::<P>`; the host lends the texts.
    unsafe {
        with::<P>(instance, err, |own| {
            own.plugin.committed(text(stream)?, text(cursor)?)?;
            Ok(abi::OK)
        })
    }
}

unsafe extern "C" fn handle<P: Webhook>(
    instance: *mut RawInstance,
    request: *const RawRequest,
    out: *mut RawBatch,
    err: *mut RawError,
) -> Status {
    // SAFETY: `instance` came from `open::<P>`; the host lends the request and gives a place for the batch.
    unsafe {
        with::<P>(instance, err, |own| {
            let raw = &*request;
            let mut request: WebhookRequest =
                serde_json::from_str(text(raw.head_json)?).map_err(not_understood)?;
            request.body = raw.body.bytes().unwrap_or_default().to_vec();
            let mut batch = Batch::new(u32::MAX, u64::MAX);
            own.plugin.handle(&request, &mut batch)?;
            give_batch(out, batch);
            Ok(abi::OK)
        })
    }
}

unsafe extern "C" fn send<P: Channel>(
    instance: *mut RawInstance,
    messages: *const RawBatch,
    err: *mut RawError,
) -> Status {
    // SAFETY: `instance` came from `open::<P>`; the host lends the messages.
    unsafe {
        with::<P>(instance, err, |own| {
            let data = &(*messages).data;
            let lines = Str { ptr: data.ptr, len: data.len }.bytes().unwrap_or_default();
            let messages = serde_json::Deserializer::from_slice(lines)
                .into_iter::<Message>()
                .collect::<Result<Vec<_>, _>>()
                .map_err(not_understood)?;
            let host = own.host;
            let mut report = |index: u32, outcome: &Outcome| host.report(index, outcome);
            own.plugin.send(&messages, &mut Outcomes::new(&mut report))?;
            Ok(abi::OK)
        })
    }
}

/// Runs `call` on the instance, unless it panicked before.
///
/// # Safety
/// `instance` came from `open::<P>`, and no other call on it is running.
unsafe fn with<P: Plugin>(
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

fn answer(err: *mut RawError, call: impl FnOnce() -> Result<Status, Error>) -> Status {
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

/// # Safety
/// `text` leads to bytes that live for `'a`.
unsafe fn text<'a>(text: Str) -> Result<&'a str, Error> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { text.bytes() }.unwrap_or_default();
    std::str::from_utf8(bytes).map_err(|_| Error::permanent("the host sent text that is not UTF-8"))
}

/// # Safety
/// `out` leads to a buffer that may be overwritten.
unsafe fn give(out: *mut Buf, bytes: Vec<u8>) {
    // SAFETY: the caller's promise; the host passed it empty, so nothing is lost by overwriting.
    unsafe { out.write(Buf::from_vec(bytes)) };
}

/// # Safety
/// `out` leads to a batch that may be overwritten.
unsafe fn give_batch(out: *mut RawBatch, batch: Batch) {
    let (lines, records, cursor) = batch.into_parts();
    // SAFETY: the caller's promise.
    let out = unsafe { &mut *out };
    out.encoding = abi::ENC_JSONL;
    out.records = records;
    out.data = Buf::from_vec(lines);
    if let Some(cursor) = cursor {
        out.cursor = Buf::from_vec(cursor.into_bytes());
    }
}

fn parse_config<P: Plugin>(json: &str) -> Result<P::Config, Error> {
    serde_json::from_str(json).map_err(|e| Error::config(format!("the configuration does not fit: {e}")))
}

fn not_understood(e: serde_json::Error) -> Error {
    Error::permanent(format!("the host sent something that does not parse: {e}"))
}

fn not_json(e: serde_json::Error) -> Error {
    Error::permanent(format!("the findings could not be written as JSON: {e}"))
}
