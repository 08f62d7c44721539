use std::sync::Arc;

use proptest::prelude::*;
use rejoin_model::customer::Golden;
use rejoin_model::record::{PartyKind, RecordKey, SourceRecord};
use rejoin_model::{CustomerId, Party, RecordId};

use crate::{Candidate, Defaults, golden, normalise};

fn candidate(id: i64, party: Party) -> Candidate {
    let key = RecordKey { connector: Arc::from("web"), key: id.to_string() };
    let normalised = normalise(&party, &Defaults { region: "CN".to_owned() });
    let record = SourceRecord { id: RecordId(id), key, party, deleted: false, version: 1 };
    Candidate { record, link: None, normalised, unresolved: true }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn named(id: i64, name: &str) -> Candidate {
    candidate(id, Party { name: text(name), ..Party::default() })
}

fn shown(value: &Option<Golden>) -> Option<(&str, i64)> {
    value.as_ref().map(|golden| (golden.value.as_str(), golden.from.0))
}

#[test]
fn names() {
    let cases: &[(&[&str], &str, i64)] = &[
        // The majority, in the writing most use.
        (&["John Smith", "Jon Smith", "John Smith"], "John Smith", 3),
        (&["JOHN SMITH", "John Smith", "John Smith", "Bob Smith"], "John Smith", 3),
        // A full name before half a name, however often that one is written.
        (&["John", "John", "John Smith"], "John Smith", 3),
        (&["王先生", "王先生", "王伟"], "王伟", 3),
        // The script most full names are in.
        (&["王伟", "Wang Wei", "王偉"], "王偉", 3),
        (&["王伟", "Wang Wei", "Wei Wang"], "Wei Wang", 3),
        // A tie goes to the newest.
        (&["Bob Smith", "Rob Smith"], "Rob Smith", 2),
    ];
    for (names, expected, from) in cases {
        let records: Vec<Candidate> = (1..).zip(*names).map(|(id, name)| named(id, name)).collect();
        let customer = golden(CustomerId(9), &records.iter().collect::<Vec<_>>());
        assert_eq!(shown(&customer.name), Some((*expected, *from)), "{names:?}");
    }
}

#[test]
fn the_parts_of_a_name_belong_to_the_name_shown() {
    let parts = |id, given: &str, family: &str| {
        candidate(id, Party { given_name: text(given), family_name: text(family), ..Party::default() })
    };
    let records = [parts(1, "伟", "王"), named(2, "王伟"), parts(3, "David", "Wang")];
    let customer = golden(CustomerId(9), &records.iter().collect::<Vec<_>>());
    assert_eq!(shown(&customer.name), Some(("王伟", 2)));
    assert_eq!(
        (shown(&customer.given_name), shown(&customer.family_name)),
        (Some(("伟", 1)), Some(("王", 1)))
    );
}

#[test]
fn an_address_comes_whole_from_one_record() {
    let at = |id, street: Option<String>, city: &str, postcode: Option<String>| {
        candidate(id, Party { street, city: text(city), postcode, country: text("CZ"), ..Party::default() })
    };
    let records = [
        at(1, text("Dlouhá 1"), "Praha", text("11000")),
        at(2, None, "Brno", None),
        at(3, None, "Brno", None),
    ];
    let customer = golden(CustomerId(9), &records.iter().collect::<Vec<_>>());
    assert_eq!((shown(&customer.city), shown(&customer.street)), (Some(("Praha", 1)), Some(("Dlouhá 1", 1))));
}

#[test]
fn addresses_to_write_to_are_kept_once_and_the_best_supported_leads() {
    let emails = |id, emails: &[&str]| {
        let emails = emails.iter().map(|e| (*e).to_owned()).collect();
        candidate(id, Party { emails, tags: vec![format!("t{}", id % 2)], ..Party::default() })
    };
    let records = [
        emails(1, &["old@example.com", "a.b@gmail.com"]),
        emails(2, &["ab+shop@gmail.com"]),
        emails(3, &["new@example.com", "broken@", "a.b@gmail.com"]),
    ];
    let customer = golden(CustomerId(9), &records.iter().collect::<Vec<_>>());
    let addresses: Vec<_> =
        customer.emails.iter().map(|golden| (golden.value.as_str(), golden.from.0)).collect();
    assert_eq!(addresses, [("a.b@gmail.com", 3), ("new@example.com", 3), ("old@example.com", 1)]);
    assert_eq!((customer.tags, customer.records), (vec!["t0".to_owned(), "t1".to_owned()], 3));
}

#[test]
fn the_kind_is_stated_or_read_from_the_name() {
    let of = |parties: Vec<Party>| {
        let records: Vec<_> = (1..).zip(parties).map(|(id, party)| candidate(id, party)).collect();
        golden(CustomerId(9), &records.iter().collect::<Vec<_>>()).kind
    };
    let unknown = |name: &str| Party { name: text(name), ..Party::default() };
    assert_eq!(of(vec![unknown("John Smith")]), PartyKind::Unknown);
    assert_eq!(of(vec![unknown("Acme Ltd")]), PartyKind::Organisation);
    assert_eq!(
        of(vec![unknown("Acme Ltd"), Party { kind: PartyKind::Person, ..unknown("Acme") }]),
        PartyKind::Person
    );
}

fn any_party() -> impl Strategy<Value = Party> {
    let some = |values: &[&'static str]| {
        prop::option::of(prop::sample::select(values.to_vec()).prop_map(str::to_owned))
    };
    let list = |values: &[&'static str]| {
        prop::collection::vec(prop::sample::select(values.to_vec()).prop_map(str::to_owned), 0..3)
    };
    (
        some(&["John Smith", "JOHN SMITH", "J Smith", "王伟", "Smith", " "]),
        some(&["John", "Johnny", "伟"]),
        list(&["a.b@gmail.com", "ab@gmail.com", "x@example.com"]),
        list(&["13812345678", "+420777123456"]),
        some(&["Praha", "praha", "Brno"]),
        some(&["Dlouhá 1", "Krátká 2"]),
        some(&["en", "zh"]),
    )
        .prop_map(|(name, given_name, emails, phones, city, street, language)| Party {
            name,
            given_name,
            emails,
            phones,
            city,
            street,
            language,
            ..Party::default()
        })
}

proptest! {
    #[test]
    fn the_order_of_records_means_nothing_and_every_value_was_stated(
        (parties, order) in prop::collection::vec(any_party(), 1..8).prop_flat_map(|parties| {
            let order = Just((0..parties.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(parties), order)
        }),
    ) {
        let records: Vec<Candidate> = (1..).zip(parties).map(|(id, party)| candidate(id, party)).collect();
        let customer = golden(CustomerId(9), &records.iter().collect::<Vec<_>>());
        let shuffled: Vec<&Candidate> = order.iter().map(|&n| &records[n]).collect();
        prop_assert_eq!(&customer, &golden(CustomerId(9), &shuffled));
        for golden in customer.emails.iter() {
            let from = records.iter().find(|c| c.record.id == golden.from).unwrap();
            prop_assert!(from.normalised.emails.contains(&golden.value));
        }
        if let Some(city) = &customer.city {
            let from = records.iter().find(|c| c.record.id == city.from).unwrap();
            prop_assert_eq!(from.record.party.city.as_ref(), Some(&city.value));
            prop_assert_eq!(customer.street.map(|s| s.value), from.record.party.street.clone());
        }
    }
}
