//! Identity as stored: which keys lead to which records, and which records belong to which customer.

use std::collections::HashSet;

use rejoin_model::customer::{IdentityKey, KeyKind};
use rejoin_model::{CustomerId, RecordId};
use rusqlite::OptionalExtension;

use crate::resolution::StoredKey;
use crate::rows::{from_json, limit, list};
use crate::{Error, Store};

impl Store {
    /// For each key, in order, the records that carry it: at most `per_key_max`, the oldest.
    pub async fn sharing(
        &self,
        keys: &[IdentityKey],
        per_key_max: usize,
    ) -> Result<Vec<Vec<RecordId>>, Error> {
        let keys = keys.to_vec();
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT record_id FROM identity WHERE kind = ?1 AND value = ?2 ORDER BY record_id LIMIT ?3",
            )?;
            let mut found = Vec::with_capacity(keys.len());
            for key in &keys {
                let rows = query.query_map((kind_code(key.kind), &key.value, limit(per_key_max)), |row| {
                    row.get(0).map(RecordId)
                })?;
                found.push(rows.collect::<Result<_, _>>()?);
            }
            Ok(found)
        })
        .await
    }

    /// For each record, in order, the customer it belongs to.
    pub async fn links_of(&self, records: &[RecordId]) -> Result<Vec<Option<CustomerId>>, Error> {
        let records = records.to_vec();
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT customer_id FROM link WHERE record_id = ?1")?;
            let mut links = Vec::with_capacity(records.len());
            for record in &records {
                let customer: Option<Option<i64>> =
                    query.query_row([record.0], |row| row.get(0)).optional()?;
                links.push(customer.flatten().map(CustomerId));
            }
            Ok(links)
        })
        .await
    }

    /// For each record, in order, the keys it was last found by. They may differ from those it states now: then both
    /// lead to records whose answer depends on it.
    pub async fn keys_of(&self, records: &[RecordId]) -> Result<Vec<Vec<IdentityKey>>, Error> {
        let records = records.to_vec();
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT keys FROM link WHERE record_id = ?1")?;
            let mut found = Vec::with_capacity(records.len());
            for record in &records {
                let keys: Option<Option<String>> =
                    query.query_row([record.0], |row| row.get(0)).optional()?;
                let keys: Vec<StoredKey> =
                    keys.flatten().as_deref().map(from_json).transpose()?.unwrap_or_default();
                let keys =
                    keys.into_iter().map(|(kind, value)| Ok(IdentityKey { kind: kind_of(kind)?, value }));
                found.push(keys.collect::<Result<_, Error>>()?);
            }
            Ok(found)
        })
        .await
    }

    /// Every record of these customers, in order of customer and record.
    pub async fn members_of(&self, customers: &[CustomerId]) -> Result<Vec<(CustomerId, RecordId)>, Error> {
        let customers = list(customers.iter().map(|id| id.0));
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT customer_id, record_id FROM member \
                 WHERE customer_id IN (SELECT value FROM json_each(?1)) ORDER BY customer_id, record_id",
            )?;
            let rows =
                query.query_map([customers], |row| Ok((CustomerId(row.get(0)?), RecordId(row.get(1)?))))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Those of `keys` that were found to be shared by too many to mean anything.
    pub async fn generic_among(&self, keys: &[IdentityKey]) -> Result<HashSet<IdentityKey>, Error> {
        let keys = keys.to_vec();
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT 1 FROM generic WHERE kind = ?1 AND value = ?2")?;
            let mut generic = HashSet::new();
            for key in keys {
                if query.exists((kind_code(key.kind), &key.value))? {
                    generic.insert(key);
                }
            }
            Ok(generic)
        })
        .await
    }
}

fn kind_of(code: i64) -> Result<KeyKind, Error> {
    let known = KeyKind::ALL.iter().map(|(_, kind)| *kind).find(|kind| kind_code(*kind) == code);
    known.ok_or_else(|| Error::corrupt(format!("{code} is no kind of key")))
}

/// The number a kind has in the `identity` table. Never renumber.
pub(crate) fn kind_code(kind: KeyKind) -> i64 {
    match kind {
        KeyKind::Email => 1,
        KeyKind::Phone => 2,
        KeyKind::External => 3,
        KeyKind::NationalId => 4,
    }
}
