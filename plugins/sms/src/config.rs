//! The plugin's configuration, as the host hands it over: checked against the manifest, secrets resolved.
//!
//! No `Debug`: it would print secrets.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The README explains every key.
#[derive(Deserialize)]
pub struct Config {
    #[serde(default = "post")]
    pub(crate) method: String,
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) body: String,
    #[serde(default = "json")]
    pub(crate) content_type: String,
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, String>,
    pub(crate) basic_auth: Option<BasicAuth>,
    pub(crate) proxy: Option<String>,
    /// PEM text.
    pub(crate) ca: Option<String>,
    #[serde(default)]
    pub(crate) sender: String,
    pub(crate) country_code: Option<String>,

    #[serde(default)]
    pub(crate) accepted: Accepted,
    pub(crate) provider_id: Option<String>,
    #[serde(default)]
    pub(crate) error: Failures,
    #[serde(default)]
    pub(crate) idempotent: bool,

    pub(crate) rate: Option<f64>,
    #[serde(default = "one")]
    pub(crate) burst: u32,
    #[serde(default = "two")]
    pub(crate) connections: u32,
    #[serde(default = "thirty")]
    pub(crate) timeout_s: u32,
    #[serde(default = "ten")]
    pub(crate) connect_timeout_s: u32,
    #[serde(default = "ten")]
    pub(crate) parts_max: u32,

    pub(crate) signature: Option<String>,
    #[serde(default)]
    pub(crate) signature_at: SignatureAt,
    #[serde(default)]
    pub(crate) appends_signature: bool,
    pub(crate) opt_out: Option<String>,
    pub(crate) appends_opt_out: Option<String>,

    pub(crate) probe_url: Option<String>,
    pub(crate) receipts: Option<Receipts>,
    pub(crate) replies: Option<Replies>,
}

#[derive(Deserialize)]
pub(crate) struct BasicAuth {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// What an answer must hold to mean that the provider took the message.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Accepted {
    /// Empty: any 2xx.
    pub(crate) status: Vec<u16>,
    pub(crate) at: Option<String>,
    /// Empty: any value at `at`.
    pub(crate) values: Vec<String>,
}

/// How a refusal is read. Codes are compared as text; `http:422` stands for the HTTP status itself.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Failures {
    pub(crate) code: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) retry: Vec<String>,
    #[serde(rename = "final")]
    pub(crate) final_: Vec<String>,
    pub(crate) bad_address: Vec<String>,
    pub(crate) otherwise: Otherwise,
}

/// What a code in none of the lists means.
#[derive(Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Otherwise {
    #[default]
    Final,
    Retry,
}

#[derive(Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SignatureAt {
    #[default]
    Start,
    End,
}

/// Delivery receipts pushed by the gateway. A field is a JSON pointer when it begins with `/`, else a name.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Receipts {
    pub(crate) path: Option<String>,
    pub(crate) list: Option<String>,
    pub(crate) provider_id: String,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    /// The recipient's number, without which a bad one cannot be suppressed.
    pub(crate) to: Option<String>,
    pub(crate) at: Option<String>,
    pub(crate) utc_offset: Option<String>,
    pub(crate) numbers: Numbers,
    pub(crate) statuses: BTreeMap<String, Fate>,
    pub(crate) bad_address: Vec<String>,
}

/// What a receipt's status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fate {
    Delivered,
    Failed,
    BadAddress,
    /// On its way: a later receipt will say.
    Pending,
}

/// Messages people sent back.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Replies {
    pub(crate) path: Option<String>,
    pub(crate) list: Option<String>,
    pub(crate) from: String,
    pub(crate) text: String,
    pub(crate) at: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) utc_offset: Option<String>,
    pub(crate) numbers: Numbers,
    pub(crate) opt_out_words: Vec<String>,
}

/// How the gateway writes numbers.
#[derive(Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Numbers {
    /// `+8613800138000`, or left as it is.
    #[default]
    E164,
    /// `8613800138000`.
    International,
    /// `13800138000`: `country_code` goes in front.
    National,
}

fn post() -> String {
    "POST".to_owned()
}

fn json() -> String {
    "application/json; charset=utf-8".to_owned()
}

fn one() -> u32 {
    1
}

fn two() -> u32 {
    2
}

fn ten() -> u32 {
    10
}

fn thirty() -> u32 {
    30
}
