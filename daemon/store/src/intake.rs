//! Webhook requests, stored before they are answered: the 2xx means *stored*, nothing more.
//!
//! Once ingested a request keeps only its name, so that a repeat is recognised.

use rejoin_model::Timestamp;
use rejoin_model::outbox::BUCKETS;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::connectors::{connector_id, known_connector};
use crate::rows::{from_json, limit, to_json};
use crate::{Error, Store};

/// A request as it arrived. `id` is unique within its connector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntakeRequest {
    pub id: String,
    pub connector: String,
    pub received_at: Timestamp,
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub remote: String,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    Stored,
    /// This id was accepted before; nothing was done.
    Duplicate,
}

/// Everything but the key and the body, as one column.
#[derive(Serialize, Deserialize)]
struct Head {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    remote: String,
}

impl Store {
    /// Stores a request durably. Many callers at once share one commit.
    pub async fn accept_request(&self, request: IntakeRequest) -> Result<Accepted, Error> {
        let IntakeRequest { id, connector, received_at, method, target, headers, remote, body } = request;
        let head = to_json(&Head { method, target, headers, remote })?;
        self.write(move |db| {
            let connector = connector_id(db, &connector)?;
            let sql = "INSERT INTO intake (bucket, connector_id, id, received_at, done, request, body) \
                       VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6) ON CONFLICT DO NOTHING";
            let row = (bucket(&id), connector, &id, received_at.0, &head, &body);
            let stored = db.prepare_cached(sql)?.execute(row)?;
            Ok(if stored == 1 { Accepted::Stored } else { Accepted::Duplicate })
        })
        .await
    }

    /// Requests that no batch has covered yet, in the order they were received.
    pub async fn waiting_requests(&self, connector: &str, max: usize) -> Result<Vec<IntakeRequest>, Error> {
        let connector = connector.to_owned();
        self.read(move |db| waiting(db, &connector, max)).await
    }

    /// Forgets the names of requests that were ingested and received before `before`; a repeat of one would count as
    /// new, so keep them for as long as senders repeat.
    pub async fn forget_requests(&self, before: Timestamp) -> Result<u64, Error> {
        self.write_bulk(move |db| {
            Ok(db.execute("DELETE FROM intake WHERE done = 1 AND received_at < ?1", [before.0])? as u64)
        })
        .await
    }
}

fn waiting(db: &Connection, name: &str, max: usize) -> Result<Vec<IntakeRequest>, Error> {
    let Some(connector) = known_connector(db, name)? else { return Ok(Vec::new()) };
    let mut find = db.prepare_cached(
        "SELECT received_at, bucket, id FROM intake \
         WHERE bucket = ?1 AND connector_id = ?2 AND done = 0 ORDER BY received_at LIMIT ?3",
    )?;
    let mut order: Vec<(i64, i64, String)> = Vec::new();
    for bucket in 0..BUCKETS {
        let rows = find
            .query_map((bucket, connector, limit(max)), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        for row in rows {
            order.push(row?);
        }
    }
    order.sort_unstable();
    order.truncate(max);
    let mut read = db.prepare_cached(
        "SELECT request, body FROM intake WHERE bucket = ?1 AND connector_id = ?2 AND id = ?3",
    )?;
    let mut requests = Vec::with_capacity(order.len());
    for (received_at, bucket, id) in order {
        let (head, body): (String, Vec<u8>) =
            read.query_row((bucket, connector, &id), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let Head { method, target, headers, remote } = from_json(&head)?;
        let received_at = Timestamp(received_at);
        let connector = name.to_owned();
        requests.push(IntakeRequest { id, connector, received_at, method, target, headers, remote, body });
    }
    Ok(requests)
}

pub(crate) fn finish_requests(db: &Connection, connector: i64, ids: &[String]) -> Result<(), Error> {
    let mut finish = db.prepare_cached(
        "UPDATE intake SET done = 1, request = NULL, body = NULL \
         WHERE bucket = ?1 AND connector_id = ?2 AND id = ?3",
    )?;
    for id in ids {
        finish.execute((bucket(id), connector, id))?;
    }
    Ok(())
}

/// FNV-1a: it must give the same bucket in every version and on every machine, which the standard hasher does not
/// promise.
fn bucket(id: &str) -> i64 {
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash % BUCKETS as u64) as i64
}
