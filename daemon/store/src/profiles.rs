//! Profiles, and the queue of customers whose profile is out of date.

use std::collections::{BTreeSet, HashMap};

use rejoin_model::{Activity, CustomerId, Profile, Stage, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::activities::{COLUMNS as ACTIVITY_COLUMNS, activity};
use crate::rows::{limit, list, named};
use crate::{Error, Store};

/// What a profile is computed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileInput {
    pub customer: CustomerId,
    /// In order of time.
    pub activities: Vec<Activity>,
}

/// The columns [`profile`] reads, of a table called `p`.
pub(crate) const COLUMNS: &str = "p.orders, p.first_order_at, p.last_order_at, p.total_cents, p.currency, \
                                  p.other_currency_orders, p.recency, p.frequency, p.monetary, p.stage, \
                                  p.last_contact_at, p.open_complaint";

impl Store {
    /// Takes customers whose profile is out of date. One whose facts change before [`Store::apply_profiles`] stays
    /// out of date; taking the same one twice does no harm.
    pub async fn stale_profiles(&self, max: usize) -> Result<Vec<ProfileInput>, Error> {
        let taken = self
            .write_rows(max, move |db| {
                let sql = "SELECT customer_id FROM stale ORDER BY customer_id LIMIT ?1";
                let taken: Vec<i64> = db
                    .prepare_cached(sql)?
                    .query_map([limit(max)], |row| row.get(0))?
                    .collect::<Result<_, _>>()?;
                let mut take = db.prepare_cached("UPDATE stale SET taken = 1 WHERE customer_id = ?1")?;
                for customer in &taken {
                    take.execute([customer])?;
                }
                Ok(taken)
            })
            .await?;
        if taken.is_empty() {
            return Ok(Vec::new());
        }
        self.read(move |db| inputs(db, &taken)).await
    }

