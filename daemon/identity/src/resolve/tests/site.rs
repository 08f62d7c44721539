//! An in-memory store that gathers the closure as the resolve task does, and checks after every step what must hold.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use rejoin_model::customer::{Decision, IdentityKey, LinkReason, Resolution, Verdict};
use rejoin_model::record::{RecordKey, SourceRecord};
use rejoin_model::{Customer, CustomerId, Party, RecordId, Timestamp};

use crate::{Candidate, Defaults, Normalised, Question, Rules, normalise, resolve_under};

/// What the store keeps of records, links and customers, and nothing else.
#[derive(Default)]
pub(super) struct Site {
    pub(super) rules: Rules,
    pub(super) records: BTreeMap<RecordId, SourceRecord>,
    pub(super) links: BTreeMap<RecordId, CustomerId>,
    pub(super) reasons: BTreeMap<RecordId, LinkReason>,
    pub(super) customers: BTreeMap<CustomerId, Customer>,
    pub(super) redirects: BTreeMap<CustomerId, Option<CustomerId>>,
    pub(super) keys: HashMap<RecordId, Vec<IdentityKey>>,
    pub(super) normalised: HashMap<RecordId, Normalised>,
    pub(super) generic: HashSet<IdentityKey>,
    pub(super) decisions: Vec<Decision>,
    pub(super) unresolved: BTreeSet<RecordId>,
    /// Most records settled in one step; without it, all.
    pub(super) batch: Option<usize>,
    pub(super) last_id: i64,
}

impl Site {
    pub(super) fn write(&mut self, key: &str, party: Party) -> RecordId {
        let key = record_key(key);
        let known = self.records.values().find(|r| r.key == key).map(|r| (r.id, r.version));
        let (id, version) = known.unwrap_or((RecordId(self.records.len() as i64 + 1), 0));
        self.normalised.insert(id, normalise(&party, &Defaults { region: "CN".to_owned() }));
        self.records.insert(id, SourceRecord { id, key, party, deleted: false, version: version + 1 });
        self.unresolved.insert(id);
        id
    }

    pub(super) fn delete(&mut self, key: &str) {
        let key = record_key(key);
        if let Some(record) = self.records.values_mut().find(|r| r.key == key) {
            record.deleted = true;
            self.unresolved.insert(record.id);
        }
    }

    pub(super) fn id(&self, key: &str) -> RecordId {
        self.records.values().find(|r| r.key == record_key(key)).unwrap().id
    }

    pub(super) fn decide(&mut self, a: &str, verdict: Verdict, b: &str) {
        let (a, b) = (self.id(a), self.id(b));
        let id = self.decisions.len() as i64 + 1;
        let at = Timestamp(id);
        self.decisions.push(Decision { id, verdict, a, b, who: "eva".to_owned(), at, note: String::new() });
        self.unresolved.extend([a, b]);
    }

    pub(super) fn withdraw_last_decision(&mut self) {
        let decision = self.decisions.pop().unwrap();
        self.unresolved.extend([decision.a, decision.b]);
    }

    /// Runs the resolve task until nothing waits; returns what its last step wrote.
    pub(super) fn settle(&mut self) -> Resolution {
        let mut last = Resolution::default();
        while !self.unresolved.is_empty() {
            let before = self.links.clone();
            let batch = self.unresolved.iter().copied().take(self.batch.unwrap_or(usize::MAX)).collect();
            last = self.step(&batch);
            self.check_ids(&before);
        }
        self.check();
        last
    }

    /// One step of the resolve task.
    pub(super) fn step(&mut self, batch: &BTreeSet<RecordId>) -> Resolution {
        let candidates = self.closure(batch);
        let question = Question { records: &candidates, decisions: &self.decisions, generic: &self.generic };
        let mut last_id = self.last_id;
        let resolution = resolve_under(&self.rules, question, &mut || {
            last_id += 1;
            CustomerId(last_id)
        });
        self.last_id = last_id;
        self.apply(&resolution);
        assert!(batch.is_disjoint(&self.unresolved), "everything asked about is settled");
        resolution
    }

    /// Reaches from the batch over keys as they are now and as they were stored, customers and decisions. Records
    /// are found by their stored keys only, as in the store.
    pub(super) fn closure(&self, batch: &BTreeSet<RecordId>) -> Vec<Candidate> {
        let mut reached = batch.clone();
        loop {
            let customers: HashSet<_> = reached.iter().filter_map(|id| self.links.get(id)).collect();
            let now_and_before =
                |id| self.normalised[id].keys.iter().chain(self.keys.get(id).into_iter().flatten());
            let wanted: HashSet<_> =
                reached.iter().flat_map(now_and_before).filter(|key| !self.generic.contains(key)).collect();
            let decided: HashSet<RecordId> = (self.decisions.iter())
                .filter(|d| reached.contains(&d.a) || reached.contains(&d.b))
                .flat_map(|d| [d.a, d.b])
                .collect();
            let more: Vec<RecordId> = (self.records.keys().copied())
                .filter(|id| !reached.contains(id))
                .filter(|id| {
                    self.keys.get(id).is_some_and(|keys| keys.iter().any(|key| wanted.contains(key)))
                        || self.links.get(id).is_some_and(|customer| customers.contains(customer))
                        || decided.contains(id)
                })
                .collect();
            if more.is_empty() {
                break;
            }
            reached.extend(more);
        }
        let candidate = |id: &RecordId| {
            let (record, normalised) = (self.records[id].clone(), self.normalised[id].clone());
            Candidate {
                record,
                link: self.links.get(id).copied(),
                normalised,
                unresolved: batch.contains(id),
            }
        };
        // Newest first: the answer must not lean on the order of records.
        reached.iter().rev().map(candidate).collect()
    }

