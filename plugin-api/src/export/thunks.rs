//! One thunk for each function of the contract.
#![allow(
    unsafe_code,
    reason = "the C side of the contract; every pointer comes from the host, which keeps it"
)]

use super::host::HostPointer;
use super::instance::{Instance, answer, with};
use crate::abi::{self, Buf, HostTable, RawBatch, RawError, RawInstance, RawRead, RawRequest, Status, Str};
use crate::panics;
use crate::{
    Batch, Channel, Error, LogLevel, Message, Outcome, Outcomes, Plugin, Progress, ReadRequest, Source,
    Webhook, WebhookRequest,
};

pub(super) unsafe extern "C" fn validate<P: Plugin>(
    config: Str,
    out: *mut Buf,
    err: *mut RawError,
) -> Status {
    answer(err, || {
        // SAFETY: the host lends the text for the call.
        let findings = P::validate(&parse_config::<P>(unsafe { text(config) }?)?);
        // SAFETY: the host gives a place for the answer.
        unsafe { give(out, serde_json::to_vec(&findings).map_err(not_json)?) };
        Ok(abi::OK)
    })
}

pub(super) unsafe extern "C" fn open<P: Plugin>(
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

pub(super) unsafe extern "C" fn close<P: Plugin>(instance: *mut RawInstance) {
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

pub(super) unsafe extern "C" fn check<P: Plugin>(
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

pub(super) unsafe extern "C" fn read<P: Source>(
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

pub(super) unsafe extern "C" fn committed<P: Source>(
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

pub(super) unsafe extern "C" fn handle<P: Webhook>(
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

pub(super) unsafe extern "C" fn send<P: Channel>(
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
