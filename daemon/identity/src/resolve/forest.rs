//! Clusters that grow by union, and the guards that forbid a union.
//!
//! Guards look at whole clusters, not at the pair that shares a key: that is what stops one bad edge from gluing two
//! people. A guard that objects to two clusters goes on objecting to what grows out of them, except where a person put
//! contradicting records together: then one agreeing member is enough for a newcomer.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rejoin_model::RecordId;
use rejoin_model::customer::{Decision, NameVerdict, Verdict};

use super::keys::Shared;
use crate::name::{NameForm, compare};
use crate::normalise::birth_dates_agree;
use crate::{Candidate, Question, Rules};

/// Why two clusters may not become one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Guard {
    Decision(i64),
    NationalIds(String, String),
    BirthDates(String, String),
    Names,
    UniqueConnector(Arc<str>),
}

/// What the guards need to know of a cluster.
#[derive(Debug, Default)]
struct Cluster<'a> {
    members: Vec<u32>,
    /// Numbers of name forms. Names in one group were declared one party's by a person; a newcomer needs to get on
    /// with one of them.
    names: Vec<Vec<u32>>,
    national_ids: Vec<&'a str>,
    birth_dates: Vec<&'a str>,
    unique: Vec<&'a Arc<str>>,
    /// Cannot-links of members: (the other record, the decision).
    apart: Vec<(u32, i64)>,
    /// A person put it together, so what it holds is no contradiction.
    decided: bool,
}

pub(crate) struct Forest<'a> {
    parent: Vec<u32>,
    clusters: Vec<Cluster<'a>>,
    forms: Vec<&'a NameForm>,
    /// Number of each record's name form; `None` for a missing name.
    form_of: Vec<Option<u32>>,
    verdicts: HashMap<(u32, u32), NameVerdict>,
}

impl<'a> Forest<'a> {
    /// Every live record a cluster of its own. Records are known by their place in `shared.live`.
    pub(crate) fn plant(rules: &'a Rules, shared: &Shared<'a>) -> Self {
        let mut numbers: HashMap<&NameForm, u32> = HashMap::new();
        let mut forest = Self {
            parent: (0..shared.live.len() as u32).collect(),
            clusters: Vec::with_capacity(shared.live.len()),
            forms: Vec::new(),
            form_of: Vec::with_capacity(shared.live.len()),
            verdicts: HashMap::new(),
        };
        for (place, candidate) in (0u32..).zip(&shared.live) {
            let name = &candidate.normalised.name;
            let form = (!name.is_missing()).then(|| {
                *numbers.entry(name).or_insert_with(|| {
                    forest.forms.push(name);
                    forest.forms.len() as u32 - 1
                })
            });
            forest.form_of.push(form);
            forest.clusters.push(single(rules, place, candidate, form));
        }
        forest
    }

    /// Applies people's decisions, newest first: a newer word outweighs an older one, also through third records.
    pub(crate) fn obey(&mut self, question: &Question<'a>, places: &HashMap<RecordId, u32>) {
        let mut decisions: Vec<&Decision> = question.decisions.iter().collect();
        decisions.sort_by_key(|d| std::cmp::Reverse((d.at, d.id)));
        for decision in decisions {
            let (Some(&a), Some(&b)) = (places.get(&decision.a), places.get(&decision.b)) else {
                continue;
            };
            let (a_root, b_root) = (self.root(a), self.root(b));
            if a_root == b_root {
                continue;
            }
            match decision.verdict {
                Verdict::CannotLink => {
                    self.clusters[a_root as usize].apart.push((b, decision.id));
                    self.clusters[b_root as usize].apart.push((a, decision.id));
                }
                Verdict::MustLink if self.kept_apart(a_root, b_root).is_none() => {
                    let root = self.join(a_root, b_root);
                    let cluster = &mut self.clusters[root as usize];
                    cluster.decided = true;
                    cluster.names = vec![cluster.names.concat()];
                    cluster.names.retain(|group| !group.is_empty());
                }
                Verdict::MustLink => {}
            }
        }
    }

    pub(crate) fn root(&mut self, place: u32) -> u32 {
        let mut at = place;
        while self.parent[at as usize] != at {
            let above = self.parent[self.parent[at as usize] as usize];
            self.parent[at as usize] = above;
            at = above;
        }
        at
    }

    pub(crate) fn members(&self, root: u32) -> &[u32] {
        &self.clusters[root as usize].members
    }

    pub(crate) fn form(&self, place: u32) -> Option<u32> {
        self.form_of[place as usize]
    }

    /// Whether any member of the cluster has a name.
    pub(crate) fn is_named(&self, root: u32) -> bool {
        !self.clusters[root as usize].names.is_empty()
    }

    /// Unites two clusters unless a guard objects; says whether they are one now.
    pub(crate) fn unite(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        if a != b && self.objection(a, b).is_some() {
            return false;
        }
        self.join(a, b);
        true
    }

