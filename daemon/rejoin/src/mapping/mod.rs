//! Mapping: from a connector's raw fields to ours, in small expressions written in TOML.
//!
//! [`Maps::new`] compiles what a connector's `[[connector.map]]` tables say; [`Maps::apply`] turns the lines of one
//! batch into what the store takes. Pure: no clock, no store. A line is taken whole or refused whole, with the reason,
//! to quarantine; a value that makes no sense is never dropped in silence. Text inside the data is never compiled.

mod amounts;
mod apply;
mod expr;
mod facts;
mod filters;
mod line;
mod party;
mod read;
mod refuse;
mod row;
mod times;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use rejoin_model::campaign::Channel;
use rejoin_model::consent::{ConsentFact, Suppression, SuppressionReason};
use rejoin_model::{Activity, ActivityKind, Party};

pub use amounts::parse_cents;
pub use expr::{Expr, ExprError};
pub use filters::FILTERS;
pub use line::RawLine;
pub use refuse::MapError;
pub use times::parse_time;

/// The maps of one connector, in the order they are written; every one that matches a line is applied.
#[derive(Debug, Clone)]
pub struct Maps {
    pub connector: Arc<str>,
    pub site: SiteDefaults,
    pub maps: Vec<Map>,
}

/// What a value means when it does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteDefaults {
    /// Of times without an offset.
    pub zone: Tz,
    /// Of amounts without one, ISO 4217.
    pub currency: String,
    /// Of phone numbers without a country code, ISO 3166-1 alpha-2.
    pub region: String,
}

/// One `[[connector.map]]`.
#[derive(Debug, Clone, Default)]
pub struct Map {
    /// Lines of this stream only; `None`: of every stream.
    pub stream: Option<String>,
    /// Lines for which this is false are skipped and counted.
    pub when: Option<Expr>,
    /// The record's key; the line's own when absent.
    pub key: Option<Expr>,
    /// `None`: the map makes no source record.
    pub party: Option<PartyMap>,
    pub activities: Vec<ActivityMap>,
    pub consents: Vec<ConsentMap>,
    pub suppressions: Vec<SuppressMap>,
}

/// Expressions for the fields of a party, by our field name.
#[derive(Debug, Clone, Default)]
pub struct PartyMap {
    pub fields: Vec<(PartyField, Vec<Expr>)>,
    pub custom: BTreeMap<String, Expr>,
}

/// A field of [`Party`] a mapping may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartyField(pub(crate) usize);

#[derive(Debug, Clone)]
pub struct ActivityMap {
    pub kind: Word<ActivityKind>,
    pub when: Option<Expr>,
    pub key: Option<Expr>,
    pub at: Option<Expr>,
    pub of: Option<Expr>,
    pub amount: Option<Expr>,
    pub currency: Option<Word<String>>,
    pub text: Option<Expr>,
    pub answers: Option<Expr>,
}

#[derive(Debug, Clone)]
pub struct ConsentMap {
    /// A channel name or `*`.
    pub channel: String,
    pub topic: String,
    pub when: Option<Expr>,
    pub of: Option<Expr>,
    pub granted: Expr,
    pub text: Option<Expr>,
    pub at: Option<Expr>,
}

#[derive(Debug, Clone)]
pub struct SuppressMap {
    pub channel: Channel,
    pub address: Expr,
    pub reason: SuppressionReason,
    pub when: Option<Expr>,
}

/// Something a map states outright, or computes for each line.
#[derive(Debug, Clone)]
pub enum Word<T> {
    Fixed(T),
    Computed(Expr),
}

/// What the lines of a batch became: the pieces of the store's ingest batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapped {
    pub records: Vec<MappedRecord>,
    pub activities: Vec<MappedActivity>,
    pub deleted_activities: Vec<String>,
    pub consents: Vec<ConsentFact>,
    pub suppressions: Vec<Suppression>,
    pub evidence: Vec<MappedEvidence>,
    pub refused: Vec<Refused>,
    /// Record keys a sweep saw.
    pub seen: Vec<String>,
    /// Lines read, refused and skipped ones included.
    pub lines: u64,
    /// Lines no map wanted.
    pub skipped: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MappedRecord {
    pub key: String,
    pub stream: String,
    /// The fields as the connector gave them, JSON.
    pub raw: String,
    pub party: Option<Party>,
    pub deleted: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MappedActivity {
    /// `answers` is still empty: see `answers_ref`.
    pub activity: Activity,
    /// What the connector says it answers: a Message-ID or a provider's id, to be matched by the ingest task.
    pub answers_ref: Option<String>,
}

/// What an activity proves about the message it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedEvidence {
    pub answers_ref: String,
    pub delivered: bool,
    pub reason: String,
}

/// A line for quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where it stood, as far as the plugin said.
    pub at: String,
    pub code: String,
    pub reason: String,
    pub raw: String,
}
