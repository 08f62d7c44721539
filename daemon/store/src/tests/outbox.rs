//! Runs and the outbox: planned once, claimed once, settled once.

use rejoin_model::campaign::Channel;
use rejoin_model::outbox::{Conservation, OutboxMessage};
use rejoin_model::{CampaignClass, OutboxId, OutboxState, RunId, Suppression, SuppressionReason};

use super::*;
use crate::{Answers, Error, Evidence, Settlement, Verdict};

fn message(store: &Store, run: RunId, customer: CustomerId, state: OutboxState) -> OutboxMessage {
    OutboxMessage {
        id: OutboxId(store.next_id(NOW)),
        run,
        customer,
        connector: Some("mail".into()),
        channel: Some(Channel::Email),
        address: Some("a@example.com".into()),
        state,
        reason: String::new(),
        due_at: NOW,
        attempts: 0,
    }
}

async fn run(store: &Store, campaign: &str) -> RunId {
    store.start_run(campaign, CampaignClass::Marketing, NOW, NOW).await.unwrap().unwrap()
}

/// One pending message for each customer.
async fn plan(store: &Store, run: RunId, customers: &[CustomerId]) -> Vec<OutboxMessage> {
    let pending = OutboxState::Pending;
    let page: Vec<_> = customers.iter().map(|c| message(store, run, *c, pending)).collect();
    store.plan_page(run, page.clone(), customers.last().copied(), true, NOW).await.unwrap();
    page
}

async fn claim(store: &Store, m: &OutboxMessage) -> bool {
    let verdicts = vec![(m.id, m.customer, Verdict::Send)];
    store.claim(verdicts, NOW).await.unwrap() == [m.id]
}

fn became(state: OutboxState) -> Settlement {
    Settlement { state, reason: "said so".into(), provider_id: None, due_at: None }
}

async fn state_of(store: &Store, m: &OutboxMessage) -> OutboxState {
    store.outbox(m.id).await.unwrap().unwrap().0.state
}

#[tokio::test]
async fn a_time_is_run_once_and_runs_are_found() {
    let store = fresh().await;
    let first = run(&store, "spring").await;
    let again = store.start_run("spring", CampaignClass::Marketing, NOW, hours(1)).await.unwrap();
    assert_eq!(again, None);
    let second = store.start_run("spring", CampaignClass::Care, hours(24), hours(24)).await.unwrap().unwrap();
    let other = run(&store, "autumn").await;
    assert_eq!(store.latest_run("spring").await.unwrap().unwrap().id, second);
    assert_eq!(store.latest_run("winter").await.unwrap(), None);
    let ids = |runs: Vec<crate::Run>| runs.into_iter().map(|r| r.id).collect::<Vec<_>>();
    assert_eq!(ids(store.runs(Some("spring"), 9).await.unwrap()), [second, first]);
    assert_eq!(store.runs(None, 9).await.unwrap().len(), 3);
    assert_eq!(store.run(other).await.unwrap().unwrap().campaign, "autumn");
    assert_eq!(store.open_runs().await.unwrap().len(), 3);
    store.plan_page(first, vec![], None, true, NOW).await.unwrap();
    assert_eq!(store.open_runs().await.unwrap().len(), 2);
}

#[tokio::test]
async fn planning_a_page_again_adds_nothing_and_the_line_holds() {
    let store = fresh().await;
    let c = people(&store, &["a", "b", "c", "d"]).await;
    let run = run(&store, "spring").await;
    let states = [OutboxState::Pending, OutboxState::Quiet, OutboxState::HeldOut, OutboxState::Capped];
    for _ in 0..2 {
        let page = c.iter().zip(states).map(|(c, s)| message(&store, run, *c, s)).collect();
        store.plan_page(run, page, Some(c[3]), false, NOW).await.unwrap();
    }
    let expected =
        Conservation { audience: 4, pending: 1, quiet: 1, held_out: 1, capped: 1, ..Conservation::default() };
    assert_eq!(store.conservation(run).await.unwrap(), expected);
    assert!(expected.holds());
    assert_eq!(store.open_runs().await.unwrap()[0].planned_through, Some(c[3]));
    assert_eq!(store.run_messages(run, None, 9).await.unwrap().len(), 4);
    assert_eq!(store.run_messages(run, Some(OutboxState::Capped), 9).await.unwrap()[0].customer, c[3]);
}

