//! The store: everything Rejoin knows, behind one type.
//!
//! [`Store`] is a handle that is cheap to clone. Reads run on a consistent snapshot; each write is one transaction
//! and is answered only after it is committed. Calls take batches, so that no backend pays a round trip per row.
//! Each noun has a file with its types, its SQL and its calls; a type shared with other crates lives in
//! `rejoin-model`.
//!
//! It refuses to know connectors, HTTP, templates or any rule of identity and campaigns: it keeps what it is given
//! and guards only what must hold in every row (an outbox row leaves a final state only by evidence; one row per run
//! and customer; nothing marked settled that changed meanwhile). It reads no clock: `now` is an argument.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rejoin_model::id::SLOT_MAX;
use rejoin_model::outbox::BUCKETS;
use rejoin_model::{IdMaker, Timestamp};
use rusqlite::Connection;

mod activities;
mod audience;
mod audit;
mod backend;
mod claim;
mod connectors;
mod consent;
mod customers;
mod decisions;
mod error;
mod evidence;
mod golden;
mod identity;
mod ingest;
mod intake;
mod migrate;
mod outbox;
mod profiles;
mod quarantine;
mod records;
mod requests;
mod resolution;
mod rows;
mod runs;
mod segments;
mod sqlite;
mod status;
mod sweep;
#[cfg(test)]
mod tests;

pub use audit::AuditEntry;
pub use claim::{Settlement, Verdict};
pub use error::Error;
pub use evidence::{Answers, Evidence};
pub use ingest::{IngestBatch, IngestSummary};
pub use intake::{Accepted, IntakeRequest};
pub use profiles::ProfileInput;
pub use quarantine::{QuarantineFilter, QuarantineItem, QuarantineState, Quarantined};
pub use records::NewRecord;
pub use runs::Run;
pub use status::{ConnectorState, Counts, Heartbeat};

use backend::Backend;

/// The store of one site.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    backend: Backend,
    path: PathBuf,
    ids: Arc<Mutex<IdMaker>>,
}

/// Held by the one daemon that works on a store; the kernel gives it back when the process ends, however it ends.
#[derive(Debug)]
pub struct DaemonLock {
    _file: File,
}

impl Store {
    /// Opens, or makes, the store at `url`: `sqlite:PATH`, relative paths being relative to `base`.
    pub async fn open(url: &str, base: &Path) -> Result<Self, Error> {
        let path = base.join(sqlite_path(url)?);
        let file = path.clone();
        let opened = tokio::task::spawn_blocking(move || sqlite::Sqlite::open(&file)).await;
        let backend = Backend::Sqlite(opened.map_err(Error::internal)??);
        let ids = Arc::new(Mutex::new(IdMaker::new(command_slot())));
        let store = Self { inner: Arc::new(Inner { backend, path, ids }) };
        store.start_ids_after_the_last().await?;
        Ok(store)
    }

    /// Claims the store for this process; a second daemon is refused with [`Error::Locked`].
    pub fn lock_daemon(&self) -> Result<DaemonLock, Error> {
        let mut name = self.inner.path.clone().into_os_string();
        name.push(".lock");
        let file = File::options().create(true).append(true).open(PathBuf::from(name))?;
        match file.try_lock() {
            Ok(()) => {
                self.inner.ids.lock().unwrap_or_else(PoisonError::into_inner).move_to(DAEMON_SLOT);
                Ok(DaemonLock { _file: file })
            }
            Err(TryLockError::WouldBlock) => Err(Error::Locked(self.inner.path.display().to_string())),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Whether the last write went through; the reason when it did not.
    pub fn writable(&self) -> Result<(), Error> {
        self.inner.backend.last_write()
    }

    /// A new id, greater than every one this process made before.
    pub fn next_id(&self, now: Timestamp) -> i64 {
        next_id(&self.inner.ids, now)
    }

    /// The site's secret of this name, `make` becoming it when there is none yet.
    pub async fn secret(&self, name: &str, make: Vec<u8>) -> Result<Vec<u8>, Error> {
        let name = name.to_owned();
        self.write(move |db| {
            let insert = "INSERT INTO secret (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            db.prepare_cached(insert)?.execute((&name, &make))?;
            Ok(db.query_row("SELECT value FROM secret WHERE name = ?1", [&name], |row| row.get(0))?)
        })
        .await
    }

    /// A clock that was set back while we were down must not bring back ids that are in use.
    async fn start_ids_after_the_last(&self) -> Result<(), Error> {
        let last = self.read(last_id).await?;
        let mut ids = self.inner.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.next(rejoin_model::id::made_at(last).plus_ms(1));
        Ok(())
    }
}

fn last_id(db: &Connection) -> Result<i64, Error> {
    let sql = "SELECT max((SELECT coalesce(max(record_id), 0) FROM record), \
                          (SELECT coalesce(max(customer_id), 0) FROM customer), \
                          (SELECT coalesce(max(run_id), 0) FROM run), \
                          (SELECT coalesce(max(decision_id), 0) FROM decision), \
                          (SELECT coalesce(max(quarantine_id), 0) FROM quarantine), \
                          (SELECT coalesce(max(audit_id), 0) FROM audit))";
    let mut last: i64 = db.query_row(sql, [], |row| row.get(0))?;
    let mut newest = db.prepare("SELECT coalesce(max(outbox_id), 0) FROM outbox WHERE bucket = ?1")?;
    for bucket in 0..BUCKETS {
        last = last.max(newest.query_row([bucket], |row| row.get(0))?);
    }
    Ok(last)
}

/// The slot of the one process that holds the daemon's lock.
const DAEMON_SLOT: u8 = 0;

/// A command that writes beside a running daemon must not make the daemon's ids.
fn command_slot() -> u8 {
    1 + (std::process::id() % u32::from(SLOT_MAX)) as u8
}

pub(crate) type Ids = Arc<Mutex<IdMaker>>;

pub(crate) fn next_id(ids: &Ids, now: Timestamp) -> i64 {
    ids.lock().unwrap_or_else(PoisonError::into_inner).next(now)
}

fn sqlite_path(url: &str) -> Result<&str, Error> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if !path.is_empty() {
            return Ok(path);
        }
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Err(Error::Unsupported(
            "this build has no PostgreSQL backend yet; use `url = \"sqlite:rejoin.db\"` in [store]".into(),
        ));
    }
    Err(Error::Unsupported(format!("{url:?} is not a store; write `url = \"sqlite:rejoin.db\"` in [store]")))
}
