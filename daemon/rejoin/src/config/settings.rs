//! The checked configuration: what every other part of the daemon is handed. Nothing here can be wrong any more, and
//! nothing here remembers where in which file it was written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rejoin_campaign::compose::Templates;
pub use rejoin_connector::Role;
use rejoin_model::campaign::Sender;
use rejoin_model::{Campaign, Segment};

use super::error::ConfigError;
use crate::mapping::Maps;

/// Everything `rejoin.toml` and the files it includes say, with defaults filled in and secrets resolved.
#[derive(Debug)]
pub struct Settings {
    /// The main configuration file.
    pub path: PathBuf,
    /// Its folder: relative paths of the configuration start here.
    pub dir: PathBuf,
    /// Every file that was read, the main one first.
    pub files: Vec<PathBuf>,
    pub site: Site,
    /// `sqlite:…` or `postgres://…`, as written; a relative SQLite path starts at `dir`.
    pub store_url: String,
    pub http: Http,
    /// Absolute.
    pub plugin_dirs: Vec<PathBuf>,
    pub connectors: Vec<ConnectorSettings>,
    pub segments: Vec<Segment>,
    pub campaigns: Vec<CampaignSettings>,
    /// Plugins that are missing or were refused. Their connectors do nothing, everything else works.
    pub refused: Vec<ConfigError>,
    /// Campaigns that rest, because they send through such a connector.
    pub resting: BTreeSet<String>,
}

impl Settings {
    pub fn connector(&self, name: &str) -> Option<&ConnectorSettings> {
        self.connectors.iter().find(|c| &*c.name == name)
    }

    pub fn segment(&self, name: &str) -> Option<&Segment> {
        self.segments.iter().find(|s| s.name == name)
    }

    pub fn campaign(&self, name: &str) -> Option<&CampaignSettings> {
        self.campaigns.iter().find(|c| c.campaign.name == name)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    pub name: String,
    /// Language of people whose own is unknown.
    pub language: String,
    /// IANA zone of dates without one, and of schedules that name none.
    pub zone: chrono_tz::Tz,
    /// ISO 3166-1 alpha-2 region of phone numbers without a country code.
    pub region: String,
    /// ISO 4217 code of amounts without one.
    pub currency: String,
    pub postal_address: String,
    pub sms_signature: Option<String>,
    /// What templates may use as `site.…`.
    pub values: BTreeMap<String, String>,
}

impl Site {
    /// What campaigns say about the sender.
    pub fn sender(&self) -> Sender {
        Sender {
            name: self.name.clone(),
            postal_address: self.postal_address.clone(),
            sms_signature: self.sms_signature.clone(),
            values: self.values.clone(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    pub listen: SocketAddr,
    /// Without a trailing slash; links in messages begin with it.
    pub public_url: String,
    pub body_bytes_max: u64,
}

/// One `[[connector]]`.
pub struct ConnectorSettings {
    pub name: Arc<str>,
    pub plugin: String,
    pub roles: Vec<Role>,
    /// The plugin's own part: checked against its schema, defaults applied, secrets resolved.
    pub config: serde_json::Value,
    /// JSON pointers into `config` of values that must never be shown.
    pub secret_pointers: BTreeSet<String>,
    pub poll_ms: i64,
    /// Five-field cron in the site's zone: when the source lists all its keys, so that deletes are found.
    pub sweep: Option<String>,
    /// Its keys are unique among real parties: two of its records are never one customer.
    pub unique: bool,
    pub intake: Intake,
    pub maps: Arc<Maps>,
}

impl ConnectorSettings {
    pub fn has_role(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The plugin's configuration as a person may see it.
    pub fn config_shown(&self) -> serde_json::Value {
        let mut shown = self.config.clone();
        for pointer in &self.secret_pointers {
            if let Some(value) = shown.pointer_mut(pointer) {
                *value = serde_json::Value::from("(secret)");
            }
        }
        shown
    }
}

impl fmt::Debug for ConnectorSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorSettings")
            .field("name", &self.name)
            .field("plugin", &self.plugin)
            .field("roles", &self.roles)
            .field("config", &self.config_shown())
            .field("poll_ms", &self.poll_ms)
            .field("sweep", &self.sweep)
            .field("intake", &self.intake)
            .field("maps", &self.maps)
            .finish()
    }
}

/// What the daemon decides about a webhook request before the plugin ever sees it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Intake {
    /// Per caller's address.
    pub rate: Option<Rate>,
    /// Standard Webhooks secrets, any of which may have signed; empty: unsigned requests are taken.
    pub signature_secrets: Vec<Vec<u8>>,
    /// Where a browser is sent after a form post, instead of the thank-you page.
    pub redirect: Option<String>,
    /// Text of the thank-you page by language.
    pub thanks: BTreeMap<String, String>,
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake")
            .field("rate", &self.rate)
            .field("signature_secrets", &format_args!("{} (secret)", self.signature_secrets.len()))
            .field("redirect", &self.redirect)
            .field("thanks", &self.thanks)
            .finish()
    }
}

/// At most `count` in any `window_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub count: u32,
    pub window_ms: i64,
}

/// One `[[campaign]]`.
#[derive(Debug)]
pub struct CampaignSettings {
    pub campaign: Campaign,
    pub templates: Templates,
}