#[tokio::test]
async fn nothing_is_planned_as_sent() {
    let store = fresh().await;
    let c = people(&store, &["a"]).await;
    let run = run(&store, "spring").await;
    for state in [OutboxState::InFlight, OutboxState::Sent, OutboxState::Unknown] {
        let page = vec![message(&store, run, c[0], state)];
        assert!(matches!(store.plan_page(run, page, None, false, NOW).await, Err(Error::Internal(_))));
    }
    let page = vec![message(&store, RunId(9), c[0], OutboxState::Pending)];
    assert!(store.plan_page(RunId(9), page, None, false, NOW).await.is_err(), "no such run");
    assert!(store.conservation(run).await.unwrap().holds());
}

#[tokio::test]
async fn due_follows_time_pause_and_limit() {
    let store = fresh().await;
    let c = people(&store, &["a", "b", "c"]).await;
    let run = run(&store, "spring").await;
    let mut page: Vec<_> = c.iter().map(|c| message(&store, run, *c, OutboxState::Pending)).collect();
    page[0].due_at = hours(2);
    page[1].due_at = hours(1);
    page[1].state = OutboxState::Quiet;
    page[2].due_at = hours(3);
    store.plan_page(run, page.clone(), None, true, NOW).await.unwrap();
    assert_eq!(store.next_due("mail").await.unwrap(), Some(hours(1)));
    let due = async |now, max| -> Vec<OutboxId> {
        store.due("mail", now, max).await.unwrap().into_iter().map(|(m, _)| m.id).collect()
    };
    assert!(due(NOW, 9).await.is_empty());
    assert_eq!(due(hours(2), 9).await, [page[1].id, page[0].id]);
    assert_eq!(due(hours(9), 1).await, [page[1].id]);
    assert_eq!(store.due("mail", hours(9), 9).await.unwrap()[0].1, "spring");
    store.set_campaign_paused("spring", true, "eva", NOW).await.unwrap();
    assert!(store.campaign_paused("spring").await.unwrap());
    assert!(due(hours(9), 9).await.is_empty());
    assert_eq!(store.next_due("mail").await.unwrap(), None);
    store.set_campaign_paused("spring", false, "eva", NOW).await.unwrap();
    assert_eq!(due(hours(9), 9).await.len(), 3);
}

#[tokio::test]
async fn many_due_messages_all_come_up_however_they_are_spread() {
    let store = fresh().await;
    let customers: Vec<_> = (0..700).map(|_| CustomerId(store.next_id(NOW))).collect();
    let run = run(&store, "spring").await;
    plan(&store, run, &customers).await;
    let mut claimed = 0;
    loop {
        let due = store.due("mail", NOW, 100).await.unwrap();
        if due.is_empty() {
            break;
        }
        let verdicts = due.iter().map(|(m, _)| (m.id, m.customer, Verdict::Send)).collect();
        claimed += store.claim(verdicts, NOW).await.unwrap().len();
    }
    assert_eq!(claimed, 700);
    assert_eq!(store.next_due("mail").await.unwrap(), None);
}

#[tokio::test]
async fn a_message_is_claimed_by_one() {
    let store = fresh().await;
    let c = people(&store, &["a"]).await;
    let run = run(&store, "spring").await;
    let m = plan(&store, run, &c).await.remove(0);
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let (store, m) = (store.store.clone(), m.clone());
            tokio::spawn(async move { claim(&store, &m).await })
        })
        .collect();
    let mut winners = 0;
    for one in tries {
        winners += u32::from(one.await.unwrap());
    }
    assert_eq!(winners, 1);
    assert_eq!(store.outbox(m.id).await.unwrap().unwrap().0.attempts, 1);
}

