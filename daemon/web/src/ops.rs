//! For operators: alive, ready, numbers.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rejoin_store::{Counts, Heartbeat};

use crate::{HttpError, Web};

/// The process answers.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// The process can do its work: it has started, and its store takes writes.
pub(crate) async fn readyz(State(web): State<Web>) -> Response {
    match (web.readiness)() {
        Ok(()) => "ready\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response(),
    }
}

/// Prometheus text format 0.0.4.
pub(crate) async fn metrics(State(web): State<Web>) -> Result<Response, HttpError> {
    let counts = web.store.counts().await.map_err(|e| HttpError::unavailable(&e))?;
    let beats = web.store.heartbeats().await.map_err(|e| HttpError::unavailable(&e))?;
    let text = render(&counts, &beats);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

fn render(counts: &Counts, beats: &[Heartbeat]) -> String {
    let mut text = String::new();
    for (name, help, value) in [
        ("rejoin_source_records", "Source records stored.", counts.records),
        ("rejoin_unresolved_records", "Source records waiting for the resolve task.", counts.unresolved),
        ("rejoin_customers", "Customers.", counts.customers),
        ("rejoin_activities", "Activities stored.", counts.activities),
        ("rejoin_quarantined", "Items in quarantine.", counts.quarantined),
        ("rejoin_waiting_requests", "Webhook requests stored and not yet ingested.", counts.waiting_requests),
    ] {
        gauge(&mut text, name, help, [("", value as f64)]);
    }
    let states: Vec<(String, f64)> =
        counts.outbox.iter().map(|(state, n)| (format!("{{state=\"{state}\"}}"), *n as f64)).collect();
    gauge(
        &mut text,
        "rejoin_outbox_messages",
        "Outbox rows by state.",
        states.iter().map(|(l, v)| (l.as_str(), *v)),
    );
    let tasks = |value: fn(&Heartbeat) -> f64| {
        beats.iter().map(move |b| (format!("{{task=\"{}\"}}", label(&b.task)), value(b))).collect::<Vec<_>>()
    };
    let at = tasks(|b| b.at.0 as f64 / 1_000.0);
    gauge(
        &mut text,
        "rejoin_task_heartbeat_seconds",
        "When each task last reported.",
        at.iter().map(|(l, v)| (l.as_str(), *v)),
    );
    let total = tasks(|b| b.total as f64);
    gauge(
        &mut text,
        "rejoin_task_items",
        "Items each task has handled.",
        total.iter().map(|(l, v)| (l.as_str(), *v)),
    );
    text
}

fn gauge<'a>(text: &mut String, name: &str, help: &str, values: impl IntoIterator<Item = (&'a str, f64)>) {
    text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
    for (labels, value) in values {
        text.push_str(&format!("{name}{labels} {value}\n"));
    }
}

/// A label value with what the format forbids escaped.
fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
