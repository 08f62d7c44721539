//! What a connector is asked to be, and what it reads.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One kind of work a plugin's manifest promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    Source,
    Webhook,
    Channel,
    Sink,
}

/// The work a child does. Each role of a connector has a child of its own, so that a slow read never delays a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Source,
    Webhook,
    Channel,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Source, Self::Webhook, Self::Channel];

    pub fn capability(self) -> Capability {
        match self {
            Self::Source => Capability::Source,
            Self::Webhook => Capability::Webhook,
            Self::Channel => Capability::Channel,
        }
    }

    pub fn name(self) -> &'static str {
        self.capability().name()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Capability {
    pub const ALL: [Self; 4] = [Self::Source, Self::Webhook, Self::Channel, Self::Sink];

    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Webhook => "webhook",
            Self::Channel => "channel",
            Self::Sink => "sink",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }
}

/// A connector in one of its roles.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The connector's name in the configuration.
    pub name: Arc<str>,
    /// The plugin's id.
    pub plugin: String,
    pub role: Role,
    /// The plugin's own part, checked against its schema, secrets resolved.
    pub config: serde_json::Value,
    pub limits: Limits,
}

/// What a child may use up before something is done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From starting the child to its plugin being open.
    pub start_deadline: Duration,
    /// For each call. Past it the plugin is asked to cancel.
    pub call_deadline: Duration,
    /// From cancel to SIGTERM, and again from SIGTERM to SIGKILL.
    pub grace: Duration,
    /// Address space of the child.
    pub memory_bytes_max: u64,
    /// Open files of the child.
    pub files_max: u64,
    /// Restarts within [`Limits::restart_window`]; past them the connector is left off for one more window.
    pub restarts_max: u32,
    pub restart_window: Duration,
    /// The first pause after a crash; doubles with each further one, up to [`Limits::backoff_max`].
    pub backoff_min: Duration,
    pub backoff_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            start_deadline: Duration::from_secs(20),
            call_deadline: Duration::from_secs(120),
            grace: Duration::from_secs(5),
            memory_bytes_max: 2 << 30,
            files_max: 512,
            restarts_max: 5,
            restart_window: Duration::from_secs(600),
            backoff_min: Duration::from_secs(1),
            backoff_max: Duration::from_secs(300),
        }
    }
}

/// What a source or a webhook plugin gave: JSON Lines, checked to be UTF-8 and as many as said, but not parsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadBatch {
    pub lines: Vec<u8>,
    pub records: u64,
    /// Where to go on, to be committed together with the records.
    pub cursor: Option<String>,
    /// There is more to read at once.
    pub more: bool,
}
