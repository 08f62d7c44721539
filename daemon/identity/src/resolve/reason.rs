//! Why a record belongs to its customer: the strongest edge that tied it to an older record of the customer.
//!
//! When everything that ties a record is younger (it was joined by a later bridge), the reason names that.

use std::collections::HashMap;

use rejoin_model::RecordId;
use rejoin_model::customer::{Decision, IdentityKey, LinkReason, NameVerdict, Verdict};

use super::forest::Forest;
use super::keys::{self, Shared};
use crate::{Candidate, Question};

/// The two oldest holders of one key under one name form (`None`: without a name) within one cluster.
struct Oldest {
    form: Option<u32>,
    first: u32,
    second: Option<u32>,
}

/// Looks reasons up for members of clusters that are final.
pub(crate) struct Reasons<'s, 'a> {
    shared: &'s Shared<'a>,
    /// By root and key.
    holders: HashMap<(u32, &'a IdentityKey), Vec<Oldest>>,
    decisions: HashMap<RecordId, Vec<&'a Decision>>,
}

/// Smaller is stronger: a younger partner last, then decisions, then the level of evidence, then the older partner.
type Rank<'a> = (bool, usize, RecordId, Option<&'a IdentityKey>);

impl<'s, 'a> Reasons<'s, 'a> {
    pub(crate) fn gather(question: &Question<'a>, shared: &'s Shared<'a>, forest: &mut Forest<'_>) -> Self {
        let mut reasons = Self { shared, holders: HashMap::new(), decisions: HashMap::new() };
        for key in &shared.keys {
            let mut by_age = key.holders.clone();
            by_age.sort_unstable_by_key(|&place| shared.live[place as usize].record.id);
            for place in by_age {
                let forms = reasons.holders.entry((forest.root(place), key.id)).or_default();
                let form = forest.form(place);
                match forms.iter_mut().find(|oldest| oldest.form == form) {
                    Some(oldest) => oldest.second = oldest.second.or(Some(place)),
                    None => forms.push(Oldest { form, first: place, second: None }),
                }
            }
        }
        for decision in question.decisions.iter().filter(|d| d.verdict == Verdict::MustLink) {
            reasons.decisions.entry(decision.a).or_default().push(decision);
            reasons.decisions.entry(decision.b).or_default().push(decision);
        }
        reasons
    }

    /// One of the record's keys was found generic just now, so reasons that name it are void.
    pub(crate) fn lost_a_key(&self, candidate: &Candidate) -> bool {
        let learned = &self.shared.learned;
        !learned.is_empty() && candidate.normalised.keys.iter().any(|key| learned.binary_search(&key).is_ok())
    }

    /// The reason of the record at `place`; `fellows` are the ids of its cluster, sorted.
    pub(crate) fn of(&self, forest: &mut Forest<'_>, place: u32, fellows: &[RecordId]) -> LinkReason {
        let id = self.record(place).record.id;
        if fellows.first() == Some(&id) {
            return LinkReason::First;
        }
        let decided = self.by_decision(id, fellows);
        let shared = self.by_key(forest, place);
        let best = decided.into_iter().chain(shared).min_by(|a, b| a.0.cmp(&b.0));
        best.map_or(LinkReason::First, |(_, reason)| reason)
    }

    fn by_decision(&self, id: RecordId, fellows: &[RecordId]) -> Option<(Rank<'a>, LinkReason)> {
        let about = self.decisions.get(&id).into_iter().flatten();
        let partners = about.map(|d| (if d.a == id { d.b } else { d.a }, d.id));
        let (with, decision) =
            partners.filter(|(other, _)| *other != id && fellows.binary_search(other).is_ok()).min()?;
        Some(((with > id, 0, with, None), LinkReason::Decision { decision: decision.to_string(), with }))
    }

    fn by_key(&self, forest: &mut Forest<'_>, place: u32) -> Option<(Rank<'a>, LinkReason)> {
        let candidate = self.record(place);
        let (id, root, form) = (candidate.record.id, forest.root(place), forest.form(place));
        let mut best: Option<(Rank<'a>, NameVerdict)> = None;
        for key in &candidate.normalised.keys {
            let Some((&(_, key), forms)) = self.holders.get_key_value(&(root, key)) else {
                continue;
            };
            for oldest in forms {
                let partner = if oldest.first == place { oldest.second } else { Some(oldest.first) };
                let names = forest.verdict(form, oldest.form);
                let (Some(partner), Some(level)) = (partner, keys::level(names, key.kind)) else {
                    continue;
                };
                let with = self.record(partner).record.id;
                let rank = (with > id, level + 1, with, Some(key));
                if best.as_ref().is_none_or(|(known, _)| rank < *known) {
                    best = Some((rank, names));
                }
            }
        }
        let (rank, names) = best?;
        let key = rank.3?;
        let reason = LinkReason::SharedKey { kind: key.kind, value: key.value.clone(), with: rank.2, names };
        Some((rank, reason))
    }

    fn record(&self, place: u32) -> &'a Candidate {
        self.shared.live[place as usize]
    }
}
