//! What can go wrong in the store, said so that a person knows what to do.

use rusqlite::ErrorCode;

/// Every variant can be cloned: one failed commit is the answer to every job that shared it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("another daemon is already working on {0}; stop it first, or give this one a store of its own")]
    Locked(String),
    #[error(
        "the store was written by a newer Rejoin (its schema is {found}, this one knows up to {known}); \
         install the newer version again, or restore a backup made before the upgrade"
    )]
    Newer { found: i64, known: i64 },
    #[error("the disk of the store is full; nothing was lost, free some space and it goes on by itself")]
    Full,
    #[error("the store cannot be written: its file or its file system is read-only; make it writable")]
    ReadOnly,
    #[error("the store is busy: another process holds it; try again in a moment")]
    Busy,
    #[error("the store could not be read or written ({0}); check the disk, the daemon tries again")]
    Io(String),
    #[error("the store holds something that cannot be right ({0}); restore it from a backup")]
    Corrupt(String),
    #[error("{0}")]
    Unsupported(String),
    #[error("a defect of Rejoin in the store: {0}; please report it")]
    Internal(String),
}

impl Error {
    /// The stable code; `rejoin explain CODE` shows its page.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Locked(_) => "RJ-STORE-LOCKED",
            Self::Newer { .. } => "RJ-STORE-NEWER",
            Self::Full => "RJ-STORE-FULL",
            Self::ReadOnly => "RJ-STORE-READ-ONLY",
            Self::Busy => "RJ-STORE-BUSY",
            Self::Io(_) => "RJ-STORE-IO",
            Self::Corrupt(_) => "RJ-STORE-CORRUPT",
            Self::Unsupported(_) => "RJ-STORE-UNSUPPORTED",
            Self::Internal(_) => "RJ-STORE-INTERNAL",
        }
    }

    /// Whether the same call may succeed later without anybody changing the program or the data.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Locked(_) | Self::Full | Self::ReadOnly | Self::Busy | Self::Io(_))
    }

    pub(crate) fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt(what.to_string())
    }

    pub(crate) fn internal(what: impl std::fmt::Display) -> Self {
        Self::Internal(what.to_string())
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error_code() else {
            return match error {
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::Utf8Error(..) => Self::corrupt(error),
                other => Self::internal(other),
            };
        };
        match code {
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Self::ReadOnly,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy,
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::OutOfMemory => {
                Self::Io(error.to_string())
            }
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::corrupt(error),
            _ => Self::internal(error),
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => Self::Full,
            std::io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Io(error.to_string()),
        }
    }
}
