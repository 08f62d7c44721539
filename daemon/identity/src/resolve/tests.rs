//! The laws of resolution, on an in-memory store that gathers the closure as the resolve task does.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use proptest::prelude::*;
use rejoin_model::customer::{Decision, IdentityKey, KeyKind, LinkReason, NameVerdict, Resolution, Verdict};
use rejoin_model::record::{RecordKey, SourceRecord};
use rejoin_model::{Customer, CustomerId, Party, RecordId, Timestamp};

use crate::{Candidate, Defaults, Normalised, Question, Rules, normalise, resolve_under};

/// What the store keeps of records, links and customers, and nothing else.
#[derive(Default)]
struct Site {
    rules: Rules,
    records: BTreeMap<RecordId, SourceRecord>,
    links: BTreeMap<RecordId, CustomerId>,
    reasons: BTreeMap<RecordId, LinkReason>,
    customers: BTreeMap<CustomerId, Customer>,
    redirects: BTreeMap<CustomerId, Option<CustomerId>>,
    keys: HashMap<RecordId, Vec<IdentityKey>>,
    normalised: HashMap<RecordId, Normalised>,
    generic: HashSet<IdentityKey>,
    decisions: Vec<Decision>,
    unresolved: BTreeSet<RecordId>,
    /// Most records settled in one step; without it, all.
    batch: Option<usize>,
    last_id: i64,
}

impl Site {
    fn write(&mut self, key: &str, party: Party) -> RecordId {
        let key = record_key(key);
        let known = self.records.values().find(|r| r.key == key).map(|r| (r.id, r.version));
        let (id, version) = known.unwrap_or((RecordId(self.records.len() as i64 + 1), 0));
        self.normalised.insert(id, normalise(&party, &Defaults { region: "CN".to_owned() }));
        self.records.insert(id, SourceRecord { id, key, party, deleted: false, version: version + 1 });
        self.unresolved.insert(id);
        id
    }

    fn delete(&mut self, key: &str) {
        let key = record_key(key);
        if let Some(record) = self.records.values_mut().find(|r| r.key == key) {
            record.deleted = true;
            self.unresolved.insert(record.id);
        }
    }

    fn id(&self, key: &str) -> RecordId {
        self.records.values().find(|r| r.key == record_key(key)).unwrap().id
    }

    fn decide(&mut self, a: &str, verdict: Verdict, b: &str) {
        let (a, b) = (self.id(a), self.id(b));
        let id = self.decisions.len() as i64 + 1;
        let at = Timestamp(id);
        self.decisions.push(Decision { id, verdict, a, b, who: "eva".to_owned(), at, note: String::new() });
        self.unresolved.extend([a, b]);
    }

    fn withdraw_last_decision(&mut self) {
        let decision = self.decisions.pop().unwrap();
        self.unresolved.extend([decision.a, decision.b]);
    }

