//! Connectors: plugins at work. Each runs in a child process of its own, because a library in our address space can
//! crash us, leak, hang, call `exit()`, and nothing inside the process stops it.
//!
//! [`Catalog`] finds plugins and reads their manifests; [`Connector`] starts its child when first needed, gives every
//! call a deadline, restarts what dies with growing pauses, and leaves it off, visibly, past its budget.
//! [`child_main`] is the other side, in the child: the only place that loads foreign code.
//!
//! Refuses to know configuration files, mappings, stores and campaigns. It moves bytes and says who failed.

mod catalog;
mod child;
mod connector;
mod cursors;
mod error;
mod exit;
mod frame;
mod ledger;
mod library;
mod manifest;
mod noise;
mod process;
mod protocol;
mod session;
mod spec;

pub use catalog::Catalog;
pub use child::{HOST_COMMAND, child_main};
pub use connector::{Connector, Health, State};
pub use error::{Error, Who};
pub use manifest::{Manifest, StreamInfo};
pub use rejoin_plugin_api::{Diagnostic, ErrorClass, Message, Outcome, ReadRequest, WebhookRequest};
pub use spec::{Capability, Limits, ReadBatch, Role, Spec};
