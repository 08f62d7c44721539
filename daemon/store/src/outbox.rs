//! The outbox: planned messages, and what is due. `claim.rs` has the changes of state.
//!
//! Every query stays within one bucket, so that a distributed store answers it from one shard, and asks the index of
//! open rows, so that its cost follows the work to do and not the history.

use std::collections::HashMap;

use rejoin_model::campaign::Channel;
use rejoin_model::outbox::{BUCKETS, Conservation, OutboxMessage, bucket};
use rejoin_model::{CustomerId, OutboxId, OutboxState, RunId, Timestamp};
use rusqlite::{Connection, Row};

use crate::rows::{count, limit, named};
use crate::runs::{audience_of, note_planned};
use crate::{Error, Store};

const SELECT: &str = "SELECT outbox_id, run_id, customer_id, connector, channel, address, state, reason, due_at, \
                      attempts FROM outbox ";

impl Store {
    /// Adds a page of a run's messages and notes how far the run is planned. A message for a customer who already
    /// has one in this run is left out, so planning a page again after a crash adds nothing.
    pub async fn plan_page(
        &self,
        run: RunId,
        messages: Vec<OutboxMessage>,
        through: Option<CustomerId>,
        done: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write_rows(messages.len(), move |db| {
            let added = insert(db, run, &messages, now)?;
            note_planned(db, run, through, added, done)
        })
        .await
    }

    /// Messages of one channel connector whose time has come, with their campaign, earliest first; paused campaigns
    /// are left out.
    pub async fn due(
        &self,
        connector: &str,
        now: Timestamp,
        max: usize,
    ) -> Result<Vec<(OutboxMessage, String)>, Error> {
        let connector = connector.to_owned();
        self.read(move |db| due(db, &connector, now, max)).await
    }

    /// When the next message of a connector, of a campaign that is not paused, is due.
    pub async fn next_due(&self, connector: &str) -> Result<Option<Timestamp>, Error> {
        let connector = connector.to_owned();
        self.read(move |db| {
            let mut first = db.prepare_cached(
                "SELECT due_at FROM outbox INDEXED BY outbox_open \
                 WHERE bucket = ?1 AND run_id = ?2 AND state = ?3 AND connector = ?4 AND state < 3 \
                 ORDER BY due_at LIMIT 1",
            )?;
            let mut next: Option<i64> = None;
            for (bucket, run) in working(db)? {
                for state in WAITING {
                    let mut rows = first.query((bucket, run, code(state), &connector))?;
                    if let Some(row) = rows.next()? {
                        let due: i64 = row.get(0)?;
                        next = Some(next.map_or(due, |next| next.min(due)));
                    }
                }
            }
            Ok(next.map(Timestamp))
        })
        .await
    }

    /// One message and its campaign.
    pub async fn outbox(&self, id: OutboxId) -> Result<Option<(OutboxMessage, String)>, Error> {
        self.read(move |db| {
            let Some(bucket) = bucket_of(db, id)? else { return Ok(None) };
            Ok(read_all(db, &[(bucket, id.0)])?.pop())
        })
        .await
    }

    /// The states of a run, counted. The audience was counted when it was planned, the states are counted now.
    pub async fn conservation(&self, run: RunId) -> Result<Conservation, Error> {
        self.read(move |db| {
            let mut line = Conservation { audience: audience_of(db, run)?, ..Conservation::default() };
            let mut query = db.prepare_cached(
                "SELECT state, count(*) FROM outbox INDEXED BY outbox_run \
                 WHERE bucket = ?1 AND run_id = ?2 GROUP BY state",
            )?;
            for bucket in 0..BUCKETS {
                let mut rows = query.query((bucket, run.0))?;
                while let Some(row) = rows.next()? {
                    line.add(state(row.get(0)?)?, count(row, 1)?);
                }
            }
            Ok(line)
        })
        .await
    }

