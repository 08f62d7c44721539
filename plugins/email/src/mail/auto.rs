//! Whether a machine wrote a mail (RFC 3834 and the customs older than it). An answering machine must never count as
//! a customer's word: it neither replies nor opts out.

use mail_parser::{HeaderName, HeaderValue, Message};

pub(super) fn is_automatic(mail: &Message<'_>) -> bool {
    if let Some(value) = text(mail, "Auto-Submitted") {
        let word = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        return word != "no";
    }
    let says = |name: &'static str, words: &[&str]| {
        text(mail, name).is_some_and(|v| words.contains(&v.trim().to_ascii_lowercase().as_str()))
    };
    if says("Precedence", &["auto_reply", "auto-reply"])
        || says("X-Precedence", &["auto_reply", "auto-reply"])
    {
        return true;
    }
    if MARKS.iter().any(|name| mail.header(*name).is_some()) {
        return true;
    }
    // A null return path is how machines keep machines from answering them.
    if text(mail, "Return-Path").is_some_and(|path| matches!(path.trim(), "" | "<>")) {
        return true;
    }
    let subject = mail.subject().unwrap_or_default().trim().to_lowercase();
    SUBJECTS.iter().any(|start| subject.starts_with(start))
}

/// Headers that only answering machines write. (Not X-Auto-Response-Suppress: Outlook puts it on people's mail too.)
const MARKS: [&str; 6] =
    ["X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Vacation", "X-AutoReply-From", "X-Mail-Autoreply"];

const SUBJECTS: [&str; 18] = [
    "automatic reply:",
    "automatic reply：",
    "auto reply:",
    "auto-reply:",
    "autoreply:",
    "auto response:",
    "out of office",
    "out of the office",
    "vacation reply",
    "abwesenheit",
    "réponse automatique",
    "respuesta automática",
    "自动回复",
    "自動回覆",
    "自動返信",
    "自动答复",
    "外出自动回复",
    "休假自动回复",
];

/// The header as written.
fn text(mail: &Message<'_>, name: &'static str) -> Option<String> {
    match mail.header(HeaderName::parse(name)?) {
        Some(HeaderValue::Text(text)) => Some(text.to_string()),
        Some(HeaderValue::Empty) => Some(String::new()),
        Some(_) => mail.header_raw(HeaderName::parse(name)?).map(|raw| raw.trim().to_owned()),
        None => None,
    }
}
