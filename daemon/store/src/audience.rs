//! Audiences: who a segment names, with everything the campaign rules look at.
//!
//! A page costs a handful of queries, however many members it has.

use std::collections::HashMap;

use rejoin_model::audience::{ConsentState, SuppressedAddress};
use rejoin_model::campaign::Channel;
use rejoin_model::outbox::bucket;
use rejoin_model::segment::Condition;
use rejoin_model::time::DAY_MS;
use rejoin_model::{CampaignClass, CustomerId, Member, OutboxState, SuppressionReason, Timestamp};
use rusqlite::Connection;
use rusqlite::types::Value as Param;

use crate::golden::{COLUMN_COUNT, COLUMNS as CUSTOMER_COLUMNS, customer};
use crate::outbox::code;
use crate::profiles::{COLUMNS as PROFILE_COLUMNS, profile};
use crate::rows::{count, limit, list, named, to_json};
use crate::segments::compile;
use crate::{Error, Store};

/// How far back frequency caps may look.
const MARKETED_DAYS: i64 = 90;
const FROM: &str = "FROM customer c LEFT JOIN profile p ON p.customer_id = c.customer_id";

impl Store {
    /// The next page of customers that meet `condition`, in order of id. Ended customers are nobody.
    pub async fn audience(
        &self,
        condition: &Condition,
        after: Option<CustomerId>,
        max: usize,
        now: Timestamp,
    ) -> Result<Vec<Member>, Error> {
        let wanted = compile(condition, now)?;
        self.read(move |db| {
            let sql = format!(
                "SELECT {CUSTOMER_COLUMNS}, {PROFILE_COLUMNS} {FROM} \
                 WHERE c.customer_id > ? AND {} ORDER BY c.customer_id LIMIT ?",
                wanted.sql
            );
            let mut params = vec![Param::Integer(after.map_or(-1, |id| id.0))];
            params.extend(wanted.params);
            params.push(Param::Integer(limit(max)));
            read_members(db, &sql, rusqlite::params_from_iter(params), now)
        })
        .await
    }

    pub async fn audience_count(&self, condition: &Condition, now: Timestamp) -> Result<u64, Error> {
        let wanted = compile(condition, now)?;
        self.read(move |db| {
            let sql = format!("SELECT count(*) {FROM} WHERE {}", wanted.sql);
            let mut query = db.prepare_cached(&sql)?;
            Ok(query.query_row(rusqlite::params_from_iter(wanted.params), |row| count(row, 0))?)
        })
        .await
    }

    /// These customers as members, in order of id; one that has ended is left out.
    pub async fn members(&self, ids: &[CustomerId], now: Timestamp) -> Result<Vec<Member>, Error> {
        let ids = list(ids.iter().map(|id| id.0));
        self.read(move |db| {
            let sql = format!(
                "SELECT {CUSTOMER_COLUMNS}, {PROFILE_COLUMNS} {FROM} \
                 WHERE c.customer_id IN (SELECT value FROM json_each(?)) ORDER BY c.customer_id"
            );
            read_members(db, &sql, [ids], now)
        })
        .await
    }
}

fn read_members(
    db: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    now: Timestamp,
) -> Result<Vec<Member>, Error> {
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query(params)?;
    let mut members = Vec::new();
    while let Some(row) = rows.next()? {
        members.push(Member {
            customer: customer(row)?,
            profile: profile(row, COLUMN_COUNT)?,
            consents: Vec::new(),
            suppressed: Vec::new(),
            marketed_at: Vec::new(),
        });
    }
    let places: HashMap<i64, usize> =
        members.iter().enumerate().map(|(place, member)| (member.customer.id.0, place)).collect();
    let ids = list(members.iter().map(|member| member.customer.id.0));
    add_consents(db, &mut members, &places, &ids)?;
    add_suppressions(db, &mut members)?;
    add_marketed(db, &mut members, &places, &ids, now)?;
    Ok(members)
}

