//! A connector in one role: a child started when first needed, one call at a time, restarted within its budget.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rejoin_plugin_api::{Message, Outcome, ReadRequest, WebhookRequest};
use tokio::sync::{Mutex as AsyncMutex, watch};

use crate::catalog::{Catalog, who};
use crate::cursors::Cursors;
use crate::error::{Error, Who};
use crate::ledger::Ledger;
use crate::protocol::{Done, Functions, ToChild};
use crate::session::{Call, Failure, OnOutcome, Session};
use crate::spec::{ReadBatch, Role, Spec};

/// A handle; clones share the child and queue for it.
#[derive(Clone)]
pub struct Connector {
    shared: Arc<Shared>,
}

struct Shared {
    catalog: Arc<Catalog>,
    spec: Spec,
    who: Who,
    /// Held for the whole of a call. A caller that goes away in the middle takes the child with it, since nobody
    /// would know what the next answer belongs to.
    child: AsyncMutex<Option<Session>>,
    ledger: Mutex<Ledger>,
    cursors: Mutex<Cursors>,
    stop: watch::Sender<bool>,
}

/// How a connector's child is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    pub state: State,
    /// Starts after the first.
    pub restarts: u32,
    /// Of the last call, when it failed.
    pub last_error: Option<String>,
    /// In [`State::BackingOff`] and [`State::LeftOff`].
    pub retry_in: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No child, and nothing against starting one.
    Idle,
    Running,
    /// It failed, and is started again after a pause.
    BackingOff,
    /// It failed too often; the next try is a whole restart window away.
    LeftOff,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::BackingOff => "backing_off",
            Self::LeftOff => "left_off",
        }
    }
}

impl Connector {
    /// Starts nothing yet.
    pub fn new(catalog: Arc<Catalog>, spec: Spec) -> Self {
        let who = who(&spec.plugin, Some(Arc::clone(&spec.name)));
        let shared = Shared {
            catalog,
            who,
            spec,
            child: AsyncMutex::default(),
            ledger: Mutex::default(),
            cursors: Mutex::default(),
            stop: watch::channel(false).0,
        };
        Self { shared: Arc::new(shared) }
    }

    /// A live look at the far side: one sentence.
    pub async fn check(&self) -> Result<String, Error> {
        let call = self.call("check", ToChild::Check, &[]);
        let (_, report) = self.run(call, |_| true, &mut |_, _| {}).await.map_err(Failure::into_error)?;
        Ok(String::from_utf8_lossy(&report).into_owned())
    }

    /// Reads on. When this returns, nothing is committed yet.
    pub async fn read(&self, request: &ReadRequest) -> Result<ReadBatch, Error> {
        let name = format!("read of {:?}", request.stream);
        let deadline_ms = self.deadline_ms();
        let call = self.call(&name, ToChild::Read { request: request.clone(), deadline_ms }, &[]);
        let answer = self.run(call, |has| has.read, &mut |_, _| {}).await.map_err(Failure::into_error)?;
        let batch = batch_of(answer);
        if let Err(what) = self.watch_cursor(request, &batch) {
            let error = Error::Fault { who: self.shared.who.clone(), call: name, what: what.to_owned() };
            self.discard(&error).await;
            return Err(error);
        }
        Ok(batch)
    }

    /// The batch that ended at `cursor` is durable.
    pub async fn committed(&self, stream: &str, cursor: &str) -> Result<(), Error> {
        let head = ToChild::Committed { stream: stream.to_owned(), cursor: cursor.to_owned() };
        match self.run(self.call("committed", head, &[]), |has| has.committed, &mut |_, _| {}).await {
            Ok(_) | Err(Failure::Answered(Error::Unable { .. })) => Ok(()),
            Err(failure) => Err(failure.into_error()),
        }
    }

    /// Has a stored webhook request understood.
    pub async fn handle(&self, request: &WebhookRequest) -> Result<ReadBatch, Error> {
        let name = format!("handle of request {:?}", request.id);
        let head = serde_json::to_string(request).map_err(|e| self.not_json(&e))?;
        let call = self.call(&name, ToChild::Handle { head, deadline_ms: self.deadline_ms() }, &request.body);
        self.run(call, |has| has.handle, &mut |_, _| {}).await.map(batch_of).map_err(Failure::into_error)
    }

