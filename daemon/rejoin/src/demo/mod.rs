//! The data of `rejoin demo`: people, what four systems know of them, and the site that brings them together.
//!
//! Everything comes from a seed and a date; nothing here knows the daemon.

pub mod files;
pub mod http;
pub mod people;
pub mod random;
pub mod site;
