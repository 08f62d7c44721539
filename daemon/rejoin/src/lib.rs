//! The daemon as a library, so that its parts can be tested; `main.rs` only dispatches.

pub mod config;
pub mod explain;
pub mod mapping;
