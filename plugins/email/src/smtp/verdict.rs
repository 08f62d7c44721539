//! What a reply means for a message: a pure table. It decides about money and annoyance, so it is kept apart from all
//! that moves bytes.

use rejoin_plugin_api::{Error, ErrorClass, Outcome};

use super::reply::Reply;

/// What was asked when the reply came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Mail,
    Rcpt,
    Data,
    /// The whole message, up to and including the lone dot.
    Body,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// On to the next stage.
    Go,
    /// This message is settled; the connection serves on.
    Settled(Outcome),
    /// The server closes the connection; this message was certainly not taken.
    Closing(String),
    /// No message can pass: the server refuses who we are.
    Barred(Error),
}

pub(crate) fn judge(stage: Stage, reply: &Reply) -> Verdict {
    match (stage, reply.class(), reply.code) {
        (Stage::Body, 2, _) => Verdict::Settled(Outcome::Accepted { provider_id: queue_id(reply) }),
        (Stage::Mail | Stage::Rcpt, 2, _) | (Stage::Data, _, 354) => Verdict::Go,
        // A definite "no" to the whole message: nothing is unknown, though the connection goes.
        (Stage::Body, _, 421) => Verdict::Settled(deferred(reply)),
        (_, _, 421) => Verdict::Closing(reply.text()),
        (_, 4, _) => Verdict::Settled(deferred(reply)),
        (_, _, 530 | 535 | 538) => {
            Verdict::Barred(Error::auth(format!("the mail server wants a login: {}", reply.text())))
        }
        (Stage::Mail, 5, _) if !is_about_this_message(reply) => Verdict::Barred(
            Error::new(
                ErrorClass::Config,
                format!("the mail server refuses our sender address: {}", reply.text()),
            )
            .with_hint("check `from`, `return_path` and what the account may send as"),
        ),
        (Stage::Rcpt, 5, _) => {
            Verdict::Settled(Outcome::Rejected { reason: reply.text(), bad_address: is_bad_address(reply) })
        }
        (_, 5, _) => Verdict::Settled(Outcome::Rejected { reason: reply.text(), bad_address: false }),
        // A 2xx to DATA, a 3xx to RCPT: the two sides no longer agree where they are. After the body that is unknown.
        (Stage::Body, _, _) => Verdict::Settled(Outcome::Unknown { reason: out_of_step(reply) }),
        _ => Verdict::Closing(out_of_step(reply)),
    }
}

fn deferred(reply: &Reply) -> Outcome {
    Outcome::Deferred { reason: reply.text(), after_ms: None }
}

fn out_of_step(reply: &Reply) -> String {
    format!("the mail server answered out of step: {}", reply.text())
}

/// 5xx to MAIL that blames this message, not the sender: too large (5.3.4, 552, 5.2.3), or international addresses
/// (5.6.7).
fn is_about_this_message(reply: &Reply) -> bool {
    match reply.status() {
        Some(s) => matches!((s.subject, s.detail), (3, 4) | (2, 3) | (6, 7)),
        None => reply.code == 552,
    }
}

/// Servers without enhanced codes say it in words. Only words that name the mailbox count: a wrong "bad address" is
/// for ever, a missed one costs a retry.
fn is_bad_address(reply: &Reply) -> bool {
    match reply.status() {
        Some(status) => status.is_bad_address(),
        None if matches!(reply.code, 550 | 551 | 553) => {
            let text = reply.text().to_ascii_lowercase();
            UNKNOWN_MAILBOX.iter().any(|words| text.contains(words))
        }
        None => false,
    }
}

const UNKNOWN_MAILBOX: [&str; 10] = [
    "user unknown",
    "unknown user",
    "no such user",
    "no such mailbox",
    "no such recipient",
    "unknown recipient",
    "recipient unknown",
    "user not found",
    "mailbox not found",
    "user doesn't exist",
];

