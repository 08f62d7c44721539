//! The plugin through its one call, request in and lines out.

mod consents;
mod faults;
mod formats;
mod laws;

use rejoin_plugin_api::{Batch, Host, Plugin, Webhook, WebhookRequest};
use serde_json::Value;

use crate::Webform;

/// The lines for one request. It was received on 2026-01-02T03:04:05Z.
fn handle(config: &Value, content_type: &str, target: &str, body: &[u8]) -> Vec<Value> {
    let config = serde_json::from_value(config.clone()).unwrap();
    assert_eq!(Webform::validate(&config), []);
    let mut headers = vec![("user-agent".to_owned(), "Browser/1".to_owned())];
    if !content_type.is_empty() {
        headers.push(("content-type".to_owned(), content_type.to_owned()));
    }
    let request = WebhookRequest {
        id: "r1".into(),
        received_at_ms: 1_767_323_045_000,
        method: "POST".into(),
        target: target.into(),
        headers,
        remote: "192.0.2.7".into(),
        body: body.to_vec(),
    };
    let mut out = Batch::new(10_000, 1 << 26);
    Webform::open(config, Host::detached()).unwrap().handle(&request, &mut out).unwrap();
    let (lines, _, _) = out.into_parts();
    lines
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect()
}

/// The one line of a request.
fn line(config: &Value, content_type: &str, body: &[u8]) -> Value {
    let mut all = handle(config, content_type, "/contact", body);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// The record of a request that has one.
fn record(config: &Value, content_type: &str, body: &[u8]) -> Value {
    let line = line(config, content_type, body);
    assert_eq!(line["op"], "u", "{line}");
    line["v"].clone()
}

/// The reason of a request that goes to quarantine, whole.
fn reason(config: &Value, content_type: &str, body: &[u8]) -> String {
    let line = line(config, content_type, body);
    assert_eq!(line["op"], "q", "{line}");
    if let Ok(text) = std::str::from_utf8(body)
        && !body.is_empty()
    {
        assert_eq!(line["raw"], text);
    }
    line["reason"].as_str().unwrap().to_owned()
}

const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=XX";
const JSON: &str = "application/json";

/// A multipart body of parts, each its headers after `Content-Disposition: form-data; ` and its content.
fn multipart(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (head, content) in parts {
        body.extend(format!("--XX\r\nContent-Disposition: form-data; {head}\r\n\r\n").bytes());
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--XX--\r\n");
    body
}
