//! The other half of ingest: stored webhook requests → the same as any batch.
//!
//! The caller was answered long ago, so a request is never dropped: one that the plugin cannot digest, or that kills
//! it twice, goes to quarantine whole.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rejoin_connector::{Connector, Role};
use rejoin_model::time::DAY_MS;
use rejoin_plugin_api::{ErrorClass, WebhookRequest};
use rejoin_store::{IngestBatch, IntakeRequest, Quarantined};

use super::ingest::{maps_of, stored_form};
use super::{Step, Task, TaskError};
use crate::clock;
use crate::site::Site;

/// Requests taken in one transaction.
const BATCH: usize = 500;
/// How often a request may break its plugin before it is set aside.
const TRIES_MAX: u32 = 2;
/// How long the name of a request is known after it was ingested.
const REMEMBERED_MS: i64 = 7 * DAY_MS;
const TIDY_EVERY: Duration = Duration::from_secs(3_600);

/// Ingests the requests of one webhook connector.
pub struct TakeRequests {
    connector: Arc<str>,
    /// How often each request broke the plugin.
    tries: HashMap<String, u32>,
    /// When the names of old requests were last forgotten.
    tidied: Option<Instant>,
}

impl TakeRequests {
    pub fn new(connector: &Arc<str>) -> Self {
        Self { connector: Arc::clone(connector), tries: HashMap::new(), tidied: None }
    }
}

impl Task for TakeRequests {
    fn name(&self) -> String {
        format!("ingest:{}:webhook", self.connector)
    }

    async fn step(&mut self, site: &Site) -> Result<Step, TaskError> {
        let Some(plugin) = site.connector(&self.connector, Role::Webhook) else { return Ok(Step::IDLE) };
        let waiting = site.store.waiting_requests(&self.connector, BATCH).await?;
        if waiting.is_empty() {
            self.forget_old(site).await?;
            return Ok(Step::IDLE);
        }
        let now = clock::now();
        let maps = maps_of(site, &self.connector)?;
        let (mut lines, mut done, mut set_aside) = (Vec::new(), Vec::new(), Vec::new());
        let mut stopped_by = None;
        for request in waiting {
            match self.digest(&plugin, &request).await {
                Ok(Digested::Lines(of_request)) => lines.extend_from_slice(&of_request),
                Ok(Digested::SetAside(quarantined)) => set_aside.push(quarantined),
                Err(error) => {
                    // What was digested before it is stored all the same.
                    stopped_by = Some(error);
                    break;
                }
            }
            done.push(request.id);
        }
        let did = done.len() as u64;
        if did > 0 {
            let stored = stored_form(site, &self.connector, maps.apply("", &lines, now));
            let quarantined = stored.quarantined.into_iter().chain(set_aside).collect();
            site.store.ingest(IngestBatch { requests_done: done, quarantined, ..stored }, now).await?;
            site.wake.resolve.notify_one();
            site.wake.profile.notify_one();
        }
        stopped_by.map_or(Ok(Step::Worked(did)), Err)
    }
}

impl TakeRequests {
    /// A repeat is recognised for a week; names older than that only cost room.
    async fn forget_old(&mut self, site: &Site) -> Result<(), TaskError> {
        if self.tidied.is_none_or(|at| at.elapsed() >= TIDY_EVERY) {
            site.store.forget_requests(clock::now().plus_ms(-REMEMBERED_MS)).await?;
            self.tidied = Some(Instant::now());
        }
        Ok(())
    }
}

enum Digested {
    Lines(Vec<u8>),
    SetAside(Quarantined),
}

impl TakeRequests {
    async fn digest(&mut self, plugin: &Connector, request: &IntakeRequest) -> Result<Digested, TaskError> {
        let error = match plugin.handle(&as_plugin_sees(request)).await {
            Ok(batch) => {
                self.tries.remove(&request.id);
                return Ok(Digested::Lines(batch.lines));
            }
            Err(error) => error,
        };
        let tries = self.tries.entry(request.id.clone()).or_default();
        *tries += 1;
        let hopeless = match error.class() {
            ErrorClass::Permanent | ErrorClass::Unsupported => true,
            ErrorClass::Panic => *tries >= TRIES_MAX,
            // A wrong configuration or a far side that is down is no fault of the request: it waits.
            _ => false,
        };
        if !hopeless {
            return Err(error.into());
        }
        self.tries.remove(&request.id);
        Ok(Digested::SetAside(Quarantined {
            at: format!("request {}", request.id),
            code: error.code().to_owned(),
            reason: error.to_string(),
            raw: String::from_utf8_lossy(&request.body).into_owned(),
        }))
    }
}

fn as_plugin_sees(request: &IntakeRequest) -> WebhookRequest {
    WebhookRequest {
        id: request.id.clone(),
        received_at_ms: request.received_at.0,
        method: request.method.clone(),
        target: request.target.clone(),
        headers: request.headers.clone(),
        remote: request.remote.clone(),
        body: request.body.clone(),
    }
}
