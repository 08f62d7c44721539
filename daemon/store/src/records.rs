//! Source records: what a connector said about one party, and the queue of those identity has not looked at.

use std::collections::HashMap;

use rejoin_model::record::SourceRecord;
use rejoin_model::{Party, RecordId, RecordKey, Timestamp};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};

use crate::connectors::{NO_STREAM, Names, stream_id};
use crate::rows::{from_json, limit, list, to_json};
use crate::{Error, Ids, Store, next_id};

/// One record as a connector delivered it.
#[derive(Debug, Clone, Default)]
pub struct NewRecord {
    pub key: String,
    /// The connector's stream it came from; a sweep of that stream covers it.
    pub stream: String,
    /// The connector's own JSON, kept unchanged.
    pub raw: String,
    /// What the mapping read in it; `None` keeps what is stored.
    pub party: Option<Party>,
    /// The party no longer exists at its source.
    pub deleted: bool,
}

const SELECT: &str =
    "SELECT r.record_id, r.connector_id, r.key, r.party, r.deleted, r.version FROM record r ";

impl Store {
    /// Records that are new or have changed since identity last settled them, oldest first.
    pub async fn unresolved(&self, max: usize) -> Result<Vec<SourceRecord>, Error> {
        self.read(move |db| {
            let sql = format!(
                "{SELECT} JOIN unresolved u ON u.record_id = r.record_id ORDER BY u.record_id LIMIT ?1"
            );
            read_records(db, &sql, [limit(max)])
        })
        .await
    }

    /// The records with these ids, in order of id; one that does not exist is left out.
    pub async fn records(&self, ids: &[RecordId]) -> Result<Vec<SourceRecord>, Error> {
        let ids = list(ids.iter().map(|id| id.0));
        self.read(move |db| {
            let sql = format!(
                "{SELECT} WHERE r.record_id IN (SELECT value FROM json_each(?1)) ORDER BY r.record_id"
            );
            read_records(db, &sql, [ids])
        })
        .await
    }
}

fn read_records(
    db: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<SourceRecord>, Error> {
    let names = Names::load(db)?;
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query(params)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(record(row, &names)?);
    }
    Ok(records)
}

/// Reads the six columns of [`SELECT`].
pub(crate) fn record(row: &Row<'_>, names: &Names) -> Result<SourceRecord, Error> {
    Ok(SourceRecord {
        id: RecordId(row.get(0)?),
        key: RecordKey { connector: names.of(row.get(1)?)?, key: row.get(2)? },
        party: from_json(row.get_ref(3)?.as_str().map_err(Error::corrupt)?)?,
        deleted: row.get(4)?,
        version: row.get(5)?,
    })
}

pub(crate) fn find_record(db: &Connection, connector: i64, key: &str) -> Result<Option<i64>, Error> {
    let sql = "SELECT record_id FROM record_key WHERE connector_id = ?1 AND key = ?2";
    Ok(db.prepare_cached(sql)?.query_row((connector, key), |row| row.get(0)).optional()?)
}

/// The record a fact hangs on, made as a stub when its connector has not described it yet, so that no fact is lost
/// for coming first. A stub is not given to identity: there is nothing in it to look at.
pub(crate) fn record_or_stub(
    db: &Connection,
    connector: i64,
    key: &str,
    ids: &Ids,
    now: Timestamp,
) -> Result<i64, Error> {
    if let Some(id) = find_record(db, connector, key)? {
        return Ok(id);
    }
    let id = next_id(ids, now);
    let sql = "INSERT INTO record_key (connector_id, key, record_id, stream_id) VALUES (?1, ?2, ?3, ?4)";
    db.prepare_cached(sql)?.execute((connector, key, id, NO_STREAM))?;
    let sql = "INSERT INTO record (record_id, connector_id, key, version, deleted, party, raw, changed_at) \
               VALUES (?1, ?2, ?3, 0, 0, '{}', '', ?4)";
    db.prepare_cached(sql)?.execute((id, connector, key, now.0))?;
    Ok(id)
}

/// What became of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    New,
    Changed,
    Unchanged,
    Deleted,
}

/// Writes the records of a batch. Its statements are prepared once: a batch has up to 50,000 records.
pub(crate) struct RecordWriter<'a> {
    db: &'a Connection,
    connector: i64,
    ids: &'a Ids,
    now: Timestamp,
    streams: HashMap<String, i64>,
    take_key: CachedStatement<'a>,
    find_key: CachedStatement<'a>,
    move_key: CachedStatement<'a>,
    read: CachedStatement<'a>,
    insert: CachedStatement<'a>,
    update: CachedStatement<'a>,
    mark: CachedStatement<'a>,
}

pub(crate) const MARK: &str = "INSERT INTO unresolved (record_id, version) VALUES (?1, ?2) \
                               ON CONFLICT (record_id) DO UPDATE SET version = excluded.version";

