//! Posts of web forms: urlencoded, multipart and JSON, with a honeypot, required fields and consent with its proof.
//!
//! [`post`] is one form as names and values; [`urlencoded`], [`multipart`] and [`json`] make posts of bodies;
//! [`row`] checks a post and turns it into a record. What cannot be read, or must not be believed, goes to
//! quarantine whole.
//!
//! Refused: files (their names are kept, not their bytes), and every decision that comes before the 2xx (rate limits,
//! signatures, the thank-you page), which are the host's.

mod charset;
mod config;
mod consent;
mod json;
mod multipart;
mod plugin;
mod post;
mod row;
mod urlencoded;

pub use config::Config;
pub use plugin::Webform;

rejoin_plugin_api::export_plugin!(Webform: webhook);

#[cfg(test)]
mod tests;
