//! Activities: dated facts. They hang on a source record, never on a customer, so merging and splitting customers
//! moves none of them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rejoin_model::{Activity, ActivityKind, CustomerId, Money, OutboxId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::connectors::Names;
use crate::profiles::mark_stale_records;
use crate::records::record_or_stub;
use crate::rows::{add_tally, limit, named};
use crate::{Error, Ids, Store};

/// Columns as [`activity`] reads them.
pub(crate) const COLUMNS: &str =
    "a.key, r.key, a.kind, a.at, a.cents, a.currency, a.answers, a.text, r.connector_id";

impl Store {
    /// The newest activities of a customer with the connector each came from, newest first.
    pub async fn activities_of(
        &self,
        customer: CustomerId,
        max: usize,
    ) -> Result<Vec<(Activity, Arc<str>)>, Error> {
        self.read(move |db| {
            let names = Names::load(db)?;
            let sql = format!(
                "SELECT {COLUMNS} FROM member m JOIN activity a ON a.record_id = m.record_id \
                 JOIN record r ON r.record_id = a.record_id \
                 WHERE m.customer_id = ?1 ORDER BY a.at DESC, a.key LIMIT ?2"
            );
            let mut query = db.prepare_cached(&sql)?;
            let mut rows = query.query((customer.0, limit(max)))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push((activity(row)?, names.of(row.get(8)?)?));
            }
            Ok(found)
        })
        .await
    }
}

pub(crate) fn activity(row: &Row<'_>) -> Result<Activity, Error> {
    let kind: String = row.get(2)?;
    let money = match (row.get(4)?, row.get(5)?) {
        (Some(cents), Some(currency)) => Some(Money { cents, currency }),
        _ => None,
    };
    Ok(Activity {
        kind: named(ActivityKind::from_name(&kind), &kind)?,
        key: row.get(0)?,
        party_key: row.get(1)?,
        at: Timestamp(row.get(3)?),
        money,
        answers: row.get::<_, Option<i64>>(6)?.map(OutboxId),
        text: row.get(7)?,
    })
}

/// Writes the activities of a batch.
pub(crate) struct ActivityWriter<'a> {
    db: &'a Connection,
    connector: i64,
    ids: &'a Ids,
    now: Timestamp,
    parties: HashMap<String, i64>,
    /// Records whose activities changed.
    touched: BTreeSet<i64>,
    stored: i64,
}

impl<'a> ActivityWriter<'a> {
    pub(crate) fn new(db: &'a Connection, connector: i64, ids: &'a Ids, now: Timestamp) -> Self {
        Self { db, connector, ids, now, parties: HashMap::new(), touched: BTreeSet::new(), stored: 0 }
    }

    /// Returns how many were new or different.
    pub(crate) fn put(&mut self, activities: &[Activity]) -> Result<u64, Error> {
        let mut order: Vec<&Activity> = activities.iter().collect();
        order.sort_by(|a, b| a.key.cmp(&b.key));
        let mut changed = 0;
        for activity in order {
            let record = self.party(&activity.party_key)?;
            self.take_key(&activity.key, record)?;
            if self.upsert(record, activity)? {
                self.touched.insert(record);
                changed += 1;
            }
        }
        Ok(changed)
    }

    pub(crate) fn delete(&mut self, keys: &[String]) -> Result<u64, Error> {
        let mut deleted = 0;
        for key in keys {
            if let Some(record) = self.owner(key)? {
                let sql = "DELETE FROM activity_key WHERE connector_id = ?1 AND key = ?2";
                self.db.prepare_cached(sql)?.execute((self.connector, key))?;
                self.remove(record, key)?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    /// Marks the customers behind everything that changed.
    pub(crate) fn finish(self) -> Result<(), Error> {
        add_tally(self.db, "activities", self.stored)?;
        mark_stale_records(self.db, &self.touched)
    }

    fn party(&mut self, key: &str) -> Result<i64, Error> {
        if let Some(record) = self.parties.get(key) {
            return Ok(*record);
        }
        let record = record_or_stub(self.db, self.connector, key, self.ids, self.now)?;
        self.parties.insert(key.to_owned(), record);
        Ok(record)
    }

    fn owner(&self, key: &str) -> Result<Option<i64>, Error> {
        let sql = "SELECT record_id FROM activity_key WHERE connector_id = ?1 AND key = ?2";
        Ok(self.db.prepare_cached(sql)?.query_row((self.connector, key), |row| row.get(0)).optional()?)
    }

    /// Makes `record` the owner of the activity's key, taking the activity away from an earlier one.
    fn take_key(&mut self, key: &str, record: i64) -> Result<(), Error> {
        let sql = "INSERT INTO activity_key (connector_id, key, record_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        if self.db.prepare_cached(sql)?.execute((self.connector, key, record))? == 1 {
            self.stored += 1;
            return Ok(());
        }
        if let Some(earlier) = self.owner(key)?.filter(|earlier| *earlier != record) {
            let sql = "UPDATE activity_key SET record_id = ?3 WHERE connector_id = ?1 AND key = ?2";
            self.db.prepare_cached(sql)?.execute((self.connector, key, record))?;
            self.remove(earlier, key)?;
            self.stored += 1;
        }
        Ok(())
    }

    fn remove(&mut self, record: i64, key: &str) -> Result<(), Error> {
        let sql = "DELETE FROM activity WHERE record_id = ?1 AND key = ?2";
        self.stored -= self.db.prepare_cached(sql)?.execute((record, key))? as i64;
        self.touched.insert(record);
        Ok(())
    }

    fn upsert(&self, record: i64, new: &Activity) -> Result<bool, Error> {
        let sql = "INSERT INTO activity (record_id, key, kind, at, cents, currency, answers, text) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
                   ON CONFLICT (record_id, key) DO UPDATE SET kind = excluded.kind, at = excluded.at, \
                   cents = excluded.cents, currency = excluded.currency, answers = excluded.answers, \
                   text = excluded.text \
                   WHERE (kind, at, cents, currency, answers, text) IS NOT (excluded.kind, excluded.at, \
                   excluded.cents, excluded.currency, excluded.answers, excluded.text)";
        let money = new.money.as_ref();
        let changed = self.db.prepare_cached(sql)?.execute((
            record,
            &new.key,
            new.kind.name(),
            new.at.0,
            money.map(|m| m.cents),
            money.map(|m| &m.currency),
            new.answers.map(|id| id.0),
            &new.text,
        ))?;
        Ok(changed == 1)
    }
}
