//! Ingest, sweeps, webhook requests and quarantine.

use super::*;
use crate::{Accepted, Error, IngestSummary, IntakeRequest, QuarantineFilter, QuarantineState, Quarantined};

#[tokio::test]
async fn a_batch_twice_is_a_batch_once() {
    let store = fresh().await;
    let mut b = batch("erp");
    b.records = vec![record("anna"), record("bela")];
    b.activities = vec![order("o1", "anna", days_ago(3), 1890)];
    b.consents = vec![consent("bela", "news", true, days_ago(1))];
    b.cursor = Some(("parties".into(), "7".into()));
    let first = store.ingest(b.clone(), NOW).await.unwrap();
    assert_eq!(first, IngestSummary { new: 2, activities: 1, consents: 1, ..IngestSummary::default() });
    let counts = store.counts().await.unwrap();
    let again = store.ingest(b, hours(1)).await.unwrap();
    assert_eq!(again, IngestSummary { unchanged: 2, ..IngestSummary::default() });
    assert_eq!(store.counts().await.unwrap(), counts);
    assert_eq!(store.cursor("erp", "parties").await.unwrap().as_deref(), Some("7"));
}

#[tokio::test]
async fn an_unchanged_record_is_not_given_to_identity_again_a_changed_one_is() {
    let store = fresh().await;
    let ids = ingest_keys(&store, &["anna"]).await;
    settle_alone(&store, &ids).await;
    assert!(ingest_keys_only(&store, record("anna")).await.is_empty());
    let mut changed = record("anna");
    changed.raw = "{}".into();
    assert_eq!(ingest_keys_only(&store, changed).await, [(ids[0], 2)]);
    let mut keep = record("anna");
    keep.party = None;
    keep.raw = "{\"x\":1}".into();
    assert_eq!(ingest_keys_only(&store, keep).await, [(ids[0], 3)]);
    let stored = store.records(&ids).await.unwrap();
    assert_eq!(stored[0].party.name.as_deref(), Some("anna"), "no party keeps the stored one");
}

async fn ingest_keys_only(store: &Store, record: NewRecord) -> Vec<(RecordId, u32)> {
    let mut b = batch("erp");
    b.records = vec![record];
    store.ingest(b, NOW).await.unwrap();
    store.unresolved(9).await.unwrap().iter().map(|r| (r.id, r.version)).collect()
}

#[tokio::test]
async fn of_two_lines_with_one_key_the_later_counts() {
    let store = fresh().await;
    let mut b = batch("erp");
    let mut later = record("anna");
    later.raw = "later".into();
    b.records = vec![record("anna"), later];
    let summary = store.ingest(b, NOW).await.unwrap();
    assert_eq!((summary.new, summary.changed), (1, 1));
    let ids: Vec<RecordId> = store.unresolved(9).await.unwrap().iter().map(|r| r.id).collect();
    let customer = settle_alone(&store, &ids).await[0];
    assert_eq!(store.records_of(customer).await.unwrap()[0].1, "later");
}

#[tokio::test]
async fn a_fact_that_comes_before_its_party_waits_on_a_stub() {
    let store = fresh().await;
    let mut b = batch("erp");
    b.activities = vec![order("o1", "anna", days_ago(3), 100)];
    store.ingest(b, NOW).await.unwrap();
    assert!(store.unresolved(9).await.unwrap().is_empty(), "there is nothing in a stub to look at");
    assert_eq!(store.counts().await.unwrap().records, 0);
    let customers = people(&store, &["anna"]).await;
    let found = store.activities_of(customers[0], 9).await.unwrap();
    assert_eq!((found.len(), &found[0].0.key[..], &found[0].1[..]), (1, "o1", "erp"));
    assert_eq!(store.counts().await.unwrap().records, 1);
    let stale = store.stale_profiles(9).await.unwrap();
    assert_eq!(stale[0].customer, customers[0], "the order arrived with the link");
}

