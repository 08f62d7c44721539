//! What a gateway's answer means for the message, and for those still waiting.
//!
//! Pure. The rule above all others: say "not sent" only when that is certain. An answer that settles nothing is
//! unknown, or worth another try when the gateway promises to recognise the idempotency key.

use chrono::DateTime;
use rejoin_plugin_api::{Error, Outcome};

use crate::{
    config::{Config, Otherwise},
    place::{Body, Place},
};

/// Longest piece of a gateway's own words kept in a reason.
const REASON_CHARS_MAX: usize = 160;
/// Longer runs of digits in a gateway's words are telephone numbers more often than codes.
const CODE_DIGITS_MAX: usize = 6;
/// The longest wait believed from a `Retry-After`: a day.
const RETRY_AFTER_MS_MAX: u64 = 24 * 3600 * 1000;

/// What came back over HTTP.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    /// The gateway's clock, to read a `Retry-After` that is a date.
    pub(crate) date: Option<String>,
    pub(crate) body: String,
    /// False when the connection broke before the body's end, or the body was longer than is read.
    pub(crate) complete: bool,
}

#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) stop: Option<Stop>,
}

/// Why no further message of the batch should be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The gateway wants a pause.
    Pause { reason: String, after_ms: Option<u32> },
    /// Nothing will be taken until somebody changes something.
    Broken(Error),
}

/// The configuration's rules for reading answers, with every place parsed.
pub(crate) struct Rules<'c> {
    config: &'c Config,
    accepted_at: Option<Place>,
    provider_id: Option<Place>,
    code: Option<Place>,
    text: Option<Place>,
}

impl<'c> Rules<'c> {
    pub(crate) fn new(config: &'c Config) -> Self {
        let place = |text: &Option<String>| text.as_deref().map(Place::parse);
        Self {
            config,
            accepted_at: place(&config.accepted.at),
            provider_id: place(&config.provider_id),
            code: place(&config.error.code),
            text: place(&config.error.text),
        }
    }

    pub(crate) fn judge(&self, answer: &Answer) -> Verdict {
        if !answer.complete && answer.status != 429 {
            let reason = format!("the gateway's answer with status {} broke off", answer.status);
            return self.unsettled(reason).into();
        }
        let body = Body::new(&answer.body);
        if self.accepts(answer.status, &body) {
            let provider_id = self.provider_id.as_ref().and_then(|place| place.read(&body));
            return Outcome::Accepted { provider_id }.into();
        }
        let code = self.code.as_ref().and_then(|place| place.read(&body));
        let text = self.text.as_ref().and_then(|place| place.read(&body));
        let reason = reason(answer.status, code.as_deref(), text.as_deref());
        match self.listed(answer.status, code.as_deref()) {
            Some(fate) => fate.outcome(reason, retry_after_ms(answer)).into(),
            None => self.by_status(answer, reason, code.is_some()),
        }
    }

    fn accepts(&self, status: u16, body: &Body<'_>) -> bool {
        let rule = &self.config.accepted;
        let status_fits =
            if rule.status.is_empty() { (200..300).contains(&status) } else { rule.status.contains(&status) };
        let value_fits = match &self.accepted_at {
            None => true,
            Some(place) => {
                place.read(body).is_some_and(|v| rule.values.is_empty() || rule.values.contains(&v))
            }
        };
        status_fits && value_fits
    }

    /// The list that names the code or the status; the gravest first.
    fn listed(&self, status: u16, code: Option<&str>) -> Option<Fate> {
        let status = format!("http:{status}");
        let names = |list: &[String]| list.iter().any(|c| *c == status || Some(c.as_str()) == code);
        let rules = &self.config.error;
        if names(&rules.bad_address) {
            Some(Fate::BadAddress)
        } else if names(&rules.final_) {
            Some(Fate::Final)
        } else if names(&rules.retry) {
            Some(Fate::Retry)
        } else {
            None
        }
    }

