//! Who did what. Only added to.

use rejoin_model::Timestamp;
use serde::Serialize;

use crate::rows::limit;
use crate::{Error, Store, next_id};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    pub id: i64,
    pub at: Timestamp,
    pub who: String,
    pub what: String,
    pub subject: String,
    pub detail: String,
}

impl Store {
    pub async fn audit(
        &self,
        who: &str,
        what: &str,
        subject: &str,
        detail: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let row = (who.to_owned(), what.to_owned(), subject.to_owned(), detail.to_owned());
        let id = next_id(&self.inner.ids, now);
        self.write(move |db| {
            let sql = "INSERT INTO audit (audit_id, at, who, what, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            db.prepare_cached(sql)?.execute((id, now.0, row.0, row.1, row.2, row.3))?;
            Ok(())
        })
        .await
    }

    /// The newest entries, newest first.
    pub async fn audit_list(&self, max: usize) -> Result<Vec<AuditEntry>, Error> {
        self.read(move |db| {
            let sql =
                "SELECT audit_id, at, who, what, subject, detail FROM audit ORDER BY audit_id DESC LIMIT ?1";
            let mut query = db.prepare_cached(sql)?;
            let rows = query.query_map([limit(max)], |row| {
                Ok(AuditEntry {
                    id: row.get(0)?,
                    at: Timestamp(row.get(1)?),
                    who: row.get(2)?,
                    what: row.get(3)?,
                    subject: row.get(4)?,
                    detail: row.get(5)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}