#[tokio::test]
async fn an_activity_is_replaced_moved_and_deleted_by_its_key() {
    let store = fresh().await;
    let customers = people(&store, &["anna", "bela"]).await;
    let put = async |activity| {
        let mut b = batch("erp");
        b.activities = vec![activity];
        store.ingest(b, NOW).await.unwrap().activities
    };
    assert_eq!(put(order("o1", "anna", days_ago(3), 100)).await, 1);
    assert_eq!(put(order("o1", "anna", days_ago(3), 100)).await, 0, "nothing new");
    assert_eq!(put(order("o1", "anna", days_ago(3), 200)).await, 1);
    assert_eq!(put(order("o1", "bela", days_ago(3), 200)).await, 1);
    assert!(store.activities_of(customers[0], 9).await.unwrap().is_empty());
    let of_bela = store.activities_of(customers[1], 9).await.unwrap();
    assert_eq!(of_bela[0].0, order("o1", "bela", days_ago(3), 200));
    assert_eq!(store.counts().await.unwrap().activities, 1);
    let mut b = batch("erp");
    b.deleted_activities = vec!["o1".into(), "unheard-of".into()];
    assert_eq!(store.ingest(b, NOW).await.unwrap().activities, 1);
    assert_eq!(store.counts().await.unwrap().activities, 0);
}

#[tokio::test]
async fn a_deleted_record_is_kept_and_may_come_back() {
    let store = fresh().await;
    let ids = ingest_keys(&store, &["anna"]).await;
    let mut gone = NewRecord { key: "anna".into(), stream: "parties".into(), ..NewRecord::default() };
    gone.deleted = true;
    let mut b = batch("erp");
    b.records = vec![gone, NewRecord { key: "never".into(), deleted: true, ..NewRecord::default() }];
    let summary = store.ingest(b, NOW).await.unwrap();
    assert_eq!((summary.deleted, summary.unchanged), (1, 1));
    let stored = store.records(&ids).await.unwrap();
    assert!(stored[0].deleted && stored[0].party.name.is_some());
    assert_eq!(ingest_keys_only(&store, record("anna")).await, [(ids[0], 3)]);
    assert!(!store.records(&ids).await.unwrap()[0].deleted);
}

#[tokio::test]
async fn a_sweep_deletes_what_was_not_seen_and_nothing_else() {
    let store = fresh().await;
    ingest_keys(&store, &["anna", "bela", "cili"]).await;
    let mut other = batch("erp");
    other.records = vec![NewRecord { stream: "leads".into(), ..record("dora") }];
    store.ingest(other, NOW).await.unwrap();
    assert_eq!(store.finish_sweep("erp", "parties", 1, NOW).await.unwrap(), 0, "was never opened");
    store.sweep_seen("erp", "parties", 1, vec!["cili".into()]).await.unwrap();
    store.sweep_seen("erp", "parties", 2, vec!["anna".into()]).await.unwrap();
    ingest_keys(&store, &["eva"]).await; // created while the listing is under way
    assert_eq!(store.finish_sweep("erp", "parties", 2, NOW).await.unwrap(), 2);
    assert_eq!(store.finish_sweep("erp", "parties", 2, NOW).await.unwrap(), 0);
    let mut gone: Vec<String> = Vec::new();
    for record in store.unresolved(9).await.unwrap().into_iter().filter(|r| r.deleted) {
        gone.push(record.key.key);
    }
    assert_eq!(gone, ["bela", "cili"]);
}