    fn by_status(&self, answer: &Answer, reason: String, has_code: bool) -> Verdict {
        let after_ms = retry_after_ms(answer);
        match answer.status {
            429 => pause(reason, after_ms),
            // Without Retry-After a 503 may come from a proxy that lost the gateway after handing the message over.
            503 if after_ms.is_some() => pause(reason, after_ms),
            401 | 407 => {
                broken(reason, Error::auth, "check the credentials in headers, secrets or basic_auth")
            }
            403 if !has_code => {
                broken(reason, Error::auth, "check the credentials and the addresses the gateway lets in")
            }
            300..400 => broken(reason, Error::config, "the url redirects; write the final url"),
            404 | 405 if !has_code => broken(reason, Error::config, "check url and method"),
            408 | 425 => Outcome::Deferred { reason, after_ms }.into(),
            200..300 | 400..500 if has_code => match self.config.error.otherwise {
                Otherwise::Final => Fate::Final.outcome(reason, after_ms).into(),
                Otherwise::Retry => Fate::Retry.outcome(reason, after_ms).into(),
            },
            400..500 => Fate::Final.outcome(reason, after_ms).into(),
            200..300 => self.unsettled(format!("{reason}, in a form the configuration does not know")).into(),
            _ => self.unsettled(reason).into(),
        }
    }

    /// The message may or may not have been taken.
    pub(crate) fn unsettled(&self, reason: String) -> Outcome {
        if self.config.idempotent {
            Outcome::Deferred { reason, after_ms: None }
        } else {
            Outcome::Unknown { reason }
        }
    }
}

impl From<Outcome> for Verdict {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, stop: None }
    }
}

#[derive(Clone, Copy)]
enum Fate {
    BadAddress,
    Final,
    Retry,
}

impl Fate {
    fn outcome(self, reason: String, after_ms: Option<u32>) -> Outcome {
        match self {
            Self::BadAddress => Outcome::Rejected { reason, bad_address: true },
            Self::Final => Outcome::Rejected { reason, bad_address: false },
            Self::Retry => Outcome::Deferred { reason, after_ms },
        }
    }
}

fn pause(reason: String, after_ms: Option<u32>) -> Verdict {
    Verdict {
        outcome: Outcome::Deferred { reason: reason.clone(), after_ms },
        stop: Some(Stop::Pause { reason, after_ms }),
    }
}

fn broken(reason: String, error: fn(String) -> Error, hint: &str) -> Verdict {
    let stop = Some(Stop::Broken(error(reason.clone()).with_hint(hint)));
    Verdict { outcome: Outcome::Deferred { reason, after_ms: None }, stop }
}

fn reason(status: u16, code: Option<&str>, text: Option<&str>) -> String {
    let mut reason = format!("the gateway answered with status {status}");
    if let Some(code) = code {
        reason.push_str(&format!(", code {}", public(code)));
    }
    if let Some(text) = text {
        reason.push_str(&format!(": {}", public(text)));
    }
    reason
}

/// A gateway's words fit to be kept: short, on one line, without telephone numbers.
pub(crate) fn public(words: &str) -> String {
    let mut shown = String::new();
    let mut digits = String::new();
    for c in words.chars().chain(std::iter::once(' ')) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        shown.push_str(if digits.len() > CODE_DIGITS_MAX { "…" } else { &digits });
        digits.clear();
        shown.push(if c.is_control() { ' ' } else { c });
    }
    let shown = shown.trim();
    match shown.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown.to_owned(),
    }
}

/// Seconds, or a date read against the answer's own `Date`, so that no clock of ours is compared with theirs.
fn retry_after_ms(answer: &Answer) -> Option<u32> {
    let text = answer.retry_after.as_deref()?.trim();
    let ms = match text.parse::<u64>() {
        Ok(seconds) => seconds.saturating_mul(1000),
        Err(_) => {
            let until = DateTime::parse_from_rfc2822(text).ok()?;
            let now = DateTime::parse_from_rfc2822(answer.date.as_deref()?).ok()?;
            u64::try_from((until - now).num_milliseconds()).unwrap_or(0)
        }
    };
    u32::try_from(ms.min(RETRY_AFTER_MS_MAX)).ok()
}
