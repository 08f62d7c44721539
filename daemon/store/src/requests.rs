//! What the console and the command line ask of the daemon: rows, so that it works the same whether the daemon is
//! running, busy or stopped.

use rejoin_model::Timestamp;

use crate::{Error, Store, next_id};

impl Store {
    /// Asks; returns the id of the request. The same wish while one is open is that one.
    pub async fn request(&self, kind: &str, subject: &str, now: Timestamp) -> Result<i64, Error> {
        let (kind, subject, ids) = (kind.to_owned(), subject.to_owned(), self.inner.ids.clone());
        self.write(move |db| {
            let open = "SELECT request_id FROM request WHERE kind = ?1 AND subject = ?2 ORDER BY request_id";
            let mut open = db.prepare_cached(open)?;
            let mut rows = open.query((&kind, &subject))?;
            if let Some(row) = rows.next()? {
                return Ok(row.get(0)?);
            }
            let id = next_id(&ids, now);
            let sql = "INSERT INTO request (request_id, kind, subject, at) VALUES (?1, ?2, ?3, ?4)";
            db.prepare_cached(sql)?.execute((id, &kind, &subject, now.0))?;
            Ok(id)
        })
        .await
    }

    /// Open requests of a kind, oldest first. They stay open until finished, so one that a crash interrupts is met
    /// again.
    pub async fn take_requests(&self, kind: &str) -> Result<Vec<(i64, String)>, Error> {
        let kind = kind.to_owned();
        self.read(move |db| {
            let sql = "SELECT request_id, subject FROM request WHERE kind = ?1 ORDER BY request_id";
            let mut query = db.prepare_cached(sql)?;
            let rows = query.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    pub async fn finish_request(&self, id: i64) -> Result<(), Error> {
        self.write(move |db| {
            db.prepare_cached("DELETE FROM request WHERE request_id = ?1")?.execute([id])?;
            Ok(())
        })
        .await
    }
}
