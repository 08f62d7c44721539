//! Campaign rules: who may be written to, when, with what words, and what becomes of a message afterwards.
//!
//! Everything here is a pure function of values from `rejoin-model`: `now` is an argument, random choices are hashes
//! of ids, and nothing is read, sent or stored. The five tasks call these functions between one bounded read and one
//! transaction.
//!
//! - [`parse`]: the text of a segment → a checked condition, every mistake with its position.
//! - [`schedule`]: five cron fields and a zone → instants, right around clock changes; what is due, what is missed.
//! - [`compose`]: templates and a member of the audience → the message.
//! - [`policy`]: consent, suppression, cap, quiet hours, holdout → send, hold or end. Asked when planning and again
//!   when claiming.
//! - [`plan`]: a member of the audience → its outbox row.
//! - [`retry`]: what a channel said → the row's next state.
//! - [`message`], [`unsubscribe`], [`optout`]: recognising what comes back.

pub mod compose;
pub mod message;
pub mod optout;
pub mod parse;
pub mod plan;
pub mod policy;
pub mod retry;
pub mod schedule;
mod seal;
mod suggest;
#[cfg(test)]
mod testing;
pub mod unsubscribe;
