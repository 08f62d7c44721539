use std::collections::HashSet;
use std::sync::Arc;

use rejoin_model::customer::{Decision, IdentityKey, KeyKind, LinkReason, Verdict};
use rejoin_model::record::{RecordKey, SourceRecord};
use rejoin_model::{Party, RecordId, Timestamp};

use super::*;
use crate::{Defaults, normalise};

/// `name | email | phone | born`
fn candidate(id: i64, text: &str) -> Candidate {
    let parts: Vec<&str> = text.split('|').map(str::trim).collect();
    let part = |at: usize| parts.get(at).filter(|part| !part.is_empty()).map(|part| (*part).to_owned());
    let emails = part(1).map(|name| format!("{name}@example.com")).into_iter().collect();
    let phones = part(2).into_iter().collect();
    let party = Party { name: part(0), emails, phones, birth_date: part(3), ..Party::default() };
    let normalised = normalise(&party, &Defaults { region: "CN".to_owned() });
    let key = RecordKey { connector: Arc::from("web"), key: id.to_string() };
    let record = SourceRecord { id: RecordId(id), key, party, deleted: false, version: 1 };
    Candidate { record, link: None, normalised, unresolved: true }
}

fn decision(verdict: Verdict) -> Decision {
    let (a, b) = (RecordId(2), RecordId(1));
    Decision { id: 7, verdict, a, b, who: "eva".to_owned(), at: Timestamp(1), note: String::new() }
}

#[test]
fn pairs() {
    let cases = [
        ("John Smith|john", "J Smith|john", PairVerdict::Tied, None),
        ("John Smith|john", "Anna Brown|john", PairVerdict::Barred, Some("names")),
        (
            "John Smith|john||1980-02-01",
            "John Smith|john||1953-11-30",
            PairVerdict::Barred,
            Some("birth dates"),
        ),
        ("John Smith|john", "John Smith|x", PairVerdict::Unrelated, None),
        ("田甜||13812345678", "Anna Brown||13812345678", PairVerdict::Unrelated, None),
    ];
    for (a, b, verdict, guard) in cases {
        let (a, b) = (candidate(1, a), candidate(2, b));
        let told = explain(&a, &b, &[], &HashSet::new());
        assert_eq!(told.verdict, verdict, "{told:?}");
        assert_eq!(told.guard.is_some(), guard.is_some(), "{told:?}");
        assert!(
            guard.is_none_or(|word| told.guard.as_ref().is_some_and(|text| text.contains(word))),
            "{told:?}"
        );
        assert!(told.flip.is_some(), "each verdict says what would change it");
        assert_eq!(explain(&b, &a, &[], &HashSet::new()).verdict, verdict);
    }
}

#[test]
fn a_decision_is_named_and_outweighs_the_rest() {
    let (a, b) = (candidate(1, "John Smith|john"), candidate(2, "John Smith|john"));
    let told = explain(&a, &b, &[decision(Verdict::CannotLink)], &HashSet::new());
    assert_eq!(told.verdict, PairVerdict::Barred);
    assert_eq!(told.guard.as_deref(), Some("eva decided that the two are different parties."));
    let (a, b) = (candidate(1, "John Smith|x"), candidate(2, "Anna Brown|y"));
    assert_eq!(
        explain(&a, &b, &[decision(Verdict::MustLink)], &HashSet::new()).verdict,
        PairVerdict::Decided
    );
}

#[test]
fn a_generic_key_is_shown_and_does_not_tie() {
    let (a, b) = (candidate(1, "John Smith|info"), candidate(2, "John Smith|info"));
    let generic = HashSet::from([IdentityKey { kind: KeyKind::Email, value: "info@example.com".to_owned() }]);
    let told = explain(&a, &b, &[], &generic);
    assert_eq!(told.verdict, PairVerdict::Unrelated);
    assert!(
        told.evidence.iter().any(|e| e.field == "email" && e.verdict == FieldVerdict::Generic),
        "{told:?}"
    );
}

#[test]
fn records_tied_through_others_are_told_by_the_path() {
    let records = [
        candidate(1, "John Smith|john"),
        candidate(2, "|x|13812345678"),
        candidate(3, "John Smith|john|13812345678"),
        candidate(4, "Anna Brown"),
    ];
    let generic = HashSet::new();
    let question = Question { records: &records, decisions: &[], generic: &generic };
    let steps = path(RecordId(1), RecordId(2), &Rules::default(), question).unwrap();
    let told: Vec<_> = steps
        .iter()
        .map(|(from, reason)| match reason {
            LinkReason::SharedKey { kind, with, .. } => (from.0, *kind, with.0),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [(1, KeyKind::Email, 3), (3, KeyKind::Phone, 2)]);
    assert_eq!(path(RecordId(1), RecordId(4), &Rules::default(), question), None);
}
