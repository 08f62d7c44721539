//! What the manifest's schema cannot say: templates that compile and give well-formed bodies, rules that can match.

use chrono::FixedOffset;
use rejoin_plugin_api::{Diagnostic, Message};
use serde_json::Value;

use crate::{
    Config,
    config::{Numbers, Receipts, Replies},
    gateway::method,
    measure,
    message::Ready,
    request::{Rendered, Templates, VARIABLES},
};

/// Characters of a registered signature.
const SIGNATURE_CHARS: std::ops::RangeInclusive<usize> = 2..=16;
const TIMEOUT_S: std::ops::RangeInclusive<u32> = 1..=60;
const CONNECTIONS: std::ops::RangeInclusive<u32> = 1..=64;

pub(crate) fn validate(config: &Config) -> Vec<Diagnostic> {
    let mut found = Findings(Vec::new());
    wire(config, &mut found);
    text_rules(config, &mut found);
    answer_rules(config, &mut found);
    if let Some(receipts) = &config.receipts {
        receipt_fields(receipts, config, &mut found);
    }
    if let Some(replies) = &config.replies {
        reply_fields(replies, config, &mut found);
    }
    templates(config, &mut found);
    found.0
}

struct Findings(Vec<Diagnostic>);

impl Findings {
    fn add(&mut self, pointer: &str, message: impl Into<String>, hint: &str) {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        self.0.push(Diagnostic { pointer: pointer.to_owned(), message: message.into(), hint });
    }

    fn check(&mut self, fine: bool, pointer: &str, message: &str, hint: &str) {
        if !fine {
            self.add(pointer, message, hint);
        }
    }
}

fn wire(config: &Config, found: &mut Findings) {
    found.check(method(&config.method).is_some(), "/method", "is not an HTTP method", "write POST or GET");
    let rate_fits = config.rate.is_none_or(|r| r.is_finite() && r > 0.0);
    found.check(rate_fits, "/rate", "must be above 0 messages a second", "leave it out for no limit");
    found.check(config.burst >= 1, "/burst", "must be at least 1", "");
    found.check(CONNECTIONS.contains(&config.connections), "/connections", "must be from 1 to 64", "");
    found.check(TIMEOUT_S.contains(&config.timeout_s), "/timeout_s", "must be from 1 to 60 seconds", "");
    found.check(
        (1..config.timeout_s.max(2)).contains(&config.connect_timeout_s),
        "/connect_timeout_s",
        "must be at least 1 and below timeout_s",
        "a connection that takes longer than the whole exchange would make its message unknown",
    );
    let code_fits =
        config.country_code.as_ref().is_none_or(|c| !c.is_empty() && c.bytes().all(|b| b.is_ascii_digit()));
    found.check(code_fits, "/country_code", "must be digits only", "write 86, not +86");
}

fn text_rules(config: &Config, found: &mut Findings) {
    found.check(config.parts_max >= 1, "/parts_max", "must be at least 1", "");
    if let Some(signature) = &config.signature {
        let fits = SIGNATURE_CHARS.contains(&signature.chars().count());
        found.check(fits, "/signature", "must be of 2 to 16 characters", "it is what the carrier registered");
        let bare = !signature.contains(['【', '】']);
        found.check(bare, "/signature", "must be written without 【】", "the plugin puts them around it");
    }
    found.check(
        !config.appends_signature || config.signature.is_some(),
        "/appends_signature",
        "needs signature, to count its characters",
        "write the signature the gateway appends",
    );
    found.check(
        config.opt_out.is_none() || config.appends_opt_out.is_none(),
        "/opt_out",
        "cannot stand beside appends_opt_out: the instruction would be sent twice",
        "keep the one that is true",
    );
}

fn answer_rules(config: &Config, found: &mut Findings) {
    let rule = &config.accepted;
    found.check(
        rule.values.is_empty() || rule.at.is_some(),
        "/accepted/values",
        "needs accepted.at, the place to find them",
        "",
    );
    let known = rule.status.iter().all(|s| (100..600).contains(s));
    found.check(known, "/accepted/status", "holds a number that is no HTTP status", "");
    let error = &config.error;
    for (name, list) in
        [("retry", &error.retry), ("final", &error.final_), ("bad_address", &error.bad_address)]
    {
        let readable = error.code.is_some() || list.iter().all(|code| code.starts_with("http:"));
        found.check(
            readable,
            &format!("/error/{name}"),
            "holds codes, and error.code does not say where the answer has its code",
            "set error.code, or write http:422 for an HTTP status",
        );
    }
}

