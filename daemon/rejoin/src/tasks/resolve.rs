//! Resolve: unresolved records → links and customers.
//!
//! The read widens the unresolved records to everything their answer may depend on (records that share a key, their
//! customers, the records a person tied them to), so that the pure decision sees whole components and gives the same
//! partition in whatever order records arrived.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rejoin_identity::normalise::{Defaults, normalise};
use rejoin_identity::{Candidate, Question, Rules};
use rejoin_model::customer::{Decision, IdentityKey};
use rejoin_model::{CustomerId, RecordId, record::SourceRecord};
use rejoin_store::Store;

use super::{Step, Task, TaskError};
use crate::clock;
use crate::site::Site;

/// Records settled in one step when few wait: small enough to be visible at once.
const BATCH_LIVE: usize = 2_000;
/// Records settled in one step of bulk work: large sorted batches are what keeps a B-tree fast.
const BATCH_BULK: usize = 32_000;
/// A key carried by more records than this cannot be one party's.
const KEY_RECORDS_MAX: usize = 5_000;

#[derive(Default)]
pub struct Resolve {
    /// The last step filled its batch, so there is a backlog.
    bulk: bool,
}

impl Resolve {
    /// For loads that are known to be large.
    pub fn bulk() -> Self {
        Self { bulk: true }
    }
}

impl Task for Resolve {
    fn name(&self) -> String {
        "resolve".to_owned()
    }

    async fn step(&mut self, site: &Site) -> Result<Step, TaskError> {
        let limit = if self.bulk { BATCH_BULK } else { BATCH_LIVE };
        let did = resolve_once(site, limit).await?;
        self.bulk = did >= limit as u64;
        if did == 0 {
            return Ok(Step::IDLE);
        }
        site.wake.profile.notify_one();
        Ok(Step::Worked(did))
    }
}

/// Settles up to `limit` unresolved records; says how many.
pub async fn resolve_once(site: &Site, limit: usize) -> Result<u64, TaskError> {
    let seeds = site.store.unresolved(limit).await?;
    if seeds.is_empty() {
        return Ok(0);
    }
    let did = seeds.len() as u64;
    let settings = site.settings();
    let defaults = Defaults { region: settings.site.region.clone() };
    let unique = settings.connectors.iter().filter(|c| c.unique).map(|c| Arc::clone(&c.name));
    let rules = Rules { unique_connectors: unique.collect() };
    let closure = Closure::widen(&site.store, &defaults, seeds).await?;
    let (store, now) = (site.store.clone(), clock::now());
    // Tens of thousands of records are scored at once: not on a thread that also answers HTTP.
    let resolution = tokio::task::spawn_blocking(move || {
        let records: Vec<Candidate> = closure.candidates.into_values().collect();
        let question =
            Question { records: &records, decisions: &closure.decisions, generic: &closure.generic };
        rejoin_identity::resolve_under(&rules, question, &mut || CustomerId(store.next_id(now)))
    })
    .await
    .map_err(|e| TaskError::Other(format!("identity resolution panicked: {e}")))?;
    site.store.apply_resolution(resolution, now).await?;
    Ok(did)
}

/// Records closed under "shares a key that means something", "is of the same customer" and "a person tied them".
#[derive(Default)]
pub struct Closure {
    pub candidates: HashMap<RecordId, Candidate>,
    pub decisions: Vec<Decision>,
    pub generic: HashSet<IdentityKey>,
    /// Keys that the unresolved records were found by before.
    stored: Vec<IdentityKey>,
}

impl Closure {
    /// Widens `seeds`, which are marked unresolved, until nothing new is found.
    pub async fn widen(
        store: &Store,
        defaults: &Defaults,
        seeds: Vec<SourceRecord>,
    ) -> Result<Self, TaskError> {
        let mut closure = Self::default();
        let mut asked = HashSet::new();
        let mut fresh = closure.admit(store, defaults, seeds, true).await?;
        while !fresh.is_empty() {
            let mut found = closure.sharing(store, &fresh, &mut asked).await?;
            found.extend(closure.of_same_customers(store, &fresh).await?);
            found.extend(closure.decided_with(store, &fresh).await?);
            found.retain(|id| !closure.candidates.contains_key(id));
            let found: Vec<RecordId> = found.into_iter().collect();
            let records = store.records(&found).await?;
            fresh = closure.admit(store, defaults, records, false).await?;
        }
        Ok(closure)
    }

    async fn admit(
        &mut self,
        store: &Store,
        defaults: &Defaults,
        records: Vec<SourceRecord>,
        unresolved: bool,
    ) -> Result<Vec<RecordId>, TaskError> {
        let ids: Vec<RecordId> = records.iter().map(|r| r.id).collect();
        let links = store.links_of(&ids).await?;
        if unresolved {
            // What led to a record before it changed still leads to those whose answer depended on it.
            self.stored = store.keys_of(&ids).await?.into_iter().flatten().collect();
        }
        for (record, link) in records.into_iter().zip(links) {
            let normalised = normalise(&record.party, defaults);
            self.candidates.insert(record.id, Candidate { record, link, normalised, unresolved });
        }
        Ok(ids)
    }

    async fn sharing(
        &mut self,
        store: &Store,
        fresh: &[RecordId],
        asked: &mut HashSet<IdentityKey>,
    ) -> Result<HashSet<RecordId>, TaskError> {
        let of_fresh = fresh.iter().filter_map(|id| self.candidates.get(id));
        let keys: HashSet<IdentityKey> = of_fresh
            .flat_map(|c| c.normalised.keys.iter().cloned())
            .chain(std::mem::take(&mut self.stored))
            .filter(|key| !asked.contains(key))
            .collect();
        let mut keys: Vec<IdentityKey> = keys.into_iter().collect();
        keys.sort_unstable();
        asked.extend(keys.iter().cloned());
        self.generic.extend(store.generic_among(&keys).await?);
        keys.retain(|key| !self.generic.contains(key));
        let mut found = HashSet::new();
        for (key, records) in keys.iter().zip(store.sharing(&keys, KEY_RECORDS_MAX).await?) {
            if records.len() >= KEY_RECORDS_MAX {
                self.generic.insert(key.clone());
            } else {
                found.extend(records);
            }
        }
        Ok(found)
    }

    async fn of_same_customers(&self, store: &Store, fresh: &[RecordId]) -> Result<Vec<RecordId>, TaskError> {
        let of_fresh = fresh.iter().filter_map(|id| self.candidates.get(id));
        let customers: HashSet<CustomerId> = of_fresh.filter_map(|c| c.link).collect();
        let customers: Vec<CustomerId> = customers.into_iter().collect();
        Ok(store.members_of(&customers).await?.into_iter().map(|(_, record)| record).collect())
    }

    async fn decided_with(&mut self, store: &Store, fresh: &[RecordId]) -> Result<Vec<RecordId>, TaskError> {
        let decisions = store.decisions_about(fresh).await?;
        let partners = decisions.iter().flat_map(|d| [d.a, d.b]).collect();
        for decision in decisions {
            if !self.decisions.iter().any(|d| d.id == decision.id) {
                self.decisions.push(decision);
            }
        }
        Ok(partners)
    }
}
