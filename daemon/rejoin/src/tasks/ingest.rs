//! Ingest: batches of connectors → source records, activities, the cursor.
//!
//! One loop for each source and each webhook connector, so that one that fails or hangs holds up nobody. A batch, its
//! quarantined lines and its cursor are one transaction; then, and only then, the plugin is told. While a batch is
//! stored the next one is already being read.

use std::sync::Arc;
use std::time::Duration;

use rejoin_campaign::message;
use rejoin_campaign::schedule::Schedule;
use rejoin_connector::{Connector, ReadBatch, Role};
use rejoin_model::Timestamp;
use rejoin_plugin_api::ReadRequest;
use rejoin_store::{Answers, Evidence, IngestBatch, IngestSummary, NewRecord, Quarantined};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::webhook::TakeRequests;
use super::{Step, Task, TaskError, drive};
use crate::clock;
use crate::mapping::{Mapped, Maps};
use crate::site::Site;

/// Bounds of one batch: large enough for bulk loads, small enough to hold a few of them.
const BATCH_RECORDS_MAX: u32 = 20_000;
const BATCH_BYTES_MAX: u64 = 8 << 20;
/// An idle source looks this often whether somebody asked for a sync.
const ASKED_EVERY: Duration = Duration::from_secs(2);

/// Starts one loop for each source and each webhook connector.
pub fn spawn(site: &Arc<Site>, stop: &watch::Receiver<bool>, set: &mut JoinSet<()>) {
    for connector in &site.settings().connectors {
        if connector.has_role(Role::Source) {
            let task = Pull::new(&connector.name);
            set.spawn(drive(Arc::clone(site), task, |w| &w.ingest, stop.clone()));
        }
        if connector.has_role(Role::Webhook) {
            let task = TakeRequests::new(&connector.name);
            set.spawn(drive(Arc::clone(site), task, |w| &w.ingest, stop.clone()));
        }
    }
}

/// Pulls one source connector.
pub struct Pull {
    connector: Arc<str>,
    /// Streams of the plugin that have more to give now, the next one last.
    open: Vec<String>,
    /// When the source is to be looked at again.
    due_at: Timestamp,
    /// Requests for a sync that this round answers.
    asked: Vec<i64>,
    sweep: Option<Sweep>,
    last_sweep_at: Option<Timestamp>,
    ahead: Option<Ahead>,
}

/// A batch being read while the one before it is stored.
struct Ahead {
    stream: String,
    reading: JoinHandle<Result<ReadBatch, rejoin_connector::Error>>,
}

/// A listing of all keys in progress.
struct Sweep {
    id: i64,
    /// Streams still to be listed, the current one last.
    streams: Vec<String>,
    cursor: Option<String>,
}

impl Pull {
    pub fn new(connector: &Arc<str>) -> Self {
        Self {
            connector: Arc::clone(connector),
            open: Vec::new(),
            due_at: Timestamp(0),
            asked: Vec::new(),
            sweep: None,
            last_sweep_at: None,
            ahead: None,
        }
    }

    /// For a sync by hand: due at once, and only once.
    pub fn once(connector: &str) -> Self {
        Self::new(&connector.into())
    }
}

impl Task for Pull {
    fn name(&self) -> String {
        format!("ingest:{}", self.connector)
    }

    async fn step(&mut self, site: &Site) -> Result<Step, TaskError> {
        let Some(channel) = site.connector(&self.connector, Role::Source) else { return Ok(Step::IDLE) };
        if self.open.is_empty() && self.sweep.is_none() {
            if !self.look(site).await? {
                let wait = self.due_at.ms_since(clock::now()).max(1) as u64;
                return Ok(Step::Idle(Duration::from_millis(wait).min(ASKED_EVERY)));
            }
            return Ok(Step::Worked(0));
        }
        let step = if self.open.is_empty() {
            self.sweep_on(site, &channel).await
        } else {
            self.pull(site, &channel).await
        };
        if step.is_err() {
            // Read-ahead beyond a batch that was not stored must not be stored.
            self.ahead = None;
        }
        step
    }
}

