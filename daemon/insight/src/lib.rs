//! Insight: what a customer's dated facts say about their value and where the relation stands.
//!
//! Pure: facts, quintile cuts and `now` in, a [`Profile`] out. It refuses to read the clock or the store, and knows
//! time zones only as a function from instants to days ([`profile_in`]).

mod breakpoints;
mod stage;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rejoin_model::time::DAY_MS;
use rejoin_model::{Activity, ActivityKind, Profile, Timestamp};

pub use breakpoints::{Breakpoints, breakpoints};
pub use stage::stage;

/// A complaint counts as open for this long, unless the customer ordered or answered a survey after it. Cases with a
/// life of their own come later; until then, silence after a month is taken as settled.
pub const COMPLAINT_OPEN_DAYS: i64 = 30;

/// The profile with days counted in UTC. See [`profile_in`].
pub fn profile(facts: &[Activity], breaks: &Breakpoints, now: Timestamp) -> Profile {
    profile_in(facts, breaks, now, &|at| at.0.div_euclid(DAY_MS))
}

/// The profile of a customer from all their facts, in any order; facts dated after `now` are left out.
///
/// `day_of` numbers the days of the site's zone: several orders on one day are one purchase, in the frequency score
/// and in the stage.
pub fn profile_in(
    facts: &[Activity],
    breaks: &Breakpoints,
    now: Timestamp,
    day_of: &dyn Fn(Timestamp) -> i64,
) -> Profile {
    let known: Vec<&Activity> = facts.iter().filter(|fact| fact.at <= now).collect();
    let orders: Vec<&Activity> =
        known.iter().copied().filter(|fact| fact.kind == ActivityKind::Order).collect();
    let last_order_at = orders.iter().map(|order| order.at).max();
    let mut days: Vec<i64> = orders.iter().map(|order| day_of(order.at)).collect();
    days.sort_unstable();
    days.dedup();
    let currency = main_currency(&orders);
    let total_cents = total(&known, currency.as_deref());
    let elsewhere = |order: &&&Activity| {
        order.money.as_ref().is_some_and(|money| Some(&money.currency) != currency.as_ref())
    };
    Profile {
        orders: orders.len() as u32,
        first_order_at: orders.iter().map(|order| order.at).min(),
        last_order_at,
        total_cents,
        other_currency_orders: orders.iter().filter(elsewhere).count() as u32,
        rfm: last_order_at.map_or([0; 3], |last| breaks.score(last, days.len() as u32, total_cents)),
        stage: stage(&days, day_of(now)),
        last_contact_at: known.iter().filter(|fact| is_contact(fact.kind)).map(|fact| fact.at).max(),
        open_complaint: open_complaint(&known, now),
        currency,
    }
}

/// The currency of most orders; of a tie, the one last ordered in, then the first by name.
fn main_currency(orders: &[&Activity]) -> Option<String> {
    let mut counts: BTreeMap<&str, (u32, Timestamp)> = BTreeMap::new();
    for order in orders {
        if let Some(money) = &order.money {
            let count = counts.entry(&money.currency).or_insert((0, order.at));
            *count = (count.0 + 1, count.1.max(order.at));
        }
    }
    let most =
        counts.into_iter().min_by_key(|(name, (count, last))| (std::cmp::Reverse((*count, *last)), *name))?;
    Some(most.0.to_owned())
}

/// Orders less refunds in the main currency. Summed wide and then brought into range, so that no order of facts
/// overflows where another would not.
fn total(known: &[&Activity], currency: Option<&str>) -> i64 {
    let sum: i128 = known
        .iter()
        .filter_map(|fact| {
            let money = fact.money.as_ref().filter(|money| Some(money.currency.as_str()) == currency)?;
            match fact.kind {
                ActivityKind::Order => Some(i128::from(money.cents)),
                ActivityKind::Refund => Some(-i128::from(money.cents)),
                _ => None,
            }
        })
        .sum();
    sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// The customer did something towards us; a delivery or a bounce is only our own message's fate.
fn is_contact(kind: ActivityKind) -> bool {
    !matches!(kind, ActivityKind::Delivery | ActivityKind::Bounce)
}

fn open_complaint(known: &[&Activity], now: Timestamp) -> bool {
    let last =
        |wanted: &[ActivityKind]| known.iter().filter(|f| wanted.contains(&f.kind)).map(|f| f.at).max();
    let closed = last(&[ActivityKind::Order, ActivityKind::SurveyAnswer]);
    last(&[ActivityKind::Complaint]).is_some_and(|at| {
        now.ms_since(at) < COMPLAINT_OPEN_DAYS * DAY_MS && closed.is_none_or(|closed| closed <= at)
    })
}
