//! Why two records are one customer, or are not: the evidence, the guard that objected, and what would change it.
//!
//! [`explain`] looks at two records alone. What a whole component decides (a third record between them, an ambiguous
//! key) is told by [`path`], over the same closed question that [`resolve`](crate::resolve()) gets.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet, VecDeque};

use rejoin_model::RecordId;
use rejoin_model::customer::{Decision, IdentityKey, KeyKind, LinkReason, NameVerdict, Verdict};

use crate::name::{compare, written_name};
use crate::normalise::birth_dates_agree;
use crate::resolve::{keys, partition};
use crate::{Candidate, Question, Rules};

/// What two records, looked at alone, say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairVerdict {
    /// A person said they are one.
    Decided,
    /// They share a key, and nothing objects.
    Tied,
    /// They share a key, and a guard objects.
    Barred,
    /// They share nothing that ties.
    Unrelated,
}

/// How one field of the two records compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldVerdict {
    Agrees,
    Similar,
    /// At least one side says nothing, or the two cannot be compared.
    Silent,
    Differs,
    /// Equal, but shared by so many that it means nothing.
    Generic,
}

/// One line of the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub field: &'static str,
    pub a: String,
    pub b: String,
    pub verdict: FieldVerdict,
    pub note: String,
}

/// The answer to "why are these two (not) one customer?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    pub verdict: PairVerdict,
    pub evidence: Vec<Evidence>,
    /// The guard that forbids the merge, as a sentence.
    pub guard: Option<String>,
    /// What would change the verdict, as a sentence.
    pub flip: Option<String>,
}

/// Compares two records under the decisions about them and the known generic keys.
pub fn explain(
    a: &Candidate,
    b: &Candidate,
    decisions: &[Decision],
    generic: &HashSet<IdentityKey>,
) -> Explanation {
    let names = compare(&a.normalised.name, &b.normalised.name);
    let mut evidence = vec![name_evidence(a, b, names)];
    evidence.extend(key_evidence(a, b, generic));
    evidence.extend(birth_evidence(a, b));
    let strongest = strongest(a, b, names, generic);
    let decision = newest(a, b, decisions);
    let guard = guard(a, b, names, decision);
    let verdict = match (decision.map(|d| d.verdict), &guard, strongest) {
        (Some(Verdict::MustLink), ..) => PairVerdict::Decided,
        (_, Some(_), _) if shares_key(a, b, generic) || decision.is_some() => PairVerdict::Barred,
        (_, None, Some(_)) => PairVerdict::Tied,
        _ => PairVerdict::Unrelated,
    };
    let flip = flip(verdict, decision, names, &guard);
    Explanation { verdict, evidence, guard, flip }
}

/// The edges that lead from one record to the other inside their customer, fewest first; `None` when they are not one
/// customer under `question`. Each edge is (from, reason naming the record it leads to).
pub fn path(
    from: RecordId,
    to: RecordId,
    rules: &Rules,
    question: Question<'_>,
) -> Option<Vec<(RecordId, LinkReason)>> {
    let shared = keys::Shared::gather(&question);
    let mut forest = partition(rules, &question, &shared);
    let place =
        |id: RecordId| (0u32..).zip(&shared.live).find(|(_, c)| c.record.id == id).map(|(place, _)| place);
    let (start, goal) = (place(from)?, place(to)?);
    let root = forest.root(start);
    if root != forest.root(goal) {
        return None;
    }
    let mut members = forest.members(root).to_vec();
    members.sort_unstable();
    let members: Vec<&Candidate> = members.iter().map(|&place| shared.live[place as usize]).collect();
    let generic: HashSet<&IdentityKey> =
        question.generic.iter().chain(shared.learned.iter().copied()).collect();
    let mut came: HashMap<RecordId, (RecordId, LinkReason)> = HashMap::new();
    let mut queue = VecDeque::from([shared.live[start as usize]]);
    while let Some(here) = queue.pop_front().filter(|_| !came.contains_key(&to)) {
        for next in &members {
            let id = next.record.id;
            if id != from
                && !came.contains_key(&id)
                && let Some(reason) = edge(here, next, question.decisions, &generic)
            {
                came.insert(id, (here.record.id, reason));
                queue.push_back(next);
            }
        }
    }
    let mut steps = Vec::new();
    let mut at = to;
    while at != from {
        let (before, reason) = came.remove(&at)?;
        at = before;
        steps.push((before, reason));
    }
    steps.reverse();
    Some(steps)
}

