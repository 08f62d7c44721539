//! What is tied and what is not, by example.

mod laws;
mod site;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use rejoin_model::customer::{KeyKind, LinkReason, NameVerdict, Verdict};
use rejoin_model::record::SourceRecord;
use rejoin_model::{CustomerId, RecordId};

use crate::{Candidate, Defaults, Question, Rules, normalise, resolve_under};
use site::{Site, party, record_key};

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
