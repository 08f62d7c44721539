//! Customers as people and exports read them.

use rejoin_model::customer::KeyKind;
use rejoin_model::record::SourceRecord;
use rejoin_model::{Customer, CustomerId, LinkReason};
use rusqlite::Connection;

use crate::connectors::{Names, known_connector};
use crate::golden::{COLUMNS, customer};
use crate::identity::kind_code;
use crate::records::record;
use crate::resolution::final_survivor;
use crate::rows::{containing, from_json, limit, list};
use crate::{Error, Store};

impl Store {
    /// Customers whose id, e-mail address or phone number is `text`, then those with it in a name or an address.
    pub async fn find_customers(&self, text: &str, max: usize) -> Result<Vec<Customer>, Error> {
        let text = text.trim().to_owned();
        self.read(move |db| {
            let mut ids = exact(db, &text)?;
            if ids.len() < max {
                ids.extend(similar(db, &text, max)?);
            }
            let mut seen = std::collections::HashSet::new();
            ids.retain(|id| seen.insert(*id));
            ids.truncate(max);
            let found = by_ids(db, &ids)?;
            // As ranked, not as stored.
            Ok(ids.iter().filter_map(|id| found.iter().find(|c| c.id.0 == *id).cloned()).collect())
        })
        .await
    }

    /// The customer with this id, or the one it was merged into.
    pub async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, Error> {
        self.read(move |db| {
            let id = final_survivor(db, id)?;
            Ok(by_ids(db, &[id.0])?.pop())
        })
        .await
    }

    /// The records behind a customer, with their raw form and why each belongs to it, oldest first.
    pub async fn records_of(&self, id: CustomerId) -> Result<Vec<(SourceRecord, String, LinkReason)>, Error> {
        self.read(move |db| {
            let names = Names::load(db)?;
            let mut query = db.prepare_cached(
                "SELECT r.record_id, r.connector_id, r.key, r.party, r.deleted, r.version, r.raw, l.reason \
                 FROM member m JOIN record r ON r.record_id = m.record_id \
                 JOIN link l ON l.record_id = m.record_id WHERE m.customer_id = ?1 ORDER BY m.record_id",
            )?;
            let mut rows = query.query([id.0])?;
            let mut records = Vec::new();
            while let Some(row) = rows.next()? {
                let reason: Option<String> = row.get(7)?;
                let reason = reason.as_deref().map_or(Ok(LinkReason::First), from_json)?;
                records.push((record(row, &names)?, row.get(6)?, reason));
            }
            Ok(records)
        })
        .await
    }

    /// Links in order of (connector, key), after `after`.
    pub async fn export_links(
        &self,
        after: Option<(String, String)>,
        max: usize,
    ) -> Result<Vec<(String, String, CustomerId)>, Error> {
        self.read(move |db| export_links(db, after, max)).await
    }

    /// Customers in order of id, after `after`.
    pub async fn export_customers(
        &self,
        after: Option<CustomerId>,
        max: usize,
    ) -> Result<Vec<Customer>, Error> {
        let after = after.map_or(-1, |id| id.0);
        self.read(move |db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM customer c WHERE c.customer_id > ?1 ORDER BY c.customer_id LIMIT ?2"
            );
            collect(db, &sql, (after, limit(max)))
        })
        .await
    }
}

pub(crate) fn by_ids(db: &Connection, ids: &[i64]) -> Result<Vec<Customer>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM customer c WHERE c.customer_id IN (SELECT value FROM json_each(?1)) \
         ORDER BY c.customer_id"
    );
    collect(db, &sql, [list(ids.iter().copied())])
}

fn collect(db: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Customer>, Error> {
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(customer(row)?);
    }
    Ok(found)
}

fn exact(db: &Connection, text: &str) -> Result<Vec<i64>, Error> {
    let mut ids = Vec::new();
    if let Ok(id) = text.parse::<CustomerId>() {
        ids.push(final_survivor(db, id)?.0);
    }
    let mut query = db.prepare_cached(
        "SELECT DISTINCT l.customer_id FROM identity i JOIN link l ON l.record_id = i.record_id \
         WHERE i.kind = ?1 AND i.value = ?2 AND l.customer_id IS NOT NULL ORDER BY l.customer_id LIMIT 100",
    )?;
    let phone: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    for (kind, value) in [(KeyKind::Email, text.to_lowercase()), (KeyKind::Phone, phone)] {
        for id in query.query_map((kind_code(kind), value), |row| row.get(0))? {
            ids.push(id?);
        }
    }
    Ok(ids)
}

fn similar(db: &Connection, text: &str, max: usize) -> Result<Vec<i64>, Error> {
    let mut query = db.prepare_cached(
        "SELECT customer_id FROM customer WHERE name LIKE ?1 ESCAPE '\\' OR email LIKE ?1 ESCAPE '\\' \
         OR phone LIKE ?1 ESCAPE '\\' OR company LIKE ?1 ESCAPE '\\' ORDER BY customer_id LIMIT ?2",
    )?;
    let rows = query.query_map((containing(text), limit(max)), |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Walks the key index connector by connector, in order of their names.
fn export_links(
    db: &Connection,
    after: Option<(String, String)>,
    max: usize,
) -> Result<Vec<(String, String, CustomerId)>, Error> {
    let (from, key) = after.unwrap_or_default();
    let mut connectors = db.prepare_cached("SELECT name FROM connector WHERE name >= ?1 ORDER BY name")?;
    let connectors: Vec<String> =
        connectors.query_map([&from], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut query = db.prepare_cached(
        "SELECT k.key, l.customer_id FROM record_key k JOIN link l ON l.record_id = k.record_id \
         WHERE k.connector_id = ?1 AND k.key > ?2 AND l.customer_id IS NOT NULL ORDER BY k.key LIMIT ?3",
    )?;
    let mut links = Vec::new();
    for name in connectors {
        let Some(connector) = known_connector(db, &name)? else { continue };
        let key = if name == from { key.as_str() } else { "" };
        let mut rows = query.query((connector, key, limit(max - links.len())))?;
        while let Some(row) = rows.next()? {
            links.push((name.clone(), row.get(0)?, CustomerId(row.get(1)?)));
        }
        if links.len() >= max {
            break;
        }
    }
    Ok(links)
}
