//! Where the data lives. Private: nothing outside this crate can tell one backend from another.

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::sqlite::{Call, Sqlite};
use crate::{Error, Store};

/// A job of more rows than this commits alone: a savepoint keeps a copy of every page the job touches, and with a
/// thousand rows that costs more than a commit.
const SMALL_ROWS: usize = 64;

/// PostgreSQL becomes a second variant; every noun then gives its SQL for both beside each other.
pub(crate) enum Backend {
    Sqlite(Sqlite),
}

impl Backend {
    /// What became of the newest write.
    pub(crate) fn last_write(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.last_write(),
        }
    }
}

impl Store {
    /// Runs `body` on one consistent snapshot.
    pub(crate) async fn read<T, F>(&self, body: F) -> Result<T, Error>
    where
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        match &self.inner.backend {
            Backend::Sqlite(sqlite) => sqlite.read(body).await,
        }
    }

    /// Runs `body` in a transaction, shared with others, and answers after it is committed.
    pub(crate) async fn write<T, F>(&self, body: F) -> Result<T, Error>
    where
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        self.submit(false, body).await
    }

    /// As [`Store::write`], for work large enough to deserve a transaction of its own.
    pub(crate) async fn write_bulk<T, F>(&self, body: F) -> Result<T, Error>
    where
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        self.submit(true, body).await
    }

    /// One or the other, by the number of rows to write.
    pub(crate) async fn write_rows<T, F>(&self, rows: usize, body: F) -> Result<T, Error>
    where
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        self.submit(rows > SMALL_ROWS, body).await
    }

    async fn submit<T, F>(&self, bulk: bool, body: F) -> Result<T, Error>
    where
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let call = Box::new(Call { bulk, body: Some(body), result: None, reply });
        match &self.inner.backend {
            Backend::Sqlite(sqlite) => sqlite.submit(call).await?,
        }
        answer.await.unwrap_or_else(|_| Err(Error::internal("the writer dropped a job without an answer")))
    }
}
