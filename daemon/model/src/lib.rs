//! The words of Rejoin as passive data with their own invariants.
//!
//! A *connector* hands over *source records* ([`record`]) and dated facts about them ([`activity`]).
//! *Links* ([`customer`]) tie source records to *customers*, the golden records; a customer owns nothing that
//! a link cannot give back, so a merge can always be undone. A *profile* ([`profile`]) is what insight computes
//! of a customer. A *campaign* ([`campaign`]) sends to a *segment* ([`segment`]) under *consent* ([`consent`]);
//! every message is a row of the *outbox* ([`outbox`]) before it is sent.
//!
//! This crate knows no clock, no I/O, no SQL and no algorithm: a type lives here when two crates share it.

pub mod activity;
pub mod audience;
pub mod campaign;
pub mod consent;
pub mod customer;
pub mod id;
pub mod outbox;
pub mod profile;
pub mod record;
pub mod segment;
pub mod time;

pub use activity::{Activity, ActivityKind, Money};
pub use audience::Member;
pub use campaign::{Campaign, CampaignClass};
pub use consent::{ConsentFact, Suppression, SuppressionReason};
pub use customer::{Customer, Link, LinkReason, Resolution};
pub use id::{CustomerId, IdMaker, OutboxId, RecordId, RunId};
pub use outbox::{OutboxState, Outcome};
pub use profile::{Profile, Stage};
pub use record::{Party, RecordKey};
pub use segment::Segment;
pub use time::Timestamp;