/// The newest fact of each record counts, and of two at one moment the withdrawal; over the records of a customer
/// the strictest wins.
fn add_consents(
    db: &Connection,
    members: &mut [Member],
    places: &HashMap<i64, usize>,
    ids: &str,
) -> Result<(), Error> {
    let mut query = db.prepare_cached(
        "SELECT m.customer_id, c.record_id, c.channel, c.topic, c.granted, c.at FROM member m \
         JOIN consent c ON c.record_id = m.record_id \
         WHERE m.customer_id IN (SELECT value FROM json_each(?1)) \
         ORDER BY m.customer_id, c.record_id, c.channel, c.topic, c.at, c.granted DESC",
    )?;
    let mut rows = query.query([ids])?;
    let mut newest: Option<(i64, i64, ConsentState)> = None;
    while let Some(row) = rows.next()? {
        let next = (
            row.get(0)?,
            row.get(1)?,
            ConsentState {
                channel: row.get(2)?,
                topic: row.get(3)?,
                granted: row.get(4)?,
                at: Timestamp(row.get(5)?),
            },
        );
        let same = |(customer, record, state): &(i64, i64, ConsentState)| {
            (*customer, *record) == (next.0, next.1)
                && (&state.channel, &state.topic) == (&next.2.channel, &next.2.topic)
        };
        if let Some((customer, _, state)) = newest.take_if(|newest| !same(newest)) {
            fold_consent(members, places, customer, state);
        }
        newest = Some(next);
    }
    if let Some((customer, _, state)) = newest {
        fold_consent(members, places, customer, state);
    }
    Ok(())
}

fn fold_consent(members: &mut [Member], places: &HashMap<i64, usize>, customer: i64, new: ConsentState) {
    let Some(member) = places.get(&customer).and_then(|place| members.get_mut(*place)) else { return };
    let known = member.consents.iter_mut().find(|c| c.channel == new.channel && c.topic == new.topic);
    match known {
        None => member.consents.push(new),
        Some(known) if known.granted == new.granted => known.at = known.at.max(new.at),
        Some(known) if known.granted => *known = new,
        Some(_) => {}
    }
}

fn add_suppressions(db: &Connection, members: &mut [Member]) -> Result<(), Error> {
    let mut owners: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, member) in members.iter().enumerate() {
        for golden in member.customer.emails.iter().chain(&member.customer.phones) {
            owners.entry(golden.value.as_str()).or_default().push(place);
        }
    }
    let addresses: Vec<&str> = owners.keys().copied().collect();
    let mut query = db.prepare_cached(
        "SELECT address, channel, reason FROM suppression \
         WHERE address IN (SELECT value FROM json_each(?1)) ORDER BY address, channel, at",
    )?;
    let mut rows = query.query([to_json(&addresses)?])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (address, channel, reason): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let reason = named(SuppressionReason::from_name(&reason), &reason)?;
        for place in owners.get(address.as_str()).into_iter().flatten() {
            for (_, one) in Channel::ALL.iter().filter(|(name, _)| channel == *name || channel == "*") {
                found.push((*place, SuppressedAddress { channel: *one, address: address.clone(), reason }));
            }
        }
    }
    for (place, suppressed) in found {
        members[place].suppressed.push(suppressed);
    }
    Ok(())
}

/// Messages of marketing runs that went out, or may have, to the customer or to one that was merged into it.
fn add_marketed(
    db: &Connection,
    members: &mut [Member],
    places: &HashMap<i64, usize>,
    ids: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let mut received: Vec<[i64; 3]> = places.keys().map(|id| [bucket(CustomerId(*id)), *id, *id]).collect();
    let mut query = db.prepare_cached(
        "SELECT customer_id, ended FROM merged WHERE customer_id IN (SELECT value FROM json_each(?1))",
    )?;
    let mut rows = query.query([ids])?;
    while let Some(row) = rows.next()? {
        let ended = row.get(1)?;
        received.push([bucket(CustomerId(ended)), ended, row.get(0)?]);
    }
    let mut query = db.prepare_cached(
        "SELECT j.value ->> 2, o.claimed_at FROM json_each(?1) j CROSS JOIN outbox o INDEXED BY outbox_once \
         ON o.bucket = j.value ->> 0 AND o.customer_id = j.value ->> 1 \
         JOIN run r ON r.run_id = o.run_id \
         WHERE o.claimed_at >= ?2 AND o.state IN (?3, ?4, ?5) AND r.class = ?6 ORDER BY o.claimed_at DESC",
    )?;
    let mut rows = query.query((
        to_json(&received)?,
        now.plus_ms(-MARKETED_DAYS * DAY_MS).0,
        code(OutboxState::InFlight),
        code(OutboxState::Sent),
        code(OutboxState::Unknown),
        CampaignClass::Marketing.name(),
    ))?;
    while let Some(row) = rows.next()? {
        if let Some(place) = places.get(&row.get(0)?) {
            members[*place].marketed_at.push(Timestamp(row.get(1)?));
        }
    }
    Ok(())
}
