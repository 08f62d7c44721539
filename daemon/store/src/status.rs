//! How the daemon is doing: heartbeats of its tasks, states of its connectors, and totals.

use rejoin_model::{OutboxState, Timestamp};
use rusqlite::Connection;
use serde::Serialize;

use crate::outbox::state;
use crate::rows::{self, tally};
use crate::{Error, Store};

/// The last sign of life of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Heartbeat {
    pub task: String,
    pub at: Timestamp,
    pub note: String,
    /// Everything it has done since the store was made.
    pub total: u64,
}

/// What the daemon last knew of a connector, as JSON of its own making.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectorState {
    pub name: String,
    pub state: String,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub records: u64,
    pub unresolved: u64,
    pub customers: u64,
    pub activities: u64,
    /// Waiting to be mended.
    pub quarantined: u64,
    pub outbox: Vec<(OutboxState, u64)>,
    pub waiting_requests: u64,
    pub stale_profiles: u64,
}

impl Store {
    pub async fn heartbeat(&self, task: &str, note: &str, did: u64, now: Timestamp) -> Result<(), Error> {
        let (task, note) = (task.to_owned(), note.to_owned());
        self.write(move |db| {
            let sql = "INSERT INTO heartbeat (task, at, note, total) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (task) \
                       DO UPDATE SET at = excluded.at, note = excluded.note, total = total + excluded.total";
            db.prepare_cached(sql)?.execute((task, now.0, note, did as i64))?;
            Ok(())
        })
        .await
    }

    pub async fn heartbeats(&self) -> Result<Vec<Heartbeat>, Error> {
        self.read(|db| {
            let mut query = db.prepare_cached("SELECT task, at, note, total FROM heartbeat ORDER BY task")?;
            let rows = query.query_map([], |row| {
                Ok(Heartbeat {
                    task: row.get(0)?,
                    at: Timestamp(row.get(1)?),
                    note: row.get(2)?,
                    total: rows::count(row, 3)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    pub async fn connector_state_save(&self, name: &str, state: String, now: Timestamp) -> Result<(), Error> {
        let name = name.to_owned();
        self.write(move |db| {
            let sql = "INSERT INTO connector_state (name, state, at) VALUES (?1, ?2, ?3) ON CONFLICT (name) \
                       DO UPDATE SET state = excluded.state, at = excluded.at";
            db.prepare_cached(sql)?.execute((name, state, now.0))?;
            Ok(())
        })
        .await
    }

    pub async fn connector_states(&self) -> Result<Vec<ConnectorState>, Error> {
        self.read(|db| {
            let mut query = db.prepare_cached("SELECT name, state, at FROM connector_state ORDER BY name")?;
            let rows = query.query_map([], |row| {
                Ok(ConnectorState { name: row.get(0)?, state: row.get(1)?, at: Timestamp(row.get(2)?) })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Totals. Large tables keep theirs as they change; the small ones are counted.
    pub async fn counts(&self) -> Result<Counts, Error> {
        self.read(|db| {
            let waiting = "SELECT count(*) FROM quarantine WHERE state = 'waiting'";
            Ok(Counts {
                records: tally(db, "records")?,
                unresolved: count(db, "SELECT count(*) FROM unresolved")?,
                customers: tally(db, "customers")?,
                activities: tally(db, "activities")?,
                quarantined: count(db, waiting)?,
                outbox: outbox_states(db)?,
                waiting_requests: count(db, "SELECT count(*) FROM intake WHERE done = 0")?,
                stale_profiles: count(db, "SELECT count(*) FROM stale")?,
            })
        })
        .await
    }
}

fn count(db: &Connection, sql: &str) -> Result<u64, Error> {
    Ok(db.prepare_cached(sql)?.query_row([], |row| rows::count(row, 0))?)
}

fn outbox_states(db: &Connection) -> Result<Vec<(OutboxState, u64)>, Error> {
    let sql = "SELECT state, count(*) FROM outbox INDEXED BY outbox_run GROUP BY state ORDER BY state";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query([])?;
    let mut states = Vec::new();
    while let Some(row) = rows.next()? {
        states.push((state(row.get(0)?)?, rows::count(row, 1)?));
    }
    Ok(states)
}
