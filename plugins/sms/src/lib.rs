//! Text messages through an HTTP gateway that the configuration describes, and the receipts and replies it pushes.
//!
//! [`message`] makes one text ready and counts its parts, [`request`] renders the HTTP request, [`gateway`] posts
//! it exactly once, [`verdict`] reads the answer, [`send`] does that for a batch. [`webhook`] reads what comes back.
//!
//! Refused: SMPP (another plugin), XML answers read by path, signing schemes of single vendors, and any retry on
//! our own account: the host decides when a message is tried again.

mod config;
mod gateway;
mod length;
mod message;
mod pace;
mod place;
mod plugin;
mod request;
mod send;
mod validate;
mod verdict;
mod webhook;

pub use config::Config;
pub use length::{Encoding, Length, measure, split};
pub use plugin::Sms;

rejoin_plugin_api::export_plugin!(Sms: channel, webhook);

#[cfg(test)]
mod tests;