    /// Messages of a run, in one state or in any.
    pub async fn run_messages(
        &self,
        run: RunId,
        wanted: Option<OutboxState>,
        max: usize,
    ) -> Result<Vec<OutboxMessage>, Error> {
        self.read(move |db| {
            let sql = format!(
                "{SELECT} INDEXED BY outbox_run WHERE bucket = ?1 AND run_id = ?2 AND (?3 IS NULL OR state = ?3) \
                 LIMIT ?4"
            );
            let mut query = db.prepare_cached(&sql)?;
            let mut messages = Vec::new();
            for bucket in 0..BUCKETS {
                let room = limit(max - messages.len());
                let mut rows = query.query((bucket, run.0, wanted.map(code), room))?;
                while let Some(row) = rows.next()? {
                    messages.push(message(row)?);
                }
            }
            messages.sort_by_key(|m| m.id);
            Ok(messages)
        })
        .await
    }

    /// Why the messages of a run are in their states, the commonest first.
    pub async fn reasons(&self, run: RunId) -> Result<Vec<(OutboxState, String, u64)>, Error> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT state, reason, count(*) FROM outbox INDEXED BY outbox_run \
                 WHERE bucket = ?1 AND run_id = ?2 GROUP BY state, reason",
            )?;
            let mut counts: HashMap<(OutboxState, String), u64> = HashMap::new();
            for bucket in 0..BUCKETS {
                let mut rows = query.query((bucket, run.0))?;
                while let Some(row) = rows.next()? {
                    *counts.entry((state(row.get(0)?)?, row.get(1)?)).or_default() += count(row, 2)?;
                }
            }
            let mut counts: Vec<_> = counts.into_iter().map(|((s, reason), n)| (s, reason, n)).collect();
            counts.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| (a.0, &a.1).cmp(&(b.0, &b.1))));
            Ok(counts)
        })
        .await
    }
}

const WAITING: [OutboxState; 2] = [OutboxState::Pending, OutboxState::Quiet];

/// The number of a state in the table. Never renumber; the index of open rows holds everything below 3.
pub(crate) fn code(state: OutboxState) -> i64 {
    STATES.iter().position(|known| *known == state).map_or(-1, |place| place as i64)
}

pub(crate) fn state(code: i64) -> Result<OutboxState, Error> {
    let state = usize::try_from(code).ok().and_then(|place| STATES.get(place));
    state.copied().ok_or_else(|| Error::Corrupt(format!("{code} is no state of a message")))
}

const STATES: [OutboxState; 9] = [
    OutboxState::Pending,
    OutboxState::Quiet,
    OutboxState::InFlight,
    OutboxState::Sent,
    OutboxState::Failed,
    OutboxState::Suppressed,
    OutboxState::Capped,
    OutboxState::HeldOut,
    OutboxState::Unknown,
];

fn insert(db: &Connection, run: RunId, messages: &[OutboxMessage], now: Timestamp) -> Result<u64, Error> {
    let mut insert = db.prepare_cached(
        "INSERT INTO outbox (bucket, outbox_id, run_id, customer_id, connector, channel, address, state, reason, \
         due_at, attempts, settled_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
         ON CONFLICT DO NOTHING",
    )?;
    let mut added = 0;
    for m in messages {
        if m.run != run || matches!(m.state, OutboxState::InFlight | OutboxState::Sent | OutboxState::Unknown)
        {
            return Err(Error::Internal(format!(
                "message {} cannot be planned as {} of {run}",
                m.id, m.state
            )));
        }
        added += insert.execute((
            bucket(m.customer),
            m.id.0,
            run.0,
            m.customer.0,
            &m.connector,
            m.channel.map(Channel::name),
            &m.address,
            code(m.state),
            &m.reason,
            m.due_at.0,
            m.attempts,
            m.state.is_final().then_some(now.0),
        ))? as u64;
    }
    Ok(added)
}

/// Every (bucket, run) with open rows whose campaign is not paused: found by leaping through the index from run to
/// run, so it costs a step per answer and not per row.
fn working(db: &Connection) -> Result<Vec<(i64, i64)>, Error> {
    let mut found = open_rows(db)?;
    let mut query = db.prepare_cached(
        "SELECT r.run_id FROM run r JOIN campaign_state s ON s.campaign = r.campaign WHERE s.paused = 1",
    )?;
    let paused: std::collections::HashSet<i64> =
        query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    found.retain(|(_, run)| !paused.contains(run));
    Ok(found)
}

