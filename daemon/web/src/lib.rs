//! HTTP: what comes in from outside, and the pages a recipient may open.
//!
//! `/in/{connector}` stores a request durably and only then answers 2xx; understanding it is ingest's work, later.
//! This crate never talks to a connector and decides nothing about customers: it writes rows and reads rows.

mod error;
mod intake;
mod ops;
mod page;
mod serve;
mod signature;
mod unsubscribe;

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use axum::Router;
use axum::routing::{get, post};
use rejoin_model::Timestamp;
use rejoin_store::Store;

pub use error::HttpError;
pub use intake::{Intake, Rate};
pub use serve::{Limits, serve};

/// What the configuration says about HTTP; replaced as a whole on reload.
pub struct Rules {
    /// Shown on pages.
    pub site_name: String,
    /// Language of a page when the browser asks for none we have.
    pub language: String,
    /// Largest body taken, bytes.
    pub body_bytes_max: u64,
    /// Webhook connectors by name.
    pub intakes: BTreeMap<String, Intake>,
}

/// Everything a handler may use; cheap to clone.
#[derive(Clone)]
pub struct Web {
    pub(crate) store: Store,
    rules: Arc<RwLock<Arc<Rules>>>,
    /// Key of the signed links.
    pub(crate) token_key: Arc<[u8]>,
    clock: fn() -> Timestamp,
    /// Called after a request was stored, so that ingest need not wait for its next look.
    stored: Arc<dyn Fn() + Send + Sync>,
    /// The daemon's own words about whether it can do its work now.
    pub(crate) readiness: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
}

impl Web {
    pub fn new(
        store: Store,
        rules: Rules,
        token_key: Arc<[u8]>,
        clock: fn() -> Timestamp,
        stored: impl Fn() + Send + Sync + 'static,
        readiness: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        let rules = Arc::new(RwLock::new(Arc::new(rules)));
        Self { store, rules, token_key, clock, stored: Arc::new(stored), readiness: Arc::new(readiness) }
    }

    /// Takes new rules for every request from now on.
    pub fn replace_rules(&self, rules: Rules) {
        let mut place = self.rules.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        *place = Arc::new(rules);
    }

    pub(crate) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn request_stored(&self) {
        (self.stored)();
    }
}

/// Every route there is.
pub fn router(web: Web) -> Router {
    Router::new()
        // from other systems and forms
        .route("/in/{connector}", post(intake::take).get(intake::probe).put(intake::take))
        .route("/in/{connector}/{*rest}", post(intake::take_below).put(intake::take_below))
        // from recipients
        .route("/u/{token}", get(unsubscribe::show).post(unsubscribe::confirm))
        // from operators
        .route("/healthz", get(ops::healthz))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics))
        .fallback(error::not_found)
        .layer(axum::middleware::map_response(page::secure))
        .with_state(web)
}