/// The strongest direct tie of two records, guards aside.
fn edge(
    a: &Candidate,
    b: &Candidate,
    decisions: &[Decision],
    generic: &HashSet<&IdentityKey>,
) -> Option<LinkReason> {
    let with = b.record.id;
    if let Some(decision) = newest(a, b, decisions).filter(|d| d.verdict == Verdict::MustLink) {
        return Some(LinkReason::Decision { decision: decision.id.to_string(), with });
    }
    let names = compare(&a.normalised.name, &b.normalised.name);
    let shared =
        a.normalised.keys.iter().filter(|key| b.normalised.keys.contains(key) && !generic.contains(key));
    let (_, key) = shared.filter_map(|key| Some((keys::level(names, key.kind)?, key))).min()?;
    Some(LinkReason::SharedKey { kind: key.kind, value: key.value.clone(), with, names })
}

fn newest<'d>(a: &Candidate, b: &Candidate, decisions: &'d [Decision]) -> Option<&'d Decision> {
    let (a, b) = (a.record.id, b.record.id);
    let about = decisions.iter().filter(|d| (d.a, d.b) == (a, b) || (d.a, d.b) == (b, a));
    about.max_by_key(|d| (d.at, d.id))
}

fn shares_key(a: &Candidate, b: &Candidate, generic: &HashSet<IdentityKey>) -> bool {
    a.normalised.keys.iter().any(|key| b.normalised.keys.contains(key) && !generic.contains(key))
}

fn strongest(
    a: &Candidate,
    b: &Candidate,
    names: NameVerdict,
    generic: &HashSet<IdentityKey>,
) -> Option<usize> {
    let shared =
        a.normalised.keys.iter().filter(|key| b.normalised.keys.contains(key) && !generic.contains(key));
    shared.filter_map(|key| keys::level(names, key.kind)).min()
}

fn guard(a: &Candidate, b: &Candidate, names: NameVerdict, decision: Option<&Decision>) -> Option<String> {
    let (one, two) = (&a.normalised, &b.normalised);
    if let Some(decision) = decision {
        return (decision.verdict == Verdict::CannotLink)
            .then(|| format!("{} decided that the two are different parties.", decision.who));
    }
    if let (Some(x), Some(y)) = (&one.national_id, &two.national_id)
        && x != y
    {
        return Some("They have two different national ids.".to_owned());
    }
    if let (Some(x), Some(y)) = (&one.birth_date, &two.birth_date)
        && !birth_dates_agree(x, y)
    {
        return Some(format!("Their birth dates conflict: {x} and {y}."));
    }
    (names == NameVerdict::Different).then(|| "Their names are different.".to_owned())
}

fn flip(
    verdict: PairVerdict,
    decision: Option<&Decision>,
    names: NameVerdict,
    guard: &Option<String>,
) -> Option<String> {
    let text = match (verdict, guard) {
        (PairVerdict::Decided, _) => "Withdrawing the decision, or a newer one that parts them.",
        (PairVerdict::Tied, _) => {
            "A decision that parts them, or a national id, birth date or name that contradicts."
        }
        (PairVerdict::Barred, Some(_)) if decision.is_some() => "Withdrawing the decision that parts them.",
        (PairVerdict::Barred, _) => {
            "Correcting the conflicting field at its source, or a decision that links them."
        }
        (PairVerdict::Unrelated, None) if names == NameVerdict::OtherScript => {
            "A shared e-mail, external key or national id (a phone alone does not do while the names cannot be compared), \
             or a decision that links them."
        }
        (PairVerdict::Unrelated, None) => {
            "A shared e-mail, phone, external key or national id that is not generic, or a decision that links them."
        }
        (PairVerdict::Unrelated, Some(_)) => {
            "A decision that links them; a shared key alone would not, for the conflict above."
        }
    };
    Some(text.to_owned())
}

