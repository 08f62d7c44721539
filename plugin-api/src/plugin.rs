//! The safe traits a Rust plugin implements, and the values that cross in them.
//!
//! Everything blocks and is called by one thread at a time. A plugin owns only what its vendor means: cursors are
//! kept, retries paced, secrets resolved and bad input quarantined by the host.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Error, Host};

/// What every plugin is: a manifest, a configuration, an instance.
pub trait Plugin: Sized + 'static {
    /// JSON: id, version, licence, capabilities, streams, JSON Schema of the configuration. See the README.
    const MANIFEST: &'static str;
    /// The configuration, already checked against the manifest's schema, with every secret resolved.
    type Config: DeserializeOwned;

    /// What the schema cannot say: pure, offline, all findings at once.
    fn validate(_config: &Self::Config) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// Makes an instance. Must not fail because the far side is down: that is for [`Plugin::check`] and the calls.
    fn open(config: Self::Config, host: Host) -> Result<Self, Error>;

    /// A live look at the far side: one sentence saying what was found.
    fn check(&mut self) -> Result<String, Error>;
}

/// Pulls records.
pub trait Source: Plugin {
    /// Reads on from `request.cursor`; fills `out` until [`Batch::is_full`], sets the cursor *after* the batch.
    /// The host commits rows and cursor together, and a crash repeats the batch: the same cursor must give the same
    /// rows again, or newer ones.
    fn read(&mut self, request: &ReadRequest, out: &mut Batch) -> Result<Progress, Error>;

    /// The batch that ended at `cursor` is durable: the far side may be told now (mark mail seen, delete from queue).
    fn committed(&mut self, _stream: &str, _cursor: &str) -> Result<(), Error> {
        Ok(())
    }
}

/// Understands stored HTTP requests. The host has already answered the caller; nothing can be said back.
pub trait Webhook: Plugin {
    fn handle(&mut self, request: &WebhookRequest, out: &mut Batch) -> Result<(), Error>;
}

/// Sends messages.
pub trait Channel: Plugin {
    /// Sends each message at most once in this call and reports its outcome through `outcomes` *as soon as it is
    /// known*: what has not been reported when the process dies is unknown for ever. Return `Err` only when nothing
    /// can be sent at all; messages not reported then count as deferred.
    fn send(&mut self, messages: &[Message], outcomes: &mut Outcomes) -> Result<(), Error>;
}

/// One finding of [`Plugin::validate`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// RFC 6901 pointer into the configuration, `/tls/ca`.
    pub pointer: String,
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadRequest {
    /// A stream of the manifest.
    pub stream: String,
    /// What the plugin last set for this stream; `None` at the very beginning.
    pub cursor: Option<String>,
    pub max_records: u32,
    pub max_bytes: u64,
    /// Only the keys that exist now are wanted ([`Batch::exists`]), to find deletes that left no trace. The cursor is
    /// the sweep's own.
    pub keys_only: bool,
}

/// Whether [`Source::read`] has more to give at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    More,
    CaughtUp,
}

/// A request as it arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRequest {
    /// The host's id of the request: stable over replays, good as a key.
    pub id: String,
    /// Milliseconds since 1970.
    pub received_at_ms: i64,
    pub method: String,
    /// Path below `/in/{connector}` and query string, as sent.
    pub target: String,
    /// Names in lower case, in order of arrival.
    pub headers: Vec<(String, String)>,
    /// Address of the caller.
    pub remote: String,
    #[serde(skip)]
    pub body: Vec<u8>,
}

impl WebhookRequest {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// A message to send. Header values hold no CR or LF; the host has made sure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Message {
    /// Equal for every attempt at the same message, different for different messages: the provider's idempotency key.
    pub idempotency_key: String,
    /// Left part of a Message-ID, made from the key; the plugin appends `@` and its domain.
    pub message_id: String,
    /// E-mail address or E.164 number.
    pub to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// Further headers in order: List-Unsubscribe and its kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The provider took responsibility.
    Accepted { provider_id: Option<String> },
    /// Refused for good; `bad_address` when the address itself is at fault and must never be used again.
    Rejected { reason: String, bad_address: bool },
    /// Certainly not sent; may be tried again, not before `after_ms`.
    Deferred { reason: String, after_ms: Option<u32> },
    /// The connection broke where the provider may or may not have taken it.
    Unknown { reason: String },
}