impl<'a> RecordWriter<'a> {
    pub(crate) fn new(
        db: &'a Connection,
        connector: i64,
        ids: &'a Ids,
        now: Timestamp,
    ) -> Result<Self, Error> {
        Ok(Self {
            db,
            connector,
            ids,
            now,
            streams: HashMap::new(),
            take_key: db.prepare_cached(
                "INSERT INTO record_key (connector_id, key, record_id, stream_id) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT DO NOTHING",
            )?,
            find_key: db.prepare_cached(
                "SELECT record_id, stream_id FROM record_key WHERE connector_id = ?1 AND key = ?2",
            )?,
            move_key: db.prepare_cached(
                "UPDATE record_key SET stream_id = ?3 WHERE connector_id = ?1 AND key = ?2",
            )?,
            read: db
                .prepare_cached("SELECT version, deleted, party, raw FROM record WHERE record_id = ?1")?,
            insert: db.prepare_cached(
                "INSERT INTO record (record_id, connector_id, key, version, deleted, party, raw, changed_at) \
                 VALUES (?1, ?2, ?3, 1, 0, ?4, ?5, ?6)",
            )?,
            update: db.prepare_cached(
                "UPDATE record SET version = ?2, deleted = ?3, party = ?4, raw = ?5, changed_at = ?6 \
                 WHERE record_id = ?1",
            )?,
            mark: db.prepare_cached(MARK)?,
        })
    }

    pub(crate) fn stream(&mut self, name: &str) -> Result<i64, Error> {
        if let Some(id) = self.streams.get(name) {
            return Ok(*id);
        }
        let id = stream_id(self.db, self.connector, name)?;
        self.streams.insert(name.to_owned(), id);
        Ok(id)
    }

    /// Stores one record. A record that says again what is stored is left alone.
    pub(crate) fn put(&mut self, new: &NewRecord) -> Result<Change, Error> {
        let stream = self.stream(&new.stream)?;
        if new.deleted {
            return self.delete(new);
        }
        let party = new.party.as_ref().map(to_json).transpose()?;
        // Taking the key and looking whether it was free is one walk down the index.
        let id = next_id(self.ids, self.now);
        if self.take_key.execute((self.connector, &new.key, id, stream))? == 1 {
            let party = party.as_deref().unwrap_or("{}");
            self.insert.execute((id, self.connector, &new.key, party, &new.raw, self.now.0))?;
            self.mark.execute((id, 1))?;
            return Ok(Change::New);
        }
        let (id, old_stream) =
            self.find(&new.key)?.ok_or_else(|| Error::corrupt("a key is taken by nobody"))?;
        if old_stream != stream {
            self.move_key.execute((self.connector, &new.key, stream))?;
        }
        self.replace(id, party.as_deref(), Some(&new.raw), false)
    }

    /// A key nobody knows needs no deleting.
    fn delete(&mut self, new: &NewRecord) -> Result<Change, Error> {
        let Some((id, _)) = self.find(&new.key)? else { return Ok(Change::Unchanged) };
        let raw = Some(new.raw.as_str()).filter(|raw| !raw.is_empty());
        let party = new.party.as_ref().map(to_json).transpose()?;
        self.replace(id, party.as_deref(), raw, true)
    }

    fn find(&mut self, key: &str) -> Result<Option<(i64, i64)>, Error> {
        let found = self.find_key.query_row((self.connector, key), |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(found.optional()?)
    }

    fn replace(
        &mut self,
        id: i64,
        party: Option<&str>,
        raw: Option<&str>,
        deleted: bool,
    ) -> Result<Change, Error> {
        let (version, was_deleted, old_party, old_raw): (u32, bool, String, String) =
            self.read.query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        if deleted && version == 0 {
            return Ok(Change::Unchanged); // a stub never was a party, and what hangs on it stays
        }
        let (party, raw) = (party.unwrap_or(&old_party), raw.unwrap_or(&old_raw));
        if version > 0 && deleted == was_deleted && party == old_party && raw == old_raw {
            return Ok(Change::Unchanged);
        }
        self.update.execute((id, version + 1, deleted, party, raw, self.now.0))?;
        self.mark.execute((id, version + 1))?;
        Ok(match (deleted && !was_deleted, version) {
            (true, _) => Change::Deleted,
            (false, 0) => Change::New,
            (false, _) => Change::Changed,
        })
    }
}

/// Gives records back to identity, as changed: an answer computed before this does not settle them.
pub(crate) fn mark_changed(db: &Connection, records: &[RecordId]) -> Result<(), Error> {
    let mut raise = db.prepare_cached("UPDATE record SET version = version + 1 WHERE record_id = ?1")?;
    let mut mark = db.prepare_cached(
        "INSERT INTO unresolved (record_id, version) SELECT record_id, version FROM record WHERE record_id = ?1 \
         ON CONFLICT (record_id) DO UPDATE SET version = excluded.version",
    )?;
    for record in records {
        raise.execute([record.0])?;
        mark.execute([record.0])?;
    }
    Ok(())
}
