//! Errors of a plugin: a class, which decides what the host does, and one sentence, which a person reads.

use std::fmt;

use crate::abi::{self, Status};

/// What the host does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The configuration is wrong: stop until it changes.
    Config,
    /// The far side refused who we are: stop until the configuration changes or somebody asks for another try.
    Auth,
    /// Too fast: wait as told.
    RateLimited,
    /// Will probably work later: back off and try again.
    Transient,
    /// Will not work by waiting.
    Permanent,
    /// The far side no longer knows the cursor: the stream must be read again from the start.
    CursorInvalid,
    /// The host asked the call to stop.
    Cancelled,
    /// The plugin cannot do this.
    Unsupported,
    /// The plugin panicked: its instance is thrown away.
    Panic,
}

impl ErrorClass {
    /// Every class with its number in the contract.
    const STATUSES: [(Self, Status); 9] = [
        (Self::Config, abi::E_CONFIG),
        (Self::Auth, abi::E_AUTH),
        (Self::RateLimited, abi::E_RATE_LIMITED),
        (Self::Transient, abi::E_TRANSIENT),
        (Self::Permanent, abi::E_PERMANENT),
        (Self::CursorInvalid, abi::E_CURSOR_INVALID),
        (Self::Cancelled, abi::E_CANCELLED),
        (Self::Unsupported, abi::E_UNSUPPORTED),
        (Self::Panic, abi::E_PANIC),
    ];

    pub fn status(self) -> Status {
        Self::STATUSES.iter().find(|(class, _)| *class == self).map_or(abi::E_PERMANENT, |(_, s)| *s)
    }

    /// The class of a negative status; a number we do not know comes from a newer plugin and counts as
    /// [`ErrorClass::Permanent`].
    pub fn of_status(status: Status) -> Self {
        Self::STATUSES.iter().find(|(_, s)| *s == status).map_or(Self::Permanent, |(class, _)| *class)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub class: ErrorClass,
    /// One sentence without secrets.
    pub message: String,
    /// What to do about it, when the plugin knows.
    pub hint: Option<String>,
    /// For [`ErrorClass::RateLimited`] and [`ErrorClass::Transient`].
    pub retry_after_ms: Option<u32>,
}

impl Error {
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), hint: None, retry_after_ms: None }
    }

    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Config, message)
    }

    pub fn auth(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Auth, message)
    }

    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Transient, message)
    }

    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Permanent, message)
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn with_retry_after(mut self, ms: u32) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