    /// Sends. Always one outcome per message: what was handed over and not reported is `Unknown`, what was not handed
    /// over is `Deferred`.
    pub async fn send(&self, messages: &[Message]) -> Vec<Outcome> {
        if messages.is_empty() {
            return Vec::new();
        }
        let mut body = Vec::new();
        for message in messages {
            if let Err(e) = serde_json::to_writer(&mut body, message) {
                return vec![deferred(&self.not_json(&e)); messages.len()];
            }
            body.push(b'\n');
        }
        let name = format!("send of {} messages", messages.len());
        let mut known: Vec<Option<Outcome>> = vec![None; messages.len()];
        let call = self.call(&name, ToChild::Send { count: messages.len() as u32 }, &body);
        let mut keep = |index: u32, outcome| {
            // The child has checked that the message exists and is reported once.
            if let Some(place) = known.get_mut(index as usize) {
                *place = Some(outcome);
            }
        };
        let rest = match self.run(call, |has| has.send, &mut keep).await {
            Ok(_) => Outcome::Unknown { reason: format!("{} reported nothing for it", self.shared.who) },
            Err(Failure::Answered(e) | Failure::NotReached(e)) => deferred(&e),
            Err(Failure::Lost(e)) => Outcome::Unknown { reason: e.to_string() },
        };
        known.into_iter().map(|outcome| outcome.unwrap_or_else(|| rest.clone())).collect()
    }

    pub fn health(&self) -> Health {
        let ledger = self.ledger();
        let wait = ledger.wait(Instant::now());
        let state = match wait {
            _ if self.has_child() => State::Running,
            Some(wait) if wait.left_off => State::LeftOff,
            Some(_) => State::BackingOff,
            None => State::Idle,
        };
        Health {
            state,
            restarts: ledger.starts.saturating_sub(1),
            last_error: ledger.last_error.clone(),
            retry_in: wait.map(|w| w.retry_in),
        }
    }

    pub fn role(&self) -> Role {
        self.shared.spec.role
    }

    /// Cancels what runs, closes the plugin, ends the child. For good: later calls answer [`Error::Stopped`].
    pub async fn stop(&self) {
        self.shared.stop.send_replace(true);
        let session = self.shared.child.lock().await.take();
        if let Some(session) = session {
            session.close().await;
        }
    }

    fn call<'a>(&self, name: &'a str, head: ToChild, body: &'a [u8]) -> Call<'a> {
        Call { name, head, body, deadline: self.shared.spec.limits.call_deadline }
    }

    fn deadline_ms(&self) -> u64 {
        self.shared.spec.limits.call_deadline.as_millis() as u64
    }

    async fn run(
        &self,
        call: Call<'_>,
        able: impl FnOnce(Functions) -> bool,
        on_outcome: OnOutcome<'_>,
    ) -> Result<(Done, Vec<u8>), Failure> {
        let mut place = self.shared.child.lock().await;
        let mut stop = self.shared.stop.subscribe();
        if *stop.borrow_and_update() {
            return Err(Failure::NotReached(Error::Stopped { who: self.shared.who.clone() }));
        }
        let mut session = match place.take() {
            Some(session) => self.still_alive(session).await?,
            None => self.start(&mut stop).await?,
        };
        if !able(session.has) {
            let error = Error::Unable { who: self.shared.who.clone(), call: call.name.to_owned() };
            *place = Some(session);
            return Err(Failure::Answered(error));
        }
        let mut answer = session.call(call, &mut stop, on_outcome).await;
        if *stop.borrow()
            && let Err(failure) = answer
        {
            // Whatever the plugin says of it, we are the reason.
            answer = Err(failure.with(Error::Stopped { who: self.shared.who.clone() }));
        }
        match &answer {
            Ok(_) => self.ledger().succeeded(),
            Err(Failure::Answered(error)) => self.ledger().last_error = Some(error.to_string()),
            Err(Failure::NotReached(error) | Failure::Lost(error)) => {
                self.failed(error);
                return answer;
            }
        }
        *place = Some(session);
        answer
    }

    /// A child that died while nobody asked it anything is a failure like any other.
    async fn still_alive(&self, mut session: Session) -> Result<Session, Failure> {
        if session.is_alive() {
            return Ok(session);
        }
        let error = session.died("idleness").await;
        self.failed(&error);
        Err(Failure::NotReached(error))
    }

