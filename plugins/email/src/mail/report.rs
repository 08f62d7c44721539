//! Machine-readable reports about mail of ours: delivery status (RFC 3464), abuse (RFC 5965), and the bounces of
//! servers that follow neither.

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders};
use serde::Serialize;

use super::row::{clean, ids};
use crate::smtp::Status;

/// What a report says; all null for mail that is none.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// `failed`, `delayed`, `delivered`, …
    pub(crate) action: Option<String>,
    /// Where it went in the end, perhaps after forwarding.
    pub(crate) final_recipient: Option<String>,
    /// Where we had sent it.
    pub(crate) original_recipient: Option<String>,
    /// RFC 3463, `5.1.1`.
    pub(crate) status: Option<String>,
    pub(crate) diagnostic: Option<String>,
    pub(crate) original_message_id: Option<String>,
    /// `abuse`, `fraud`, …
    pub(crate) feedback_type: Option<String>,
    /// The bounce says that the address itself is wrong for good.
    pub(crate) bad_address: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReportKind {
    Bounce,
    Complaint,
    /// Delivered, relayed, not spam after all: nothing to act upon.
    Notice,
}

impl Report {
    pub(super) fn read(mail: &Message<'_>) -> (Option<ReportKind>, Self) {
        if let Some(part) = part(mail, "message", &["feedback-report"]) {
            return Self::feedback(mail, &fields(part));
        }
        if let Some(part) = part(mail, "message", &["delivery-status", "global-delivery-status"]) {
            return Self::delivery_status(mail, &fields(part));
        }
        if is_old_bounce(mail) { Self::old_bounce(mail) } else { (None, Self::default()) }
    }

    /// Whom our mail was for.
    pub(super) fn recipient(&self) -> Option<&str> {
        self.original_recipient.as_deref().or(self.final_recipient.as_deref())
    }

    fn feedback(mail: &Message<'_>, fields: &Fields) -> (Option<ReportKind>, Self) {
        let original = original(mail);
        let feedback_type = get(fields, "feedback-type").map(str::to_ascii_lowercase);
        let recipient = get(fields, "original-rcpt-to").map(address).or(original.to);
        let kind = match feedback_type.as_deref() {
            Some("not-spam") => ReportKind::Notice,
            _ => ReportKind::Complaint,
        };
        let report = Self {
            original_recipient: recipient,
            original_message_id: original.message_id,
            feedback_type,
            ..Self::default()
        };
        (Some(kind), report)
    }

    fn delivery_status(mail: &Message<'_>, fields: &Fields) -> (Option<ReportKind>, Self) {
        let original = original(mail);
        let action = get(fields, "action").map(str::to_ascii_lowercase);
        let status = get(fields, "status").and_then(|s| s.split_whitespace().next()).map(str::to_owned);
        let kind = match action.as_deref() {
            Some("delivered" | "relayed" | "expanded") => ReportKind::Notice,
            _ => ReportKind::Bounce,
        };
        let envelope_id = get(fields, "original-envelope-id").map(unxtext).filter(|id| id.contains('@'));
        let report = Self {
            bad_address: kind == ReportKind::Bounce && is_bad_address(status.as_deref()),
            action,
            final_recipient: get(fields, "final-recipient").map(typed),
            original_recipient: get(fields, "original-recipient").map(typed),
            status,
            diagnostic: get(fields, "diagnostic-code").map(typed),
            original_message_id: original.message_id.or(envelope_id),
            feedback_type: None,
        };
        (Some(kind), report)
    }

    /// qmail, old Exim and many a provider write for people only. What can be picked out without guessing is.
    fn old_bounce(mail: &Message<'_>) -> (Option<ReportKind>, Self) {
        let text = mail.body_text(0).unwrap_or_default();
        let original = original(mail);
        let failed =
            mail.header_raw("X-Failed-Recipients").map(|v| address(v.split(',').next().unwrap_or(v)));
        let status = status_in(&text);
        let report = Self {
            bad_address: is_bad_address(status.as_deref()),
            action: Some("failed".to_owned()),
            final_recipient: failed.or(original.to),
            status,
            original_message_id: original.message_id.or_else(|| message_id_in(&text)),
            ..Self::default()
        };
        (Some(ReportKind::Bounce), report)
    }
}

type Fields = Vec<(String, String)>;