/// `250 2.0.0 Ok: queued as 4XyZ`: Postfix, and many who copy it; Exim says `id=`.
fn queue_id(reply: &Reply) -> Option<String> {
    let text = reply.lines.first()?;
    let after = ["queued as ", "id="].iter().find_map(|mark| text.split_once(mark).map(|(_, rest)| rest))?;
    let id: String = after.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
    let id = id.trim_end_matches('.');
    (!id.is_empty()).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Reply, Stage, Verdict, judge};

    fn short(stage: Stage, line: &str) -> &'static str {
        let reply = Reply::take(&mut format!("{line}\r\n").into_bytes()).unwrap().unwrap();
        match judge(stage, &reply) {
            Verdict::Go => "go",
            Verdict::Closing(_) => "closing",
            Verdict::Barred(_) => "barred",
            Verdict::Settled(Outcome::Accepted { .. }) => "accepted",
            Verdict::Settled(Outcome::Deferred { .. }) => "deferred",
            Verdict::Settled(Outcome::Unknown { .. }) => "unknown",
            Verdict::Settled(Outcome::Rejected { bad_address: true, .. }) => "bad address",
            Verdict::Settled(Outcome::Rejected { bad_address: false, .. }) => "rejected",
        }
    }

    #[test]
    fn outcomes_by_stage_and_reply() {
        for (stage, line, want) in [
            (Stage::Mail, "250 ok", "go"),
            (Stage::Mail, "451 4.3.0 later", "deferred"),
            (Stage::Mail, "421 4.3.2 bye", "closing"),
            (Stage::Mail, "530 5.7.0 authenticate first", "barred"),
            (Stage::Mail, "550 5.1.8 sender not ours", "barred"),
            (Stage::Mail, "552 5.3.4 too large", "rejected"),
            (Stage::Mail, "552 too large", "rejected"),
            (Stage::Mail, "553 5.6.7 no international addresses", "rejected"),
            (Stage::Rcpt, "250 ok", "go"),
            (Stage::Rcpt, "251 will forward", "go"),
            (Stage::Rcpt, "450 4.2.0 greylisted", "deferred"),
            (Stage::Rcpt, "550 5.1.1 no such user", "bad address"),
            (Stage::Rcpt, "553 5.1.3 bad syntax", "bad address"),
            (Stage::Rcpt, "550 5.7.1 no such user, or policy", "rejected"),
            (Stage::Rcpt, "552 5.2.2 mailbox full", "rejected"),
            (Stage::Rcpt, "554 5.7.1 relay access denied", "rejected"),
            (Stage::Rcpt, "550 No such user here", "bad address"),
            (Stage::Rcpt, "550 blocked", "rejected"),
            (Stage::Rcpt, "354 what", "closing"),
            (Stage::Data, "354 go", "go"),
            (Stage::Data, "250 ok", "closing"),
            (Stage::Data, "451 4.3.0 later", "deferred"),
            (Stage::Data, "554 5.5.1 no valid recipients", "rejected"),
            (Stage::Data, "421 bye", "closing"),
            (Stage::Body, "250 2.0.0 Ok: queued as 4A", "accepted"),
            (Stage::Body, "421 4.3.0 bye", "deferred"),
            (Stage::Body, "451 4.7.1 greylisted", "deferred"),
            (Stage::Body, "554 5.7.1 spam", "rejected"),
            (Stage::Body, "354 what", "unknown"),
        ] {
            assert_eq!(short(stage, line), want, "{stage:?} {line}");
        }
    }

    #[test]
    fn queue_ids() {
        for (line, want) in [
            ("250 2.0.0 Ok: queued as 4XyZ1", Some("4XyZ1")),
            ("250 OK id=1abC-0001-Xy", Some("1abC-0001-Xy")),
            ("250 2.0.0 <c@x> abc Saved", None),
        ] {
            let reply = Reply::take(&mut format!("{line}\r\n").into_bytes()).unwrap().unwrap();
            assert_eq!(super::queue_id(&reply).as_deref(), want);
        }
    }
}
