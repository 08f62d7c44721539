//! The daemon as a library, so that its parts can be tested; `main.rs` only dispatches.

pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod demo;
pub mod explain;
pub mod failure;
pub mod mapping;
pub mod output;
pub mod progress;
pub mod run;
pub mod site;
pub mod tasks;
