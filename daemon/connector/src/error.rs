//! Why a plugin did not do what was asked: always which connector, which plugin, what happened, what to do.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rejoin_plugin_api::ErrorClass;

/// The culprit: `connector "forms" (plugin webform)`, or `plugin webform` when no connector is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    pub connector: Option<Arc<str>>,
    pub plugin: Arc<str>,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.connector {
            Some(connector) => write!(f, "connector {connector:?} (plugin {})", self.plugin),
            None => write!(f, "plugin {}", self.plugin),
        }
    }
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("there is no plugin {plugin:?}: no {file} in {dirs}; {hint}")]
    Missing { plugin: String, file: String, dirs: String, hint: String },
    #[error("{who} was refused: {reason}")]
    Refused { who: Who, reason: String },
    #[error("{who} could not be started: {reason}")]
    NotStarted { who: Who, reason: String },
    /// The plugin itself says what is wrong.
    #[error("{who}: {}{}", error.message, hint_of(error))]
    Plugin { who: Who, error: rejoin_plugin_api::Error },
    #[error("{who} panicked in {call}: {text}")]
    Panicked { who: Who, call: String, text: String },
    #[error("{who} {how} in {call}{tail}")]
    Died { who: Who, call: String, how: String, tail: String },
    #[error("{who} broke the plugin contract in {call}: {what}; report this to the plugin's author")]
    Fault { who: Who, call: String, what: String },
    #[error("{who} did not finish {call} within {deadline:?} and {}", if *.killed { "had to be killed" } else { "was cancelled" })]
    Late { who: Who, call: String, deadline: Duration, killed: bool },
    #[error("{who} is restarted in {}: it failed {failures} times in a row, last: {last}", seconds(*retry_in))]
    BackingOff { who: Who, failures: u32, retry_in: Duration, last: String },
    #[error(
        "{who} is left off after {failures} failures; next try in {}; last: {last}; mend the cause, then reload",
        seconds(*retry_in)
    )]
    LeftOff { who: Who, failures: u32, retry_in: Duration, last: String },
    #[error("{who} cannot do {call}: the plugin has no such function")]
    Unable { who: Who, call: String },
    #[error("{who} was stopped")]
    Stopped { who: Who },
}

impl Error {
    /// Every code with a name for its page.
    pub const CODES: &'static [(&'static str, &'static str)] = &[
        ("RJ-P01", "plugin missing"),
        ("RJ-P02", "plugin refused"),
        ("RJ-P03", "plugin could not be started"),
        ("RJ-P04", "the plugin reports an error"),
        ("RJ-P05", "the plugin panicked"),
        ("RJ-P06", "the plugin's process died"),
        ("RJ-P07", "the plugin broke its contract"),
        ("RJ-P08", "the plugin was too slow"),
        ("RJ-P09", "waiting before a restart"),
        ("RJ-P10", "left off after too many failures"),
        ("RJ-P11", "the plugin cannot do this"),
        ("RJ-P12", "connector stopped"),
    ];

    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "RJ-P01",
            Self::Refused { .. } => "RJ-P02",
            Self::NotStarted { .. } => "RJ-P03",
            Self::Plugin { .. } => "RJ-P04",
            Self::Panicked { .. } => "RJ-P05",
            Self::Died { .. } => "RJ-P06",
            Self::Fault { .. } => "RJ-P07",
            Self::Late { .. } => "RJ-P08",
            Self::BackingOff { .. } => "RJ-P09",
            Self::LeftOff { .. } => "RJ-P10",
            Self::Unable { .. } => "RJ-P11",
            Self::Stopped { .. } => "RJ-P12",
        }
    }

    /// What the caller does about it. [`ErrorClass::Panic`] stands for every way a child can be lost.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Missing { .. } | Self::Refused { .. } => ErrorClass::Config,
            Self::Plugin { error, .. } => error.class,
            Self::Panicked { .. } | Self::Died { .. } | Self::Fault { .. } => ErrorClass::Panic,
            Self::NotStarted { .. } | Self::Late { .. } | Self::BackingOff { .. } | Self::LeftOff { .. } => {
                ErrorClass::Transient
            }
            Self::Unable { .. } => ErrorClass::Unsupported,
            Self::Stopped { .. } => ErrorClass::Cancelled,
        }
    }

    /// How long a new try is certainly in vain, when that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Plugin { error, .. } => error.retry_after_ms.map(|ms| Duration::from_millis(ms.into())),
            Self::BackingOff { retry_in, .. } | Self::LeftOff { retry_in, .. } => Some(*retry_in),
            _ => None,
        }
    }
}

fn hint_of(error: &rejoin_plugin_api::Error) -> String {
    error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default()
}

/// `12 s`, rounded up, so that it never says 0 while there is a wait.
fn seconds(wait: Duration) -> String {
    format!("{} s", wait.as_millis().div_ceil(1000))
}
