//! Changes of state of an outbox row. Each names the states it may start from in its own WHERE, so two tasks, or a
//! task that was thought dead, cannot both make one.

use rejoin_model::outbox::bucket;
use rejoin_model::{CustomerId, OutboxId, OutboxState, RunId, Suppression, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use crate::consent::write_suppressions;
use crate::outbox::{code, open_rows, state};
use crate::resolution::final_survivor;
use crate::{Error, Store};

/// What the campaign rules say of a message that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Send,
    /// Not now: `state` is pending or quiet.
    Hold {
        state: OutboxState,
        until: Timestamp,
        reason: String,
    },
    /// Never: `state` is suppressed, capped or failed.
    End {
        state: OutboxState,
        reason: String,
    },
}

/// What became of a message in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Sent, failed, unknown, or pending to try again.
    pub state: OutboxState,
    pub reason: String,
    pub provider_id: Option<String>,
    /// When to try again; only with `Pending`, where `None` means at once.
    pub due_at: Option<Timestamp>,
}

impl Store {
    /// Applies verdicts and returns the messages that are now in flight: these, and no others, may be sent. A message
    /// that somebody else has claimed meanwhile is passed over. A message whose person has, through a merge, already
    /// had one in this run is ended.
    pub async fn claim(
        &self,
        verdicts: Vec<(OutboxId, CustomerId, Verdict)>,
        now: Timestamp,
    ) -> Result<Vec<OutboxId>, Error> {
        self.write_rows(verdicts.len(), move |db| {
            let mut claimed = Vec::new();
            for (id, customer, verdict) in &verdicts {
                if rule(db, *id, *customer, verdict, now)? {
                    claimed.push(*id);
                }
            }
            Ok(claimed)
        })
        .await
    }

    /// Records what became of messages in flight, and the addresses found bad. Returns those that were no longer in
    /// flight and were left as they are.
    pub async fn settle(
        &self,
        settled: Vec<(OutboxId, CustomerId, Settlement)>,
        suppressions: Vec<Suppression>,
        now: Timestamp,
    ) -> Result<Vec<OutboxId>, Error> {
        self.write_rows(settled.len(), move |db| {
            let mut refused = Vec::new();
            for (id, customer, settlement) in &settled {
                if !settle(db, *id, *customer, settlement, now)? {
                    refused.push(*id);
                }
            }
            write_suppressions(db, &suppressions)?;
            Ok(refused)
        })
        .await
    }

    /// At start: whatever is in flight belonged to a daemon that is gone. It becomes unknown, or pending again for
    /// the campaigns that prefer a second message to none. Returns how many there were.
    pub async fn orphans(&self, now: Timestamp, resend: &[String]) -> Result<u64, Error> {
        let resend = resend.to_vec();
        self.write_bulk(move |db| orphans(db, now, &resend)).await
    }
}

/// True when the message is now in flight.
fn rule(
    db: &Connection,
    id: OutboxId,
    customer: CustomerId,
    verdict: &Verdict,
    now: Timestamp,
) -> Result<bool, Error> {
    match verdict {
        Verdict::Send if already_reached(db, id, customer)? => {
            leave(db, id, customer, OutboxState::Suppressed, "merged", None, now)?;
            Ok(false)
        }
        Verdict::Send => {
            let sql = "UPDATE outbox SET state = ?3, reason = '', attempts = attempts + 1, claimed_at = ?4 \
                       WHERE bucket = ?1 AND outbox_id = ?2 AND state IN (?5, ?6)";
            let row = (
                bucket(customer),
                id.0,
                code(OutboxState::InFlight),
                now.0,
                code(OutboxState::Pending),
                code(OutboxState::Quiet),
            );
            Ok(db.prepare_cached(sql)?.execute(row)? == 1)
        }
        Verdict::Hold { state, until, reason } => {
            legal(id, OutboxState::Pending, *state, !state.is_final() && *state != OutboxState::InFlight)?;
            leave(db, id, customer, *state, reason, Some(*until), now)?;
            Ok(false)
        }
        Verdict::End { state, reason } => {
            legal(id, OutboxState::Pending, *state, state.is_final())?;
            leave(db, id, customer, *state, reason, None, now)?;
            Ok(false)
        }
    }
}

fn legal(id: OutboxId, from: OutboxState, to: OutboxState, fits: bool) -> Result<(), Error> {
    if fits && from.may_become(to) {
        return Ok(());
    }
    Err(Error::Internal(format!("message {id} was to go from {from} to {to}, which is not allowed")))
}

/// A waiting message changes to another waiting state, or ends.
fn leave(
    db: &Connection,
    id: OutboxId,
    customer: CustomerId,
    state: OutboxState,
    reason: &str,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "UPDATE outbox SET state = ?3, reason = ?4, due_at = coalesce(?5, due_at), settled_at = ?6 \
               WHERE bucket = ?1 AND outbox_id = ?2 AND state IN (?7, ?8)";
    db.prepare_cached(sql)?.execute((
        bucket(customer),
        id.0,
        code(state),
        reason,
        until.map(|at| at.0),
        state.is_final().then_some(now.0),
        code(OutboxState::Pending),
        code(OutboxState::Quiet),
    ))?;
    Ok(())
}

