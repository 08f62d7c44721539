//! Which keys are shared by which records, how strong that is, and which keys are too common to mean anything.
//!
//! A key is *generic* when it is shared by more different parties than one party can plausibly look like. Every
//! measure counts the distinct values of a function of single records, over live and deleted ones, so that more
//! records never make a generic key specific again, and any order of arrival learns the same keys.

use std::collections::{HashMap, HashSet};

use rejoin_model::customer::{IdentityKey, KeyKind, NameVerdict};

use crate::name::NameForm;
use crate::{Candidate, Question};

/// More different parties than this behind one key, by their names or, for those without, their other keys: generic.
pub(crate) const GENERIC_NAMES_MAX: usize = 8;
/// More different spellings than this: generic, however alike. Bounds the comparisons made over one key.
pub(crate) const GENERIC_FORMS_MAX: usize = 64;
/// More records than this, whoever they are of: generic. It bounds what has to be looked at together.
pub(crate) const GENERIC_RECORDS_MAX: usize = 2_000;

/// Kinds of evidence, strongest first. A phone with names that cannot be compared is none: households share phones.
pub(crate) const LEVELS: &[(NameVerdict, KeyKind)] = &[
    (NameVerdict::Same, KeyKind::NationalId),
    (NameVerdict::Same, KeyKind::External),
    (NameVerdict::Similar, KeyKind::NationalId),
    (NameVerdict::Similar, KeyKind::External),
    (NameVerdict::OtherScript, KeyKind::NationalId),
    (NameVerdict::OtherScript, KeyKind::External),
    (NameVerdict::Same, KeyKind::Email),
    (NameVerdict::Same, KeyKind::Phone),
    (NameVerdict::Similar, KeyKind::Email),
    (NameVerdict::Similar, KeyKind::Phone),
    (NameVerdict::OtherScript, KeyKind::Email),
    (NameVerdict::Missing, KeyKind::NationalId),
    (NameVerdict::Missing, KeyKind::External),
    (NameVerdict::Missing, KeyKind::Email),
    (NameVerdict::Missing, KeyKind::Phone),
];

/// Place in [`LEVELS`], 0 the strongest; `None` when it ties nothing.
pub(crate) fn level(names: NameVerdict, kind: KeyKind) -> Option<usize> {
    LEVELS.iter().position(|level| *level == (names, kind))
}

/// A key of two live records or more.
pub(crate) struct SharedKey<'a> {
    pub(crate) id: &'a IdentityKey,
    /// Places of live records in [`Shared::live`], in canonical order.
    pub(crate) holders: Vec<u32>,
}

/// The live records in canonical order, and the keys they share.
pub(crate) struct Shared<'a> {
    /// Sorted by the records' own names: what every tie is broken by.
    pub(crate) live: Vec<&'a Candidate>,
    /// Sorted, so that work is done in the same order whatever the order of records.
    pub(crate) keys: Vec<SharedKey<'a>>,
    /// Keys found generic here, beyond those the question named.
    pub(crate) learned: Vec<&'a IdentityKey>,
}

impl<'a> Shared<'a> {
    pub(crate) fn gather(question: &Question<'a>) -> Self {
        let mut live: Vec<&Candidate> = question.records.iter().filter(|c| !c.record.deleted).collect();
        live.sort_unstable_by(|a, b| a.record.key.cmp(&b.record.key));
        let deleted = question.records.iter().filter(|c| c.record.deleted);
        let (mut holders, mut former) = (HashMap::<_, Vec<u32>>::new(), HashMap::<_, Vec<&Candidate>>::new());
        for (place, candidate) in (0u32..).zip(&live) {
            for key in candidate.normalised.keys.iter().filter(|key| !question.generic.contains(key)) {
                holders.entry(key).or_default().push(place);
            }
        }
        for candidate in deleted {
            for key in candidate.normalised.keys.iter().filter(|key| !question.generic.contains(key)) {
                former.entry(key).or_default().push(candidate);
            }
        }
        let mut shared = Self { live, keys: Vec::new(), learned: Vec::new() };
        for (key, places) in holders {
            shared.admit(key, places, former.remove(key).unwrap_or_default());
        }
        for (key, gone) in former {
            shared.admit(key, Vec::new(), gone);
        }
        shared.keys.sort_unstable_by_key(|key| key.id);
        shared.learned.sort_unstable();
        shared
    }

    fn admit(&mut self, key: &'a IdentityKey, places: Vec<u32>, gone: Vec<&'a Candidate>) {
        let holders = places.len() + gone.len();
        if holders > GENERIC_NAMES_MAX {
            let all = places.iter().map(|&place| self.live[place as usize]).chain(gone);
            if holders > GENERIC_RECORDS_MAX || is_generic(key, all) {
                self.learned.push(key);
                return;
            }
        }
        if places.len() > 1 {
            self.keys.push(SharedKey { id: key, holders: places });
        }
    }
}

fn is_generic<'a>(key: &IdentityKey, holders: impl Iterator<Item = &'a Candidate>) -> bool {
    let (mut voices, mut forms) = (HashSet::<String>::new(), HashSet::<&NameForm>::new());
    let (mut ids, mut births) = (HashSet::<&str>::new(), HashSet::<&str>::new());
    holders.into_iter().any(|candidate| {
        let normalised = &candidate.normalised;
        if forms.insert(&normalised.name) {
            voices.extend(normalised.name.voice());
        }
        if normalised.name.is_missing() {
            voices.extend(unnamed_voice(candidate, key));
        }
        ids.extend(normalised.national_id.as_deref());
        births.extend(normalised.birth_date.as_deref());
        voices.len().max(ids.len()).max(births.len()) > GENERIC_NAMES_MAX || forms.len() > GENERIC_FORMS_MAX
    })
}

/// A record without a name speaks by another key of its own.
fn unnamed_voice(candidate: &Candidate, key: &IdentityKey) -> Option<String> {
    let other = candidate.normalised.keys.iter().find(|other| *other != key)?;
    Some(format!("{}:{}", other.kind, other.value))
}
