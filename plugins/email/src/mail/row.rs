//! The row: every field is always there, null when the mail does not have it, so that a mapping may name any of them.

use mail_parser::{Address, HeaderValue, Message, MessageParser};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    auto::is_automatic,
    optout::is_opt_out,
    quote::own_words,
    report::{Report, ReportKind},
};

/// As much of a body as a row carries; more is cut and `truncated` says so.
const TEXT_BYTES_MAX: usize = 128 << 10;
/// References kept: the newest.
const REFERENCES_MAX: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A person answers a mail.
    Reply,
    /// A person writes.
    Mail,
    /// Our mail could not be delivered (RFC 3464).
    Bounce,
    /// The recipient's provider says our mail was called spam (RFC 5965).
    Complaint,
    /// Nobody wrote this: out of office, receipts, notices of success.
    AutoReply,
}

#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) kind: Kind,
    pub(crate) message_id: Option<String>,
    /// `mailto:` and the address, in lower case, of the party this is about: the sender, or for a bounce or complaint
    /// the recipient of our mail.
    pub(crate) party_key: Option<String>,
    pub(crate) from_address: Option<String>,
    pub(crate) from_name: Option<String>,
    /// All addresses, `, ` between them.
    pub(crate) to: String,
    pub(crate) subject: Option<String>,
    /// RFC 3339: when it was written, or when it arrived.
    pub(crate) date: Option<String>,
    pub(crate) in_reply_to: Option<String>,
    pub(crate) references: Vec<String>,
    /// The Message-ID of ours that this answers, bounces or complains about.
    pub(crate) answers: Option<String>,
    /// Its left part: what the daemon gave as the message's id.
    pub(crate) answers_id: Option<String>,
    pub(crate) text: String,
    /// What the sender wrote himself: `text` without quotation and signature.
    pub(crate) reply_text: String,
    pub(crate) truncated: bool,
    pub(crate) auto_submitted: bool,
    pub(crate) opt_out: bool,
    #[serde(flatten)]
    pub(crate) report: Report,
    /// Digest of the whole mail, for the key of one without Message-ID.
    #[serde(skip)]
    digest: String,
}

impl Row {
    /// `arrived` is what the mailbox knows about the time; `domain` is ours. `None` when this is no mail at all.
    pub(crate) fn read(raw: &[u8], arrived: Option<String>, domain: &str) -> Option<Self> {
        let mail = MessageParser::default().parse(raw)?;
        if mail.headers().is_empty() {
            return None;
        }
        let (report_kind, report) = Report::read(&mail);
        let (text, truncated) = body(&mail);
        let reply_text = own_words(&text);
        let from = mail.from().and_then(Address::first);
        let from_address = from.and_then(|f| f.address()).map(clean);
        let automatic = is_automatic(&mail);
        let in_reply_to = ids(mail.in_reply_to());
        let references = ids(mail.references());
        let kind = match report_kind {
            Some(ReportKind::Complaint) => Kind::Complaint,
            Some(ReportKind::Bounce) => Kind::Bounce,
            Some(ReportKind::Notice) => Kind::AutoReply,
            None if automatic => Kind::AutoReply,
            None if in_reply_to.is_empty() && references.is_empty() => Kind::Mail,
            None => Kind::Reply,
        };
        // The newest reference stands last; a report's own evidence is better than a header.
        let mentioned = report.original_message_id.iter().chain(&in_reply_to).chain(references.iter().rev());
        let answers = mentioned.into_iter().find(|id| is_ours(id, domain)).cloned();
        let party = match kind {
            Kind::Bounce | Kind::Complaint => report.recipient().map(str::to_owned),
            _ => from_address.clone(),
        };
        let by_a_person = matches!(kind, Kind::Reply | Kind::Mail);
        let subject = mail.subject().map(clean);
        Some(Self {
            kind,
            message_id: mail.message_id().map(clean),
            party_key: party.map(|address| format!("mailto:{}", address.to_lowercase())),
            from_name: from.and_then(|f| f.name()).map(clean).filter(|n| !n.is_empty()),
            from_address,
            to: addresses(mail.to()),
            date: mail.date().filter(|d| d.is_valid()).map(mail_parser::DateTime::to_rfc3339).or(arrived),
            in_reply_to: in_reply_to.into_iter().next(),
            references: references[references.len().saturating_sub(REFERENCES_MAX)..].to_vec(),
            answers_id: answers.as_deref().and_then(|id| id.split_once('@')).map(|(id, _)| id.to_owned()),
            answers,
            opt_out: by_a_person && is_opt_out(subject.as_deref().unwrap_or_default(), &reply_text),
            subject,
            text,
            reply_text,
            truncated,
            auto_submitted: automatic,
            report,
            digest: hex(&Sha256::digest(raw)[..16]),
        })
    }

    /// The same for the same mail wherever it is read: an import and an IMAP folder do not double it.
    pub(crate) fn key(&self) -> String {
        match self.message_id.as_deref() {
            Some(id) if !id.is_empty() => format!("mail/{id}"),
            _ => format!("mail/sha256-{}", self.digest),
        }
    }
}

fn body(mail: &Message<'_>) -> (String, bool) {
    let mut text = String::new();
    for position in 0..mail.text_body_count() {
        if let Some(part) = mail.body_text(position) {
            text.push_str(&part);
        }
        if text.len() > TEXT_BYTES_MAX {
            break;
        }
    }
    let mut text = text.replace("\r\n", "\n").replace('\0', "");
    let whole = text.len();
    let end = (0..=TEXT_BYTES_MAX.min(whole)).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    text.truncate(end);
    (text.trim_end().to_owned(), end < whole)
}

/// Message-IDs without their brackets.
pub(super) fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    match value {
        HeaderValue::Text(id) => vec![clean(id)],
        HeaderValue::TextList(ids) => ids.iter().map(|id| clean(id)).collect(),
        _ => Vec::new(),
    }
}

/// `@domain` at the end, whatever the case. Without a domain of ours any id will do.
fn is_ours(id: &str, domain: &str) -> bool {
    domain.is_empty() || id.rsplit_once('@').is_some_and(|(_, right)| right.eq_ignore_ascii_case(domain))
}

fn addresses(value: Option<&Address<'_>>) -> String {
    let list = value.map(|v| v.iter().filter_map(|a| a.address()).map(clean).collect::<Vec<_>>());
    list.unwrap_or_default().join(", ")
}

/// One line, no control characters.
pub(super) fn clean(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests;
