//! Identity: which source records are one real person or organisation.
//!
//! The answer is a function of the *set* of records and of people's decisions, never of the order in which records
//! arrived or of how they are linked today: [`resolve()`] computes the partition of whole components afresh each
//! time, and only then looks at the present links, to let customers keep their ids.
//!
//! This crate refuses to read the clock, do I/O or know SQL. What it is handed must be *closed* ([`Question`]);
//! gathering that is the resolve task's work. Evidence today is a shared strong key (e-mail, phone, external key,
//! national id) whose names do not object; scores come behind the same interface later.

pub mod golden;
pub mod name;
pub mod normalise;
pub mod resolve;
pub mod why;

use std::collections::HashSet;
use std::sync::Arc;

use rejoin_model::customer::{Decision, IdentityKey};
use rejoin_model::{CustomerId, record::SourceRecord};

pub use golden::golden;
pub use name::NameForm;
pub use normalise::{Defaults, Normalised, normalise};
pub use resolve::{resolve, resolve_under};
pub use why::{Explanation, explain};

/// A source record as identity looks at it.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub record: SourceRecord,
    /// The customer it is linked to now.
    pub link: Option<CustomerId>,
    pub normalised: Normalised,
    /// It is new or changed, or a decision about it changed: the answer must settle it.
    pub unresolved: bool,
}

/// What is asked of [`resolve()`].
///
/// `records` must be closed. With every record in it, live or deleted, it holds
/// - every record that shares a key with it which is not generic: a key it has now, and for an unresolved record also
///   those it had when last settled, because who it stood between may come together when it leaves;
/// - every record of the customer it is linked to;
/// - every partner in a decision, with `decisions` holding all decisions about all of them.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub records: &'a [Candidate],
    pub decisions: &'a [Decision],
    /// Keys already known to be shared by too many parties to mean anything.
    pub generic: &'a HashSet<IdentityKey>,
}

/// What a site may declare about its own sources.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Connectors whose keys are unique among real parties: two records of one of them are never one customer.
    pub unique_connectors: HashSet<Arc<str>>,
}
