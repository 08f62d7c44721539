//! How a command fails: a code, a sentence, what to do, and the exit code a script sees.

use crate::config::ConfigError;

/// sysexits.h EX_TEMPFAIL: somebody else holds what is needed; try again later.
pub const EXIT_TRY_AGAIN: u8 = 75;
/// sysexits.h EX_CONFIG.
pub const EXIT_CONFIG: u8 = 78;
const EXIT_FAILED: u8 = 1;

/// A failed command.
#[derive(Debug)]
pub struct Failure {
    pub code: String,
    pub sentence: String,
    pub hint: Option<String>,
    pub exit: u8,
    /// Already rendered findings, printed before the sentence.
    findings: Vec<String>,
}

impl Failure {
    pub fn new(code: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            sentence: sentence.into(),
            hint: None,
            exit: EXIT_FAILED,
            findings: Vec::new(),
        }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Something was named that does not exist.
    pub fn no_such(what: &str, name: &str, known: &[&str]) -> Self {
        let failure = Self::new("RJ-X002", format!("there is no {what} named {name:?}"));
        if known.is_empty() { failure } else { failure.hint(format!("there are: {}", known.join(", "))) }
    }

    /// The configuration is wrong.
    pub fn config(errors: &[ConfigError]) -> Self {
        let findings = errors.iter().map(ToString::to_string).collect();
        let count = errors.len();
        let sentence = format!("the configuration has {count} error{}", if count == 1 { "" } else { "s" });
        Self { exit: EXIT_CONFIG, findings, ..Self::new("RJ-C000", sentence) }
    }

    /// Tells standard error all of it.
    pub fn print(&self) {
        for finding in &self.findings {
            eprintln!("{finding}");
        }
        eprintln!("error[{}]: {}", self.code, self.sentence);
        if let Some(hint) = &self.hint {
            eprintln!("  help: {hint}");
        }
        if self.findings.is_empty() && crate::explain::explain(&self.code).is_some() {
            eprintln!("  more: rejoin explain {}", self.code);
        }
    }
}

impl From<rejoin_store::Error> for Failure {
    fn from(error: rejoin_store::Error) -> Self {
        let exit =
            if matches!(error, rejoin_store::Error::Locked { .. }) { EXIT_TRY_AGAIN } else { EXIT_FAILED };
        Self { exit, ..Self::new(error.code(), error.to_string()) }
    }
}

impl From<rejoin_connector::Error> for Failure {
    fn from(error: rejoin_connector::Error) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<crate::tasks::TaskError> for Failure {
    fn from(error: crate::tasks::TaskError) -> Self {
        match error {
            crate::tasks::TaskError::Store(e) => e.into(),
            crate::tasks::TaskError::Connector(e) => e.into(),
            crate::tasks::TaskError::Other(sentence) => Self::new("RJ-X003", sentence),
        }
    }
}

impl From<crate::site::Error> for Failure {
    fn from(error: crate::site::Error) -> Self {
        match error {
            crate::site::Error::Store(e) => e.into(),
            other => Self::new("RJ-X001", other.to_string()),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new("RJ-X004", error.to_string())
    }
}