#[tokio::test]
async fn verdicts_hold_end_and_refuse_what_is_illegal() {
    let store = fresh().await;
    let c = people(&store, &["a", "b"]).await;
    let run = run(&store, "spring").await;
    let m = plan(&store, run, &c).await;
    let say = async |n: usize, verdict| store.claim(vec![(m[n].id, m[n].customer, verdict)], NOW).await;
    let hold = |state| Verdict::Hold { state, until: hours(8), reason: "night".into() };
    let end = |state| Verdict::End { state, reason: "no consent".into() };
    say(0, hold(OutboxState::Quiet)).await.unwrap();
    say(1, end(OutboxState::Suppressed)).await.unwrap();
    let held = store.outbox(m[0].id).await.unwrap().unwrap().0;
    assert_eq!((held.state, held.due_at, &held.reason[..]), (OutboxState::Quiet, hours(8), "night"));
    assert_eq!(state_of(&store, &m[1]).await, OutboxState::Suppressed);
    for bad in [hold(OutboxState::Sent), hold(OutboxState::InFlight), end(OutboxState::Sent)] {
        assert!(matches!(say(0, bad).await, Err(Error::Internal(_))));
    }
    say(1, end(OutboxState::Capped)).await.unwrap();
    assert_eq!(state_of(&store, &m[1]).await, OutboxState::Suppressed, "what has ended has ended");
    let line = store.reasons(run).await.unwrap();
    assert!(line.contains(&(OutboxState::Suppressed, "no consent".into(), 1)), "{line:?}");
}

#[tokio::test]
async fn settling_wants_a_message_in_flight_and_a_legal_state() {
    let store = fresh().await;
    let c = people(&store, &["a", "b", "c"]).await;
    let run = run(&store, "spring").await;
    let m = plan(&store, run, &c).await;
    let settle = async |n: usize, new| store.settle(vec![(m[n].id, m[n].customer, new)], vec![], NOW).await;
    assert_eq!(settle(0, became(OutboxState::Sent)).await.unwrap(), [m[0].id], "never claimed");
    assert_eq!(state_of(&store, &m[0]).await, OutboxState::Pending);
    for one in &m {
        assert!(claim(&store, one).await);
    }
    assert!(settle(0, became(OutboxState::Capped)).await.is_err());
    settle(0, became(OutboxState::Sent)).await.unwrap();
    assert_eq!(settle(0, became(OutboxState::Failed)).await.unwrap(), [m[0].id], "sent stays sent");
    assert_eq!(state_of(&store, &m[0]).await, OutboxState::Sent);
    let mut later = became(OutboxState::Pending);
    later.due_at = Some(hours(1));
    settle(1, later).await.unwrap();
    let waiting = store.outbox(m[1].id).await.unwrap().unwrap().0;
    assert_eq!((waiting.state, waiting.due_at, waiting.attempts), (OutboxState::Pending, hours(1), 1));
    let bad = Suppression {
        channel: "email".into(),
        address: "a@example.com".into(),
        reason: SuppressionReason::HardBounce,
        at: NOW,
        proof: "550".into(),
    };
    let failed = vec![(m[2].id, m[2].customer, became(OutboxState::Failed))];
    store.settle(failed, vec![bad.clone()], NOW).await.unwrap();
    assert_eq!(store.suppressions(9).await.unwrap(), [bad]);
    let line = store.conservation(run).await.unwrap();
    assert_eq!((line.sent, line.pending, line.failed), (1, 1, 1));
    assert!(line.holds(), "{line}");
}

