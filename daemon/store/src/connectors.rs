//! Connectors and their streams as the store knows them: small numbers in place of names, and cursors.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use crate::{Error, Store};

/// The stream of a record that was only named by somebody else so far; no sweep touches it.
pub(crate) const NO_STREAM: i64 = 0;

impl Store {
    /// Where reading `stream` goes on.
    pub async fn cursor(&self, connector: &str, stream: &str) -> Result<Option<String>, Error> {
        let (connector, stream) = (connector.to_owned(), stream.to_owned());
        self.read(move |db| {
            let sql = "SELECT position FROM cursor JOIN connector USING (connector_id) WHERE name = ?1 AND stream = ?2";
            Ok(db.prepare_cached(sql)?.query_row((connector, stream), |row| row.get(0)).optional()?)
        })
        .await
    }

    /// Moves a cursor by hand; `None` starts the stream from its beginning.
    pub async fn set_cursor(
        &self,
        connector: &str,
        stream: &str,
        cursor: Option<String>,
    ) -> Result<(), Error> {
        let (connector, stream) = (connector.to_owned(), stream.to_owned());
        self.write(move |db| {
            let connector = connector_id(db, &connector)?;
            write_cursor(db, connector, &stream, cursor.as_deref())
        })
        .await
    }
}

pub(crate) fn write_cursor(
    db: &Connection,
    connector: i64,
    stream: &str,
    cursor: Option<&str>,
) -> Result<(), Error> {
    if let Some(cursor) = cursor {
        let sql = "INSERT INTO cursor (connector_id, stream, position) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (connector_id, stream) DO UPDATE SET position = excluded.position";
        db.prepare_cached(sql)?.execute((connector, stream, cursor))?;
    } else {
        let sql = "DELETE FROM cursor WHERE connector_id = ?1 AND stream = ?2";
        db.prepare_cached(sql)?.execute((connector, stream))?;
    }
    Ok(())
}

/// The number of a connector, given to it now if it has none.
pub(crate) fn connector_id(db: &Connection, name: &str) -> Result<i64, Error> {
    if let Some(id) = known_connector(db, name)? {
        return Ok(id);
    }
    db.execute("INSERT INTO connector (name) VALUES (?1)", [name])?;
    Ok(db.last_insert_rowid())
}

pub(crate) fn known_connector(db: &Connection, name: &str) -> Result<Option<i64>, Error> {
    let sql = "SELECT connector_id FROM connector WHERE name = ?1";
    Ok(db.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()?)
}

pub(crate) fn stream_id(db: &Connection, connector: i64, name: &str) -> Result<i64, Error> {
    let sql = "SELECT stream_id FROM stream WHERE connector_id = ?1 AND name = ?2";
    if let Some(id) = db.prepare_cached(sql)?.query_row((connector, name), |row| row.get(0)).optional()? {
        return Ok(id);
    }
    db.execute("INSERT INTO stream (connector_id, name) VALUES (?1, ?2)", (connector, name))?;
    Ok(db.last_insert_rowid())
}

/// Names by number, shared by all rows of an answer. Read once per call, not kept: the table has a few rows, and a
/// number made in a transaction that was rolled back would poison a cache.
pub(crate) struct Names(HashMap<i64, Arc<str>>);

impl Names {
    pub(crate) fn load(db: &Connection) -> Result<Self, Error> {
        let mut query = db.prepare_cached("SELECT connector_id, name FROM connector")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, Arc::from(row.get::<_, String>(1)?))))?;
        Ok(Self(rows.collect::<Result<_, _>>()?))
    }

    pub(crate) fn of(&self, connector: i64) -> Result<Arc<str>, Error> {
        let missing = || Error::Corrupt(format!("connector number {connector} has no name"));
        self.0.get(&connector).cloned().ok_or_else(missing)
    }
}
