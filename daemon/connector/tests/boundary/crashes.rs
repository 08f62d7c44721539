//! A plugin that dies, hangs or eats everything.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use rejoin_connector::{Error, ErrorClass, Limits, Role, State};
use rustix::process::{Pid, Signal, kill_process};

use crate::kit::*;

/// One misbehaviour: the sentence names connector, plugin and what happened; afterwards a new child does the same
/// again, so the host has forgotten nothing and kept nothing.
async fn check(mode: &str, limits: Limits, code: &str, sentences: &[&str]) {
    let neighbour = Neighbour::at_work().await;
    let source = zoo(Role::Source, mode, 7, limits);
    for round in 0..2 {
        let error = until_tried(&source).await;
        let text = error.to_string();
        assert_eq!(error.code(), code, "{mode}: {text}");
        assert!(text.starts_with("connector \"animals\" (plugin zoo) "), "{mode}: {text}");
        for sentence in sentences {
            assert!(text.contains(sentence), "{mode}, round {round}: {text}");
        }
        assert!(source.health().last_error.is_some_and(|last| last == text));
    }
    neighbour.noticed_nothing().await;
}

/// The error of a try that was not merely put off.
async fn until_tried(source: &rejoin_connector::Connector) -> Error {
    loop {
        match source.read(&rows(None)).await.unwrap_err() {
            Error::BackingOff { retry_in, .. } => tokio::time::sleep(retry_in).await,
            other => return other,
        }
    }
}

#[tokio::test]
async fn every_way_to_die_is_named() {
    check(
        "panic",
        limits(),
        "RJ-P05",
        &["panicked in read of \"rows\"", "the 7 lion escaped, at ", "lib.rs:"],
    )
    .await;
    check("panic_in_open", limits(), "RJ-P05", &["panicked in open: no animals today"]).await;
    check("segfault", limits(), "RJ-P06", &["was killed by SIGSEGV in read of \"rows\""]).await;
    check("abort", limits(), "RJ-P06", &["was killed by SIGABRT in read"]).await;
    check("exit0", limits(), "RJ-P06", &["ended its process with exit code 0 in read"]).await;
    check("scribble", limits(), "RJ-P07", &["it wrote into the host's socket"]).await;
}

#[tokio::test]
async fn a_leak_ends_at_the_memory_limit_with_its_last_words() {
    let limits = Limits { memory_bytes_max: 128 << 20, ..limits() };
    check("leak", limits, "RJ-P06", &["was killed by SIGABRT", "last words: \"memory allocation of"]).await;
}

#[tokio::test]
async fn a_call_past_its_deadline_is_cancelled_and_one_that_ignores_that_is_killed() {
    check(
        "hang",
        impatient(),
        "RJ-P08",
        &["did not finish read of \"rows\" within 200ms", "had to be killed"],
    )
    .await;
    let patient = Limits { grace: Duration::from_secs(60), ..impatient() };
    let slow = zoo(Role::Source, "slow", 1, patient);
    for _ in 0..2 {
        let error = slow.read(&rows(None)).await.unwrap_err();
        assert!(error.to_string().ends_with("within 200ms and was cancelled"), "{error}");
        assert_eq!(error.class(), ErrorClass::Transient);
    }
    assert_eq!(
        (slow.health().restarts, slow.health().state),
        (0, State::Running),
        "it listened, so it lives"
    );
}

#[tokio::test]
async fn noise_is_drained_and_harms_nothing() {
    let source = zoo(Role::Source, "noise", 20, limits());
    assert_eq!(source.read(&rows(None)).await.unwrap().records, 1);
}

#[tokio::test]
async fn processes_left_behind_go_with_the_child() {
    let source = zoo(Role::Source, "orphan", 1, limits());
    let batch = source.read(&rows(None)).await.unwrap();
    let line: serde_json::Value = serde_json::from_slice(&batch.lines).unwrap();
    let orphan = line["v"]["pid"].as_u64().unwrap() as u32;
    assert!(is_running(orphan));
    source.stop().await;
    until("the orphan ends", || !is_running(orphan)).await;
}

