//! A batch of messages over a few connections: each message is posted at most once, at an exact rate.
//!
//! Every outcome is reported the moment it is known. When the gateway wants a pause, or refuses us altogether, the
//! messages not yet posted are certainly not sent and are said to be so.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use rejoin_plugin_api::{Error, Host, Message, Outcome, Outcomes};

use crate::{
    Config,
    gateway::{Exchange, Gateway},
    message::prepare,
    pace::Pace,
    request::Templates,
    verdict::{Rules, Stop, Verdict},
};

/// How long a wait for the rate may go on before the host's wish to stop is looked at again.
const NAP_MAX: Duration = Duration::from_millis(200);
/// No message is posted later in a call than this. With the longest `timeout_s`, a call so ends well before the host
/// loses patience with it, which would leave messages unknown that were never posted.
const CALL_MAX: Duration = Duration::from_secs(45);
/// Digits of an E.164 number.
const NUMBER_DIGITS: std::ops::RangeInclusive<usize> = 5..=15;

/// What stays the same from batch to batch.
pub(crate) struct Line {
    pub(crate) config: Config,
    pub(crate) templates: Templates,
    pub(crate) gateway: Gateway,
    pub(crate) pace: Mutex<Pace>,
    pub(crate) opened: Instant,
    pub(crate) host: Host,
}

pub(crate) fn send(line: &Line, messages: &[Message], outcomes: &mut Outcomes<'_>) -> Result<(), Error> {
    let batch = Batch {
        line,
        rules: Rules::new(&line.config),
        started: line.opened.elapsed(),
        next: AtomicUsize::new(0),
        late: AtomicU32::new(0),
        stop: Mutex::new(None),
    };
    let workers = messages.len().min(line.config.connections as usize);
    let (report, reports) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let report = report.clone();
            let batch = &batch;
            scope.spawn(move || {
                while let Some(index) = batch.next_index(messages.len()) {
                    let outcome = batch.take(&messages[index]);
                    if report.send((index, outcome)).is_err() {
                        return; // Only when the receiver below is gone, that is, never before the scope ends.
                    }
                }
            });
        }
        drop(report);
        for (index, outcome) in reports {
            outcomes.report(index, &outcome);
        }
    });
    match batch.stop.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(Stop::Broken(error)) => Err(error),
        Some(Stop::Pause { .. }) | None => Ok(()),
    }
}

struct Batch<'a> {
    line: &'a Line,
    rules: Rules<'a>,
    /// The first message nobody has taken: counting up hands each index to one worker, once.
    next: AtomicUsize,
    /// Since the plugin was opened.
    started: Duration,
    /// Messages whose turn comes after the call.
    late: AtomicU32,
    stop: Mutex<Option<Stop>>,
}

impl Batch<'_> {
    fn next_index(&self, count: usize) -> Option<usize> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        (index < count).then_some(index)
    }

    fn take(&self, message: &Message) -> Outcome {
        let rendered = match self.render(message) {
            Ok(rendered) => rendered,
            Err(refused) => return refused,
        };
        if let Some(outcome) = self.wait_for_turn() {
            return outcome;
        }
        let verdict = match self.line.gateway.post(rendered) {
            Exchange::Answered(answer) => self.rules.judge(&answer),
            Exchange::NotConnected(reason) => Outcome::Deferred { reason, after_ms: None }.into(),
            Exchange::Lost(reason) => self.rules.unsettled(reason).into(),
            Exchange::Invalid(reason) => Outcome::Rejected { reason, bad_address: false }.into(),
        };
        self.note(verdict)
    }

    fn render(&self, message: &Message) -> Result<crate::request::Rendered, Outcome> {
        let refused = |reason| Outcome::Rejected { reason, bad_address: false };
        if !is_e164(&message.to) {
            let reason = "the recipient is not a telephone number in E.164 form (+ and digits)".to_owned();
            return Err(Outcome::Rejected { reason, bad_address: true });
        }
        let text = message.text.as_deref().unwrap_or_default();
        let ready = prepare(text, &self.line.config).map_err(refused)?;
        self.line
            .templates
            .render(message, &ready)
            .map_err(|bad| refused(format!("the template at {} failed: {}", bad.pointer, bad.reason)))
    }

    /// `Some` when the message is not to be posted after all.
    fn wait_for_turn(&self) -> Option<Outcome> {
        if let Some(outcome) = self.stopped() {
            return Some(outcome);
        }
        let now = self.line.opened.elapsed();
        let left = (self.started + CALL_MAX).saturating_sub(now);
        if left.is_zero() {
            return Some(self.too_late(Duration::ZERO));
        }
        let turn = lock(&self.line.pace).take(now, left);
        let mut wait = match turn {
            Ok(wait) => wait,
            Err(wait) => return Some(self.too_late(wait)),
        };
        while !wait.is_zero() {
            let nap = wait.min(NAP_MAX);
            std::thread::sleep(nap);
            wait -= nap;
            if let Some(outcome) = self.stopped() {
                return Some(outcome);
            }
        }
        None
    }

    /// Handed back with the time of its turn, so that the host does not ask again and again before it.
    fn too_late(&self, wait: Duration) -> Outcome {
        let before = self.late.fetch_add(1, Ordering::Relaxed);
        let wait = wait.saturating_add(lock(&self.line.pace).interval().saturating_mul(before));
        let after_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        let reason =
            "not posted yet: its turn comes later at the configured rate, or the gateway is slow".to_owned();
        Outcome::Deferred { reason, after_ms: Some(after_ms) }
    }

    fn stopped(&self) -> Option<Outcome> {
        if self.line.host.is_cancelled() {
            let reason = "stopped before this message was posted".to_owned();
            return Some(Outcome::Deferred { reason, after_ms: None });
        }
        match &*lock(&self.stop) {
            None => None,
            Some(Stop::Pause { reason, after_ms }) => {
                let reason = format!("not posted, because {reason} to the message before");
                Some(Outcome::Deferred { reason, after_ms: *after_ms })
            }
            Some(Stop::Broken(error)) => {
                let reason = format!("not posted, because {error}");
                Some(Outcome::Deferred { reason, after_ms: None })
            }
        }
    }

    /// The outcome of a verdict, its wish to stop kept; a broken gateway outranks a pause.
    fn note(&self, verdict: Verdict) -> Outcome {
        if let Some(stop) = verdict.stop {
            let mut kept = lock(&self.stop);
            if !matches!(&*kept, Some(Stop::Broken(_))) {
                *kept = Some(stop);
            }
        }
        verdict.outcome
    }
}

fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        NUMBER_DIGITS.contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

/// A poisoned lock holds numbers that are still right: the panic is reported by the host, not doubled here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