    /// The first guard that objects to a union of two clusters.
    pub(crate) fn objection(&mut self, a: u32, b: u32) -> Option<Guard> {
        if let Some(decision) = self.kept_apart(a, b) {
            return Some(Guard::Decision(decision));
        }
        let (one, two) = (&self.clusters[a as usize], &self.clusters[b as usize]);
        if let Some((x, y)) = disjoint(&one.national_ids, &two.national_ids) {
            return Some(Guard::NationalIds(x, y));
        }
        if let Some((x, y)) = dates_conflict(one, two) {
            return Some(Guard::BirthDates(x, y));
        }
        if let Some(connector) = one.unique.iter().find(|c| two.unique.contains(c)) {
            return Some(Guard::UniqueConnector(Arc::clone(connector)));
        }
        self.names_differ(a, b).then_some(Guard::Names)
    }

    pub(crate) fn verdict(&mut self, a: Option<u32>, b: Option<u32>) -> NameVerdict {
        let (Some(a), Some(b)) = (a, b) else {
            return NameVerdict::Missing;
        };
        if a == b {
            return NameVerdict::Same;
        }
        let forms = &self.forms;
        let pair = (a.min(b), a.max(b));
        *self.verdicts.entry(pair).or_insert_with(|| compare(forms[a as usize], forms[b as usize]))
    }

    fn kept_apart(&mut self, a: u32, b: u32) -> Option<i64> {
        let (a, b) = if self.clusters[a as usize].apart.len() <= self.clusters[b as usize].apart.len() {
            (a, b)
        } else {
            (b, a)
        };
        (0..self.clusters[a as usize].apart.len()).find_map(|i| {
            let (other, decision) = self.clusters[a as usize].apart[i];
            (self.root(other) == b).then_some(decision)
        })
    }

    /// Whether some group of names of one cluster has no like in some group of the other.
    fn names_differ(&mut self, a: u32, b: u32) -> bool {
        let (one, two) = (self.clusters[a as usize].names.clone(), self.clusters[b as usize].names.clone());
        one.iter().any(|group| {
            two.iter().any(|other| {
                !group
                    .iter()
                    .any(|&x| other.iter().any(|&y| self.verdict(Some(x), Some(y)) != NameVerdict::Different))
            })
        })
    }

    /// Makes two clusters one, whatever the guards say; returns its root.
    fn join(&mut self, a: u32, b: u32) -> u32 {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return a;
        }
        let bigger = self.clusters[a as usize].members.len() >= self.clusters[b as usize].members.len();
        let (root, other) = if bigger { (a, b) } else { (b, a) };
        self.parent[other as usize] = root;
        let taken = std::mem::take(&mut self.clusters[other as usize]);
        let cluster = &mut self.clusters[root as usize];
        cluster.members.extend(taken.members);
        add_new(&mut cluster.names, taken.names);
        add_new(&mut cluster.national_ids, taken.national_ids);
        add_new(&mut cluster.birth_dates, taken.birth_dates);
        cluster.unique.extend(taken.unique);
        cluster.apart.extend(taken.apart);
        cluster.decided |= taken.decided;
        root
    }
}

fn single<'a>(rules: &'a Rules, place: u32, candidate: &'a Candidate, form: Option<u32>) -> Cluster<'a> {
    let normalised = &candidate.normalised;
    Cluster {
        members: vec![place],
        names: form.map(|form| vec![form]).into_iter().collect(),
        national_ids: normalised.national_id.as_deref().into_iter().collect(),
        birth_dates: normalised.birth_date.as_deref().into_iter().collect(),
        unique: rules.unique_connectors.get(&candidate.record.key.connector).into_iter().collect(),
        apart: Vec::new(),
        decided: false,
    }
}

fn add_new<T: PartialEq>(values: &mut Vec<T>, more: Vec<T>) {
    for value in more {
        if !values.contains(&value) {
            values.push(value);
        }
    }
}

/// Both have one, and none in common. (A cluster has several only when a person put it together.)
fn disjoint(one: &[&str], two: &[&str]) -> Option<(String, String)> {
    let (x, y) = (one.first()?, two.first()?);
    (!one.iter().any(|id| two.contains(id))).then(|| ((*x).to_owned(), (*y).to_owned()))
}

fn dates_conflict(one: &Cluster<'_>, two: &Cluster<'_>) -> Option<(String, String)> {
    let pairs = || one.birth_dates.iter().flat_map(|x| two.birth_dates.iter().map(move |y| (*x, *y)));
    let conflict = pairs().find(|(x, y)| !birth_dates_agree(x, y))?;
    let forgiven = (one.decided || two.decided) && pairs().any(|(x, y)| birth_dates_agree(x, y));
    (!forgiven).then(|| (conflict.0.to_owned(), conflict.1.to_owned()))
}

/// Where each live record stands.
pub(crate) fn places(shared: &Shared<'_>, wanted: &[Decision]) -> HashMap<RecordId, u32> {
    let wanted: HashSet<RecordId> = wanted.iter().flat_map(|d| [d.a, d.b]).collect();
    let all = (0u32..).zip(&shared.live);
    all.filter(|(_, c)| wanted.contains(&c.record.id)).map(|(place, c)| (c.record.id, place)).collect()
}