    pub(super) fn apply(&mut self, resolution: &Resolution) {
        for link in &resolution.links {
            self.links.insert(link.record, link.customer);
            self.reasons.insert(link.record, link.reason.clone());
        }
        for record in &resolution.unlinked {
            assert!(self.links.remove(record).is_some(), "unlinked what had no link");
            self.reasons.remove(record);
        }
        for (customer, successor) in &resolution.ended {
            assert!(self.customers.remove(customer).is_some(), "ended a customer twice");
            self.redirects.insert(*customer, *successor);
        }
        for customer in &resolution.customers {
            self.customers.insert(customer.id, customer.clone());
        }
        self.keys.extend(resolution.keys.iter().cloned());
        self.generic.extend(resolution.generic.iter().cloned());
        for (record, version) in &resolution.resolved {
            assert_eq!(self.records[record].version, *version);
            assert!(self.unresolved.remove(record));
        }
    }

    pub(super) fn live(&self) -> BTreeSet<RecordId> {
        self.records.values().filter(|r| !r.deleted).map(|r| r.id).collect()
    }

    /// What must hold when nothing waits.
    pub(super) fn check(&self) {
        let live = self.live();
        assert_eq!(
            self.links.keys().copied().collect::<BTreeSet<_>>(),
            live,
            "every live record has a customer"
        );
        let mut members: BTreeMap<CustomerId, BTreeSet<RecordId>> = BTreeMap::new();
        for (record, customer) in &self.links {
            members.entry(*customer).or_default().insert(*record);
        }
        assert!(members.keys().eq(self.customers.keys()), "customers are exactly those with records");
        for (customer, records) in &members {
            assert_eq!(
                self.customers[customer].records as usize,
                records.len(),
                "golden records are up to date"
            );
            let firsts: Vec<_> = records.iter().filter(|r| self.reasons[r] == LinkReason::First).collect();
            assert_eq!(firsts, [records.first().unwrap()], "the oldest record is the first of its customer");
            for record in records {
                let with = match &self.reasons[record] {
                    LinkReason::First => continue,
                    LinkReason::SharedKey { with, .. } | LinkReason::Decision { with, .. } => with,
                };
                assert!(
                    records.contains(with) && with != record,
                    "a reason names a fellow: {record:?} {with:?}"
                );
            }
        }
    }

    /// After every step: a customer's id stays where its oldest record is; on a merge the smallest id survives.
    pub(super) fn check_ids(&self, before: &BTreeMap<RecordId, CustomerId>) {
        let live = self.live();
        let mut oldest: BTreeMap<CustomerId, RecordId> = BTreeMap::new();
        for (record, customer) in before.iter().filter(|(record, _)| live.contains(record)) {
            oldest.entry(*customer).or_insert(*record);
        }
        for (customer, record) in &oldest {
            assert!(self.links[record] <= *customer, "an older customer gave way to a newer one");
            if self.links[record] != *customer {
                assert_eq!(self.redirects[customer], Some(self.links[record]), "an ended customer leads on");
            }
        }
    }

    /// Which records are together, by the names connectors gave them.
    pub(super) fn partition(&self) -> BTreeSet<BTreeSet<String>> {
        let mut parts: BTreeMap<CustomerId, BTreeSet<String>> = BTreeMap::new();
        for (record, customer) in &self.links {
            parts.entry(*customer).or_default().insert(self.records[record].key.key.clone());
        }
        parts.into_values().collect()
    }

    pub(super) fn together(&self, a: &str, b: &str) -> bool {
        self.links[&self.id(a)] == self.links[&self.id(b)]
    }
}

pub(super) fn record_key(key: &str) -> RecordKey {
    RecordKey { connector: Arc::from(if key.starts_with('e') { "erp" } else { "web" }), key: key.to_owned() }
}

/// `name | email | phone | born | national id | external`; empty parts are absent, numbers are shortened.
pub(super) fn party(text: &str) -> Party {
    let parts: Vec<&str> = text.split('|').map(str::trim).collect();
    let part = |at: usize| parts.get(at).filter(|part| !part.is_empty()).map(|part| (*part).to_owned());
    Party {
        name: part(0),
        emails: part(1).map(|name| format!("{name}@example.com")).into_iter().collect(),
        phones: part(2).map(|end| format!("1381234{end:0>4}")).into_iter().collect(),
        birth_date: part(3),
        national_id: part(4),
        external_keys: part(5).into_iter().collect(),
        ..Party::default()
    }
}
