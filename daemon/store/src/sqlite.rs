//! The SQLite backend: one writer thread with group commit, and a pool of readers.
//!
//! Jobs reach the writer through a bounded channel. Small ones share a transaction, each in a savepoint of its own;
//! after the commit all are answered. A job that fails takes only its savepoint back. A commit that fails is the
//! answer to every job that shared it, and its connection is thrown away: after a failed fsync the same handle may
//! report success for pages the kernel has dropped, so it is never asked again.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::{Error, migrate};

/// How long a statement waits for another process that holds the store.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Jobs waiting for the writer; the next caller waits in its own task.
const QUEUE_MAX: usize = 1024;
/// A group ends when it holds this many jobs or has lasted this long, so that the first caller is not kept waiting
/// for the last.
const GROUP_JOBS_MAX: usize = 512;
const GROUP_TIME_MAX: Duration = Duration::from_millis(20);
/// Parallel reads. More would only share the same disk and the same cores.
const READERS: usize = 4;
/// Statements kept prepared per connection; the whole store has fewer.
const STATEMENTS: usize = 256;

/// Page cache of the writer, in KiB: it holds the upper and middle levels of the indexes of a few million records, so
/// that a sorted batch reads each leaf once.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
const READER_CACHE_KIB: i64 = 8 * 1024;
/// Pages of write-ahead log after which a commit copies them home. Larger than SQLite's 1,000 because a bulk batch
/// rewrites the same index pages again and again.
const CHECKPOINT_PAGES: i64 = 16 * 1024;
/// What the log file is cut back to after a checkpoint, in bytes.
const JOURNAL_BYTES_MAX: i64 = 64 << 20;

pub(crate) struct Sqlite {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    writer: Option<JoinHandle<()>>,
    readers: Arc<Readers>,
    health: Arc<Health>,
}

/// What became of the newest commit; asked by whoever decides where traffic goes.
#[derive(Default)]
struct Health(Mutex<Option<Error>>);

impl Health {
    fn set(&self, outcome: &Result<(), Error>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = outcome.clone().err();
    }
}

/// Something to do inside a write transaction, and somebody who waits for it.
pub(crate) trait Job: Send {
    /// A bulk job commits alone, without a savepoint: remembering the former content of every page it touches would
    /// cost more than the job.
    fn is_bulk(&self) -> bool;
    fn run(&mut self, conn: &Connection) -> Result<(), Error>;
    fn answer(self: Box<Self>, outcome: Result<(), Error>);
}

pub(crate) struct Call<F, T> {
    pub(crate) bulk: bool,
    pub(crate) body: Option<F>,
    pub(crate) result: Option<T>,
    pub(crate) reply: oneshot::Sender<Result<T, Error>>,
}

impl<F, T> Job for Call<F, T>
where
    F: FnOnce(&Connection) -> Result<T, Error> + Send,
    T: Send,
{
    fn is_bulk(&self) -> bool {
        self.bulk
    }

    fn run(&mut self, conn: &Connection) -> Result<(), Error> {
        let Some(body) = self.body.take() else { return Err(Error::internal("a write was run twice")) };
        // A panic in one job must not take the writer, and with it the whole store, away from everybody else.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body(conn)));
        self.result = Some(outcome.unwrap_or_else(|panic| Err(panicked(panic.as_ref())))?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), Error>) {
        let answer = match (outcome, self.result) {
            (Ok(()), Some(value)) => Ok(value),
            (Ok(()), None) => Err(Error::internal("a write was answered before it was run")),
            (Err(error), _) => Err(error),
        };
        // A caller that has gone away (its task was cancelled) needs no answer; what was committed stays.
        drop(self.reply.send(answer));
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Error::Internal(text.unwrap_or_else(|| "a write panicked".into()))
}

impl Sqlite {
    /// Opens or makes the file, brings its schema up to date, starts the writer. Blocks.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        create_private(path)?;
        let opener = Opener { path: path.to_owned() };
        let mut conn = opener.writer()?;
        migrate::migrate(&mut conn)?;
        let readers = Arc::new(Readers {
            opener: opener.clone(),
            idle: Mutex::new(Vec::new()),
            slots: Arc::new(Semaphore::new(READERS)),
        });
        let health = Arc::new(Health::default());
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let writer = std::thread::Builder::new().name("store-writer".into()).spawn({
            let health = health.clone();
            move || write_loop(&opener, conn, queue, &health)
        })?;
        Ok(Self { jobs: Some(jobs), writer: Some(writer), readers, health })
    }

    pub(crate) fn last_write(&self) -> Result<(), Error> {
        let last = self.health.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone().map_or(Ok(()), Err)
    }

    pub(crate) async fn submit(&self, job: Box<dyn Job>) -> Result<(), Error> {
        let closed = || Error::internal("the writer thread has ended");
        self.jobs.as_ref().ok_or_else(closed)?.send(job).await.map_err(|_| closed())
    }

    pub(crate) async fn read<T, F>(&self, body: F) -> Result<T, Error>
    where
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let slot = self.readers.slots.clone().acquire_owned().await.map_err(Error::internal)?;
        let readers = self.readers.clone();
        let work = move || {
            let _slot = slot;
            readers.run(body)
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Error::internal(error)))
    }
}

