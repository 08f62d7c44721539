//! Writing what identity decided: keys, links, golden records, merges, all in one transaction.
//!
//! Rows are written in order of their keys, because a batch may hold 50,000 records.

use std::collections::{BTreeSet, HashMap};

use rejoin_model::customer::IdentityKey;
use rejoin_model::{Customer, CustomerId, Link, LinkReason, RecordId, Resolution, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use crate::golden::{join_tags, kind_name, rest};
use crate::identity::kind_code;
use crate::profiles::mark_stale;
use crate::rows::{add_tally, from_json, to_json};
use crate::{Error, Store};

impl Store {
    /// Writes a resolution. A record that changed after identity read it stays unresolved.
    pub async fn apply_resolution(&self, resolution: Resolution, now: Timestamp) -> Result<(), Error> {
        let rows = resolution.resolved.len() + resolution.customers.len();
        self.write_rows(rows, move |db| apply(db, resolution, now)).await
    }
}

fn apply(db: &Connection, mut resolution: Resolution, now: Timestamp) -> Result<(), Error> {
    write_keys(db, &mut resolution.keys)?;
    let mut moves = Moves::default();
    resolution.links.sort_by_key(|link| link.record);
    for link in &resolution.links {
        moves.link(db, link)?;
    }
    for record in &resolution.unlinked {
        moves.unlink(db, *record)?;
    }
    moves.write(db)?;
    let mut change = 0;
    for (customer, survivor) in &resolution.ended {
        change -= end_customer(db, *customer, *survivor, now)?;
    }
    resolution.customers.sort_by_key(|customer| customer.id);
    change += write_customers(db, &resolution.customers)?;
    add_tally(db, "customers", change)?;
    let mut insert =
        db.prepare_cached("INSERT INTO generic (kind, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    for key in &resolution.generic {
        insert.execute((kind_code(key.kind), &key.value))?;
    }
    settle(db, &mut resolution.resolved)
}

fn settle(db: &Connection, resolved: &mut [(RecordId, u32)]) -> Result<(), Error> {
    resolved.sort_unstable();
    let mut clear = db.prepare_cached("DELETE FROM unresolved WHERE record_id = ?1 AND version = ?2")?;
    for (record, version) in resolved {
        clear.execute((record.0, *version))?;
    }
    Ok(())
}

/// A key as `link.keys` and `identity` hold it.
pub(crate) type StoredKey = (i64, String);

fn write_keys(db: &Connection, keys: &mut [(RecordId, Vec<IdentityKey>)]) -> Result<(), Error> {
    keys.sort_by_key(|(record, _)| *record);
    let mut take =
        db.prepare_cached("INSERT INTO link (record_id, keys) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    let mut read = db.prepare_cached("SELECT keys FROM link WHERE record_id = ?1")?;
    let mut replace = db.prepare_cached("UPDATE link SET keys = ?2 WHERE record_id = ?1")?;
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    for (record, keys) in keys {
        let new: BTreeSet<StoredKey> = keys.iter().map(|k| (kind_code(k.kind), k.value.clone())).collect();
        let text = if new.is_empty() { None } else { Some(to_json(&new)?) };
        if take.execute((record.0, &text))? == 0 {
            let old: Option<String> = read.query_row([record.0], |row| row.get(0))?;
            if old == text {
                continue;
            }
            replace.execute((record.0, &text))?;
            let old: BTreeSet<StoredKey> = old.as_deref().map(from_json).transpose()?.unwrap_or_default();
            removed.extend(old.difference(&new).map(|key| (key.clone(), record.0)));
            added.extend(new.difference(&old).map(|key| (key.clone(), record.0)));
        } else {
            added.extend(new.into_iter().map(|key| (key, record.0)));
        }
    }
    let sql = "DELETE FROM identity WHERE kind = ?1 AND value = ?2 AND record_id = ?3";
    for_each_sorted(db, sql, removed)?;
    let sql = "INSERT INTO identity (kind, value, record_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    for_each_sorted(db, sql, added)
}

fn for_each_sorted(db: &Connection, sql: &str, mut keys: Vec<(StoredKey, i64)>) -> Result<(), Error> {
    keys.sort_unstable();
    let mut statement = db.prepare_cached(sql)?;
    for ((kind, value), record) in keys {
        statement.execute((kind, value, record))?;
    }
    Ok(())
}

/// Links that change, gathered so that `member` is written in order of customer.
#[derive(Default)]
struct Moves {
    joined: Vec<(i64, i64)>,
    left: Vec<(i64, i64)>,
}

impl Moves {
    fn link(&mut self, db: &Connection, link: &Link) -> Result<(), Error> {
        let reason = match &link.reason {
            LinkReason::First => None,
            other => Some(to_json(other)?),
        };
        let (record, customer) = (link.record.0, link.customer.0);
        let old = current(db, record)?;
        let sql = "INSERT INTO link (record_id, customer_id, reason) VALUES (?1, ?2, ?3) ON CONFLICT (record_id) \
                   DO UPDATE SET customer_id = excluded.customer_id, reason = excluded.reason";
        db.prepare_cached(sql)?.execute((record, customer, reason))?;
        if old != Some(customer) {
            self.joined.push((customer, record));
            self.left.extend(old.map(|old| (old, record)));
        }
        Ok(())
    }

    fn unlink(&mut self, db: &Connection, record: RecordId) -> Result<(), Error> {
        if let Some(old) = current(db, record.0)? {
            let sql = "UPDATE link SET customer_id = NULL, reason = NULL WHERE record_id = ?1";
            db.prepare_cached(sql)?.execute([record.0])?;
            self.left.push((old, record.0));
        }
        Ok(())
    }

    /// Writes the member lists; customers that gained or lost activities need a new profile.
    fn write(mut self, db: &Connection) -> Result<(), Error> {
        self.joined.sort_unstable();
        self.left.sort_unstable();
        let mut insert = db.prepare_cached(
            "INSERT INTO member (customer_id, record_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?;
        let mut remove = db.prepare_cached("DELETE FROM member WHERE customer_id = ?1 AND record_id = ?2")?;
        let mut active = db.prepare_cached("SELECT 1 FROM activity WHERE record_id = ?1 LIMIT 1")?;
        let mut stale = BTreeSet::new();
        for (customer, record) in &self.left {
            remove.execute((customer, record))?;
            if active.exists([record])? {
                stale.insert(*customer);
            }
        }
        for (customer, record) in &self.joined {
            insert.execute((customer, record))?;
            if active.exists([record])? {
                stale.insert(*customer);
            }
        }
        mark_stale(db, &stale)
    }
}

fn current(db: &Connection, record: i64) -> Result<Option<i64>, Error> {
    let sql = "SELECT customer_id FROM link WHERE record_id = ?1";
    let found: Option<Option<i64>> =
        db.prepare_cached(sql)?.query_row([record], |row| row.get(0)).optional()?;
    Ok(found.flatten())
}

/// Ends a customer and points everybody who was merged into it at its survivor. Returns 1 if it was there.
fn end_customer(
    db: &Connection,
    customer: CustomerId,
    survivor: Option<CustomerId>,
    now: Timestamp,
) -> Result<i64, Error> {
    let ended = db.prepare_cached("DELETE FROM customer WHERE customer_id = ?1")?.execute([customer.0])?;
    db.prepare_cached("DELETE FROM profile WHERE customer_id = ?1")?.execute([customer.0])?;
    db.prepare_cached("DELETE FROM stale WHERE customer_id = ?1")?.execute([customer.0])?;
    let survivor = survivor.map(|id| final_survivor(db, id)).transpose()?.filter(|id| *id != customer);
    let mut family: Vec<i64> = db
        .prepare_cached("SELECT ended FROM merged WHERE customer_id = ?1")?
        .query_map([customer.0], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    db.prepare_cached("DELETE FROM merged WHERE customer_id = ?1")?.execute([customer.0])?;
    family.push(customer.0);
    let mut redirect = db.prepare_cached(
        "INSERT INTO redirect (customer_id, survivor, at) VALUES (?1, ?2, ?3) \
         ON CONFLICT (customer_id) DO UPDATE SET survivor = excluded.survivor, at = excluded.at",
    )?;
    let mut merge =
        db.prepare_cached("INSERT INTO merged (customer_id, ended) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    for one in family {
        redirect.execute((one, survivor.map(|id| id.0), now.0))?;
        if let Some(survivor) = survivor {
            merge.execute((survivor.0, one))?;
        }
    }
    Ok(ended as i64)
}

/// Who a customer is today: itself, or the one it was merged into.
pub(crate) fn final_survivor(db: &Connection, id: CustomerId) -> Result<CustomerId, Error> {
    let sql = "SELECT survivor FROM redirect WHERE customer_id = ?1";
    let found: Option<Option<i64>> =
        db.prepare_cached(sql)?.query_row([id.0], |row| row.get(0)).optional()?;
    Ok(found.flatten().map_or(id, CustomerId))
}

/// Returns how many of them are new.
fn write_customers(db: &Connection, customers: &[Customer]) -> Result<i64, Error> {
    let mut insert = db.prepare_cached(
        "INSERT INTO customer (customer_id, kind, name, company, email, phone, city, country, language, tags, \
         records, rest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING",
    )?;
    let mut update = db.prepare_cached(
        "UPDATE customer SET kind = ?2, name = ?3, company = ?4, email = ?5, phone = ?6, city = ?7, \
         country = ?8, language = ?9, tags = ?10, records = ?11, rest = ?12 WHERE customer_id = ?1",
    )?;
    let redirects = redirects_among(db, customers)?;
    let mut added = 0;
    for customer in customers {
        let row = (
            customer.id.0,
            kind_name(customer.kind),
            customer.name.as_ref().map(|g| &g.value),
            customer.company.as_ref().map(|g| &g.value),
            customer.emails.first().map(|g| &g.value),
            customer.phones.first().map(|g| &g.value),
            customer.city.as_ref().map(|g| &g.value),
            customer.country.as_ref().map(|g| &g.value),
            customer.language.as_ref().map(|g| &g.value),
            join_tags(&customer.tags),
            customer.records,
            rest(customer)?,
        );
        if insert.execute(row.clone())? == 1 {
            added += 1;
        } else {
            update.execute(row)?;
        }
        if let Some(survivor) = redirects.get(&customer.id.0) {
            revive(db, customer.id, *survivor)?;
        }
    }
    Ok(added)
}

/// Customers that had ended and are back: an un-merge.
fn redirects_among(db: &Connection, customers: &[Customer]) -> Result<HashMap<i64, Option<i64>>, Error> {
    let mut query = db.prepare_cached("SELECT survivor FROM redirect WHERE customer_id = ?1")?;
    let mut found = HashMap::new();
    for customer in customers {
        if let Some(survivor) = query.query_row([customer.id.0], |row| row.get(0)).optional()? {
            found.insert(customer.id.0, survivor);
        }
    }
    Ok(found)
}

fn revive(db: &Connection, customer: CustomerId, survivor: Option<i64>) -> Result<(), Error> {
    db.prepare_cached("DELETE FROM redirect WHERE customer_id = ?1")?.execute([customer.0])?;
    let sql = "DELETE FROM merged WHERE customer_id = ?1 AND ended = ?2";
    db.prepare_cached(sql)?.execute((survivor, customer.0))?;
    Ok(())
}