fn name_evidence(a: &Candidate, b: &Candidate, names: NameVerdict) -> Evidence {
    let shown = |c: &Candidate| {
        written_name(&c.record.party).or_else(|| c.record.party.company.clone()).unwrap_or_default()
    };
    let (verdict, note) = match names {
        NameVerdict::Same => (FieldVerdict::Agrees, "the same name"),
        NameVerdict::Similar => (FieldVerdict::Similar, "one name plausibly written in two ways"),
        NameVerdict::OtherScript => (FieldVerdict::Silent, "scripts that cannot be compared"),
        NameVerdict::Missing => (FieldVerdict::Silent, "a name is missing"),
        NameVerdict::Different => (FieldVerdict::Differs, "different names"),
    };
    Evidence { field: "name", a: shown(a), b: shown(b), verdict, note: note.to_owned() }
}

/// A line for each shared key, and one for each kind both have without sharing any.
fn key_evidence(a: &Candidate, b: &Candidate, generic: &HashSet<IdentityKey>) -> Vec<Evidence> {
    let mut lines = Vec::new();
    for (field, kind) in KeyKind::ALL {
        let of = |c: &Candidate| {
            c.normalised.keys.iter().filter(|key| key.kind == *kind).cloned().collect::<Vec<_>>()
        };
        let (ours, theirs) = (of(a), of(b));
        let common: Vec<&IdentityKey> = ours.iter().filter(|key| theirs.contains(key)).collect();
        for key in &common {
            let (verdict, note) = if generic.contains(key) {
                (FieldVerdict::Generic, "shared by too many parties to mean anything")
            } else {
                (FieldVerdict::Agrees, "shared")
            };
            lines.push(Evidence {
                field,
                a: key.value.clone(),
                b: key.value.clone(),
                verdict,
                note: note.to_owned(),
            });
        }
        if common.is_empty() && !(ours.is_empty() && theirs.is_empty()) {
            let listed = |keys: &[IdentityKey]| {
                keys.iter().map(|key| key.value.as_str()).collect::<Vec<_>>().join(", ")
            };
            let both = !ours.is_empty() && !theirs.is_empty();
            let (verdict, note) = if both {
                (FieldVerdict::Differs, "none shared")
            } else {
                (FieldVerdict::Silent, "only one has any")
            };
            lines.push(Evidence {
                field,
                a: listed(&ours),
                b: listed(&theirs),
                verdict,
                note: note.to_owned(),
            });
        }
    }
    lines
}

fn birth_evidence(a: &Candidate, b: &Candidate) -> Option<Evidence> {
    let (one, two) = (a.normalised.birth_date.clone(), b.normalised.birth_date.clone());
    let (verdict, note) = match (&one, &two) {
        (None, None) => return None,
        (Some(x), Some(y)) if x == y => (FieldVerdict::Agrees, "the same day"),
        (Some(x), Some(y)) if birth_dates_agree(x, y) => (FieldVerdict::Similar, "one slip of the pen apart"),
        (Some(_), Some(_)) => (FieldVerdict::Differs, "conflict"),
        _ => (FieldVerdict::Silent, "only one is known"),
    };
    let shown = |date: Option<String>| date.unwrap_or_default();
    Some(Evidence { field: "birth_date", a: shown(one), b: shown(two), verdict, note: note.to_owned() })
}
