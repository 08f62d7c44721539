//! From a [`Message`] to the bytes on the wire. lettre builds the message; here stand the checks it does not make
//! (no control characters in headers, no header the sender sets itself) and the wire form of RFC 5321: CRLF line ends,
//! leading dots doubled, no line over 998 bytes, the lone dot at the end.

use std::str::FromStr;

use lettre::{
    Address, Message as Mime,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};
use rejoin_plugin_api::{Error, Message, Outcome};

use crate::config::Config;

/// RFC 5322 section 2.1.1, without the line end.
const LINE_BYTES_MAX: usize = 998;

/// What is the same for every message of a connector.
#[derive(Debug)]
pub(crate) struct Letterhead {
    from: Mailbox,
    reply_to: Option<Mailbox>,
    return_path: Address,
    pub(crate) domain: String,
}

/// A message ready for the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Letter {
    /// Place in the call.
    pub(crate) index: usize,
    /// Connections it was lost on before its body was handed over.
    pub(crate) tries: u8,
    /// Envelope addresses.
    pub(crate) from: String,
    pub(crate) to: String,
    /// Message-ID without its brackets.
    pub(crate) id: String,
    /// Needs SMTPUTF8.
    pub(crate) utf8: bool,
    /// Dot-stuffed, ends in the lone dot.
    pub(crate) bytes: Vec<u8>,
}

impl Letterhead {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let wrong = |key: &str| Error::config(format!("`{key}` is no e-mail address"));
        let from = config.from.as_deref().ok_or_else(|| Error::config("`from` is missing"))?;
        let from = ascii_domain(from.parse().map_err(|_| wrong("from"))?).ok_or_else(|| wrong("from"))?;
        let reply_to = config.reply_to.as_deref().map(|r| r.parse().ok().and_then(ascii_domain));
        let return_path = match config.return_path.as_deref() {
            Some(path) => Mailbox::new(None, path.parse().map_err(|_| wrong("return_path"))?),
            None => from.clone(),
        };
        let domain = config.domain.as_deref().unwrap_or_default();
        Ok(Self {
            reply_to: reply_to.map(|r| r.ok_or_else(|| wrong("reply_to"))).transpose()?,
            return_path: ascii_domain(return_path).ok_or_else(|| wrong("return_path"))?.email,
            domain: idna::domain_to_ascii_strict(domain)
                .map_err(|_| Error::config("`domain` is no domain name"))?
                .to_ascii_lowercase(),
            from,
        })
    }

    /// The `Err` is the outcome of a message that cannot be sent by anybody.
    pub(crate) fn compose(&self, message: &Message) -> Result<Letter, Outcome> {
        check_headers(message).map_err(rejected)?;
        let to = Address::from_str(message.to.trim()).ok().and_then(|a| ascii_domain(Mailbox::new(None, a)));
        let Some(Mailbox { email: to, .. }) = to else {
            let reason = format!("{:?} is no e-mail address", message.to);
            return Err(Outcome::Rejected { reason, bad_address: true });
        };
        let id = format!("{}@{}", message.message_id, self.domain);
        let mime = self.mime(message, &to, &id).map_err(rejected)?;
        let bytes = wire_form(&mime.formatted()).map_err(rejected)?;
        let (from, to) = (self.return_path.to_string(), to.to_string());
        // Bodies are encoded to seven bits; what is left are international addresses in headers and envelope.
        let utf8 = !(bytes.is_ascii() && from.is_ascii() && to.is_ascii());
        Ok(Letter { index: 0, tries: 0, from, to, id, utf8, bytes })
    }

    fn mime(&self, message: &Message, to: &Address, id: &str) -> Result<Mime, String> {
        let name = message.to_name.as_deref().map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned);
        let mut builder = Mime::builder()
            .date_now()
            .from(self.from.clone())
            .to(Mailbox::new(name, to.clone()))
            .subject(message.subject.clone().unwrap_or_default())
            .message_id(Some(format!("<{id}>")));
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(reply_to.clone());
        }
        for (name, value) in &message.headers {
            let name =
                HeaderName::new_from_ascii(name.clone()).map_err(|e| format!("header {name:?}: {e}"))?;
            builder = builder.raw_header(HeaderValue::new(name, value.clone()));
        }
        let (text, html) = (message.text.as_deref().map(crlf), message.html.as_deref().map(crlf));
        let built = match (text, html) {
            (Some(text), Some(html)) => builder.multipart(MultiPart::alternative_plain_html(text, html)),
            (None, Some(html)) => builder.singlepart(SinglePart::html(html)),
            (text, None) => builder.singlepart(SinglePart::plain(text.unwrap_or_default())),
        };
        built.map_err(|e| format!("the message cannot be built: {e}"))
    }
}

