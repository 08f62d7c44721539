//! Survivorship: which of the linked records' values a customer shows, and from which record each came.
//!
//! One rule, field by field: the value most records agree on (compared in folded form), then the one of the newest
//! record, then the longest, then the greatest text. What differs from the rule:
//! - `name`: a full name before half a one; Hanzi or words, whichever more full names are written in; `given_name` and
//!   `family_name` come from records whose name has the same form, or at least the same script.
//! - the address is taken as one block, the most complete first, so that no customer lives in two cities at once.
//! - `emails` and `phones`: all of them, best supported first, an address once however it is tagged.
//! - `tags`: the union.
//!
//! It refuses to invent: a field nobody states stays empty. The order of `records` means nothing.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use rejoin_model::customer::{Customer, Golden};
use rejoin_model::record::PartyKind;
use rejoin_model::{CustomerId, RecordId};

use crate::Candidate;
use crate::name::{NameForm, written_name};
use crate::normalise::{email, fold};

/// Computes the golden record of live records that belong to one customer.
pub fn golden(id: CustomerId, records: &[&Candidate]) -> Customer {
    let (name, form) = name(records);
    let like = |field: fn(&Candidate) -> Option<&String>| part_of_name(records, form, field);
    let address = address(records);
    let line = |field: fn(&Candidate) -> Option<&String>| {
        address.and_then(|c| {
            field(c).and_then(|text| filled(text)).map(|value| Golden { value, from: c.record.id })
        })
    };
    Customer {
        id,
        kind: kind(records, form),
        given_name: like(|c| c.record.party.given_name.as_ref()),
        family_name: like(|c| c.record.party.family_name.as_ref()),
        name,
        company: agreed(records, |c| c.record.party.company.as_ref()),
        emails: supported(
            records,
            |c| &c.normalised.emails,
            |address| email(address).map_or_else(|| address.to_owned(), |e| e.key),
        ),
        phones: supported(records, |c| &c.normalised.phones, str::to_owned),
        street: line(|c| c.record.party.street.as_ref()),
        city: line(|c| c.record.party.city.as_ref()),
        postcode: line(|c| c.record.party.postcode.as_ref()),
        country: line(|c| c.record.party.country.as_ref())
            .or_else(|| agreed(records, |c| c.record.party.country.as_ref())),
        language: agreed(records, |c| c.record.party.language.as_ref()),
        zone: agreed(records, |c| c.record.party.zone.as_ref()),
        birth_date: agreed(records, |c| c.normalised.birth_date.as_ref()),
        tags: records
            .iter()
            .flat_map(|c| &c.record.party.tags)
            .cloned()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        records: records.len() as u32,
    }
}

fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The value most records agree on, then the newest record's, then the longest.
fn agreed(records: &[&Candidate], field: impl Fn(&Candidate) -> Option<&String>) -> Option<Golden> {
    best(records.iter().filter_map(|c| Some((c.record.id, field(c).and_then(|text| filled(text))?))))
}

fn best(stated: impl Iterator<Item = (RecordId, String)>) -> Option<Golden> {
    let mut groups: BTreeMap<String, Vec<(RecordId, String)>> = BTreeMap::new();
    for (from, value) in stated {
        groups.entry(fold(&value)).or_default().push((from, value));
    }
    let newest = |group: &[(RecordId, String)]| {
        group.iter().map(|(from, value)| (*from, value.len(), value.clone())).max()
    };
    let (_, group) = groups.into_iter().max_by_key(|(_, group)| (group.len(), newest(group)))?;
    // Within the group, the writing most records use.
    let mut writings: BTreeMap<&str, (usize, RecordId)> = BTreeMap::new();
    for (from, value) in &group {
        let writing = writings.entry(value).or_insert((0, *from));
        *writing = (writing.0 + 1, writing.1.max(*from));
    }
    let (value, (_, from)) =
        writings.into_iter().max_by_key(|(value, (count, from))| (*count, *from, value.len()))?;
    Some(Golden { value: value.to_owned(), from })
}

