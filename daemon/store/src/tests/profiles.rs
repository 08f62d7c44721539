//! The queue of stale profiles, and profiles themselves.

use rejoin_model::{Profile, Stage};

use super::*;

fn profile(orders: u32) -> Profile {
    Profile {
        orders,
        first_order_at: Some(days_ago(300)),
        last_order_at: Some(days_ago(100)),
        total_cents: 12_345,
        currency: Some("EUR".into()),
        other_currency_orders: 1,
        rfm: [1, 2, 3],
        stage: Stage::Decline,
        last_contact_at: None,
        open_complaint: true,
    }
}

async fn add_order(store: &Store, key: &str, party: &str) {
    let mut b = batch("erp");
    b.activities = vec![order(key, party, days_ago(5), 100)];
    store.ingest(b, NOW).await.unwrap();
}

#[tokio::test]
async fn a_new_activity_makes_the_profile_stale_and_a_profile_settles_it() {
    let store = fresh().await;
    let c = people(&store, &["anna", "bela"]).await;
    assert!(store.stale_profiles(9).await.unwrap().is_empty());
    add_order(&store, "o1", "anna").await;
    let stale = store.stale_profiles(9).await.unwrap();
    assert_eq!((stale.len(), stale[0].customer, stale[0].activities.len()), (1, c[0], 1));
    store.apply_profiles(vec![(c[0], profile(1))], NOW).await.unwrap();
    assert!(store.stale_profiles(9).await.unwrap().is_empty());
    assert_eq!(store.profile_of(c[0]).await.unwrap(), Some(profile(1)));
    assert_eq!(store.profile_of(c[1]).await.unwrap(), None);
}

#[tokio::test]
async fn a_fact_that_comes_while_a_profile_is_computed_is_not_forgotten() {
    let store = fresh().await;
    let c = people(&store, &["anna"]).await;
    add_order(&store, "o1", "anna").await;
    store.stale_profiles(9).await.unwrap();
    add_order(&store, "o2", "anna").await;
    store.apply_profiles(vec![(c[0], profile(1))], NOW).await.unwrap();
    assert_eq!(store.stale_profiles(9).await.unwrap()[0].activities.len(), 2);
}

#[tokio::test]
async fn a_merge_moves_activities_and_ends_the_profile() {
    let store = fresh().await;
    let c = people(&store, &["anna", "bela"]).await;
    add_order(&store, "o1", "bela").await;
    store.stale_profiles(9).await.unwrap();
    store.apply_profiles(vec![(c[1], profile(1))], NOW).await.unwrap();
    merge(&store, c[1], c[0]).await;
    let stale = store.stale_profiles(9).await.unwrap();
    assert_eq!((stale.len(), stale[0].customer, stale[0].activities.len()), (1, c[0], 1));
    assert_eq!(store.profile_of(c[1]).await.unwrap(), None);
}

#[tokio::test]
async fn a_profile_of_nothing_is_no_row_and_old_ones_are_computed_again() {
    let store = fresh().await;
    let c = people(&store, &["anna", "bela"]).await;
    store.apply_profiles(vec![(c[0], profile(1)), (c[1], Profile::default())], days_ago(9)).await.unwrap();
    assert_eq!(store.profile_of(c[1]).await.unwrap(), None);
    assert_eq!(store.mark_profiles_older_than(days_ago(10)).await.unwrap(), 0);
    assert_eq!(store.mark_profiles_older_than(days_ago(1)).await.unwrap(), 1);
    assert_eq!(store.stale_profiles(9).await.unwrap()[0].customer, c[0]);
}

#[tokio::test]
async fn the_sample_is_of_buyers_and_no_larger_than_asked() {
    let store = fresh().await;
    let ids: Vec<CustomerId> = (0..500).map(|_| CustomerId(store.next_id(NOW))).collect();
    let mut profiles: Vec<_> = ids.iter().map(|id| (*id, profile(2))).collect();
    profiles[0].1.orders = 0;
    store.apply_profiles(profiles, NOW).await.unwrap();
    assert_eq!(store.rfm_sample(1000).await.unwrap().len(), 499);
    let sample = store.rfm_sample(100).await.unwrap();
    assert!((60..=100).contains(&sample.len()), "{}", sample.len());
    assert_eq!(sample[0], (days_ago(100), 2, 12_345));
}
