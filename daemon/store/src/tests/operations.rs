//! Audit, heartbeats, connector states, requests and secrets.

use super::*;

#[tokio::test]
async fn a_secret_is_made_once() {
    let store = fresh().await;
    assert_eq!(store.secret("token", vec![1, 2]).await.unwrap(), [1, 2]);
    assert_eq!(store.secret("token", vec![9]).await.unwrap(), [1, 2]);
    assert_eq!(store.secret("other", vec![9]).await.unwrap(), [9]);
}

#[tokio::test]
async fn the_audit_lists_the_newest_first() {
    let store = fresh().await;
    for what in ["pause", "resume"] {
        store.audit("eva", what, "campaign spring", "by hand", NOW).await.unwrap();
    }
    let list = store.audit_list(9).await.unwrap();
    assert_eq!(list.iter().map(|e| &e.what[..]).collect::<Vec<_>>(), ["resume", "pause"]);
    assert_eq!((&list[0].who[..], &list[0].subject[..], list[0].at), ("eva", "campaign spring", NOW));
    assert_eq!(store.audit_list(1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn heartbeats_add_up_and_states_are_replaced() {
    let store = fresh().await;
    store.heartbeat("ingest", "busy", 3, NOW).await.unwrap();
    store.heartbeat("ingest", "idle", 4, hours(1)).await.unwrap();
    let beats = store.heartbeats().await.unwrap();
    assert_eq!((beats.len(), &beats[0].note[..], beats[0].total, beats[0].at), (1, "idle", 7, hours(1)));
    store.connector_state_save("erp", "{\"a\":1}".into(), NOW).await.unwrap();
    store.connector_state_save("erp", "{\"a\":2}".into(), hours(1)).await.unwrap();
    let states = store.connector_states().await.unwrap();
    assert_eq!((states.len(), &states[0].state[..], states[0].at), (1, "{\"a\":2}", hours(1)));
}

#[tokio::test]
async fn a_request_stays_open_until_it_is_finished() {
    let store = fresh().await;
    let id = store.request("sync", "erp", NOW).await.unwrap();
    assert_eq!(store.request("sync", "erp", hours(1)).await.unwrap(), id, "the same wish");
    let other = store.request("sync", "mail", NOW).await.unwrap();
    store.request("train", "", NOW).await.unwrap();
    let open = [(id, "erp".to_owned()), (other, "mail".to_owned())];
    assert_eq!(store.take_requests("sync").await.unwrap(), open);
    assert_eq!(store.take_requests("sync").await.unwrap(), open, "a crash may come in between");
    store.finish_request(id).await.unwrap();
    assert_eq!(store.take_requests("sync").await.unwrap(), open[1..]);
}

#[tokio::test]
async fn totals_agree_with_the_tables() {
    let store = fresh().await;
    let c = people(&store, &["a", "b", "c"]).await;
    let mut b = batch("erp");
    b.activities = vec![order("1", "a", NOW, 1), order("2", "b", NOW, 1), order("1", "b", NOW, 1)];
    b.deleted_activities = vec!["2".into()];
    b.records = vec![record("d"), record("a")];
    store.ingest(b, NOW).await.unwrap();
    merge(&store, c[2], c[1]).await;
    let counts = store.counts().await.unwrap();
    let real = store
        .read(|db| {
            let sql = "SELECT (SELECT count(*) FROM record), (SELECT count(*) FROM customer), \
                       (SELECT count(*) FROM activity), (SELECT count(*) FROM unresolved)";
            Ok(db.query_row(sql, [], |r| Ok([r.get(0)?, r.get(1)?, r.get(2)?, r.get::<_, i64>(3)?]))?)
        })
        .await
        .unwrap();
    let told = [counts.records, counts.customers, counts.activities, counts.unresolved];
    assert_eq!(told.map(|n| n as i64), real);
    assert_eq!(real, [4, 2, 1, 1]);
}
