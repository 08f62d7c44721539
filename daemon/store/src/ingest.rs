//! Ingest: everything one read of a connector yielded, and its cursor, in one transaction.
//!
//! Doing it twice is doing it once: a record that says what is stored changes nothing, facts are keyed. So a crash
//! between the commit and telling the connector costs a repetition and no more.

use std::sync::Arc;

use rejoin_model::{Activity, ConsentFact, Suppression, Timestamp};
use rusqlite::Connection;

use crate::activities::ActivityWriter;
use crate::connectors::{connector_id, write_cursor};
use crate::consent::{write_consents, write_suppressions};
use crate::evidence::{Evidence, settle_by_evidence};
use crate::intake::finish_requests;
use crate::quarantine::{Quarantined, write_quarantine};
use crate::records::{Change, NewRecord, RecordWriter};
use crate::rows::add_tally;
use crate::sweep::{open_sweeps, see};
use crate::{Error, Ids, Store};

/// What one read of a connector yielded.
#[derive(Debug, Clone, Default)]
pub struct IngestBatch {
    pub connector: Arc<str>,
    pub records: Vec<NewRecord>,
    pub activities: Vec<Activity>,
    /// Keys of activities that no longer exist at their source.
    pub deleted_activities: Vec<String>,
    pub consents: Vec<ConsentFact>,
    pub suppressions: Vec<Suppression>,
    pub evidence: Vec<Evidence>,
    pub quarantined: Vec<Quarantined>,
    /// Stream and the position to go on from.
    pub cursor: Option<(String, String)>,
    /// Ids of the stored webhook requests this batch came from.
    pub requests_done: Vec<String>,
}

/// What a batch changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IngestSummary {
    pub new: u64,
    pub changed: u64,
    pub unchanged: u64,
    pub deleted: u64,
    pub activities: u64,
    pub consents: u64,
    pub quarantined: u64,
}

impl IngestSummary {
    /// Adds what another batch changed.
    pub fn add(&mut self, other: &Self) {
        self.new += other.new;
        self.changed += other.changed;
        self.unchanged += other.unchanged;
        self.deleted += other.deleted;
        self.activities += other.activities;
        self.consents += other.consents;
        self.quarantined += other.quarantined;
    }
}

impl Store {
    /// Stores a batch and its cursor together.
    pub async fn ingest(&self, batch: IngestBatch, now: Timestamp) -> Result<IngestSummary, Error> {
        let ids = self.inner.ids.clone();
        let rows = batch.records.len() + batch.activities.len() + batch.consents.len();
        self.write_rows(rows, move |db| ingest(db, &batch, &ids, now)).await
    }
}

fn ingest(db: &Connection, batch: &IngestBatch, ids: &Ids, now: Timestamp) -> Result<IngestSummary, Error> {
    let connector = connector_id(db, &batch.connector)?;
    let mut summary = put_records(db, connector, &batch.records, ids, now)?;
    let mut activities = ActivityWriter::new(db, connector, ids, now);
    summary.activities = activities.put(&batch.activities)? + activities.delete(&batch.deleted_activities)?;
    activities.finish()?;
    summary.consents = write_consents(db, connector, &batch.consents, ids, now)?;
    write_suppressions(db, &batch.suppressions)?;
    settle_by_evidence(db, &batch.evidence, now)?;
    summary.quarantined = write_quarantine(db, connector, &batch.quarantined, ids, now)?;
    finish_requests(db, connector, &batch.requests_done)?;
    if let Some((stream, position)) = &batch.cursor {
        write_cursor(db, connector, stream, Some(position))?;
    }
    Ok(summary)
}

fn put_records(
    db: &Connection,
    connector: i64,
    records: &[NewRecord],
    ids: &Ids,
    now: Timestamp,
) -> Result<IngestSummary, Error> {
    let mut summary = IngestSummary::default();
    if records.is_empty() {
        return Ok(summary);
    }
    let sweeps = open_sweeps(db, connector)?;
    let mut writer = RecordWriter::new(db, connector, ids, now)?;
    // In order of key each leaf of the key index is visited once. Stable, so that of two lines with one key the
    // later still comes last.
    let mut order: Vec<&NewRecord> = records.iter().collect();
    order.sort_by(|a, b| a.key.cmp(&b.key));
    for record in order {
        let count = match writer.put(record)? {
            Change::New => &mut summary.new,
            Change::Changed => &mut summary.changed,
            Change::Unchanged => &mut summary.unchanged,
            Change::Deleted => &mut summary.deleted,
        };
        *count += 1;
        if !record.deleted && !sweeps.is_empty() {
            let stream = writer.stream(&record.stream)?;
            if sweeps.contains_key(&stream) {
                see(db, connector, stream, &record.key)?;
            }
        }
    }
    add_tally(db, "records", summary.new as i64)?;
    Ok(summary)
}
