//! The five tasks and what drives them.
//!
//! Each task is *one bounded read, one pure call, one transaction*, and then again. They hand over through tables
//! only: any of them may crash, lag or be stopped between two steps and nothing is lost. Waking the next task is an
//! optimisation; looking again after [`LOOK_AGAIN`] is the guarantee.

pub mod deliver;
pub mod ingest;
pub mod plan;
pub mod profile;
pub mod resolve;
pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::clock;
use crate::site::Site;

/// An idle task looks for work again after this long, woken or not.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Back-off of a failing task: first wait, and longest.
const BACK_OFF_FIRST: Duration = Duration::from_millis(500);
const BACK_OFF_LONGEST: Duration = Duration::from_secs(60);
/// A heartbeat is written at most this often.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Something was done; there may be more at once.
    Worked(u64),
    /// Nothing to do, for this long at most.
    Idle(Duration),
}

impl Step {
    /// Nothing to do until woken or [`LOOK_AGAIN`].
    pub const IDLE: Self = Self::Idle(LOOK_AGAIN);
}

/// A task: a name for heartbeats and logs, and one bounded step.
pub trait Task: Send + 'static {
    fn name(&self) -> String;
    fn step(&mut self, site: &Site) -> impl Future<Output = Result<Step, TaskError>> + Send;

    /// Waits for what the last steps left running; called once, when the task is told to stop.
    fn finish(&mut self) -> impl Future<Output = Result<(), TaskError>> + Send {
        async { Ok(()) }
    }
}

/// Why a step failed; the task backs off and tries again, and `rejoin status` shows the sentence.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    #[error(transparent)]
    Store(#[from] rejoin_store::Error),
    #[error(transparent)]
    Connector(#[from] rejoin_connector::Error),
    #[error("{0}")]
    Other(String),
}

impl TaskError {
    /// A wait that somebody knows better than our back-off: a far side's Retry-After, a child's restart.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Connector(e) => e.retry_after(),
            _ => None,
        }
    }
}

/// Wakes sleeping tasks when their input may have changed.
#[derive(Default)]
pub struct Wake {
    pub ingest: Notify,
    pub resolve: Notify,
    pub profile: Notify,
    pub plan: Notify,
    pub deliver: Notify,
}

/// Runs `task` until `stop`: at its own pace, with back-off, with a heartbeat.
pub async fn drive<T: Task>(
    site: Arc<Site>,
    mut task: T,
    wake: fn(&Wake) -> &Notify,
    mut stop: watch::Receiver<bool>,
) {
    let name = task.name();
    let mut beat = Heartbeat::new(&name);
    let mut back_off = BACK_OFF_FIRST;
    while !*stop.borrow() {
        let step = task.step(&site).await;
        let pause = match &step {
            Ok(Step::Worked(_)) => {
                back_off = BACK_OFF_FIRST;
                Duration::ZERO
            }
            Ok(Step::Idle(pause)) => {
                back_off = BACK_OFF_FIRST;
                *pause
            }
            Err(error) => {
                let pause = error.retry_after().unwrap_or(back_off);
                back_off = (back_off * 2).min(BACK_OFF_LONGEST);
                tracing::warn!(task = name, %error, retry_in = ?pause, "step failed");
                pause
            }
        };
        beat.after(&site, &step).await;
        if pause.is_zero() {
            tokio::task::yield_now().await;
            continue;
        }
        tokio::select! {
            () = sleep_until(Instant::now() + pause) => {}
            // A failing task is not woken early: that would undo the back-off.
            () = wake(&site.wake).notified(), if step.is_ok() => {}
            _ = stop.changed() => {}
        }
    }
    if let Err(error) = task.finish().await {
        tracing::warn!(task = name, %error, "the last step failed");
    }
    beat.last(&site).await;
}

/// Starts every task of the configuration.
pub fn spawn_all(site: &Arc<Site>, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut set = JoinSet::new();
    ingest::spawn(site, stop, &mut set);
    set.spawn(drive(Arc::clone(site), resolve::Resolve::default(), |w| &w.resolve, stop.clone()));
    set.spawn(drive(Arc::clone(site), profile::ProfileTask::default(), |w| &w.profile, stop.clone()));
    set.spawn(drive(Arc::clone(site), plan::Plan::default(), |w| &w.plan, stop.clone()));
    deliver::spawn(site, stop, &mut set);
    set
}

/// The trace a task leaves in the store for `rejoin status`.
struct Heartbeat {
    task: String,
    last: Option<Instant>,
    did: u64,
    failing: bool,
}

impl Heartbeat {
    fn new(task: &str) -> Self {
        Self { task: task.to_owned(), last: None, did: 0, failing: false }
    }

    async fn after(&mut self, site: &Site, step: &Result<Step, TaskError>) {
        let note = match step {
            Ok(Step::Worked(did)) => {
                self.did += did;
                "working".to_owned()
            }
            Ok(Step::Idle(_)) => "waiting".to_owned(),
            Err(error) => format!("failing: {error}"),
        };
        // A change between failing and not is written at once: it is what `status` is looked at for.
        let changed = self.failing != step.is_err();
        self.failing = step.is_err();
        if changed || self.last.is_none_or(|at| at.elapsed() >= HEARTBEAT) {
            self.write(site, &note).await;
        }
    }

    async fn last(&mut self, site: &Site) {
        self.write(site, "stopped").await;
    }

    async fn write(&mut self, site: &Site, note: &str) {
        match site.store.heartbeat(&self.task, note, self.did, clock::now()).await {
            Ok(()) => (self.did, self.last) = (0, Some(Instant::now())),
            // The step itself reports a store that does not work; a missing heartbeat says the same.
            Err(error) => tracing::debug!(task = self.task, %error, "heartbeat not written"),
        }
    }
}
