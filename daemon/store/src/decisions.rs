//! What people decided about pairs of records.

use rejoin_model::customer::{Decision, Verdict};
use rejoin_model::{RecordId, Timestamp};
use rusqlite::OptionalExtension;

use crate::records::mark_changed;
use crate::rows::{list, named};
use crate::{Error, Store};

impl Store {
    /// The decisions in force that name any of these records.
    pub async fn decisions_about(&self, records: &[RecordId]) -> Result<Vec<Decision>, Error> {
        let records = list(records.iter().map(|id| id.0));
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT decision_id, verdict, a, b, who, at, note FROM decision WHERE revoked = 0 AND \
                 (a IN (SELECT value FROM json_each(?1)) OR b IN (SELECT value FROM json_each(?1))) \
                 ORDER BY decision_id",
            )?;
            let mut rows = query.query([records])?;
            let mut decisions = Vec::new();
            while let Some(row) = rows.next()? {
                let verdict: String = row.get(1)?;
                decisions.push(Decision {
                    id: row.get(0)?,
                    verdict: named(Verdict::from_name(&verdict), &verdict)?,
                    a: RecordId(row.get(2)?),
                    b: RecordId(row.get(3)?),
                    who: row.get(4)?,
                    at: Timestamp(row.get(5)?),
                    note: row.get(6)?,
                });
            }
            Ok(decisions)
        })
        .await
    }

    /// Keeps a decision and gives both records back to identity.
    pub async fn add_decision(&self, decision: Decision) -> Result<(), Error> {
        self.write(move |db| {
            let sql = "INSERT INTO decision (decision_id, verdict, a, b, who, at, note, revoked) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)";
            let Decision { id, verdict, a, b, who, at, note } = &decision;
            db.prepare_cached(sql)?.execute((id, verdict.name(), a.0, b.0, who, at.0, note))?;
            mark_changed(db, &[*a, *b])
        })
        .await
    }

    /// Takes a decision back; false when there is none in force with this id.
    pub async fn revoke_decision(&self, id: i64) -> Result<bool, Error> {
        self.write(move |db| {
            let sql = "UPDATE decision SET revoked = 1 WHERE decision_id = ?1 AND revoked = 0 RETURNING a, b";
            let pair: Option<(i64, i64)> =
                db.prepare_cached(sql)?.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((a, b)) = pair else { return Ok(false) };
            mark_changed(db, &[RecordId(a), RecordId(b)])?;
            Ok(true)
        })
        .await
    }
}