/// The name shown, and its form.
fn name<'a>(records: &[&'a Candidate]) -> (Option<Golden>, Option<&'a NameForm>) {
    let named: Vec<&Candidate> =
        records.iter().copied().filter(|c| !c.normalised.name.is_missing()).collect();
    let full = |c: &&&Candidate| c.normalised.name.is_full();
    let in_han = named.iter().filter(full).filter(|c| !c.normalised.name.han.is_empty()).count();
    let in_words = named.iter().filter(full).filter(|c| c.normalised.name.han.is_empty()).count();
    let mut forms: BTreeMap<&NameForm, Vec<&Candidate>> = BTreeMap::new();
    for candidate in named {
        forms.entry(&candidate.normalised.name).or_default().push(candidate);
    }
    let rank = |form: &NameForm, group: &[&Candidate]| {
        let script = if form.han.is_empty() { in_words } else { in_han };
        (form.is_full(), script, group.len(), group.iter().map(|c| c.record.id).max())
    };
    let Some((form, group)) = forms.into_iter().max_by_key(|(form, group)| rank(form, group)) else {
        return (None, None);
    };
    let written = |c: &&Candidate| {
        let name =
            written_name(&c.record.party).or_else(|| c.record.party.company.as_deref().and_then(filled));
        name.map(|name| (c.record.id, name))
    };
    (best(group.iter().filter_map(written)), Some(form))
}

/// A given or family name of a record whose name is the golden one, or is at least written in its script.
fn part_of_name(
    records: &[&Candidate],
    form: Option<&NameForm>,
    field: impl Fn(&Candidate) -> Option<&String>,
) -> Option<Golden> {
    let form = form?;
    let same: Vec<&Candidate> = records.iter().copied().filter(|c| c.normalised.name == *form).collect();
    let in_script = |c: &&Candidate| c.normalised.name.han.is_empty() == form.han.is_empty();
    agreed(&same, &field)
        .or_else(|| agreed(&records.iter().copied().filter(in_script).collect::<Vec<_>>(), &field))
}

fn kind(records: &[&Candidate], form: Option<&NameForm>) -> PartyKind {
    let count = |kind| records.iter().filter(|c| c.record.party.kind == kind).count();
    let (persons, organisations) = (count(PartyKind::Person), count(PartyKind::Organisation));
    match (persons.cmp(&organisations), form) {
        (std::cmp::Ordering::Greater, _) => PartyKind::Person,
        (std::cmp::Ordering::Less, _) => PartyKind::Organisation,
        (_, Some(form)) if form.organisation => PartyKind::Organisation,
        _ => PartyKind::Unknown,
    }
}

/// The record whose address is shown: the most complete address, then the one most records state, then the newest.
fn address<'a>(records: &[&'a Candidate]) -> Option<&'a Candidate> {
    let block = |c: &Candidate| {
        let party = &c.record.party;
        [&party.street, &party.city, &party.postcode]
            .map(|line| line.as_deref().and_then(filled).map(|text| fold(&text)))
    };
    let mut support: BTreeMap<[Option<String>; 3], usize> = BTreeMap::new();
    for candidate in records {
        *support.entry(block(candidate)).or_default() += 1;
    }
    let rank = |c: &&&Candidate| {
        let lines = block(c);
        (lines.iter().flatten().count(), support.get(&lines).copied(), c.record.id)
    };
    records.iter().filter(|c| block(c).iter().any(Option::is_some)).max_by_key(rank).copied()
}

/// Every value, best supported first, then the newest; values with one key are one, in the writing most used.
fn supported<'a>(
    records: &[&'a Candidate],
    values: impl Fn(&'a Candidate) -> &'a Vec<String>,
    key: impl Fn(&str) -> String,
) -> Vec<Golden> {
    let mut groups: BTreeMap<String, Vec<(RecordId, String)>> = BTreeMap::new();
    for candidate in records {
        for value in values(candidate) {
            groups.entry(key(value)).or_default().push((candidate.record.id, value.clone()));
        }
    }
    let mut ranked: Vec<_> = groups
        .into_values()
        .filter_map(|group| {
            Some((
                Reverse(group.len()),
                Reverse(group.iter().map(|(from, _)| *from).max()?),
                best(group.into_iter())?,
            ))
        })
        .collect();
    ranked.sort_by(|a, b| (&a.0, &a.1, &a.2.value).cmp(&(&b.0, &b.1, &b.2.value)));
    ranked.into_iter().map(|(_, _, golden)| golden).collect()
}