/// lettre would do this too, moving the whole rest of the text once for every line: minutes for a large mail.
fn crlf(text: &str) -> String {
    let mut normal = String::with_capacity(text.len() + text.len() / 16);
    for line in text.split_inclusive('\n') {
        match line.strip_suffix('\n') {
            Some(line) => {
                normal.push_str(line.strip_suffix('\r').unwrap_or(line));
                normal.push_str("\r\n");
            }
            None => normal.push_str(line),
        }
    }
    normal
}

fn rejected(reason: String) -> Outcome {
    Outcome::Rejected { reason, bad_address: false }
}

/// Domains travel as ASCII, so that only a local part can need SMTPUTF8.
fn ascii_domain(mailbox: Mailbox) -> Option<Mailbox> {
    if mailbox.email.domain().is_ascii() {
        return Some(mailbox);
    }
    let domain = idna::domain_to_ascii_strict(mailbox.email.domain()).ok()?;
    let email = Address::new(mailbox.email.user(), domain).ok()?;
    Some(Mailbox::new(mailbox.name, email))
}

/// Headers this sender writes itself: a second one would let a template, or a customer's name in it, forge the mail.
const OURS: [&str; 12] = [
    "from",
    "sender",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "return-path",
    "resent-from",
    "received",
];

fn check_headers(message: &Message) -> Result<(), String> {
    let fields = [
        ("the recipient's address", Some(message.to.as_str())),
        ("the recipient's name", message.to_name.as_deref()),
        ("the subject", message.subject.as_deref()),
    ];
    for (what, value) in fields {
        if value.is_some_and(has_control) {
            return Err(format!("{what} holds a line break or another control character"));
        }
    }
    let id = &message.message_id;
    if id.is_empty()
        || id.len() > 200
        || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+=".contains(&b))
    {
        return Err("the message id may hold only letters, digits and - _ . + =".to_owned());
    }
    for (name, value) in &message.headers {
        let shown: String = name.chars().take(40).collect();
        // Printable ASCII but the colon: RFC 5322 section 3.6.8.
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
            return Err(format!("{shown:?} is no header name"));
        }
        let lower = name.to_ascii_lowercase();
        if OURS.contains(&lower.as_str()) || lower.starts_with("content-") {
            return Err(format!("the header {shown} is set by the plugin alone"));
        }
        if has_control(value) {
            return Err(format!("the header {shown} holds a line break or another control character"));
        }
    }
    Ok(())
}

fn has_control(value: &str) -> bool {
    value.chars().any(|c| c.is_control() && c != '\t')
}

/// RFC 5321 section 4.5.2, and CRLF whatever the line ends were.
fn wire_form(message: &[u8]) -> Result<Vec<u8>, String> {
    let mut wire = Vec::with_capacity(message.len() + message.len() / 32 + 8);
    let mut rest = message;
    while !rest.is_empty() {
        let end = rest.iter().position(|&b| b == b'\n' || b == b'\r');
        let line = &rest[..end.unwrap_or(rest.len())];
        if line.len() > LINE_BYTES_MAX {
            return Err(format!(
                "a header has a line of {} bytes; {LINE_BYTES_MAX} is the limit",
                line.len()
            ));
        }
        if line.first() == Some(&b'.') {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
        wire.extend_from_slice(b"\r\n");
        rest = match end {
            None => &[],
            Some(end) if rest[end..].starts_with(b"\r\n") => &rest[end + 2..],
            Some(end) => &rest[end + 1..],
        };
    }
    wire.extend_from_slice(b".\r\n");
    Ok(wire)
}

/// The message itself again, as it is stored: without the dots of the wire.
pub(crate) fn stored_form(wire: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(wire.len());
    for line in wire.strip_suffix(b".\r\n").unwrap_or(wire).split_inclusive(|&b| b == b'\n') {
        stored.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    stored
}

#[cfg(test)]
mod tests;
