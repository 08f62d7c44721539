//! Resolution, links, decisions, merges and un-merges.

use rejoin_model::customer::{Decision, NameVerdict, Verdict};

use super::*;

#[tokio::test]
async fn a_record_that_changed_meanwhile_stays_unresolved() {
    let store = fresh().await;
    let ids = ingest_keys(&store, &["anna"]).await;
    let stale = Resolution { resolved: vec![(ids[0], 1)], ..Resolution::default() };
    let mut b = batch("erp");
    b.records = vec![NewRecord { raw: "other".into(), ..record("anna") }];
    store.ingest(b, NOW).await.unwrap();
    store.apply_resolution(stale, NOW).await.unwrap();
    assert_eq!(store.unresolved(9).await.unwrap().len(), 1);
    let fresh = Resolution { resolved: vec![(ids[0], 2)], ..Resolution::default() };
    store.apply_resolution(fresh, NOW).await.unwrap();
    assert!(store.unresolved(9).await.unwrap().is_empty());
}

#[tokio::test]
async fn keys_lead_to_records_and_follow_their_changes() {
    let store = fresh().await;
    let ids = ingest_keys(&store, &["anna", "bela"]).await;
    let set = async |record, keys: Vec<IdentityKey>| {
        let resolution = Resolution { keys: vec![(record, keys)], ..Resolution::default() };
        store.apply_resolution(resolution, NOW).await.unwrap();
    };
    set(ids[0], vec![email("a@x"), email("both@x")]).await;
    set(ids[1], vec![email("both@x")]).await;
    let keys = [email("a@x"), email("both@x"), email("none@x")];
    let found = store.sharing(&keys, 10).await.unwrap();
    assert_eq!(found, [vec![ids[0]], ids.clone(), vec![]]);
    assert_eq!(store.sharing(&keys, 1).await.unwrap()[1], [ids[0]], "the oldest");
    set(ids[0], vec![email("new@x"), email("both@x")]).await;
    set(ids[1], vec![]).await;
    let keys = [email("a@x"), email("both@x"), email("new@x")];
    assert_eq!(store.sharing(&keys, 10).await.unwrap(), [vec![], vec![ids[0]], vec![ids[0]]]);
}

#[tokio::test]
async fn an_unlinked_record_belongs_to_nobody_and_is_still_found() {
    let store = fresh().await;
    let ids = ingest_keys(&store, &["anna"]).await;
    let customers = settle_alone(&store, &ids).await;
    let resolution =
        Resolution { unlinked: ids.clone(), ended: vec![(customers[0], None)], ..Resolution::default() };
    store.apply_resolution(resolution, NOW).await.unwrap();
    assert_eq!(store.links_of(&ids).await.unwrap(), [None]);
    // What its keys mean must not depend on whether it was deleted before or after others came.
    assert_eq!(store.sharing(&[email("anna@example.com")], 9).await.unwrap()[0], ids);
    assert!(store.members_of(&customers).await.unwrap().is_empty());
    assert_eq!(store.customer(customers[0]).await.unwrap(), None);
    assert_eq!(store.counts().await.unwrap().customers, 0);
}

#[tokio::test]
async fn generic_keys_are_remembered() {
    let store = fresh().await;
    let resolution = Resolution { generic: vec![email("info@x"), email("info@x")], ..Resolution::default() };
    store.apply_resolution(resolution, NOW).await.unwrap();
    let found = store.generic_among(&[email("info@x"), email("a@x")]).await.unwrap();
    assert_eq!(found, std::collections::HashSet::from([email("info@x")]));
}

#[tokio::test]
async fn a_customer_round_trips_with_the_source_of_every_value() {
    let store = fresh().await;
    let ids = ingest_keys(&store, &["anna", "bela"]).await;
    let (a, b) = (ids[0], ids[1]);
    let value = |text: &str, from| Some(Golden { value: text.into(), from });
    let mut full = golden(CustomerId(store.next_id(NOW)), "anna", b);
    full.given_name = value("Anna", a);
    full.family_name = value("Kovács", b);
    full.company = value("Kovács Kft.", a);
    full.emails.push(Golden { value: "second@example.com".into(), from: a });
    full.phones = vec![Golden { value: "+3611".into(), from: a }, Golden { value: "+3612".into(), from: b }];
    full.street = value("Fő u. 1", a);
    full.city = value("Győr", b);
    full.postcode = value("9021", a);
    full.country = value("HU", b);
    full.language = value("hu", a);
    full.zone = value("Europe/Budapest", b);
    full.birth_date = value("1980-02-03", a);
    full.tags = vec!["vip".into(), "newsletter b".into()];
    full.records = 2;
    let resolution = Resolution { customers: vec![full.clone()], ..Resolution::default() };
    store.apply_resolution(resolution, NOW).await.unwrap();
    assert_eq!(store.customer(full.id).await.unwrap(), Some(full.clone()));
    full.tags.clear();
    full.city = None;
    full.emails.clear();
    let resolution = Resolution { customers: vec![full.clone()], ..Resolution::default() };
    store.apply_resolution(resolution, NOW).await.unwrap();
    assert_eq!(store.export_customers(None, 9).await.unwrap(), [full]);
    assert_eq!(store.counts().await.unwrap().customers, 1);
}