/// Where [`Channel::send`] reports; each report leaves the process at once.
pub struct Outcomes<'a> {
    report: &'a mut dyn FnMut(u32, &Outcome),
}

impl<'a> Outcomes<'a> {
    pub fn new(report: &'a mut dyn FnMut(u32, &Outcome)) -> Self {
        Self { report }
    }

    /// `index` counts from 0 in the order of the messages given.
    pub fn report(&mut self, index: usize, outcome: &Outcome) {
        (self.report)(index as u32, outcome);
    }
}

/// Lines of JSON on their way to the host.
#[derive(Debug, Default)]
pub struct Batch {
    lines: Vec<u8>,
    records: u64,
    cursor: Option<String>,
    max_records: u64,
    max_bytes: usize,
}

#[derive(Serialize)]
struct Line<'a, T: Serialize> {
    op: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    v: Option<&'a T>,
}

#[derive(Serialize)]
struct Refused<'a> {
    op: &'static str,
    at: &'a str,
    reason: &'a str,
    raw: &'a str,
}

impl Batch {
    pub fn new(max_records: u32, max_bytes: u64) -> Self {
        Self {
            max_records: u64::from(max_records),
            max_bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX),
            ..Self::default()
        }
    }

    /// Time to return: the host's limits are reached.
    pub fn is_full(&self) -> bool {
        self.records >= self.max_records || self.lines.len() >= self.max_bytes
    }

    pub fn records(&self) -> u64 {
        self.records
    }

    /// A record that exists, with the vendor's own field names and values. An empty key leaves it to the mapping.
    pub fn upsert<T: Serialize>(&mut self, key: &str, fields: &T) -> Result<(), Error> {
        self.push(&Line { op: "u", stream: None, key, v: Some(fields) })
    }

    /// The same, in another stream than the one being read (webhooks have none of their own).
    pub fn upsert_in<T: Serialize>(&mut self, stream: &str, key: &str, fields: &T) -> Result<(), Error> {
        self.push(&Line { op: "u", stream: Some(stream), key, v: Some(fields) })
    }

    /// The far side says this record is gone.
    pub fn delete(&mut self, key: &str) -> Result<(), Error> {
        self.push(&Line::<()> { op: "d", stream: None, key, v: None })
    }

    /// This key exists now: the answer to [`ReadRequest::keys_only`].
    pub fn exists(&mut self, key: &str) -> Result<(), Error> {
        self.push(&Line::<()> { op: "k", stream: None, key, v: None })
    }

    /// Input that could not be read: it goes to quarantine, whole, with where it stood and why. Bytes that are not
    /// UTF-8 are kept as `base64:…`.
    pub fn refuse(&mut self, at: &str, reason: &str, raw: &[u8]) -> Result<(), Error> {
        let encoded;
        let raw = match std::str::from_utf8(raw) {
            Ok(text) => text,
            Err(_) => {
                encoded = format!("base64:{}", crate::base64::encode(raw));
                &encoded
            }
        };
        self.push(&Refused { op: "q", at, reason, raw })
    }

    /// Where to go on after this batch: opaque to the host, at most 1 MiB.
    pub fn set_cursor(&mut self, cursor: String) {
        self.cursor = Some(cursor);
    }

    /// The lines, the number of records in them, and the cursor.
    pub fn into_parts(self) -> (Vec<u8>, u64, Option<String>) {
        (self.lines, self.records, self.cursor)
    }

    fn push<T: Serialize>(&mut self, line: &T) -> Result<(), Error> {
        let start = self.lines.len();
        if let Err(e) = serde_json::to_writer(&mut self.lines, line) {
            self.lines.truncate(start);
            return Err(Error::permanent(format!("a record could not be written as JSON: {e}")));
        }
        self.lines.push(b'\n');
        self.records += 1;
        Ok(())
    }
}
