//! Evidence: what came back from outside about a message whose fate was unknown.

use rejoin_model::{OutboxId, OutboxState, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use crate::Error;
use crate::outbox::{bucket_of, code};

/// A receipt, a bounce or a reply that names a message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub answers: Answers,
    /// Whether it proves that the message was sent, or that it was not.
    pub delivered: bool,
    pub reason: String,
}

/// How the message is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answers {
    Outbox(OutboxId),
    Provider { connector: String, id: String },
}

/// Settles rows in `unknown`; a row in any other state is left as it is, because what we saw ourselves outranks a
/// late receipt. Evidence about a message nobody knows is ignored. Returns how many rows it settled.
pub(crate) fn settle_by_evidence(
    db: &Connection,
    evidence: &[Evidence],
    now: Timestamp,
) -> Result<u64, Error> {
    let mut settled = 0;
    for item in evidence {
        let Some((bucket, id)) = find(db, &item.answers)? else { continue };
        let state = if item.delivered { OutboxState::Sent } else { OutboxState::Failed };
        let sql = "UPDATE outbox SET state = ?3, reason = ?4, settled_at = ?5 \
                   WHERE bucket = ?1 AND outbox_id = ?2 AND state = ?6";
        let row = (bucket, id, code(state), &item.reason, now.0, code(OutboxState::Unknown));
        settled += db.prepare_cached(sql)?.execute(row)? as u64;
    }
    Ok(settled)
}

fn find(db: &Connection, answers: &Answers) -> Result<Option<(i64, i64)>, Error> {
    match answers {
        Answers::Outbox(id) => Ok(bucket_of(db, *id)?.map(|bucket| (bucket, id.0))),
        Answers::Provider { connector, id } => {
            let sql =
                "SELECT bucket, outbox_id FROM provider_message WHERE provider_id = ?1 AND connector = ?2";
            let found =
                db.prepare_cached(sql)?.query_row((id, connector), |row| Ok((row.get(0)?, row.get(1)?)));
            Ok(found.optional()?)
        }
    }
}