/// Whether the person behind `customer` already had a message of this run under another id: one that was merged into
/// the same customer, or the survivor, whose own row decides unless it was suppressed.
fn already_reached(db: &Connection, id: OutboxId, customer: CustomerId) -> Result<bool, Error> {
    let survivor = final_survivor(db, customer)?;
    let mut query = db.prepare_cached("SELECT ended FROM merged WHERE customer_id = ?1")?;
    let ended = query.query_map([survivor.0], |row| row.get(0).map(CustomerId))?;
    let mut family = ended.collect::<Result<Vec<_>, _>>()?;
    if family.is_empty() {
        return Ok(false);
    }
    family.push(survivor);
    let Some(run) = run_of(db, id, customer)? else { return Ok(false) };
    let mut other =
        db.prepare_cached("SELECT state FROM outbox WHERE bucket = ?1 AND customer_id = ?2 AND run_id = ?3")?;
    for relative in family.into_iter().filter(|relative| *relative != customer) {
        let found: Option<i64> =
            other.query_row((bucket(relative), relative.0, run.0), |row| row.get(0)).optional()?;
        let Some(found) = found.map(state).transpose()? else { continue };
        let reached = matches!(found, OutboxState::InFlight | OutboxState::Sent | OutboxState::Unknown);
        if reached || (relative == survivor && found != OutboxState::Suppressed) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn run_of(db: &Connection, id: OutboxId, customer: CustomerId) -> Result<Option<RunId>, Error> {
    let sql = "SELECT run_id FROM outbox WHERE bucket = ?1 AND outbox_id = ?2";
    let found = db
        .prepare_cached(sql)?
        .query_row((bucket(customer), id.0), |row| row.get(0).map(RunId))
        .optional()?;
    Ok(found)
}

/// False when the message was not in flight.
fn settle(
    db: &Connection,
    id: OutboxId,
    customer: CustomerId,
    new: &Settlement,
    now: Timestamp,
) -> Result<bool, Error> {
    legal(id, OutboxState::InFlight, new.state, true)?;
    let bucket = bucket(customer);
    let waits = new.state == OutboxState::Pending;
    let sql = "UPDATE outbox SET state = ?3, reason = ?4, due_at = coalesce(?5, due_at), settled_at = ?6 \
               WHERE bucket = ?1 AND outbox_id = ?2 AND state = ?7";
    let changed = db.prepare_cached(sql)?.execute((
        bucket,
        id.0,
        code(new.state),
        &new.reason,
        waits.then(|| new.due_at.unwrap_or(now).0),
        (!waits).then_some(now.0),
        code(OutboxState::InFlight),
    ))?;
    if changed == 0 {
        return Ok(false);
    }
    if let Some(provider_id) = &new.provider_id {
        let sql = "INSERT INTO provider_message (provider_id, connector, bucket, outbox_id) \
                   SELECT ?3, connector, bucket, outbox_id FROM outbox \
                   WHERE bucket = ?1 AND outbox_id = ?2 AND connector IS NOT NULL \
                   ON CONFLICT (provider_id, connector) \
                   DO UPDATE SET bucket = excluded.bucket, outbox_id = excluded.outbox_id";
        db.prepare_cached(sql)?.execute((bucket, id.0, provider_id))?;
    }
    Ok(true)
}

fn orphans(db: &Connection, now: Timestamp, resend: &[String]) -> Result<u64, Error> {
    let mut campaign = db.prepare_cached("SELECT campaign FROM run WHERE run_id = ?1")?;
    let mut settle = db.prepare_cached(
        "UPDATE outbox INDEXED BY outbox_open SET state = ?4, reason = ?5, settled_at = ?6, \
         due_at = coalesce(?7, due_at) WHERE bucket = ?1 AND run_id = ?2 AND state = ?3 AND state < 3",
    )?;
    let mut found = 0;
    for (bucket, run) in open_rows(db)? {
        let name: String = campaign.query_row([run], |row| row.get(0))?;
        let in_flight = code(OutboxState::InFlight);
        found += if resend.contains(&name) {
            let reason = "sent again: the daemon stopped while it was in flight";
            settle.execute((
                bucket,
                run,
                in_flight,
                code(OutboxState::Pending),
                reason,
                None::<i64>,
                now.0,
            ))?
        } else {
            let reason = "the daemon stopped while it was in flight";
            settle.execute((
                bucket,
                run,
                in_flight,
                code(OutboxState::Unknown),
                reason,
                now.0,
                None::<i64>,
            ))?
        } as u64;
    }
    Ok(found)
}
