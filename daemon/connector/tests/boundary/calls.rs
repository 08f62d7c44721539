//! A plugin that behaves.

use rejoin_connector::{Capability, Error, ErrorClass, Role, State, WebhookRequest};
use serde_json::json;

use crate::kit::*;

#[tokio::test]
async fn a_source_is_read_to_its_end() {
    let source = zoo(Role::Source, "good", 2, limits());
    assert_eq!(source.health().state, State::Idle);
    let first = source.read(&rows(None)).await.unwrap();
    let line = "{\"op\":\"u\",\"key\":\"0\",\"v\":{\"keys_only\":false,\"n\":0}}\n";
    assert_eq!(String::from_utf8(first.lines).unwrap(), line);
    assert_eq!((first.records, first.cursor.as_deref(), first.more), (1, Some("1"), true));
    source.committed("rows", "1").await.unwrap();
    let last = source.read(&rows(Some("1"))).await.unwrap();
    assert_eq!((last.cursor.as_deref(), last.more), (Some("2"), false));
    assert_eq!(source.health().state, State::Running);
    source.stop().await;
    assert_eq!(source.health().state, State::Idle);
    assert!(matches!(source.read(&rows(None)).await, Err(Error::Stopped { .. })));
}

#[tokio::test]
async fn a_webhook_request_crosses_whole() {
    let hook = zoo(Role::Webhook, "good", 1, limits());
    let request = WebhookRequest {
        id: "r1".to_owned(),
        method: "POST".to_owned(),
        headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        body: vec![0, 0xff, b'\n'],
        ..WebhookRequest::default()
    };
    let batch = hook.handle(&request).await.unwrap();
    let line =
        "{\"op\":\"u\",\"stream\":\"posts\",\"key\":\"r1\",\"v\":{\"length\":3,\"method\":\"POST\"}}\n";
    assert_eq!(String::from_utf8(batch.lines).unwrap(), line);
}

#[tokio::test]
async fn callers_queue_for_the_one_child() {
    let source = zoo(Role::Source, "good", 100, limits());
    let calls: Vec<_> = (0..20)
        .map(|i| {
            let source = source.clone();
            tokio::spawn(async move { source.read(&rows(Some(&i.to_string()))).await })
        })
        .collect();
    for (i, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().unwrap().cursor, Some((i + 1).to_string()));
    }
    assert_eq!(source.health().restarts, 0);
}

#[tokio::test]
async fn the_plugins_own_error_arrives_whole_and_costs_no_restart() {
    let source = zoo(Role::Source, "error", 1, limits());
    for _ in 0..3 {
        let error = source.read(&rows(None)).await.unwrap_err();
        assert_eq!(error.to_string(), "connector \"animals\" (plugin zoo): quota used up; wait");
        assert_eq!((error.code(), error.class()), ("RJ-P04", ErrorClass::RateLimited));
        assert_eq!(error.retry_after().unwrap().as_millis(), 1500);
    }
    let health = source.health();
    assert_eq!((health.state, health.restarts), (State::Running, 0));
    assert!(health.last_error.unwrap().contains("quota used up"));
}

#[tokio::test]
async fn the_catalogue_reads_manifests_and_asks_for_findings() {
    let catalog = zoo_catalog();
    let manifest = catalog.manifest("zoo").await.unwrap();
    assert_eq!((manifest.id.as_str(), manifest.version.as_str()), ("zoo", "0.1.0"));
    assert_eq!(manifest.capabilities, [Capability::Source, Capability::Webhook, Capability::Channel]);
    assert!(manifest.streams[0].sweep && manifest.config["properties"]["count"].is_object());
    assert_eq!(catalog.manifest("zoo").await.unwrap(), manifest);
    assert!(catalog.plugins().contains(&"zoo".to_owned()));

    assert_eq!(catalog.validate("zoo", &json!({})).await.unwrap(), []);
    let findings = catalog.validate("zoo", &json!({ "count": 0 })).await.unwrap();
    assert_eq!((findings[0].pointer.as_str(), findings.len()), ("/count", 1));
    let findings = catalog.validate("zoo", &json!({ "count": "x" })).await.unwrap();
    assert!(findings[0].message.contains("does not fit"), "{findings:?}");
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_the_child_with_it_and_the_next_gets_another() {
    let source = zoo(Role::Source, "slow", 1, limits());
    let waiting = source.clone();
    let call = tokio::spawn(async move { waiting.read(&rows(None)).await });
    until("the call runs", || source.health().state == State::Running).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    until("the child is gone", || source.health().state == State::Idle).await;
}

#[tokio::test]
async fn stopping_cancels_what_runs() {
    let source = zoo(Role::Source, "slow", 1, limits());
    let waiting = source.clone();
    let call = tokio::spawn(async move { waiting.read(&rows(None)).await });
    until("the call runs", || source.health().state == State::Running).await;
    source.stop().await;
    assert!(matches!(call.await.unwrap(), Err(Error::Stopped { .. })));
}

#[test]
fn a_rust_plugin_exports_its_entry_and_nothing_else() {
    let library = zoo_catalog().library("zoo").unwrap();
    let listed = std::process::Command::new("nm").args(["-D", "--defined-only"]).arg(library).output();
    let listed = String::from_utf8(listed.expect("nm is needed: install binutils").stdout).unwrap();
    let symbols: Vec<_> = listed.lines().filter_map(|line| line.rsplit(' ').next()).collect();
    assert_eq!(symbols, ["rejoin_plugin_entry_v1"]);
}
