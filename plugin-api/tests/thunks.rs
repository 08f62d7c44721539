//! An exported plugin, called the way a host calls it: through its table, with raw buffers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(unsafe_code, reason = "this test plays the host")]

use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::Mutex;

use rejoin_plugin_api::abi::{self, Buf, HostTable, PluginTable, RawBatch, RawError, RawOutcome, RawRead};
use rejoin_plugin_api::{
    Batch, Channel, Diagnostic, Error, Host, Message, Outcome, Outcomes, Plugin, Progress, ReadRequest,
    Source,
};
use serde::Deserialize;

struct Echo {
    host: Host,
    greeting: String,
}

#[derive(Deserialize)]
struct Config {
    greeting: String,
}

impl Plugin for Echo {
    const MANIFEST: &'static str = r#"{"id":"echo"}"#;
    type Config = Config;

    fn validate(config: &Config) -> Vec<Diagnostic> {
        let message = format!("{} is too short", config.greeting);
        vec![Diagnostic { pointer: "/greeting".to_owned(), message, hint: None }]
    }

    fn open(config: Config, host: Host) -> Result<Self, Error> {
        Ok(Self { host, greeting: config.greeting })
    }

    fn check(&mut self) -> Result<String, Error> {
        if self.host.is_cancelled() {
            return Err(Error::transient("too late").with_hint("hurry").with_retry_after(9));
        }
        Ok(self.greeting.clone())
    }
}

impl Source for Echo {
    fn read(&mut self, request: &ReadRequest, out: &mut Batch) -> Result<Progress, Error> {
        match request.cursor.as_deref() {
            Some("panic") => panic!("asked to on {}", request.stream),
            Some("end") => return Ok(Progress::CaughtUp),
            _ => out.upsert("1", &serde_json::json!({ "keys_only": request.keys_only }))?,
        }
        out.set_cursor("end".to_owned());
        Ok(Progress::More)
    }
}

impl Channel for Echo {
    fn send(&mut self, messages: &[Message], outcomes: &mut Outcomes) -> Result<(), Error> {
        for (i, message) in messages.iter().enumerate() {
            outcomes.report(i, &Outcome::Rejected { reason: message.to.clone(), bad_address: i == 1 });
        }
        Ok(())
    }
}

rejoin_plugin_api::export_plugin!(Echo: source, channel);

unsafe extern "C" {
    fn rejoin_plugin_entry_v1(host: *const HostTable, out: *mut *const PluginTable) -> abi::Status;
}

type Reported = Mutex<Vec<(u32, u32, String, u32)>>;

unsafe extern "C" fn always(_: *mut c_void) -> i32 {
    1
}

unsafe extern "C" fn collect(ctx: *mut c_void, outcomes: *const RawOutcome, count: usize) {
    // SAFETY: `ctx` is the test's list, and the plugin passes `count` outcomes.
    let (list, outcomes) = unsafe { (&*ctx.cast::<Reported>(), std::slice::from_raw_parts(outcomes, count)) };
    for o in outcomes {
        list.lock().unwrap().push((o.index, o.outcome, text(o.reason), o.flags));
    }
}

fn text(s: abi::Str) -> String {
    // SAFETY: only called while what it views is alive.
    String::from_utf8(unsafe { s.bytes() }.unwrap_or_default().to_vec()).unwrap()
}

fn take(buf: &mut Buf) -> String {
    let taken = text(abi::Str { ptr: buf.ptr, len: buf.len });
    if let Some(release) = buf.release {
        // SAFETY: released once; the callee clears `release`.
        unsafe { release(buf) };
        assert!(buf.release.is_none());
    }
    taken
}

fn host(reported: &Reported) -> HostTable {
    HostTable {
        struct_size: size_of::<HostTable>() as u32,
        abi_major: 1,
        abi_minor: 0,
        ctx: std::ptr::from_ref(reported).cast_mut().cast(),
        get_extension: None,
        log: None,
        is_cancelled: Some(always),
        outcome: Some(collect),
    }
}