    /// About `max` (last order, orders, total in cents), spread evenly over all customers with orders.
    pub async fn rfm_sample(&self, max: usize) -> Result<Vec<(Timestamp, u32, i64)>, Error> {
        self.read(move |db| {
            let sql = "SELECT count(*) FROM profile WHERE orders > 0";
            let buyers: i64 = db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
            let step = buyers / limit(max).max(1) + 1;
            let mut query = db.prepare_cached(
                "SELECT last_order_at, orders, total_cents FROM profile \
                 WHERE orders > 0 AND last_order_at IS NOT NULL \
                 AND (customer_id + (customer_id >> 22)) % ?1 = 0 LIMIT ?2",
            )?;
            let rows = query.query_map((step, limit(max)), |row| {
                Ok((Timestamp(row.get(0)?), row.get(1)?, row.get(2)?))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Writes profiles. A customer without any activity has none.
    pub async fn apply_profiles(
        &self,
        profiles: Vec<(CustomerId, Profile)>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write_rows(profiles.len(), move |db| {
            let mut done = db.prepare_cached("DELETE FROM stale WHERE customer_id = ?1 AND taken = 1")?;
            for (customer, profile) in &profiles {
                write_profile(db, *customer, profile, now)?;
                done.execute([customer.0])?;
            }
            Ok(())
        })
        .await
    }

    /// Puts every profile computed before `before` on the queue again: recency ages without any new fact.
    pub async fn mark_profiles_older_than(&self, before: Timestamp) -> Result<u64, Error> {
        self.write_bulk(move |db| {
            let sql = "INSERT INTO stale (customer_id, taken) \
                       SELECT customer_id, 0 FROM profile WHERE profiled_at < ?1 ON CONFLICT DO NOTHING";
            Ok(db.execute(sql, [before.0])? as u64)
        })
        .await
    }

    pub async fn profile_of(&self, customer: CustomerId) -> Result<Option<Profile>, Error> {
        self.read(move |db| {
            let sql = format!("SELECT {COLUMNS} FROM profile p WHERE p.customer_id = ?1");
            let mut query = db.prepare_cached(&sql)?;
            let mut rows = query.query([customer.0])?;
            rows.next()?.map(|row| profile(row, 0)).transpose()
        })
        .await
    }
}

fn inputs(db: &Connection, customers: &[i64]) -> Result<Vec<ProfileInput>, Error> {
    let mut inputs: Vec<ProfileInput> = customers
        .iter()
        .map(|id| ProfileInput { customer: CustomerId(*id), activities: Vec::new() })
        .collect();
    let places: HashMap<i64, usize> = customers.iter().enumerate().map(|(n, id)| (*id, n)).collect();
    let sql = format!(
        "SELECT {ACTIVITY_COLUMNS}, m.customer_id FROM member m JOIN activity a ON a.record_id = m.record_id \
         JOIN record r ON r.record_id = a.record_id \
         WHERE m.customer_id IN (SELECT value FROM json_each(?1)) ORDER BY m.customer_id, a.at, a.key"
    );
    let mut query = db.prepare_cached(&sql)?;
    let mut rows = query.query([list(customers.iter().copied())])?;
    while let Some(row) = rows.next()? {
        if let Some(place) = places.get(&row.get(9)?) {
            inputs[*place].activities.push(activity(row)?);
        }
    }
    Ok(inputs)
}

fn write_profile(db: &Connection, customer: CustomerId, p: &Profile, now: Timestamp) -> Result<(), Error> {
    if *p == Profile::default() {
        db.prepare_cached("DELETE FROM profile WHERE customer_id = ?1")?.execute([customer.0])?;
        return Ok(());
    }
    let sql = "INSERT INTO profile (customer_id, orders, first_order_at, last_order_at, total_cents, currency, \
               other_currency_orders, recency, frequency, monetary, stage, last_contact_at, open_complaint, \
               profiled_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) \
               ON CONFLICT (customer_id) DO UPDATE SET orders = excluded.orders, \
               first_order_at = excluded.first_order_at, last_order_at = excluded.last_order_at, \
               total_cents = excluded.total_cents, currency = excluded.currency, \
               other_currency_orders = excluded.other_currency_orders, recency = excluded.recency, \
               frequency = excluded.frequency, monetary = excluded.monetary, stage = excluded.stage, \
               last_contact_at = excluded.last_contact_at, open_complaint = excluded.open_complaint, \
               profiled_at = excluded.profiled_at";
    let [recency, frequency, monetary] = p.rfm;
    db.prepare_cached(sql)?.execute((
        customer.0,
        p.orders,
        p.first_order_at.map(|at| at.0),
        p.last_order_at.map(|at| at.0),
        p.total_cents,
        &p.currency,
        p.other_currency_orders,
        recency,
        frequency,
        monetary,
        p.stage.name(),
        p.last_contact_at.map(|at| at.0),
        p.open_complaint,
        now.0,
    ))?;
    Ok(())
}

/// Reads [`COLUMNS`], the first of them at `at`; all null means no profile.
pub(crate) fn profile(row: &Row<'_>, at: usize) -> Result<Profile, Error> {
    let Some(orders) = row.get(at)? else { return Ok(Profile::default()) };
    let stage: String = row.get(at + 9)?;
    let time = |column: usize| row.get::<_, Option<i64>>(at + column).map(|t| t.map(Timestamp));
    Ok(Profile {
        orders,
        first_order_at: time(1)?,
        last_order_at: time(2)?,
        total_cents: row.get(at + 3)?,
        currency: row.get(at + 4)?,
        other_currency_orders: row.get(at + 5)?,
        rfm: [row.get(at + 6)?, row.get(at + 7)?, row.get(at + 8)?],
        stage: named(Stage::from_name(&stage), &stage)?,
        last_contact_at: time(10)?,
        open_complaint: row.get(at + 11)?,
    })
}

pub(crate) fn mark_stale(db: &Connection, customers: &BTreeSet<i64>) -> Result<(), Error> {
    let mut mark = db.prepare_cached(
        "INSERT INTO stale (customer_id, taken) VALUES (?1, 0) \
         ON CONFLICT (customer_id) DO UPDATE SET taken = 0",
    )?;
    for customer in customers {
        mark.execute([customer])?;
    }
    Ok(())
}

/// Marks the customers these records belong to.
pub(crate) fn mark_stale_records(db: &Connection, records: &BTreeSet<i64>) -> Result<(), Error> {
    let mut find = db.prepare_cached("SELECT customer_id FROM link WHERE record_id = ?1")?;
    let mut customers = BTreeSet::new();
    for record in records {
        let found: Option<Option<i64>> = find.query_row([record], |row| row.get(0)).optional()?;
        customers.extend(found.flatten());
    }
    mark_stale(db, &customers)
}
