//! The plugin from outside, through its traits.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod live; // real servers, named by the environment
mod maildir; // the Maildir transport
mod outcomes; // a scripted SMTP server that misbehaves at every step
mod support; // that server, and helpers
