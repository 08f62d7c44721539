//! Quarantine: input that could not be taken, kept whole with its reason, to be mended and replayed.

use rejoin_model::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::rows::{limit, named};
use crate::{Error, Ids, Store, next_id};

/// Input as it is put aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quarantined {
    /// Where it stood: a file and line, a message, a request.
    pub at: String,
    /// The stable code of the reason.
    pub code: String,
    pub reason: String,
    pub raw: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineItem {
    pub id: i64,
    pub connector: String,
    pub at: String,
    pub code: String,
    pub reason: String,
    pub raw: String,
    pub received_at: Timestamp,
    pub state: QuarantineState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuarantineState {
    Waiting,
    Replayed,
    Dropped,
}

impl QuarantineState {
    pub const ALL: &'static [(&'static str, Self)] =
        &[("waiting", Self::Waiting), ("replayed", Self::Replayed), ("dropped", Self::Dropped)];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, state)| *state == self).map_or("waiting", |(name, _)| name)
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, state)| *state)
    }
}

/// Which waiting items to list; an empty filter lists all of them.
#[derive(Debug, Clone, Default)]
pub struct QuarantineFilter {
    pub connector: Option<String>,
    /// A code, exactly.
    pub code: Option<String>,
}

const SELECT: &str = "SELECT q.quarantine_id, c.name, q.at, q.code, q.reason, q.raw, q.received_at, q.state \
                      FROM quarantine q JOIN connector c ON c.connector_id = q.connector_id ";

impl Store {
    /// Waiting items, oldest first.
    pub async fn quarantine_list(
        &self,
        filter: QuarantineFilter,
        max: usize,
    ) -> Result<Vec<QuarantineItem>, Error> {
        self.read(move |db| {
            let sql = format!(
                "{SELECT} WHERE q.state = 'waiting' AND (?1 IS NULL OR c.name = ?1) \
                 AND (?2 IS NULL OR q.code = ?2) ORDER BY q.quarantine_id LIMIT ?3"
            );
            let mut query = db.prepare_cached(&sql)?;
            let mut rows = query.query((filter.connector, filter.code, limit(max)))?;
            let mut items = Vec::new();
            while let Some(row) = rows.next()? {
                items.push(item(row)?);
            }
            Ok(items)
        })
        .await
    }

    pub async fn quarantine(&self, id: i64) -> Result<Option<QuarantineItem>, Error> {
        self.read(move |db| {
            let mut query = db.prepare_cached(&format!("{SELECT} WHERE q.quarantine_id = ?1"))?;
            let mut rows = query.query([id])?;
            rows.next()?.map(item).transpose()
        })
        .await
    }

    /// Notes what became of an item; false when it was not waiting.
    pub async fn quarantine_done(&self, id: i64, state: QuarantineState) -> Result<bool, Error> {
        self.write(move |db| {
            let sql = "UPDATE quarantine SET state = ?2 WHERE quarantine_id = ?1 AND state = 'waiting'";
            Ok(db.prepare_cached(sql)?.execute((id, state.name()))? == 1)
        })
        .await
    }
}

fn item(row: &Row<'_>) -> Result<QuarantineItem, Error> {
    let state: String = row.get(7)?;
    Ok(QuarantineItem {
        id: row.get(0)?,
        connector: row.get(1)?,
        at: row.get(2)?,
        code: row.get(3)?,
        reason: row.get(4)?,
        raw: row.get(5)?,
        received_at: Timestamp(row.get(6)?),
        state: named(QuarantineState::from_name(&state), &state)?,
    })
}

/// Puts input aside. The same input for the same reason at the same place waits only once, however often it is read.
pub(crate) fn write_quarantine(
    db: &Connection,
    connector: i64,
    items: &[Quarantined],
    ids: &Ids,
    now: Timestamp,
) -> Result<u64, Error> {
    let mut added = 0;
    for item in items {
        if waits(db, connector, item)? {
            continue;
        }
        let sql = "INSERT INTO quarantine (quarantine_id, connector_id, at, code, reason, raw, received_at, state) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting')";
        let row = (next_id(ids, now), connector, &item.at, &item.code, &item.reason, &item.raw, now.0);
        added += db.prepare_cached(sql)?.execute(row)? as u64;
    }
    Ok(added)
}

fn waits(db: &Connection, connector: i64, item: &Quarantined) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM quarantine WHERE connector_id = ?1 AND at = ?2 AND code = ?3 AND raw = ?4 \
               AND state = 'waiting'";
    let row = (connector, &item.at, &item.code, &item.raw);
    Ok(db.prepare_cached(sql)?.query_row(row, |_| Ok(())).optional()?.is_some())
}
