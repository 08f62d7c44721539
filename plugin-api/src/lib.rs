//! The plugin contract of Rejoin and the kit for writing plugins in Rust.
//!
//! `include/rejoin_plugin.h` is the contract. [`abi`] says the same in Rust, and a test holds the two equal. A Rust
//! plugin never touches either: it implements [`Plugin`] and any of [`Source`], [`Webhook`] and [`Channel`], and
//! names itself in [`export_plugin!`].

pub mod abi;
mod base64;
mod error;
#[doc(hidden)]
pub mod export;
mod host;
mod panics;
mod plugin;

pub use error::{Error, ErrorClass};
pub use host::{Host, LogLevel};
pub use plugin::{
    Batch, Channel, Diagnostic, Message, Outcome, Outcomes, Plugin, Progress, ReadRequest, Source, Webhook,
    WebhookRequest,
};