/// `Name: value` lines with folding; the groups of a delivery status stand one after the other. Only the first failed
/// recipient matters: we never send to two at once.
fn fields(part: &MessagePart<'_>) -> Fields {
    let text = String::from_utf8_lossy(part.contents()).replace("\r\n", "\n");
    let mut fields: Fields = Vec::new();
    for line in text.lines() {
        match line.split_once(':') {
            _ if line.starts_with([' ', '\t']) => {
                if let Some((_, value)) = fields.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            }
            Some((name, value)) => fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned())),
            None => {}
        }
    }
    fields
}

fn get<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
}

fn part<'m, 'x>(mail: &'m Message<'x>, kind: &str, subtypes: &[&str]) -> Option<&'m MessagePart<'x>> {
    mail.parts.iter().find(|p| {
        p.content_type().is_some_and(|c| {
            c.ctype().eq_ignore_ascii_case(kind)
                && c.subtype().is_some_and(|s| subtypes.iter().any(|w| s.eq_ignore_ascii_case(w)))
        })
    })
}

#[derive(Default)]
struct Original {
    message_id: Option<String>,
    to: Option<String>,
}

/// The returned mail of ours, whole or its headers.
fn original(mail: &Message<'_>) -> Original {
    let about = |m: &Message<'_>| Original {
        message_id: ids(m.header("Message-ID").unwrap_or(&mail_parser::HeaderValue::Empty))
            .into_iter()
            .next(),
        to: m.to().and_then(|to| to.first()).and_then(|to| to.address()).map(clean),
    };
    if let Some(nested) = mail.parts.iter().find_map(MessagePart::message) {
        return about(nested);
    }
    let headers = part(mail, "text", &["rfc822-headers"])
        .or_else(|| part(mail, "message", &["global-headers", "rfc822-headers"]));
    headers.and_then(|p| MessageParser::default().parse(p.contents())).map(|m| about(&m)).unwrap_or_default()
}

fn is_old_bounce(mail: &Message<'_>) -> bool {
    if mail.header("X-Failed-Recipients").is_some() {
        return true;
    }
    let from = mail
        .from()
        .and_then(|f| f.first())
        .and_then(|f| f.address())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let by_a_daemon = from.starts_with("mailer-daemon@") || from.starts_with("postmaster@");
    let subject = mail.subject().unwrap_or_default().to_lowercase();
    by_a_daemon && FAILURES.iter().any(|words| subject.contains(words))
}

const FAILURES: [&str; 12] = [
    "failure",
    "failed",
    "undeliver",
    "returned",
    "delivery status",
    "delivery problem",
    "not delivered",
    "rejected",
    "退信",
    "退回",
    "无法投递",
    "投递失败",
];

/// `rfc822; li@x.test` → `li@x.test`, `smtp; 550 …` → `550 …`.
fn typed(value: &str) -> String {
    let plain = value.split_once(';').map_or(value, |(_, plain)| plain);
    if plain.contains('@') && !plain.trim().contains(' ') { address(plain) } else { clean(plain) }
}

fn address(value: &str) -> String {
    clean(value).trim_matches(['<', '>']).to_owned()
}

fn is_bad_address(status: Option<&str>) -> bool {
    status.and_then(Status::parse).is_some_and(Status::is_bad_address)
}

/// The first enhanced status of failure in running text.
fn status_in(text: &str) -> Option<String> {
    let words =
        text.split(|c: char| c.is_whitespace() || "()[]#,;:".contains(c)).map(|w| w.trim_end_matches('.'));
    words.filter(|w| Status::parse(w).is_some_and(|s| s.class != 2)).map(str::to_owned).next()
}

/// Old bounces quote our headers in the text.
fn message_id_in(text: &str) -> Option<String> {
    let line = text.lines().find(|l| l.to_ascii_lowercase().trim_start().starts_with("message-id:"))?;
    let id = line.split_once('<')?.1.split_once('>')?.0;
    (!id.is_empty()).then(|| clean(id))
}

/// RFC 3461: `+2B` is a plus.
fn unxtext(coded: &str) -> String {
    let mut plain = String::with_capacity(coded.len());
    let mut rest = coded;
    while let Some((before, after)) = rest.split_once('+') {
        plain.push_str(before);
        let byte = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte {
            Some(byte) => {
                plain.push(char::from(byte));
                rest = &after[2..];
            }
            None => {
                plain.push('+');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain.trim_matches(['<', '>']).to_owned()
}