fn receipt_fields(receipts: &Receipts, config: &Config, found: &mut Findings) {
    found.check(!receipts.provider_id.is_empty(), "/receipts/provider_id", "is missing", "");
    found.check(!receipts.status.is_empty(), "/receipts/status", "is missing", "");
    found.check(
        receipts.bad_address.is_empty() || receipts.reason.is_some(),
        "/receipts/bad_address",
        "needs receipts.reason, the field it is compared with",
        "",
    );
    numbers(receipts.numbers, config, "/receipts/numbers", found);
    offset(&receipts.utc_offset, "/receipts/utc_offset", found);
}

fn reply_fields(replies: &Replies, config: &Config, found: &mut Findings) {
    found.check(!replies.from.is_empty(), "/replies/from", "is missing", "");
    found.check(!replies.text.is_empty(), "/replies/text", "is missing", "");
    numbers(replies.numbers, config, "/replies/numbers", found);
    offset(&replies.utc_offset, "/replies/utc_offset", found);
}

fn numbers(form: Numbers, config: &Config, pointer: &str, found: &mut Findings) {
    let fits = form != Numbers::National || config.country_code.is_some();
    found.check(fits, pointer, "national numbers need country_code", "");
}

fn offset(text: &Option<String>, pointer: &str, found: &mut Findings) {
    let fits = text.as_ref().is_none_or(|t| t.parse::<FixedOffset>().is_ok());
    found.check(fits, pointer, "is not an offset from UTC", "write +08:00");
}

/// Compiles every template and renders it once with a text full of what usually breaks bodies.
fn templates(config: &Config, found: &mut Findings) {
    let templates = match Templates::new(config) {
        Ok(templates) => templates,
        Err(bad) => {
            for bad in bad {
                found.add(&bad.pointer, format!("is not a template: {}", bad.reason), "");
            }
            return;
        }
    };
    let unknown = templates.unknown_names();
    for (pointer, name) in &unknown {
        found.add(
            pointer,
            format!("uses {name}, which no message has"),
            &format!("the names are {}", VARIABLES.join(", ")),
        );
    }
    if !unknown.is_empty() {
        return;
    }
    match templates.render(&sample_message(), &sample_text()) {
        Ok(rendered) => rendered_request(&rendered, config, found),
        Err(bad) => {
            found.add(
                &bad.pointer,
                format!("cannot be rendered: {}", bad.reason),
                "every secret.NAME stands in secrets; to_national needs country_code",
            );
        }
    }
}

fn rendered_request(rendered: &Rendered, config: &Config, found: &mut Findings) {
    match reqwest::Url::parse(&rendered.url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {}
        _ => found.add("/url", "is not an http or https url", "values in it need |form: ?to={{ to|form }}"),
    }
    let kind = config.content_type.to_ascii_lowercase();
    if kind.contains("json")
        && !rendered.body.is_empty()
        && serde_json::from_str::<Value>(&rendered.body).is_err()
    {
        found.add(
            "/body",
            "is not JSON once a text with quotes and line ends stands in it",
            "write {{ text|json }} without quotes around it",
        );
    }
    if kind.contains("x-www-form-urlencoded") && rendered.body.contains(['"', '\n', ' ']) {
        found.add("/body", "is not urlencoded once a text with spaces stands in it", "write {{ text|form }}");
    }
    for (name, value) in &rendered.headers {
        let valid = reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_ok()
            && reqwest::header::HeaderValue::from_str(value).is_ok();
        let pointer = crate::request::header_pointer(name);
        found.check(valid, &pointer, "is not a valid HTTP header", "texts in a header need |form or |base64");
    }
}

pub(crate) fn sample_message() -> Message {
    Message {
        idempotency_key: "check".to_owned(),
        message_id: "check".to_owned(),
        to: "+8613800138000".to_owned(),
        to_name: Some("O'Brien \"Bob\"".to_owned()),
        ..Message::default()
    }
}

pub(crate) fn sample_text() -> Ready {
    let text = "您好 \"A&B\"\n100% {{ x }}".to_owned();
    Ready { length: measure(&text), text }
}
