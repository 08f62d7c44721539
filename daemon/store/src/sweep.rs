//! Sweeps: a full listing of a stream's keys, after which what was not listed is gone from its source.
//!
//! The first call opens the sweep. From then on a record that is ingested counts as listed, or a party created while
//! the listing was under way would be taken for a deleted one.

use std::collections::HashMap;

use rejoin_model::{RecordId, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use crate::connectors::{connector_id, stream_id};
use crate::records::mark_changed;
use crate::{Error, Store};

impl Store {
    /// Notes that these keys are still there; another `sweep` number than before starts over.
    pub async fn sweep_seen(
        &self,
        connector: &str,
        stream: &str,
        sweep: i64,
        keys: Vec<String>,
    ) -> Result<(), Error> {
        let (connector, stream) = (connector.to_owned(), stream.to_owned());
        self.write_rows(keys.len(), move |db| {
            let connector = connector_id(db, &connector)?;
            let stream = stream_id(db, connector, &stream)?;
            if open_sweep(db, connector, stream)? != Some(sweep) {
                start(db, connector, stream, sweep)?;
            }
            let mut keys = keys;
            keys.sort_unstable();
            keys.iter().try_for_each(|key| see(db, connector, stream, key))
        })
        .await
    }

    /// Ends a sweep: records of the stream that were not seen are deleted and given to identity. A sweep that was
    /// never opened deletes nothing. Returns how many were deleted.
    pub async fn finish_sweep(
        &self,
        connector: &str,
        stream: &str,
        sweep: i64,
        now: Timestamp,
    ) -> Result<u64, Error> {
        let (connector, stream) = (connector.to_owned(), stream.to_owned());
        self.write_bulk(move |db| {
            let connector = connector_id(db, &connector)?;
            let stream = stream_id(db, connector, &stream)?;
            if open_sweep(db, connector, stream)? != Some(sweep) {
                return Ok(0);
            }
            let deleted = delete_unseen(db, connector, stream, now)?;
            clear(db, connector, stream)?;
            Ok(deleted)
        })
        .await
    }
}

fn delete_unseen(db: &Connection, connector: i64, stream: i64, now: Timestamp) -> Result<u64, Error> {
    let unseen: Vec<i64> = db
        .prepare_cached(
            "SELECT k.record_id FROM record_key k WHERE k.connector_id = ?1 AND k.stream_id = ?2 \
             AND NOT EXISTS (SELECT 1 FROM seen s \
                             WHERE s.connector_id = ?1 AND s.stream_id = ?2 AND s.key = k.key)",
        )?
        .query_map((connector, stream), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut delete = db.prepare_cached(
        "UPDATE record SET deleted = 1, changed_at = ?2 WHERE record_id = ?1 AND deleted = 0",
    )?;
    let mut gone = Vec::new();
    for record in unseen {
        if delete.execute((record, now.0))? == 1 {
            gone.push(RecordId(record));
        }
    }
    mark_changed(db, &gone)?;
    Ok(gone.len() as u64)
}

/// The open sweeps of a connector, by stream.
pub(crate) fn open_sweeps(db: &Connection, connector: i64) -> Result<HashMap<i64, i64>, Error> {
    let mut query = db.prepare_cached("SELECT stream_id, sweep FROM sweep WHERE connector_id = ?1")?;
    let rows = query.query_map([connector], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn see(db: &Connection, connector: i64, stream: i64, key: &str) -> Result<(), Error> {
    let sql = "INSERT INTO seen (connector_id, stream_id, key) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    db.prepare_cached(sql)?.execute((connector, stream, key))?;
    Ok(())
}

fn open_sweep(db: &Connection, connector: i64, stream: i64) -> Result<Option<i64>, Error> {
    let sql = "SELECT sweep FROM sweep WHERE connector_id = ?1 AND stream_id = ?2";
    Ok(db.prepare_cached(sql)?.query_row((connector, stream), |row| row.get(0)).optional()?)
}

fn start(db: &Connection, connector: i64, stream: i64, sweep: i64) -> Result<(), Error> {
    clear(db, connector, stream)?;
    db.execute(
        "INSERT INTO sweep (connector_id, stream_id, sweep) VALUES (?1, ?2, ?3)",
        (connector, stream, sweep),
    )?;
    Ok(())
}

fn clear(db: &Connection, connector: i64, stream: i64) -> Result<(), Error> {
    db.execute("DELETE FROM seen WHERE connector_id = ?1 AND stream_id = ?2", (connector, stream))?;
    db.execute("DELETE FROM sweep WHERE connector_id = ?1 AND stream_id = ?2", (connector, stream))?;
    Ok(())
}
