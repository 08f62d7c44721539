//! Records and decisions → which record belongs to which customer.
//!
//! The partition is computed from the set alone: decisions first, newest first ([`forest`]), then shared keys from
//! the strongest kind of evidence to the weakest ([`keys`], [`tie`]), each union only when no guard objects. Every
//! choice is broken by the records' own names (connector, key), never by ids, which remember the order of arrival.
//! Only then are present links read, so that customers keep their ids ([`assign`]), and reasons written ([`reason`]).
//!
//! It refuses to merge on a key that names deny, on a key shared by too many parties, and, where one key belongs to
//! two parties that exclude each other, to guess which of them an unnamed third record is.

mod assign;
pub(crate) mod forest;
pub(crate) mod keys;
pub(crate) mod reason;
#[cfg(test)]
mod tests;
mod tie;

use rejoin_model::CustomerId;
use rejoin_model::customer::Resolution;

use crate::{Question, Rules};
use forest::Forest;
use keys::Shared;

/// Settles the question with no declared rules. See [`resolve_under`].
pub fn resolve(question: Question<'_>, next_id: &mut dyn FnMut() -> CustomerId) -> Resolution {
    resolve_under(&Rules::default(), question, next_id)
}

/// Settles the question. `next_id` is called once for each customer that is new, oldest record first.
pub fn resolve_under(
    rules: &Rules,
    question: Question<'_>,
    next_id: &mut dyn FnMut() -> CustomerId,
) -> Resolution {
    let shared = Shared::gather(&question);
    let mut forest = partition(rules, &question, &shared);
    let mut resolution = assign::settle(&question, &shared, &mut forest, next_id);
    resolution.generic = shared.learned.into_iter().cloned().collect();
    resolution
}

/// The partition, a pure function of the set of records and decisions.
pub(crate) fn partition<'a>(rules: &'a Rules, question: &Question<'a>, shared: &Shared<'a>) -> Forest<'a> {
    let mut forest = Forest::plant(rules, shared);
    forest.obey(question, &forest::places(shared, question.decisions));
    for (names, kind) in keys::LEVELS {
        for key in shared.keys.iter().filter(|key| key.id.kind == *kind) {
            tie::tie(&mut forest, key, *names);
        }
    }
    forest
}
