//! Clusters → customers with stable ids, and what of it is new.
//!
//! A customer's id goes where its oldest live record went; where several meet, the oldest (smallest) survives and the
//! others end with a redirect to it. A cluster nobody brings an id to gets a new one.

use std::collections::{HashMap, HashSet};

use rejoin_model::customer::{Link, Resolution};
use rejoin_model::{CustomerId, RecordId};

use super::forest::Forest;
use super::keys::Shared;
use super::reason::Reasons;
use crate::{Candidate, Question, golden};

/// A cluster with everything that is written about it.
struct Part<'a> {
    /// Oldest first.
    members: Vec<(u32, &'a Candidate)>,
    id: CustomerId,
}

/// Ids, links, golden records and endings for a final partition.
pub(super) fn settle<'a>(
    question: &Question<'a>,
    shared: &Shared<'a>,
    forest: &mut Forest<'a>,
    next_id: &mut dyn FnMut() -> CustomerId,
) -> Resolution {
    let mut resolution = settled_records(question);
    let clusters = clusters(shared, forest);
    let home = homes(&clusters);
    let parts = number(clusters, &home, next_id);
    let shrunk = shrunk(question, &parts);
    let reasons = Reasons::gather(question, shared, forest);
    for part in &parts {
        describe(part, &shrunk, &reasons, forest, &mut resolution);
    }
    resolution.ended = ended(question, &home, &parts);
    resolution
}

/// What is written whatever the partition: that unresolved records are settled, their keys, and farewells.
fn settled_records(question: &Question<'_>) -> Resolution {
    let mut resolution = Resolution::default();
    for candidate in question.records {
        let record = &candidate.record;
        if candidate.unresolved {
            resolution.resolved.push((record.id, record.version));
            resolution.keys.push((record.id, candidate.normalised.keys.clone()));
        }
        if record.deleted && candidate.link.is_some() {
            resolution.unlinked.push(record.id);
        }
    }
    resolution.resolved.sort_unstable();
    resolution.keys.sort_unstable_by_key(|(record, _)| *record);
    resolution.unlinked.sort_unstable();
    resolution
}

/// Clusters, the one with the oldest record first; members oldest first.
fn clusters<'a>(shared: &Shared<'a>, forest: &mut Forest<'_>) -> Vec<Vec<(u32, &'a Candidate)>> {
    let roots =
        (0..shared.live.len() as u32).filter(|&place| forest.root(place) == place).collect::<Vec<_>>();
    let mut clusters: Vec<Vec<(u32, &Candidate)>> = Vec::with_capacity(roots.len());
    for root in roots {
        let mut members: Vec<_> =
            forest.members(root).iter().map(|&place| (place, shared.live[place as usize])).collect();
        members.sort_unstable_by_key(|(_, c)| c.record.id);
        clusters.push(members);
    }
    clusters.sort_unstable_by_key(|members| members.first().map(|(_, c)| c.record.id));
    clusters
}

/// Present customer → the cluster its oldest live record is in.
fn homes(clusters: &[Vec<(u32, &Candidate)>]) -> HashMap<CustomerId, usize> {
    let mut oldest: HashMap<CustomerId, (RecordId, usize)> = HashMap::new();
    for (at, members) in clusters.iter().enumerate() {
        for (_, candidate) in members {
            if let Some(customer) = candidate.link {
                let claim = (candidate.record.id, at);
                oldest.entry(customer).and_modify(|known| *known = claim.min(*known)).or_insert(claim);
            }
        }
    }
    oldest.into_iter().map(|(customer, (_, at))| (customer, at)).collect()
}

fn number<'a>(
    clusters: Vec<Vec<(u32, &'a Candidate)>>,
    home: &HashMap<CustomerId, usize>,
    next_id: &mut dyn FnMut() -> CustomerId,
) -> Vec<Part<'a>> {
    let mut survivor: HashMap<usize, CustomerId> = HashMap::new();
    for (&customer, &at) in home {
        survivor.entry(at).and_modify(|known| *known = customer.min(*known)).or_insert(customer);
    }
    let id_of = |at: usize, next_id: &mut dyn FnMut() -> CustomerId| {
        survivor.get(&at).copied().unwrap_or_else(next_id)
    };
    clusters.into_iter().enumerate().map(|(at, members)| Part { members, id: id_of(at, next_id) }).collect()
}

/// Customers that lost a record, live or deleted, to elsewhere.
fn shrunk(question: &Question<'_>, parts: &[Part<'_>]) -> HashSet<CustomerId> {
    let deleted = question.records.iter().filter(|c| c.record.deleted).filter_map(|c| c.link);
    let moved = parts
        .iter()
        .flat_map(|part| part.members.iter().filter_map(|(_, c)| c.link.filter(|link| *link != part.id)));
    deleted.chain(moved).collect()
}

/// Links and golden record of one cluster, as far as they may have changed.
fn describe(
    part: &Part<'_>,
    shrunk: &HashSet<CustomerId>,
    reasons: &Reasons<'_, '_>,
    forest: &mut Forest<'_>,
    resolution: &mut Resolution,
) {
    let changed = |c: &Candidate| c.unresolved || c.link != Some(part.id);
    let lost_one = shrunk.contains(&part.id) || part.members.iter().any(|(_, c)| reasons.lost_a_key(c));
    if !lost_one && !part.members.iter().any(|(_, c)| changed(c)) {
        return;
    }
    // A reason speaks of an older record, so only what is older than a settled record can make its reason stale.
    let last_settled = part.members.iter().rev().find(|(_, c)| !changed(c)).map(|(_, c)| c.record.id);
    let older_changed = part.members.iter().any(|(_, c)| changed(c) && Some(c.record.id) < last_settled);
    let fellows: Vec<RecordId> = part.members.iter().map(|(_, c)| c.record.id).collect();
    for (place, candidate) in &part.members {
        if lost_one || older_changed || changed(candidate) {
            let reason = reasons.of(forest, *place, &fellows);
            resolution.links.push(Link { record: candidate.record.id, customer: part.id, reason });
        }
    }
    let records: Vec<&Candidate> = part.members.iter().map(|(_, c)| *c).collect();
    resolution.customers.push(golden(part.id, &records));
}

fn ended(
    question: &Question<'_>,
    home: &HashMap<CustomerId, usize>,
    parts: &[Part<'_>],
) -> Vec<(CustomerId, Option<CustomerId>)> {
    let before: HashSet<CustomerId> = question.records.iter().filter_map(|c| c.link).collect();
    let successor = |customer: &CustomerId| home.get(customer).map(|&at| parts[at].id);
    let mut ended: Vec<_> = before
        .into_iter()
        .map(|customer| (customer, successor(&customer)))
        .filter(|(customer, successor)| *successor != Some(*customer))
        .collect();
    ended.sort_unstable();
    ended
}