#[test]
fn every_thunk_answers_through_the_table() {
    let reported = Reported::default();
    let host = host(&reported);
    let mut error = RawError::EMPTY;
    // SAFETY: this test keeps the contract: buffers live through each call, one thread, `close` last.
    unsafe {
        let mut table = null();
        assert_eq!(rejoin_plugin_entry_v1(&host, &mut table), abi::OK);
        let table = &*table;
        assert_eq!(text(table.manifest_json), r#"{"id":"echo"}"#);
        assert!(table.handle.is_none() && table.write.is_none(), "only what was exported");

        let config = abi::Str::new(r#"{"greeting":"hi"}"#);
        let mut findings = Buf::EMPTY;
        assert_eq!(table.validate.unwrap()(config, &mut findings, &mut error), abi::OK);
        assert_eq!(take(&mut findings), r#"[{"pointer":"/greeting","message":"hi is too short"}]"#);

        let mut own = null_mut();
        let bad = table.open.unwrap()(&host, abi::Str::new("{}"), &mut own, &mut error);
        assert_eq!((bad, own.is_null()), (abi::E_CONFIG, true));
        assert!(take(&mut error.message).contains("missing field `greeting`"));
        assert_eq!(table.open.unwrap()(&host, config, &mut own, &mut error), abi::OK);

        let mut report = Buf::EMPTY;
        assert_eq!(table.check.unwrap()(own, &mut report, &mut error), abi::E_TRANSIENT);
        assert_eq!(take(&mut error.message), "too late");
        assert_eq!(take(&mut error.detail_json), r#"{"hint":"hurry"}"#);
        assert_eq!(error.retry_after_ms, 9);

        let mut batch = RawBatch::EMPTY;
        assert_eq!(table.read.unwrap()(own, &request(None), &mut batch, &mut error), abi::MORE);
        assert_eq!(take(&mut batch.data), "{\"op\":\"u\",\"key\":\"1\",\"v\":{\"keys_only\":true}}\n");
        assert_eq!((batch.records, take(&mut batch.cursor).as_str()), (1, "end"));

        let lines = b"{\"to\":\"a\"}\n{\"to\":\"b\"}\n";
        let messages = RawBatch { records: 2, data: Buf::borrowed(lines), ..RawBatch::EMPTY };
        assert_eq!(table.send.unwrap()(own, &messages, &mut error), abi::OK);
        let expected = [(0, abi::REJECTED, "a".to_owned(), 0), (1, abi::REJECTED, "b".to_owned(), 1)];
        assert_eq!(*reported.lock().unwrap(), expected);

        assert_eq!(table.read.unwrap()(own, &request(Some("panic")), &mut batch, &mut error), abi::E_PANIC);
        let message = take(&mut error.message);
        assert!(message.starts_with("asked to on rows, at ") && message.contains("thunks.rs"), "{message}");
        let again = table.read.unwrap()(own, &request(None), &mut batch, &mut error);
        assert_eq!(
            (again, take(&mut error.message).as_str()),
            (abi::E_PANIC, "it panicked in an earlier call")
        );
        table.close.unwrap()(own);
    }
}

#[test]
fn another_major_is_refused() {
    let reported = Reported::default();
    let host = HostTable { abi_major: 2, ..host(&reported) };
    let mut table = null();
    // SAFETY: both pointers are good.
    assert_eq!(unsafe { rejoin_plugin_entry_v1(&host, &mut table) }, abi::E_UNSUPPORTED);
    assert!(table.is_null());
}

fn request(cursor: Option<&'static str>) -> RawRead {
    RawRead {
        struct_size: size_of::<RawRead>() as u32,
        max_records: 10,
        max_bytes: 1 << 20,
        deadline_ms: 1000,
        accept_encodings: abi::ENC_JSONL,
        flags: abi::READ_KEYS_ONLY,
        stream: abi::Str::new("rows"),
        cursor: abi::Str::optional(cursor),
    }
}