#[tokio::test]
async fn a_crash_leaves_unknown_or_resends_as_the_campaign_says() {
    let store = fresh().await;
    let c = people(&store, &["a", "b", "c"]).await;
    let (keep, resend) = (run(&store, "spring").await, run(&store, "care").await);
    let mut messages = plan(&store, keep, &c[..2]).await;
    messages.extend(plan(&store, resend, &c[..1]).await);
    assert!(claim(&store, &messages[0]).await && claim(&store, &messages[2]).await);
    assert_eq!(store.orphans(hours(1), &["care".into()]).await.unwrap(), 2);
    assert_eq!(state_of(&store, &messages[0]).await, OutboxState::Unknown);
    assert_eq!(state_of(&store, &messages[1]).await, OutboxState::Pending, "was never in flight");
    assert_eq!(state_of(&store, &messages[2]).await, OutboxState::Pending);
    assert_eq!(store.orphans(hours(1), &[]).await.unwrap(), 0);
}

#[tokio::test]
async fn evidence_settles_only_what_is_unknown() {
    let store = fresh().await;
    let c = people(&store, &["a", "b"]).await;
    let run = run(&store, "spring").await;
    let m = plan(&store, run, &c).await;
    assert!(claim(&store, &m[0]).await && claim(&store, &m[1]).await);
    let mut unknown = became(OutboxState::Unknown);
    unknown.provider_id = Some("p-1".into());
    let provider = Answers::Provider { connector: "mail".into(), id: "p-1".into() };
    let tell = async |answers: Answers, delivered| {
        let mut b = batch("mail");
        b.evidence = vec![Evidence { answers, delivered, reason: "receipt".into() }];
        store.ingest(b, NOW).await.unwrap();
    };
    tell(Answers::Outbox(m[0].id), true).await;
    assert_eq!(state_of(&store, &m[0]).await, OutboxState::InFlight, "we will hear ourselves");
    store.settle(vec![(m[0].id, m[0].customer, unknown)], vec![], NOW).await.unwrap();
    tell(Answers::Provider { connector: "sms".into(), id: "p-1".into() }, true).await;
    assert_eq!(state_of(&store, &m[0]).await, OutboxState::Unknown, "another provider's p-1");
    tell(provider.clone(), false).await;
    assert_eq!(state_of(&store, &m[0]).await, OutboxState::Failed);
    tell(provider, true).await;
    assert_eq!(state_of(&store, &m[0]).await, OutboxState::Failed, "final");
    store.orphans(NOW, &[]).await.unwrap();
    tell(Answers::Outbox(m[1].id), true).await;
    assert_eq!(state_of(&store, &m[1]).await, OutboxState::Sent);
}

#[tokio::test]
async fn a_person_who_was_merged_is_written_to_once() {
    // (who is claimed first, who is claimed second): a and b become a; b and c become a; in any order only one goes.
    for (first, second) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
        let store = fresh().await;
        let c = people(&store, &["a", "b", "c"]).await;
        let run = run(&store, "spring").await;
        // The survivor has a row of its own only when it takes part.
        let wanted: Vec<_> = c.iter().enumerate().filter(|(n, _)| [first, second].contains(n)).collect();
        let page: Vec<_> =
            wanted.iter().map(|(_, c)| message(&store, run, **c, OutboxState::Pending)).collect();
        store.plan_page(run, page.clone(), None, true, NOW).await.unwrap();
        let of = |n: usize| page.iter().find(|m| m.customer == c[n]).unwrap();
        merge(&store, c[1], c[0]).await;
        merge(&store, c[2], c[0]).await;
        let sent = [claim(&store, of(first)).await, claim(&store, of(second)).await];
        assert_eq!(sent.iter().filter(|sent| **sent).count(), 1, "{first} then {second}");
        assert!(store.conservation(run).await.unwrap().holds());
    }
}

#[tokio::test]
async fn ids_go_on_after_a_restart_even_if_the_clock_fell_back() {
    let Fixture { store, folder } = fresh().await;
    let run = run(&store, "spring").await;
    let m = plan(&store, run, &[CustomerId(1), CustomerId(2)]).await;
    drop(store);
    let store = Store::open("sqlite:rejoin.db", folder.path()).await.unwrap();
    assert!(store.next_id(days_ago(400)) > m[1].id.0);
}