    /// Runs the resolve task until nothing waits; returns what its last step wrote.
    fn settle(&mut self) -> Resolution {
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
    fn step(&mut self, batch: &BTreeSet<RecordId>) -> Resolution {
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
    fn closure(&self, batch: &BTreeSet<RecordId>) -> Vec<Candidate> {
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

    fn apply(&mut self, resolution: &Resolution) {
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

    fn live(&self) -> BTreeSet<RecordId> {
        self.records.values().filter(|r| !r.deleted).map(|r| r.id).collect()
    }

    /// What must hold when nothing waits.
    fn check(&self) {
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
    fn check_ids(&self, before: &BTreeMap<RecordId, CustomerId>) {
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
    fn partition(&self) -> BTreeSet<BTreeSet<String>> {
        let mut parts: BTreeMap<CustomerId, BTreeSet<String>> = BTreeMap::new();
        for (record, customer) in &self.links {
            parts.entry(*customer).or_default().insert(self.records[record].key.key.clone());
        }
        parts.into_values().collect()
    }

    fn together(&self, a: &str, b: &str) -> bool {
        self.links[&self.id(a)] == self.links[&self.id(b)]
    }
}

fn record_key(key: &str) -> RecordKey {
    RecordKey { connector: Arc::from(if key.starts_with('e') { "erp" } else { "web" }), key: key.to_owned() }
}

/// `name | email | phone | born | national id | external`; empty parts are absent, numbers are shortened.
fn party(text: &str) -> Party {
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

fn site(records: &[(&str, &str)]) -> Site {
    let mut site = Site::default();
    for (key, text) in records {
        site.write(key, party(text));
        site.settle();
    }
    site
}

#[track_caller]
fn check(records: &[(&str, &str)], expected: &[&[&str]]) {
    let expected: BTreeSet<BTreeSet<String>> =
        expected.iter().map(|part| part.iter().map(|key| (*key).to_owned()).collect()).collect();
    let forward = site(records);
    assert_eq!(forward.partition(), expected);
    let backward: Vec<_> = records.iter().rev().copied().collect();
    assert_eq!(site(&backward).partition(), expected, "backwards");
}

#[test]
fn keys_tie_and_names_object() {
    check(&[("a", "John Smith|john"), ("b", "SMITH John|John")], &[&["a", "b"]]);
    check(&[("a", "John Smith|john"), ("b", "|john")], &[&["a", "b"]]);
    check(&[("a", "John Smith|john"), ("b", "Anna Brown|john")], &[&["a"], &["b"]]);
    check(&[("a", "John Smith"), ("b", "John Smith")], &[&["a"], &["b"]]);
    check(&[("a", "王伟|wang"), ("b", "Wang Wei|wang")], &[&["a", "b"]]);
    check(&[("a", "田甜|tian"), ("b", "Sweet Cat|tian")], &[&["a", "b"]]);
    check(&[("a", "田甜||1"), ("b", "Anna Brown||1")], &[&["a"], &["b"]]);
    check(&[("a", "王伟||1"), ("b", "王偉先生||1"), ("c", "王芳||1")], &[&["a", "b"], &["c"]]);
}

#[test]
fn a_bridge_joins_and_a_guard_cuts() {
    check(&[("a", "John Smith|john"), ("b", "John Smith||7"), ("c", "J Smith|john|7")], &[&["a", "b", "c"]]);
    let births = [("a", "John Smith|john||1980-02-01"), ("b", "John Smith|john||1953-11-30")];
    check(&births, &[&["a"], &["b"]]);
    let slip = [("a", "John Smith|john||1980-02-01"), ("b", "John Smith|john||1980-02-11")];
    check(&slip, &[&["a", "b"]]);
    // The nameless record between two people is nobody's: whose it is cannot be told.
    let between = [("a", "John Smith|x"), ("b", "Anna Brown|x"), ("c", "|x"), ("d", "|x")];
    check(&between, &[&["a"], &["b"], &["c", "d"]]);
    let torn = [("a", "John Smith|x"), ("b", "Jane Smith|x"), ("c", "J Smith|x")];
    check(&torn, &[&["a"], &["b"], &["c"]]);
    // One bad edge does not glue: the nameless bridge may belong to either side, not to both.
    let bridge = [("a", "John Smith|x"), ("b", "Anna Brown||7"), ("c", "|x|7")];
    check(&bridge, &[&["a", "c"], &["b"]]);
}

#[test]
fn two_national_ids_are_two_people() {
    let ids = [("a", "王伟|w|||AB123456"), ("b", "王伟|w|||AB999999"), ("c", "王伟|w||| AB-123456")];
    check(&ids, &[&["a", "c"], &["b"]]);
}

#[test]
fn keys_of_a_unique_connector_are_never_one_party() {
    let mut site =
        Site { rules: Rules { unique_connectors: HashSet::from([Arc::from("erp")]) }, ..Site::default() };
    for (key, text) in [("e1", "John Smith|john"), ("e2", "John Smith|john"), ("w", "John Smith|john")] {
        site.write(key, party(text));
    }
    site.settle();
    assert!(!site.together("e1", "e2") && site.together("e1", "w"));
}

#[test]
fn a_key_of_many_people_means_nothing() {
    let names = ["An Ba", "Cy Do", "Ed Fu", "Gil Ho", "Ian Jo", "Kai Lo", "Mo Ng", "Oz Pi", "Quin Ray"];
    let mut site = Site::default();
    for (n, name) in names.iter().enumerate() {
        site.write(&format!("r{n}"), party(&format!("{name}||1")));
        site.write(&format!("s{n}"), party(&format!("{name}||1")));
        site.settle();
        assert_eq!(site.generic.is_empty(), n < 8, "after {n} names");
        assert_eq!(site.together("r0", "s0"), n < 8, "the shared phone tied them until it was seen through");
    }
    let nameless: Vec<(String, String)> = (0..9).map(|n| (format!("r{n}"), format!("|mail{n}|1"))).collect();
    let nameless: Vec<(&str, &str)> =
        nameless.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
    assert_eq!(site_partition_len(&nameless), 9, "nine people without a name, told apart by their addresses");
}

fn site_partition_len(records: &[(&str, &str)]) -> usize {
    site(records).partition().len()
}

#[test]
fn a_key_of_very_many_records_of_one_name_is_linear_work_until_it_means_nothing() {
    let customers = |records: i64| {
        let candidate = |n| {
            let party = party("John Smith|john");
            let normalised = normalise(&party, &Defaults { region: "CN".to_owned() });
            let key = record_key(&format!("r{n}"));
            let record = SourceRecord { id: RecordId(n), key, party, deleted: false, version: 1 };
            Candidate { record, link: None, normalised, unresolved: true }
        };
        let records: Vec<Candidate> = (0..records).map(candidate).collect();
        let question = Question { records: &records, decisions: &[], generic: &HashSet::new() };
        let resolution = resolve_under(&Rules::default(), question, &mut || CustomerId(1));
        assert_eq!(resolution.links.len(), records.len());
        resolution.customers.len()
    };
    assert_eq!(customers(2_000), 1);
    assert_eq!(customers(2_001), 2_001);
}

#[test]
fn decisions_outweigh_keys_and_the_newest_outweighs_the_others() {
    let mut site = site(&[("a", "Anna Brown|anna"), ("b", "Anna White|white"), ("c", "Anna White|white")]);
    assert!(!site.together("a", "b"));
    site.decide("a", Verdict::MustLink, "b");
    let resolution = site.settle();
    assert!(
        site.together("a", "b") && site.together("b", "c"),
        "the married name takes her other records along"
    );
    assert_eq!(resolution.ended, [(CustomerId(2), Some(CustomerId(1)))]);
    assert_eq!(
        site.reasons[&site.id("b")],
        LinkReason::Decision { decision: "1".to_owned(), with: site.id("a") }
    );
    site.decide("b", Verdict::CannotLink, "a");
    site.settle();
    assert!(!site.together("a", "b") && site.together("b", "c"));
    site.decide("a", Verdict::MustLink, "b");
    site.settle();
    assert!(site.together("a", "b"));
}

#[test]
fn unmerge_and_back() {
    let mut site =
        site(&[("a", "John Smith|john"), ("b", "John Smith|john"), ("c", "John Smith||7"), ("d", "|john|7")]);
    let merged = site.partition();
    site.decide("a", Verdict::CannotLink, "b");
    let split = site.settle();
    assert!(!site.together("a", "b"));
    assert_eq!(site.links[&site.id("a")], CustomerId(1), "the part with the oldest record keeps the id");
    assert!(split.ended.is_empty());
    site.withdraw_last_decision();
    site.settle();
    assert_eq!(site.partition(), merged);
    assert_eq!(site.links[&site.id("b")], CustomerId(1));
}

#[test]
fn a_deleted_record_supports_nothing_and_may_come_back() {
    let mut site = site(&[("a", "John Smith|john"), ("c", "|john|7"), ("b", "John Smith||7")]);
    assert!(site.together("a", "b"));
    site.delete("c");
    let resolution = site.settle();
    assert!(!site.together("a", "b"));
    assert_eq!(resolution.unlinked, [site.id("c")]);
    site.delete("b");
    let resolution = site.settle();
    assert_eq!(resolution.ended.iter().map(|(_, successor)| *successor).collect::<Vec<_>>(), [None]);
    site.write("c", party("|john|7"));
    site.write("b", party("John Smith||7"));
    site.settle();
    assert!(site.together("a", "b"));
}

#[test]
fn reasons_name_the_strongest_tie_to_an_older_record() {
    let site =
        site(&[("a", "John Smith|john"), ("b", "J Smith|john"), ("c", "John Smith|john|7"), ("d", "|x|7")]);
    let shared = |kind, value: &str, with: &str, names| LinkReason::SharedKey {
        kind,
        value: value.to_owned(),
        with: site.id(with),
        names,
    };
    let reason = |key: &str| site.reasons[&site.id(key)].clone();
    assert_eq!(reason("a"), LinkReason::First);
    assert_eq!(reason("b"), shared(KeyKind::Email, "john@example.com", "a", NameVerdict::Similar));
    assert_eq!(reason("c"), shared(KeyKind::Email, "john@example.com", "a", NameVerdict::Same));
    assert_eq!(reason("d"), shared(KeyKind::Phone, "+8613812340007", "c", NameVerdict::Missing));
}

#[test]
fn nothing_is_written_about_what_did_not_change() {
    let mut site = site(&[("a", "John Smith|john"), ("b", "Anna Brown|anna")]);
    site.write("c", party("John Smith|john"));
    let resolution = site.settle();
    assert_eq!(resolution.links.iter().map(|link| link.record).collect::<Vec<_>>(), [site.id("c")]);
    assert_eq!(resolution.customers.iter().map(|c| c.id).collect::<Vec<_>>(), [CustomerId(1)]);
    assert_eq!(resolution.keys.iter().map(|(record, _)| *record).collect::<Vec<_>>(), [site.id("c")]);
    assert_eq!(resolution.resolved, [(site.id("c"), 1)]);
}

/// Parties that collide a lot: few names, addresses and phones, so that every rule is met often.
fn any_party() -> impl Strategy<Value = Party> {
    let name = prop::sample::select(vec![
        "",
        "",
        "John Smith",
        "J Smith",
        "Jane Smith",
        "Bob Smith",
        "Robert Smith",
        "Anna Brown",
        "王伟",
        "王偉",
        "Wang Wei",
        "王芳",
        "田甜",
        "Smith",
        "Acme Ltd",
        "Acme",
    ]);
    let born = prop::sample::select(vec!["", "", "", "1980-02-01", "1980-02-11", "1953-11-30"]);
    let national = prop::sample::select(vec!["", "", "", "", "AB123456", "AB999999"]);
    let external = prop::sample::select(vec!["", "", "", "erp:1", "erp:2"]);
    let email = prop::sample::select(vec!["", "a", "b", "c"]);
    let phone = prop::sample::select(vec!["", "1", "2", "3"]);
    (name, email, phone, born, national, external).prop_map(
        |(name, email, phone, born, national, external)| {
            party(&format!("{name}|{email}|{phone}|{born}|{national}|{external}"))
        },
    )
}

#[derive(Debug, Clone)]
struct History {
    parties: Vec<Party>,
    deleted: Vec<bool>,
    /// (one, must, other)
    decisions: Vec<(usize, bool, usize)>,
    /// Order of arrival, and after which arrivals the resolve task runs.
    order: Vec<usize>,
    batch: usize,
    breaks: Vec<bool>,
}

fn any_history() -> impl Strategy<Value = History> {
    (2usize..24).prop_flat_map(|n| {
        let decisions = prop::collection::vec((0..n, any::<bool>(), 0..n), 0..5);
        let order = Just((0..n).collect::<Vec<_>>()).prop_shuffle();
        (
            prop::collection::vec(any_party(), n),
            prop::collection::vec(prop::bool::weighted(0.15), n),
            decisions,
            order,
            prop::collection::vec(any::<bool>(), n),
            prop::bool::weighted(0.2),
            1usize..6,
        )
            .prop_map(|(mut parties, deleted, decisions, order, breaks, crowded, batch)| {
                // Everyone has the shop's own number: a generic key to be learned on the way.
                if crowded {
                    parties.iter_mut().for_each(|party| party.phones = vec!["13812340001".to_owned()]);
                }
                History { parties, deleted, decisions, order, breaks, batch }
            })
    })
}

fn key_of(n: usize) -> String {
    format!("{}{n}", if n.is_multiple_of(3) { "e" } else { "w" })
}

impl History {
    /// Everything at once, in the plainest order.
    fn at_once(&self) -> Site {
        self.at_once_knowing(HashSet::new())
    }

    fn at_once_knowing(&self, generic: HashSet<IdentityKey>) -> Site {
        let mut site = Site { generic, ..Site::default() };
        for (n, party) in self.parties.iter().enumerate() {
            site.write(&key_of(n), party.clone());
        }
        self.decide(&mut site, false);
        self.delete(&mut site, false);
        site.settle();
        site
    }

    /// In the history's own order and batches.
    fn as_it_came(&self) -> Site {
        let mut site = Site { batch: Some(self.batch), ..Site::default() };
        for (&n, settle) in self.order.iter().zip(&self.breaks) {
            site.write(&key_of(n), self.parties[n].clone());
            if *settle {
                site.settle();
            }
        }
        site.settle();
        self.delete(&mut site, true);
        self.decide(&mut site, true);
        site.settle();
        site
    }

    fn decide(&self, site: &mut Site, settle: bool) {
        for (a, must, b) in self.decisions.iter().filter(|(a, _, b)| a != b) {
            site.decide(
                &key_of(*a),
                if *must { Verdict::MustLink } else { Verdict::CannotLink },
                &key_of(*b),
            );
            if settle {
                site.settle();
            }
        }
    }

    fn delete(&self, site: &mut Site, settle: bool) {
        for n in (0..self.parties.len()).filter(|n| self.deleted[*n]) {
            site.delete(&key_of(n));
            if settle {
                site.settle();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_any_batches_give_one_partition(history in any_history()) {
        let (plain, came) = (history.at_once(), history.as_it_came());
        prop_assert_eq!(plain.partition(), came.partition());
        prop_assert_eq!(plain.generic, came.generic);
    }

    #[test]
    fn a_decision_taken_back_leaves_no_trace(history in any_history(), a in 0usize..24, b in 0usize..24, must: bool) {
        let mut site = history.as_it_came();
        let (a, b) = (a % history.parties.len(), b % history.parties.len());
        prop_assume!(a != b);
        let before = site.partition();
        site.decide(&key_of(a), if must { Verdict::MustLink } else { Verdict::CannotLink }, &key_of(b));
        site.settle();
        let linked = |n: usize| site.links.get(&site.id(&key_of(n)));
        if let (Some(x), Some(y)) = (linked(a), linked(b)) {
            prop_assert_eq!(x == y, must, "the newest decision is obeyed");
        }
        site.withdraw_last_decision();
        site.settle();
        prop_assert_eq!(site.partition(), before);
    }

    #[test]
    fn records_written_anew_give_what_their_last_state_gives(
        history in any_history(),
        rewritten in prop::collection::vec((0usize..24, any_party()), 1..6),
    ) {
        let mut site = history.as_it_came();
        let mut last = history.clone();
        for (n, party) in rewritten {
            let n = n % history.parties.len();
            last.parties[n] = party.clone();
            last.deleted[n] = false;
            site.write(&key_of(n), party);
            site.settle();
        }
        // What a former state taught about generic keys stays known.
        prop_assert_eq!(site.partition(), last.at_once_knowing(site.generic.clone()).partition());
    }

    #[test]
    fn settling_again_writes_nothing(history in any_history()) {
        let mut site = history.as_it_came();
        let again = site.settle();
        prop_assert_eq!(again, Resolution::default());
        site.unresolved = site.records.keys().copied().collect();
        let links = site.links.clone();
        let again = site.settle();
        prop_assert_eq!(&site.links, &links, "nothing moved");
        prop_assert!(again.ended.is_empty() && again.unlinked.is_empty());
    }
}