impl Drop for Sqlite {
    /// Waits for the writer, so that whoever opens the file next finds the log folded in and the lock free.
    fn drop(&mut self) {
        self.jobs = None;
        self.readers.idle().clear();
        if let Some(writer) = self.writer.take()
            && writer.thread().id() != std::thread::current().id()
            && writer.join().is_err()
        {
            tracing::error!("the store's writer thread had panicked");
        }
    }
}

fn write_loop(opener: &Opener, first: Connection, mut queue: mpsc::Receiver<Box<dyn Job>>, health: &Health) {
    let mut conn = Some(first);
    let mut carried = None;
    while let Some(job) = carried.take().or_else(|| queue.blocking_recv()) {
        let handle = match conn.take() {
            Some(handle) => handle,
            None => match opener.writer() {
                Ok(handle) => handle,
                Err(error) => {
                    job.answer(Err(error));
                    continue;
                }
            },
        };
        if group(&handle, job, &mut queue, &mut carried, health) {
            conn = Some(handle);
        } else {
            tracing::warn!("the store's write connection is thrown away and opened again");
        }
    }
}

/// Runs one group of jobs; false when the connection can no longer be trusted.
fn group(
    conn: &Connection,
    first: Box<dyn Job>,
    queue: &mut mpsc::Receiver<Box<dyn Job>>,
    carried: &mut Option<Box<dyn Job>>,
    health: &Health,
) -> bool {
    if let Err(error) = conn.execute_batch("BEGIN IMMEDIATE") {
        let error = Error::from(error);
        let keep = error == Error::Busy;
        health.set(&Err(error.clone()));
        first.answer(Err(error));
        return keep;
    }
    let started = Instant::now();
    let mut done: Vec<Box<dyn Job>> = Vec::new();
    let mut next = Some(first);
    while let Some(mut job) = next.take() {
        let bulk = job.is_bulk();
        match run_one(conn, job.as_mut()) {
            Ok(()) => done.push(job),
            Err(error) => {
                job.answer(Err(error.clone()));
                // Some errors (a full disk, an I/O error) make SQLite roll back everything at once.
                if conn.is_autocommit() {
                    let keep = bulk && !matches!(error, Error::Io(_) | Error::Full | Error::Corrupt(_));
                    health.set(&Err(error.clone()));
                    answer_all(done, &Err(error));
                    return keep;
                }
            }
        }
        if bulk || done.len() >= GROUP_JOBS_MAX || started.elapsed() >= GROUP_TIME_MAX {
            break;
        }
        next = queue.try_recv().ok();
        if next.as_ref().is_some_and(|job| job.is_bulk()) {
            *carried = next.take();
        }
    }
    let outcome = conn.execute_batch("COMMIT").map_err(Error::from);
    let kept = outcome.is_ok();
    health.set(&outcome);
    answer_all(done, &outcome);
    kept
}

fn answer_all(jobs: Vec<Box<dyn Job>>, outcome: &Result<(), Error>) {
    for job in jobs {
        job.answer(outcome.clone());
    }
}

/// One job; on an error nothing of it is left, and the transaction is still open unless SQLite itself ended it.
fn run_one(conn: &Connection, job: &mut dyn Job) -> Result<(), Error> {
    if job.is_bulk() {
        let outcome = job.run(conn);
        if outcome.is_err() && !conn.is_autocommit() {
            conn.execute_batch("ROLLBACK")?;
        }
        return outcome;
    }
    conn.prepare_cached("SAVEPOINT job")?.execute([])?;
    let outcome = job.run(conn);
    if outcome.is_err() && !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK TO job; RELEASE job")?;
    } else if outcome.is_ok() {
        conn.prepare_cached("RELEASE job")?.execute([])?;
    }
    outcome
}

struct Readers {
    opener: Opener,
    idle: Mutex<Vec<Connection>>,
    slots: Arc<Semaphore>,
}

impl Readers {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // The list is whole at every moment, so a panic elsewhere does not spoil it.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One snapshot for the whole body. A connection that met an error is not used again.
    fn run<T>(&self, body: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let idle = self.idle().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => self.opener.reader()?,
        };
        conn.prepare_cached("BEGIN")?.execute([])?;
        let value = body(&conn)?;
        conn.prepare_cached("COMMIT")?.execute([])?;
        self.idle().push(conn);
        Ok(value)
    }
}

#[derive(Clone)]
struct Opener {
    path: PathBuf,
}

impl Opener {
    fn connect(&self) -> Result<Connection, Error> {
        // No SQLITE_OPEN_CREATE: the file was made, with private permissions, before.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(&self.path, flags)?;
        conn.busy_timeout(BUSY_WAIT)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        conn.pragma_update(None, "foreign_keys", false)?;
        conn.pragma_update(None, "temp_store", "MEMORY")?;
        Ok(conn)
    }

    fn writer(&self) -> Result<Connection, Error> {
        let conn = self.connect()?;
        migrate::check(&conn)?;
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        conn.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
        conn.pragma_update_and_check(None, "journal_size_limit", JOURNAL_BYTES_MAX, |_| Ok(()))?;
        Ok(conn)
    }

    fn reader(&self) -> Result<Connection, Error> {
        let conn = self.connect()?;
        conn.pragma_update(None, "query_only", true)?;
        conn.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        // Not mapped: mapped pages would count as the daemon's memory, once for each reader.
        Ok(conn)
    }
}

/// The store holds personal data: only its owner may read it. SQLite gives its log the same permissions.
fn create_private(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    Ok(())
}
