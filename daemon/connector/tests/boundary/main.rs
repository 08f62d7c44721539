//! The boundary under attack: whatever a plugin does, the host lives, says who it was and what happened, and the other
//! connectors go on. The plugins are in `tests/zoo`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod c_plugins;
mod calls;
mod crashes;
mod kit;
mod lies;
mod load;
mod refusals;
mod sending;
