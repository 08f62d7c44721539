//! An opened site: its settings, its store, its connectors. Everything a task or a command works with.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rejoin_connector::{Catalog, Connector, Limits, Role, Spec};
use rejoin_store::Store;

use crate::clock;
use crate::config::Settings;
use crate::tasks::Wake;

/// The name under which the store keeps the key of signed links and Message-IDs.
const TOKEN_KEY: &str = "token-key";
const KEY_BYTES: usize = 32;

/// A site, open.
pub struct Site {
    settings: RwLock<Arc<Settings>>,
    pub store: Store,
    pub catalog: Arc<Catalog>,
    pub keys: Keys,
    pub wake: Wake,
    connectors: RwLock<HashMap<(String, Role), Connector>>,
}

/// Secrets the site made for itself.
pub struct Keys {
    /// Signs unsubscribe links and Message-IDs.
    pub token: Arc<[u8]>,
}

/// Why a site could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] rejoin_store::Error),
    #[error("the system gave no random bytes for the site's keys: {0}")]
    Random(getrandom::Error),
}

impl Site {
    /// Opens the store of `settings` and prepares its connectors; no child process is started yet.
    pub async fn open(settings: Settings, catalog: Arc<Catalog>) -> Result<Self, Error> {
        let store = Store::open(&settings.store_url, &settings.dir).await?;
        let mut key = vec![0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(Error::Random)?;
        let token = store.secret(TOKEN_KEY, key).await?.into();
        let connectors = connectors_of(&settings, &catalog);
        Ok(Self {
            settings: RwLock::new(Arc::new(settings)),
            store,
            catalog,
            keys: Keys { token },
            wake: Wake::default(),
            connectors: RwLock::new(connectors),
        })
    }

    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The connector in one of its roles; cheap to clone.
    pub fn connector(&self, name: &str, role: Role) -> Option<Connector> {
        let connectors = self.connectors.read().unwrap_or_else(PoisonError::into_inner);
        connectors.get(&(name.to_owned(), role)).cloned()
    }

    /// Every connector in every role.
    pub fn connectors(&self) -> Vec<(String, Role, Connector)> {
        let connectors = self.connectors.read().unwrap_or_else(PoisonError::into_inner);
        connectors.iter().map(|((name, role), c)| (name.clone(), *role, c.clone())).collect()
    }

    /// Takes a new configuration; children of the old one end when their last call returns.
    pub async fn replace_settings(&self, settings: Settings) {
        let fresh = connectors_of(&settings, &self.catalog);
        let old = {
            let mut place = self.connectors.write().unwrap_or_else(PoisonError::into_inner);
            *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
            std::mem::replace(&mut *place, fresh)
        };
        for connector in old.into_values() {
            connector.stop().await;
        }
    }

    /// Ends every child process.
    pub async fn stop_connectors(&self) {
        for (_, _, connector) in self.connectors() {
            connector.stop().await;
        }
    }

    /// Records who did what; a failure is logged, because the deed itself is done.
    pub async fn audit(&self, what: &str, subject: &str, detail: &str) {
        let who = std::env::var("SUDO_USER")
            .or_else(|_| std::env::var("USER"))
            .unwrap_or_else(|_| "cli".to_owned());
        if let Err(error) = self.store.audit(&who, what, subject, detail, clock::now()).await {
            tracing::warn!(%error, what, subject, "audit entry not written");
        }
    }
}

/// The catalogue of plugins of `dirs`, with this program as their host.
pub fn catalog(dirs: Vec<PathBuf>) -> std::io::Result<Arc<Catalog>> {
    Ok(Arc::new(Catalog::new(dirs, std::env::current_exe()?)))
}

/// A channel may wait five minutes for the answer to one message (RFC 5321 section 4.5.3.2.6 asks for ten): killing it
/// before would make messages unknown that are not.
const SEND_DEADLINE: Duration = Duration::from_secs(360);

fn limits_of(role: Role) -> Limits {
    match role {
        Role::Channel => Limits { call_deadline: SEND_DEADLINE, ..Limits::default() },
        Role::Source | Role::Webhook => Limits::default(),
    }
}

fn connectors_of(settings: &Settings, catalog: &Arc<Catalog>) -> HashMap<(String, Role), Connector> {
    let mut connectors = HashMap::new();
    for connector in &settings.connectors {
        for role in &connector.roles {
            let spec = Spec {
                name: Arc::clone(&connector.name),
                plugin: connector.plugin.clone(),
                role: *role,
                config: connector.config.clone(),
                limits: limits_of(*role),
            };
            connectors.insert((connector.name.to_string(), *role), Connector::new(Arc::clone(catalog), spec));
        }
    }
    connectors
}
