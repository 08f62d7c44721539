//! What a plugin may ask of its host.

use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Error = 1,
    Warn = 2,
    Info = 3,
    Debug = 4,
}

type Log = dyn Fn(LogLevel, &str) + Send + Sync;
type Cancelled = dyn Fn() -> bool + Send + Sync;

/// A handle on the host: cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct Host {
    log: Arc<Log>,
    cancelled: Arc<Cancelled>,
}

impl Host {
    /// For the export macro and for tests of a plugin without a daemon.
    pub fn new(
        log: impl Fn(LogLevel, &str) + Send + Sync + 'static,
        cancelled: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { log: Arc::new(log), cancelled: Arc::new(cancelled) }
    }

    /// A host that logs nowhere and never cancels.
    pub fn detached() -> Self {
        Self::new(|_, _| {}, || false)
    }

    /// One line in the daemon's log, marked with the connector's name. No secrets, no personal data.
    pub fn log(&self, level: LogLevel, message: &str) {
        (self.log)(level, message);
    }

    /// Long work looks here at least once a second and returns early when true.
    pub fn is_cancelled(&self) -> bool {
        (self.cancelled)()
    }
}
