//! Why a line could not be taken. Each variant has a stable code with a page in `errors.md`.

/// One line's fault; the line goes to quarantine whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    #[error("the line is not a JSON object as the plugin API asks: {0}")]
    NotJson(String),
    #[error("the line has the unknown op {0:?}; the plugin API knows u, d, k and q")]
    UnknownOp(String),
    #[error("the line has no key and the map's `key` gives none")]
    NoKey,
    #[error(
        "{field}: {value:?} is not a time; write 2026-03-28T09:30:00+08:00, 2026-03-28 09:30, 2026-03-28 or \
             milliseconds since 1970"
    )]
    BadTime { field: String, value: String },
    #[error("{field}: {value:?} is not an exact amount of hundredths: {why}")]
    BadAmount { field: String, value: String, why: &'static str },
    #[error("{field}: {value:?} is not one of {allowed}")]
    BadWord { field: String, value: String, allowed: String },
    #[error("{field}: the expression `{expression}` failed: {why}")]
    Expression { field: String, expression: String, why: String },
    #[error("{field}: a text, number or list is needed, and this is a table")]
    NotText { field: String },
    #[error("{reason}")]
    ByPlugin { reason: String },
    #[error("{field}: the value has {bytes} bytes, more than the {max} that are taken")]
    TooLong { field: String, bytes: usize, max: usize },
    #[error("{field}: it is empty, and {needed}")]
    Missing { field: String, needed: &'static str },
}

impl MapError {
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "RJ-M001",
            Self::UnknownOp(_) => "RJ-M002",
            Self::NoKey => "RJ-M003",
            Self::BadTime { .. } => "RJ-M004",
            Self::BadAmount { .. } => "RJ-M005",
            Self::BadWord { .. } => "RJ-M006",
            Self::Expression { .. } => "RJ-M007",
            Self::NotText { .. } => "RJ-M008",
            Self::ByPlugin { .. } => "RJ-M009",
            Self::TooLong { .. } => "RJ-M010",
            Self::Missing { .. } => "RJ-M011",
        }
    }
}