    async fn start(&self, stop: &mut watch::Receiver<bool>) -> Result<Session, Failure> {
        self.may_start().map_err(Failure::NotReached)?;
        let spec = &self.shared.spec;
        let started =
            self.shared.catalog.start(&spec.plugin, Some(Arc::clone(&spec.name)), spec.limits.clone()).await;
        let mut session = started.map_err(|error| {
            self.not_started(&error);
            Failure::NotReached(error)
        })?;
        let body = spec.config.to_string().into_bytes();
        let open =
            Call { name: "open", head: ToChild::Open, body: &body, deadline: spec.limits.start_deadline };
        match session.call(open, stop, &mut |_, _| {}).await {
            Ok(_) => {
                self.ledger().started();
                Ok(session)
            }
            Err(Failure::Answered(error)) => {
                self.ledger().last_error = Some(error.to_string());
                session.close().await;
                Err(Failure::NotReached(error))
            }
            Err(Failure::NotReached(error) | Failure::Lost(error)) => {
                self.failed(&error);
                Err(Failure::NotReached(error))
            }
        }
    }

    /// Held by a call, or alive and waiting for one.
    fn has_child(&self) -> bool {
        self.shared.child.try_lock().map_or(true, |place| place.as_ref().is_some_and(Session::is_alive))
    }

    fn may_start(&self) -> Result<(), Error> {
        let ledger = self.ledger();
        let Some(wait) = ledger.wait(Instant::now()) else { return Ok(()) };
        let (who, retry_in, failures) = (self.shared.who.clone(), wait.retry_in, ledger.streak);
        let last = ledger.last_error.clone().unwrap_or_default();
        Err(if wait.left_off {
            Error::LeftOff { who, failures, retry_in, last }
        } else {
            Error::BackingOff { who, failures, retry_in, last }
        })
    }

    /// A library that is missing or refused does not come back by trying; a child that dies while loading might.
    fn not_started(&self, error: &Error) {
        if matches!(error, Error::Missing { .. } | Error::Refused { .. }) {
            self.ledger().last_error = Some(error.to_string());
        } else {
            self.failed(error);
        }
    }

    fn failed(&self, error: &Error) {
        if matches!(error, Error::Stopped { .. }) {
            return;
        }
        let mut ledger = self.ledger();
        ledger.failed(Instant::now(), &self.shared.spec.limits, error.to_string());
        let wait = ledger.wait(Instant::now());
        let (left_off, retry_in) = wait.map_or((false, Duration::ZERO), |w| (w.left_off, w.retry_in));
        tracing::warn!(code = error.code(), left_off, ?retry_in, "{error}");
    }

    /// Throws the child away after it answered, but nonsense.
    async fn discard(&self, error: &Error) {
        let session = self.shared.child.lock().await.take();
        self.failed(error);
        if let Some(session) = session {
            session.close().await;
        }
    }

    fn watch_cursor(&self, request: &ReadRequest, batch: &ReadBatch) -> Result<(), &'static str> {
        let mut cursors = self.shared.cursors.lock().unwrap_or_else(PoisonError::into_inner);
        if batch.more {
            return cursors.more(&request.stream, request.cursor.as_deref(), batch.cursor.as_deref());
        }
        cursors.caught_up();
        Ok(())
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.shared.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn not_json(&self, e: &serde_json::Error) -> Error {
        let error = rejoin_plugin_api::Error::permanent(format!("the host could not write the call: {e}"));
        Error::Plugin { who: self.shared.who.clone(), error }
    }
}

impl Failure {
    fn with(self, error: Error) -> Self {
        match self {
            Self::Answered(_) => Self::Answered(error),
            Self::NotReached(_) => Self::NotReached(error),
            Self::Lost(_) => Self::Lost(error),
        }
    }

    fn into_error(self) -> Error {
        match self {
            Self::Answered(e) | Self::NotReached(e) | Self::Lost(e) => e,
        }
    }
}

fn batch_of((done, lines): (Done, Vec<u8>)) -> ReadBatch {
    ReadBatch { lines, records: done.records, cursor: done.cursor, more: done.more }
}

fn deferred(error: &Error) -> Outcome {
    let after_ms = error.retry_after().map(|d| u32::try_from(d.as_millis()).unwrap_or(u32::MAX));
    Outcome::Deferred { reason: error.to_string(), after_ms }
}
