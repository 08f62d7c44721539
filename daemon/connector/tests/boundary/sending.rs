//! Messages: every one has exactly one outcome, and none is called unsent that may have been sent.

use std::time::Duration;

use rejoin_connector::{Limits, Outcome, Role, State};

use crate::kit::*;

/// Sends five messages; `known` of them are accepted, the others as `rest` says, with `reason` in their reason.
async fn check(mode: &str, count: usize, limits: Limits, known: usize, rest: &str, reason: &str) {
    let neighbour = Neighbour::at_work().await;
    let channel = zoo(Role::Channel, mode, count, limits);
    let sent = messages(5);
    let outcomes = channel.send(&sent).await;
    assert_eq!(outcomes.len(), sent.len());
    for (i, outcome) in outcomes.iter().enumerate() {
        if i < known {
            assert_eq!(*outcome, Outcome::Accepted { provider_id: Some(sent[i].to.clone()) }, "{mode} {i}");
            continue;
        }
        let (name, said) = match outcome {
            Outcome::Unknown { reason } => ("unknown", reason),
            Outcome::Deferred { reason, .. } => ("deferred", reason),
            other => panic!("{mode} {i}: {other:?}"),
        };
        assert_eq!(name, rest, "{mode} {i}: {said}");
        assert!(said.contains(reason) && said.contains("animals"), "{mode} {i}: {said}");
    }
    neighbour.noticed_nothing().await;
}

#[tokio::test]
async fn what_was_reported_is_kept_and_the_rest_is_unknown() {
    check("good", 1, limits(), 5, "", "").await;
    check("crash_in_send", 2, limits(), 2, "unknown", "was killed by SIGSEGV in send of 5 messages").await;
    let deadline = Limits { call_deadline: Duration::from_secs(3), ..impatient() };
    check("hang_in_send", 3, deadline, 3, "unknown", "had to be killed").await;
    check("missing_outcomes", 4, limits(), 4, "unknown", "reported nothing for it").await;
    check("panic", 0, limits(), 0, "unknown", "panicked in send of 5 messages").await;
    check("lying_index", 0, limits(), 0, "unknown", "an outcome for message 5, but got only 5").await;
}

#[tokio::test]
async fn what_was_certainly_not_sent_is_deferred() {
    check("refuse_all", 1, limits(), 1, "deferred", "the far side does not know us; set the password").await;
    check("panic_in_open", 0, limits(), 0, "deferred", "panicked in open").await;
}

#[tokio::test]
async fn while_a_channel_backs_off_messages_wait_as_long() {
    let channel = zoo(
        Role::Channel,
        "abort",
        1,
        Limits { backoff_min: limits().call_deadline, backoff_max: limits().call_deadline, ..limits() },
    );
    assert!(matches!(channel.send(&messages(1)).await[..], [Outcome::Unknown { .. }]));
    let [Outcome::Deferred { reason, after_ms }] = &channel.send(&messages(1)).await[..] else {
        panic!("deferred")
    };
    assert!(
        reason.contains("is restarted in 60 s") && after_ms.is_some_and(|ms| ms > 0),
        "{reason} {after_ms:?}"
    );
}

#[tokio::test]
async fn no_messages_need_no_child() {
    let channel = zoo(Role::Channel, "abort", 1, limits());
    assert_eq!(channel.send(&[]).await, []);
    assert_eq!((channel.health().state, channel.health().last_error), (State::Idle, None));
}