#[tokio::test]
async fn links_keep_their_reason() {
    let store = fresh().await;
    let ids = ingest_keys(&store, &["anna", "bela"]).await;
    let customers = settle_alone(&store, &ids).await;
    let reason = LinkReason::SharedKey {
        kind: KeyKind::Email,
        value: "a@x".into(),
        with: ids[0],
        names: NameVerdict::Missing,
    };
    let moved = Link { record: ids[1], customer: customers[0], reason: reason.clone() };
    let resolution = Resolution {
        links: vec![moved],
        ended: vec![(customers[1], Some(customers[0]))],
        ..Resolution::default()
    };
    store.apply_resolution(resolution, NOW).await.unwrap();
    let behind = store.records_of(customers[0]).await.unwrap();
    let reasons: Vec<_> = behind.iter().map(|(r, raw, why)| (r.id, &raw[..], why.clone())).collect();
    assert_eq!(
        reasons,
        [(ids[0], "{\"name\":\"anna\"}", LinkReason::First), (ids[1], "{\"name\":\"bela\"}", reason)]
    );
}

#[tokio::test]
async fn every_earlier_id_leads_to_the_last_survivor() {
    // Each case is an order in which four customers are merged; all end in the first.
    for merges in [[(3, 2), (2, 1), (1, 0)], [(1, 0), (2, 1), (3, 2)], [(2, 1), (1, 0), (3, 0)]] {
        let store = fresh().await;
        let c = people(&store, &["a", "b", "c", "d"]).await;
        for (from, into) in merges {
            let into = store.customer(c[into]).await.unwrap().unwrap().id;
            merge(&store, c[from], into).await;
        }
        for id in &c {
            assert_eq!(store.customer(*id).await.unwrap().unwrap().id, c[0], "{merges:?}");
        }
        assert_eq!(store.members_of(&c).await.unwrap().len(), 4, "all records are with the survivor");
        assert_eq!(store.counts().await.unwrap().customers, 1);
    }
}

#[tokio::test]
async fn a_chain_within_one_resolution_is_followed_in_either_order() {
    for order in [[1, 2], [2, 1]] {
        let store = fresh().await;
        let c = people(&store, &["a", "b", "c"]).await;
        let ended = order.iter().map(|n| (c[*n], Some(c[*n - 1]))).collect();
        store.apply_resolution(Resolution { ended, ..Resolution::default() }, NOW).await.unwrap();
        assert_eq!(store.customer(c[2]).await.unwrap().unwrap().id, c[0], "{order:?}");
    }
}

#[tokio::test]
async fn an_unmerge_brings_the_customer_back() {
    let store = fresh().await;
    let c = people(&store, &["a", "b"]).await;
    let records = store.members_of(&c).await.unwrap();
    merge(&store, c[1], c[0]).await;
    let back = Resolution {
        links: vec![link(records[1].1, c[1])],
        customers: vec![golden(c[1], "b", records[1].1)],
        ..Resolution::default()
    };
    store.apply_resolution(back, NOW).await.unwrap();
    assert_eq!(store.customer(c[1]).await.unwrap().unwrap().id, c[1]);
    assert_eq!(store.members_of(&c).await.unwrap(), records);
    assert_eq!(store.counts().await.unwrap().customers, 2);
}

#[tokio::test]
async fn a_decision_reopens_both_records_and_can_be_taken_back() {
    let store = fresh().await;
    let ids = ingest_keys(&store, &["anna", "bela", "cili"]).await;
    settle_alone(&store, &ids).await;
    let decision = Decision {
        id: store.next_id(NOW),
        verdict: Verdict::CannotLink,
        a: ids[0],
        b: ids[1],
        who: "eva".into(),
        at: NOW,
        note: "twins".into(),
    };
    store.add_decision(decision.clone()).await.unwrap();
    let open: Vec<_> = store.unresolved(9).await.unwrap().iter().map(|r| (r.id, r.version)).collect();
    assert_eq!(open, [(ids[0], 2), (ids[1], 2)]);
    assert_eq!(store.decisions_about(&[ids[1], ids[2]]).await.unwrap()[0], decision);
    assert!(store.decisions_about(&[ids[2]]).await.unwrap().is_empty());
    assert!(store.revoke_decision(decision.id).await.unwrap());
    assert!(!store.revoke_decision(decision.id).await.unwrap());
    assert!(store.decisions_about(&ids).await.unwrap().is_empty());
    assert_eq!(store.unresolved(9).await.unwrap()[0].version, 3);
}

#[tokio::test]
async fn people_are_found_by_id_address_and_part_of_a_name() {
    let store = fresh().await;
    let c = people(&store, &["anna", "hanna", "100%"]).await;
    let find = async |text: &str| -> Vec<CustomerId> {
        store.find_customers(text, 9).await.unwrap().iter().map(|c| c.id).collect()
    };
    assert_eq!(find(&c[1].to_string()).await, [c[1]]);
    assert_eq!(find("ANNA@example.com").await, [c[0], c[1]], "the exact one first");
    assert_eq!(find("ann").await, [c[0], c[1]]);
    assert_eq!(find("%").await, [c[2]], "no wildcard");
    assert!(find("nobody").await.is_empty());
    merge(&store, c[1], c[0]).await;
    assert_eq!(find(&c[1].to_string()).await, [c[0]]);
}

#[tokio::test]
async fn links_are_exported_in_pages_by_connector_and_key() {
    let store = fresh().await;
    let mut b = batch("crm");
    b.records = vec![record("z")];
    store.ingest(b, NOW).await.unwrap();
    let zed: Vec<RecordId> = store.unresolved(9).await.unwrap().iter().map(|r| r.id).collect();
    settle_alone(&store, &zed).await;
    people(&store, &["b", "a"]).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.export_links(after.clone(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.0.clone(), last.1.clone()));
        seen.extend(page.into_iter().map(|(connector, key, _)| format!("{connector}:{key}")));
    }
    assert_eq!(seen, ["crm:z", "erp:a", "erp:b"]);
}
