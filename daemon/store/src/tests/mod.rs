//! One suite for every backend: the tests know a [`Store`] and nothing below it, but for `durability`, which is
//! about SQLite's files. A second backend only needs to be opened in [`fresh`].

use std::sync::Arc;

use rejoin_model::customer::{Golden, IdentityKey, KeyKind};
use rejoin_model::record::PartyKind;
use rejoin_model::time::{DAY_MS, HOUR_MS};
use rejoin_model::{
    Activity, ActivityKind, ConsentFact, Customer, CustomerId, Link, LinkReason, Money, Party, RecordId,
    Resolution, Timestamp,
};

use crate::{IngestBatch, NewRecord, Store};

mod audience;
mod crash;
mod durability;
mod identity;
mod ingest;
mod operations;
mod outbox;
mod profiles;
mod schema;
mod segments;

/// 2026-01-05T09:00:00Z, a Monday.
pub(crate) const NOW: Timestamp = Timestamp(1_767_603_600_000);

pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) folder: tempfile::TempDir,
}

impl std::ops::Deref for Fixture {
    type Target = Store;
    fn deref(&self) -> &Store {
        &self.store
    }
}

pub(crate) async fn fresh() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open("sqlite:rejoin.db", folder.path()).await.unwrap();
    Fixture { store, folder }
}

pub(crate) fn days_ago(days: i64) -> Timestamp {
    NOW.plus_ms(-days * DAY_MS)
}

pub(crate) fn hours(hours: i64) -> Timestamp {
    NOW.plus_ms(hours * HOUR_MS)
}

pub(crate) fn batch(connector: &str) -> IngestBatch {
    IngestBatch { connector: Arc::from(connector), ..IngestBatch::default() }
}

/// A record whose party is called as its key and has that mailbox.
pub(crate) fn record(key: &str) -> NewRecord {
    let party =
        Party { name: Some(key.to_owned()), emails: vec![format!("{key}@example.com")], ..Party::default() };
    let raw = format!("{{\"name\":\"{key}\"}}");
    NewRecord { key: key.into(), stream: "parties".into(), raw, party: Some(party), deleted: false }
}

pub(crate) fn order(key: &str, party: &str, at: Timestamp, cents: i64) -> Activity {
    Activity {
        kind: ActivityKind::Order,
        key: key.into(),
        party_key: party.into(),
        at,
        money: Some(Money { cents, currency: "EUR".into() }),
        answers: None,
        text: None,
    }
}

pub(crate) fn consent(party: &str, topic: &str, granted: bool, at: Timestamp) -> ConsentFact {
    ConsentFact {
        party_key: party.into(),
        channel: "email".into(),
        topic: topic.into(),
        granted,
        at,
        proof: "form".into(),
    }
}

/// Ingests records of connector `erp` with these keys; their ids, in order of the keys given.
pub(crate) async fn ingest_keys(store: &Store, keys: &[&str]) -> Vec<RecordId> {
    let mut b = batch("erp");
    b.records = keys.iter().map(|key| record(key)).collect();
    store.ingest(b, NOW).await.unwrap();
    let stored = store.unresolved(10_000).await.unwrap();
    keys.iter().map(|key| stored.iter().find(|r| r.key.key == *key).unwrap().id).collect()
}

pub(crate) fn golden(id: CustomerId, name: &str, from: RecordId) -> Customer {
    let value = |text: String| Golden { value: text, from };
    Customer {
        id,
        kind: PartyKind::Person,
        name: Some(value(name.into())),
        given_name: None,
        family_name: None,
        company: None,
        emails: vec![value(format!("{name}@example.com"))],
        phones: Vec::new(),
        street: None,
        city: None,
        postcode: None,
        country: None,
        language: None,
        zone: None,
        birth_date: None,
        tags: Vec::new(),
        records: 1,
    }
}

pub(crate) fn email(address: &str) -> IdentityKey {
    IdentityKey { kind: KeyKind::Email, value: address.into() }
}

pub(crate) fn link(record: RecordId, customer: CustomerId) -> Link {
    Link { record, customer, reason: LinkReason::First }
}

/// Makes each record its own customer; their ids in order.
pub(crate) async fn settle_alone(store: &Store, records: &[RecordId]) -> Vec<CustomerId> {
    let stored = store.records(records).await.unwrap();
    let mut resolution = Resolution::default();
    let mut customers = Vec::new();
    for id in records {
        let record = stored.iter().find(|r| r.id == *id).unwrap();
        let customer = CustomerId(store.next_id(NOW));
        resolution.resolved.push((*id, record.version));
        resolution.links.push(link(*id, customer));
        resolution.customers.push(golden(customer, &record.key.key, *id));
        resolution.keys.push((*id, vec![email(&format!("{}@example.com", record.key.key))]));
        customers.push(customer);
    }
    store.apply_resolution(resolution, NOW).await.unwrap();
    customers
}

/// Customers called as the keys, one record each.
pub(crate) async fn people(store: &Store, keys: &[&str]) -> Vec<CustomerId> {
    let records = ingest_keys(store, keys).await;
    settle_alone(store, &records).await
}

/// Merges `from` into `into`: its records move, it ends.
pub(crate) async fn merge(store: &Store, from: CustomerId, into: CustomerId) {
    let moved = store.members_of(&[from]).await.unwrap();
    let resolution = Resolution {
        links: moved.iter().map(|(_, record)| link(*record, into)).collect(),
        ended: vec![(from, Some(into))],
        ..Resolution::default()
    };
    store.apply_resolution(resolution, NOW).await.unwrap();
}
