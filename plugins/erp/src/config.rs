//! The configuration: as written, then as meant. Connects to nothing.

use std::time::Duration;

use rejoin_plugin_api::{Diagnostic, Error};
use serde::Deserialize;

/// As written.
#[derive(Clone, Deserialize)]
pub struct Config {
    pub url: String,
    pub user: String,
    pub password: String,
    #[serde(default = "overlap")]
    pub overlap: String,
    #[serde(default = "page")]
    pub page: u32,
    #[serde(default = "timeout")]
    pub timeout: String,
    #[serde(default)]
    pub ca: Option<String>,
}

fn overlap() -> String {
    "5m".into()
}

fn page() -> u32 {
    200
}

fn timeout() -> String {
    "30s".into()
}

/// As meant.
pub(crate) struct Settings {
    /// Without a slash at the end.
    pub(crate) url: String,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) overlap: Duration,
    pub(crate) page: u32,
    pub(crate) timeout: Duration,
    pub(crate) ca: Option<String>,
}

impl Settings {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        if let Some(first) = findings(config).into_iter().next() {
            return Err(Error::config(format!("{}: {}", first.pointer, first.message)));
        }
        Ok(Self {
            url: config.url.trim_end_matches('/').to_string(),
            user: config.user.clone(),
            password: config.password.clone(),
            overlap: duration(&config.overlap).unwrap_or_default(),
            page: config.page,
            timeout: duration(&config.timeout).unwrap_or_default(),
            ca: config.ca.clone(),
        })
    }
}

/// Everything the manifest's schema cannot say.
pub(crate) fn findings(config: &Config) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut note = |pointer: &str, message: String, hint: &str| {
        found.push(Diagnostic { pointer: pointer.into(), message, hint: Some(hint.into()) });
    };
    let example = "write it like https://erp.example.com/shop, where shop is the database";
    match reqwest::Url::parse(&config.url) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            note("/url", format!("{:?} is neither http nor https", url.scheme()), example);
        }
        Ok(url) if url.path().trim_matches('/').is_empty() => {
            note("/url", "the name of the database is missing".into(), example);
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            note("/url", "it holds a user or a password".into(), "give them as user and password");
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            note("/url", "it has more than a host and a database".into(), example);
        }
        Ok(_) => {}
        Err(e) => note("/url", format!("it cannot be understood: {e}"), example),
    }
    for (pointer, text) in [("/overlap", &config.overlap), ("/timeout", &config.timeout)] {
        if duration(text).is_none() {
            note(pointer, format!("{text:?} is not a length of time"), "write it like 30s, 5m or 1h");
        }
    }
    if duration(&config.timeout).is_some_and(|timeout| timeout.is_zero()) {
        note("/timeout", "nothing answers in no time".into(), "write it like 30s");
    }
    found
}

/// `30s`, `5m`, `1h`.
fn duration(text: &str) -> Option<Duration> {
    let (number, seconds) = match text.as_bytes().last()? {
        b's' => (&text[..text.len() - 1], 1),
        b'm' => (&text[..text.len() - 1], 60),
        b'h' => (&text[..text.len() - 1], 3600),
        _ => return None,
    };
    // Bounded, so that no later sum can overflow.
    let number: u64 = number.parse().ok().filter(|&n| n <= 1_000_000)?;
    Some(Duration::from_secs(number * seconds))
}
