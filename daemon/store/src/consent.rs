//! Permission to send, and addresses never to write to. Facts are only added.

use std::sync::Arc;

use rejoin_model::{ConsentFact, CustomerId, Suppression, SuppressionReason, Timestamp};
use rusqlite::Connection;

use crate::connectors::Names;
use crate::records::record_or_stub;
use crate::rows::{limit, named};
use crate::{Error, Ids, Store};

impl Store {
    /// Every consent fact of a customer with the connector it came from, newest first.
    pub async fn consents_of(&self, customer: CustomerId) -> Result<Vec<(ConsentFact, Arc<str>)>, Error> {
        self.read(move |db| {
            let names = Names::load(db)?;
            let mut query = db.prepare_cached(
                "SELECT r.key, c.channel, c.topic, c.granted, c.at, c.proof, r.connector_id FROM member m \
                 JOIN consent c ON c.record_id = m.record_id JOIN record r ON r.record_id = c.record_id \
                 WHERE m.customer_id = ?1 ORDER BY c.at DESC",
            )?;
            let mut rows = query.query([customer.0])?;
            let mut facts = Vec::new();
            while let Some(row) = rows.next()? {
                let fact = ConsentFact {
                    party_key: row.get(0)?,
                    channel: row.get(1)?,
                    topic: row.get(2)?,
                    granted: row.get(3)?,
                    at: Timestamp(row.get(4)?),
                    proof: row.get(5)?,
                };
                facts.push((fact, names.of(row.get(6)?)?));
            }
            Ok(facts)
        })
        .await
    }

    pub async fn add_suppression(&self, suppression: Suppression) -> Result<(), Error> {
        self.write(move |db| write_suppressions(db, &[suppression])).await
    }

    /// The newest suppressions, newest first.
    pub async fn suppressions(&self, max: usize) -> Result<Vec<Suppression>, Error> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT channel, address, reason, at, proof FROM suppression ORDER BY at DESC, address LIMIT ?1",
            )?;
            let mut rows = query.query([limit(max)])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let reason: String = row.get(2)?;
                found.push(Suppression {
                    channel: row.get(0)?,
                    address: row.get(1)?,
                    reason: named(SuppressionReason::from_name(&reason), &reason)?,
                    at: Timestamp(row.get(3)?),
                    proof: row.get(4)?,
                });
            }
            Ok(found)
        })
        .await
    }

    /// A person does not want to hear from us at this address.
    pub async fn withdraw(
        &self,
        channel: &str,
        address: &str,
        reason: SuppressionReason,
        proof: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (channel, address, proof) = (channel.to_owned(), address.to_owned(), proof.to_owned());
        self.add_suppression(Suppression { channel, address, reason, at: now, proof }).await
    }
}

/// Returns how many were not known before.
pub(crate) fn write_consents(
    db: &Connection,
    connector: i64,
    facts: &[ConsentFact],
    ids: &Ids,
    now: Timestamp,
) -> Result<u64, Error> {
    let mut insert = db.prepare_cached(
        "INSERT INTO consent (record_id, channel, topic, at, granted, proof) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT DO NOTHING",
    )?;
    let mut added = 0;
    for fact in facts {
        let record = record_or_stub(db, connector, &fact.party_key, ids, now)?;
        let row = (record, &fact.channel, &fact.topic, fact.at.0, fact.granted, &fact.proof);
        added += insert.execute(row)? as u64;
    }
    Ok(added)
}

/// The first proof of each reason is kept: it is the one that explains why we stopped.
pub(crate) fn write_suppressions(db: &Connection, suppressions: &[Suppression]) -> Result<(), Error> {
    let mut insert = db.prepare_cached(
        "INSERT INTO suppression (address, channel, reason, at, proof) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT DO NOTHING",
    )?;
    for s in suppressions {
        insert.execute((&s.address, &s.channel, s.reason.name(), s.at.0, &s.proof))?;
    }
    Ok(())
}