#[tokio::test]
async fn past_its_budget_a_connector_is_left_off_visibly() {
    let strict = Limits { restarts_max: 2, backoff_min: Duration::ZERO, ..limits() };
    let source = zoo(Role::Source, "abort", 1, strict);
    for _ in 0..3 {
        assert_eq!(source.read(&rows(None)).await.unwrap_err().code(), "RJ-P06");
    }
    let error = source.read(&rows(None)).await.unwrap_err();
    let text = error.to_string();
    assert_eq!((error.code(), error.class()), ("RJ-P10", ErrorClass::Transient));
    assert!(text.contains("is left off after 3 failures; next try in 600 s; last: connector"), "{text}");
    assert!(text.contains("SIGABRT"), "{text}");
    let health = source.health();
    assert_eq!((health.state, health.restarts), (State::LeftOff, 2));
    assert!(health.retry_in.is_some() && error.retry_after().is_some());
}

#[tokio::test]
async fn between_restarts_it_backs_off_and_says_so() {
    let slow =
        Limits { backoff_min: Duration::from_secs(30), backoff_max: Duration::from_secs(60), ..limits() };
    let source = zoo(Role::Source, "abort", 1, slow);
    source.read(&rows(None)).await.unwrap_err();
    let error = source.read(&rows(None)).await.unwrap_err();
    assert!(error.to_string().contains("is restarted in 30 s: it failed 1 times in a row"), "{error}");
    assert_eq!(source.health().state, State::BackingOff);
}

#[tokio::test]
async fn a_child_that_dies_between_calls_is_noticed_at_the_next() {
    let source = zoo(Role::Source, "good", 3, limits());
    let pid = pid_of(&source.check().await.unwrap());
    kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::KILL).unwrap();
    until("the host sees it", || source.health().state != State::Running).await;
    let error = source.read(&rows(None)).await.unwrap_err();
    assert!(error.to_string().contains("was killed by SIGKILL in idleness"), "{error}");
    assert_ne!(pid_of(&loop_until_check(&source).await), pid);
}

async fn loop_until_check(source: &rejoin_connector::Connector) -> String {
    loop {
        match source.check().await {
            Ok(report) => return report,
            Err(Error::BackingOff { retry_in, .. }) => tokio::time::sleep(retry_in).await,
            Err(other) => panic!("{other}"),
        }
    }
}

const DAEMON: &str = "REJOIN_BOUNDARY_DAEMON";

/// Not a test by itself: the daemon that the next test kills.
#[tokio::test]
async fn daemon_to_be_killed() {
    if std::env::var_os(DAEMON).is_none() {
        return;
    }
    let idle = zoo(Role::Source, "good", 3, limits());
    println!("\n{}", idle.check().await.unwrap());
    let busy = zoo(Role::Source, "hang_in_send", 0, limits());
    println!("\n{}", busy.check().await.unwrap());
    busy.send(&messages(1)).await;
}

#[tokio::test]
async fn kill_9_of_the_daemon_leaves_no_child_behind() {
    let mut daemon = Command::new(std::env::current_exe().unwrap());
    daemon.args(["--exact", "crashes::daemon_to_be_killed", "--nocapture", "--test-threads=1"]);
    let mut daemon = daemon.env(DAEMON, "1").stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(daemon.stdout.take().unwrap()).lines();
    let pids: Vec<u32> =
        lines.map(Result::unwrap).filter(|l| l.starts_with("process ")).map(|l| pid_of(&l)).take(2).collect();
    assert!(pids.len() == 2 && pids.iter().all(|pid| is_running(*pid)), "{pids:?}");
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    until("the children end", || !pids.iter().any(|pid| is_running(*pid))).await;
}
