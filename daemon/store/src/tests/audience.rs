//! Members: who they are, what they allow, what they were sent.

use rejoin_model::audience::{ConsentState, SuppressedAddress};
use rejoin_model::campaign::Channel;
use rejoin_model::outbox::OutboxMessage;
use rejoin_model::segment::Condition;
use rejoin_model::{CampaignClass, Member, OutboxId, OutboxState, SuppressionReason};

use super::*;
use crate::Verdict;

async fn member(store: &Store, id: CustomerId, now: Timestamp) -> Member {
    store.members(&[id], now).await.unwrap().remove(0)
}

#[tokio::test]
async fn pages_cover_everybody_once_and_only_the_living() {
    let store = fresh().await;
    let c = people(&store, &["a", "b", "c", "d", "e"]).await;
    merge(&store, c[1], c[0]).await;
    let mut seen = Vec::new();
    loop {
        let page = store.audience(&Condition::All, seen.last().copied(), 2, NOW).await.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page.iter().map(|m| m.customer.id));
    }
    assert_eq!(seen, [c[0], c[2], c[3], c[4]]);
    assert_eq!(store.audience_count(&Condition::All, NOW).await.unwrap(), 4);
    let some = store.members(&[c[4], c[1], c[2]], NOW).await.unwrap();
    assert_eq!(some.iter().map(|m| m.customer.id).collect::<Vec<_>>(), [c[2], c[4]]);
}

#[tokio::test]
async fn the_newest_word_of_a_record_counts_and_the_strictest_over_records() {
    /// (who, granted, days ago).
    type Facts = &'static [(&'static str, bool, i64)];
    let cases: &[(Facts, bool)] = &[
        (&[("a", true, 5)], true),
        (&[("a", true, 5), ("a", false, 3)], false),
        (&[("a", false, 5), ("a", true, 3)], true),
        (&[("a", true, 3), ("a", false, 3)], false),
        (&[("a", true, 1), ("b", false, 9)], false),
        (&[("a", false, 9), ("b", true, 1)], false),
        (&[("a", true, 1), ("b", true, 9)], true),
    ];
    for (facts, granted) in cases {
        let store = fresh().await;
        let c = people(&store, &["a", "b"]).await;
        merge(&store, c[1], c[0]).await;
        let mut b = batch("erp");
        b.consents =
            facts.iter().map(|(who, yes, days)| consent(who, "news", *yes, days_ago(*days))).collect();
        store.ingest(b, NOW).await.unwrap();
        let consents = member(&store, c[0], NOW).await.consents;
        assert_eq!(consents.iter().map(|c| c.granted).collect::<Vec<_>>(), [*granted], "{facts:?}");
    }
}

#[tokio::test]
async fn consents_are_kept_apart_by_topic_and_shown_with_their_proof() {
    let store = fresh().await;
    let c = people(&store, &["a", "b"]).await;
    let mut b = batch("erp");
    b.consents = vec![
        consent("a", "news", true, days_ago(2)),
        consent("a", "*", false, days_ago(1)),
        consent("b", "news", false, days_ago(1)),
    ];
    store.ingest(b, NOW).await.unwrap();
    let state = |topic: &str, granted, days| ConsentState {
        channel: "email".into(),
        topic: topic.into(),
        granted,
        at: days_ago(days),
    };
    let consents = member(&store, c[0], NOW).await.consents;
    assert_eq!(consents, [state("*", false, 1), state("news", true, 2)]);
    let facts = store.consents_of(c[0]).await.unwrap();
    assert_eq!((&facts[0].0.topic[..], &facts[0].0.proof[..], &*facts[0].1), ("*", "form", "erp"));
}

#[tokio::test]
async fn suppressions_are_found_by_address_for_everybody_who_has_it() {
    let store = fresh().await;
    let c = people(&store, &["a", "b"]).await;
    let unsubscribed = SuppressionReason::Unsubscribed;
    store.withdraw("email", "a@example.com", unsubscribed, "link", NOW).await.unwrap();
    store.withdraw("email", "a@example.com", unsubscribed, "link again", hours(1)).await.unwrap();
    store.withdraw("email", "other@example.com", unsubscribed, "link", NOW).await.unwrap();
    let expected =
        SuppressedAddress { channel: Channel::Email, address: "a@example.com".into(), reason: unsubscribed };
    assert_eq!(member(&store, c[0], NOW).await.suppressed, [expected]);
    assert!(member(&store, c[1], NOW).await.suppressed.is_empty());
    let kept = store.suppressions(9).await.unwrap();
    assert_eq!((kept.len(), &kept[0].proof[..]), (2, "link"), "the first proof is kept");
}

/// Plans and claims a message of a run of this class for each customer.
async fn send(store: &Store, campaign: &str, class: CampaignClass, to: &[CustomerId], at: Timestamp) {
    let run = store.start_run(campaign, class, at, at).await.unwrap().unwrap();
    let page: Vec<OutboxMessage> = to
        .iter()
        .map(|customer| OutboxMessage {
            id: OutboxId(store.next_id(at)),
            run,
            customer: *customer,
            connector: None,
            channel: None,
            address: None,
            state: OutboxState::Pending,
            reason: String::new(),
            due_at: at,
            attempts: 0,
        })
        .collect();
    let verdicts = page.iter().map(|m| (m.id, m.customer, Verdict::Send)).collect();
    store.plan_page(run, page, None, true, at).await.unwrap();
    assert_eq!(store.claim(verdicts, at).await.unwrap().len(), to.len());
}

#[tokio::test]
async fn marketing_of_the_last_90_days_counts_through_merges_service_does_not() {
    let store = fresh().await;
    let c = people(&store, &["a", "b", "c"]).await;
    send(&store, "old", CampaignClass::Marketing, &c, days_ago(91)).await;
    send(&store, "one", CampaignClass::Marketing, &c[..1], days_ago(30)).await;
    send(&store, "two", CampaignClass::Marketing, &c[1..2], days_ago(20)).await;
    send(&store, "service", CampaignClass::Care, &c, days_ago(10)).await;
    assert_eq!(member(&store, c[0], NOW).await.marketed_at, [days_ago(30)]);
    merge(&store, c[1], c[0]).await;
    assert_eq!(member(&store, c[0], NOW).await.marketed_at, [days_ago(20), days_ago(30)]);
    assert!(member(&store, c[2], NOW).await.marketed_at.is_empty());
    store.orphans(NOW, &[]).await.unwrap();
    let unknown = member(&store, c[0], NOW).await.marketed_at;
    assert_eq!(unknown, [days_ago(20), days_ago(30)], "may have gone out, when it was claimed");
}