pub(crate) fn open_rows(db: &Connection) -> Result<Vec<(i64, i64)>, Error> {
    let mut next = db.prepare_cached(
        "SELECT run_id FROM outbox INDEXED BY outbox_open \
         WHERE bucket = ?1 AND run_id > ?2 AND state < 3 ORDER BY run_id LIMIT 1",
    )?;
    let mut found = Vec::new();
    for bucket in 0..BUCKETS {
        let mut run = -1;
        loop {
            let mut rows = next.query((bucket, run))?;
            let Some(row) = rows.next()? else { break };
            run = row.get(0)?;
            found.push((bucket, run));
        }
    }
    Ok(found)
}

fn due(
    db: &Connection,
    connector: &str,
    now: Timestamp,
    max: usize,
) -> Result<Vec<(OutboxMessage, String)>, Error> {
    let places = working(db)?;
    // A share of each place first, so that no bucket and no run waits for another; all there is, only when the
    // shares do not fill the page.
    let share = max / places.len().max(1) + 8;
    let mut found = due_of(db, connector, &places, now, share)?;
    if found.len() < max && share < max {
        found = due_of(db, connector, &places, now, max)?;
    }
    found.sort_unstable();
    found.truncate(max);
    let keys: Vec<(i64, i64)> = found.into_iter().map(|(_, bucket, id)| (bucket, id)).collect();
    read_all(db, &keys)
}

/// (due, bucket, id) of at most `share` messages of each place and state.
fn due_of(
    db: &Connection,
    connector: &str,
    places: &[(i64, i64)],
    now: Timestamp,
    share: usize,
) -> Result<Vec<(i64, i64, i64)>, Error> {
    let mut query = db.prepare_cached(
        "SELECT due_at, bucket, outbox_id FROM outbox INDEXED BY outbox_open \
         WHERE bucket = ?1 AND run_id = ?2 AND state = ?3 AND connector = ?4 AND state < 3 AND due_at <= ?5 \
         ORDER BY due_at LIMIT ?6",
    )?;
    let mut found = Vec::new();
    for (bucket, run) in places {
        for state in WAITING {
            let rows = query
                .query_map((bucket, run, code(state), connector, now.0, limit(share)), |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?;
            for row in rows {
                found.push(row?);
            }
        }
    }
    Ok(found)
}

fn read_all(db: &Connection, keys: &[(i64, i64)]) -> Result<Vec<(OutboxMessage, String)>, Error> {
    let mut campaigns: HashMap<RunId, String> = HashMap::new();
    let mut campaign = db.prepare_cached("SELECT campaign FROM run WHERE run_id = ?1")?;
    let mut query = db.prepare_cached(&format!("{SELECT} WHERE bucket = ?1 AND outbox_id = ?2"))?;
    let mut messages = Vec::with_capacity(keys.len());
    for key in keys {
        let mut rows = query.query(*key)?;
        let Some(row) = rows.next()? else { continue };
        let message = message(row)?;
        let name = match campaigns.get(&message.run) {
            Some(name) => name.clone(),
            None => campaign.query_row([message.run.0], |row| row.get(0))?,
        };
        campaigns.entry(message.run).or_insert_with(|| name.clone());
        messages.push((message, name));
    }
    Ok(messages)
}

fn message(row: &Row<'_>) -> Result<OutboxMessage, Error> {
    let channel: Option<String> = row.get(4)?;
    Ok(OutboxMessage {
        id: OutboxId(row.get(0)?),
        run: RunId(row.get(1)?),
        customer: CustomerId(row.get(2)?),
        connector: row.get(3)?,
        channel: channel.map(|name| named(Channel::from_name(&name), &name)).transpose()?,
        address: row.get(5)?,
        state: state(row.get(6)?)?,
        reason: row.get(7)?,
        due_at: Timestamp(row.get(8)?),
        attempts: row.get(9)?,
    })
}

/// The bucket of a message of which only the id is known: one look into each.
pub(crate) fn bucket_of(db: &Connection, id: OutboxId) -> Result<Option<i64>, Error> {
    let mut query = db.prepare_cached("SELECT 1 FROM outbox WHERE bucket = ?1 AND outbox_id = ?2")?;
    for bucket in 0..BUCKETS {
        if query.exists((bucket, id.0))? {
            return Ok(Some(bucket));
        }
    }
    Ok(None)
}