impl Pull {
    /// Opens the streams when it is time or somebody asked; says whether it did.
    async fn look(&mut self, site: &Site) -> Result<bool, TaskError> {
        let now = clock::now();
        let settings = site.settings();
        let Some(connector) = settings.connector(&self.connector) else { return Ok(false) };
        let asked = site.store.take_requests(&format!("sync:{}", self.connector)).await?;
        self.asked = asked.into_iter().map(|(request, _)| request).collect();
        let sweep_due = match &connector.sweep {
            Some(expression) => self.sweep_is_due(expression, settings.site.zone.name(), now)?,
            None => false,
        };
        let read_due = !self.asked.is_empty() || now >= self.due_at;
        if !sweep_due && !read_due {
            return Ok(false);
        }
        let manifest = site.catalog.manifest(&connector.plugin).await?;
        if sweep_due {
            let streams = manifest.streams.iter().filter(|s| s.sweep).map(|s| s.name.clone()).collect();
            self.sweep = Some(Sweep { id: site.store.next_id(now), streams, cursor: None });
        }
        if !read_due {
            return Ok(true);
        }
        self.open = manifest.streams.iter().rev().map(|s| s.name.clone()).collect();
        self.due_at = now.plus_ms(connector.poll_ms);
        Ok(true)
    }

    fn sweep_is_due(&mut self, expression: &str, zone: &str, now: Timestamp) -> Result<bool, TaskError> {
        let Some(last) = self.last_sweep_at.replace(now) else { return Ok(false) };
        let schedule = Schedule::parse(expression, zone)
            .map_err(|e| TaskError::Other(format!("connector {:?}: sweep: {e}", self.connector)))?;
        Ok(schedule.next_after(last).is_some_and(|at| at <= now))
    }

    /// One batch of the stream that is open.
    async fn pull(&mut self, site: &Site, source: &Connector) -> Result<Step, TaskError> {
        let Some(stream) = self.open.last().cloned() else { return Ok(Step::IDLE) };
        let batch = match self.ahead.take().filter(|a| a.stream == stream) {
            Some(ahead) => {
                ahead.reading.await.map_err(|e| TaskError::Other(format!("a read was dropped: {e}")))??
            }
            None => {
                let cursor = site.store.cursor(&self.connector, &stream).await?;
                source.read(&read_request(&stream, cursor, false)).await?
            }
        };
        if batch.more {
            let (source, next) = (source.clone(), read_request(&stream, batch.cursor.clone(), false));
            let reading = tokio::spawn(async move { source.read(&next).await });
            self.ahead = Some(Ahead { stream: stream.clone(), reading });
        } else {
            self.open.pop();
        }
        let records = batch.records;
        take_batch(site, &self.connector, &stream, batch, source).await?;
        if self.open.is_empty() {
            for request in self.asked.drain(..) {
                site.store.finish_request(request).await?;
            }
        }
        Ok(Step::Worked(records))
    }

    /// One page of the key listing; at its end, what was not listed is deleted.
    async fn sweep_on(&mut self, site: &Site, source: &Connector) -> Result<Step, TaskError> {
        let Some(sweep) = &mut self.sweep else { return Ok(Step::IDLE) };
        let Some(stream) = sweep.streams.last().cloned() else {
            self.sweep = None;
            return Ok(Step::Worked(0));
        };
        let batch = source.read(&read_request(&stream, sweep.cursor.take(), true)).await?;
        let maps = maps_of(site, &self.connector)?;
        let keys = maps.apply(&stream, &batch.lines, clock::now()).seen;
        let listed = keys.len() as u64;
        site.store.sweep_seen(&self.connector, &stream, sweep.id, keys).await?;
        if batch.more {
            sweep.cursor = batch.cursor;
            return Ok(Step::Worked(listed));
        }
        sweep.streams.pop();
        let deleted = site.store.finish_sweep(&self.connector, &stream, sweep.id, clock::now()).await?;
        tracing::info!(connector = &*self.connector, stream, deleted, "key sweep finished");
        site.wake.resolve.notify_one();
        Ok(Step::Worked(listed))
    }
}