#[tokio::test]
async fn a_request_is_stored_once_and_waits_until_a_batch_covers_it() {
    let store = fresh().await;
    let request = |id: &str, at| IntakeRequest {
        id: id.into(),
        connector: "form".into(),
        received_at: hours(at),
        method: "POST".into(),
        target: "/in/form".into(),
        headers: vec![("content-type".into(), "text/plain".into())],
        remote: "192.0.2.1".into(),
        body: vec![0, 159, 146, 150],
    };
    assert_eq!(store.accept_request(request("b", 1)).await.unwrap(), Accepted::Stored);
    assert_eq!(store.accept_request(request("a", 2)).await.unwrap(), Accepted::Stored);
    assert_eq!(store.accept_request(request("b", 3)).await.unwrap(), Accepted::Duplicate);
    assert_eq!(store.waiting_requests("form", 9).await.unwrap(), [request("b", 1), request("a", 2)]);
    assert!(store.waiting_requests("other", 9).await.unwrap().is_empty());
    let mut b = batch("form");
    b.requests_done = vec!["b".into()];
    store.ingest(b, NOW).await.unwrap();
    assert_eq!(store.waiting_requests("form", 9).await.unwrap(), [request("a", 2)]);
    assert_eq!(store.accept_request(request("b", 4)).await.unwrap(), Accepted::Duplicate);
    assert_eq!(store.forget_requests(hours(9)).await.unwrap(), 1, "only the one that is done");
    assert_eq!(store.counts().await.unwrap().waiting_requests, 1);
}

#[tokio::test]
async fn quarantine_keeps_input_whole_once_and_remembers_what_became_of_it() {
    let store = fresh().await;
    let bad = |at: &str, code: &str| Quarantined {
        at: at.into(),
        code: code.into(),
        reason: "no key".into(),
        raw: "{\"a\":".into(),
    };
    let mut b = batch("csv");
    b.quarantined = vec![bad("f.csv:3", "RJ-A"), bad("f.csv:4", "RJ-B"), bad("f.csv:3", "RJ-A")];
    assert_eq!(store.ingest(b.clone(), NOW).await.unwrap().quarantined, 2);
    assert_eq!(store.ingest(b, NOW).await.unwrap().quarantined, 0, "it waits already");
    let list = async |filter| store.quarantine_list(filter, 9).await.unwrap();
    let all = list(QuarantineFilter::default()).await;
    assert_eq!((all.len(), &all[0].raw[..], &all[0].connector[..]), (2, "{\"a\":", "csv"));
    let only = list(QuarantineFilter { code: Some("RJ-B".into()), connector: Some("csv".into()) }).await;
    assert_eq!(only, all[1..]);
    assert!(list(QuarantineFilter { connector: Some("erp".into()), code: None }).await.is_empty());
    assert!(store.quarantine_done(all[0].id, QuarantineState::Replayed).await.unwrap());
    assert!(!store.quarantine_done(all[0].id, QuarantineState::Dropped).await.unwrap());
    let kept = store.quarantine(all[0].id).await.unwrap().unwrap();
    assert_eq!(kept.state, QuarantineState::Replayed);
    assert_eq!(store.counts().await.unwrap().quarantined, 1);
}

#[tokio::test]
async fn cursors_move_only_where_they_belong() {
    let store = fresh().await;
    assert_eq!(store.cursor("erp", "orders").await.unwrap(), None);
    store.set_cursor("erp", "orders", Some("5".into())).await.unwrap();
    store.set_cursor("erp", "parties", Some("9".into())).await.unwrap();
    store.set_cursor("erp", "parties", None).await.unwrap();
    assert_eq!(store.cursor("erp", "orders").await.unwrap().as_deref(), Some("5"));
    assert_eq!(store.cursor("erp", "parties").await.unwrap(), None);
    assert_eq!(store.cursor("shop", "orders").await.unwrap(), None);
}

#[tokio::test]
async fn a_batch_that_fails_leaves_nothing_behind() {
    let store = fresh().await;
    let outcome: Result<(), Error> = store
        .write(|db| {
            db.execute("INSERT INTO connector (name) VALUES ('half')", [])?;
            Err(Error::internal("on purpose"))
        })
        .await;
    assert!(outcome.is_err());
    let found = store.read(|db| Ok(db.prepare("SELECT 1 FROM connector")?.exists([])?)).await.unwrap();
    assert!(!found);
}