/// A request for one batch of the usual size.
pub fn read_request(stream: &str, cursor: Option<String>, keys_only: bool) -> ReadRequest {
    ReadRequest {
        stream: stream.to_owned(),
        cursor,
        max_records: BATCH_RECORDS_MAX,
        max_bytes: BATCH_BYTES_MAX,
        keys_only,
    }
}

/// The maps of a connector, as the configuration has them now.
pub fn maps_of(site: &Site, connector: &str) -> Result<Arc<Maps>, TaskError> {
    let settings = site.settings();
    let found = settings.connector(connector).map(|c| Arc::clone(&c.maps));
    found.ok_or_else(|| TaskError::Other(format!("connector {connector:?} is no longer configured")))
}

/// Maps a batch, stores it with its cursor (when it has one), tells the plugin.
pub async fn take_batch(
    site: &Site,
    connector: &Arc<str>,
    stream: &str,
    batch: ReadBatch,
    source: &Connector,
) -> Result<IngestSummary, TaskError> {
    let now = clock::now();
    let cursor = batch.cursor.clone().map(|c| (stream.to_owned(), c));
    if batch.records == 0 && cursor.is_none() {
        return Ok(IngestSummary::default());
    }
    let maps = maps_of(site, connector)?;
    let (of_stream, lines) = (stream.to_owned(), batch.lines);
    let mapped = tokio::task::spawn_blocking(move || maps.apply(&of_stream, &lines, now))
        .await
        .map_err(|e| TaskError::Other(format!("mapping panicked: {e}")))?;
    let ingest = IngestBatch { cursor: cursor.clone(), ..stored_form(site, connector, mapped) };
    let summary = site.store.ingest(ingest, now).await?;
    if let Some((stream, cursor)) = cursor
        && let Err(error) = source.committed(&stream, &cursor).await
    {
        // The rows are durable; a far side that was not told will offer them again, and the keys absorb that.
        tracing::warn!(connector = &**connector, %error, "the plugin could not be told of the commit");
    }
    site.wake.resolve.notify_one();
    site.wake.profile.notify_one();
    Ok(summary)
}

/// What the mapping made, in the form the store takes, with answers matched to the messages they answer.
pub fn stored_form(site: &Site, connector: &Arc<str>, mapped: Mapped) -> IngestBatch {
    let outbox_of = |reference: &str| message::parse_message_id(reference, &site.keys.token);
    let records = mapped.records.into_iter().map(|r| NewRecord {
        key: r.key,
        stream: r.stream,
        raw: r.raw,
        party: r.party,
        deleted: r.deleted,
    });
    let activities = mapped.activities.into_iter().map(|a| {
        let mut activity = a.activity;
        activity.answers = a.answers_ref.as_deref().and_then(outbox_of);
        activity
    });
    let evidence = mapped.evidence.into_iter().map(|e| Evidence {
        answers: match outbox_of(&e.answers_ref) {
            Some(id) => Answers::Outbox(id),
            None => Answers::Provider { connector: connector.to_string(), id: e.answers_ref },
        },
        delivered: e.delivered,
        reason: e.reason,
    });
    let quarantined = mapped.refused.into_iter().map(|q| Quarantined {
        at: q.at,
        code: q.code,
        reason: q.reason,
        raw: q.raw,
    });
    IngestBatch {
        connector: Arc::clone(connector),
        records: records.collect(),
        activities: activities.collect(),
        deleted_activities: mapped.deleted_activities,
        consents: mapped.consents,
        suppressions: mapped.suppressions,
        evidence: evidence.collect(),
        quarantined: quarantined.collect(),
        cursor: None,
        requests_done: Vec::new(),
    }
}
