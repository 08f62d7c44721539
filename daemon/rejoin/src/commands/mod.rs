//! The commands, one file each noun: they open the site, call the store and the pure crates, and print.

pub mod campaign;
pub mod check;
pub mod connector;
pub mod customer;
pub mod demo;
pub mod export;
pub mod import;
pub mod quarantine;
pub mod schedule;
pub mod segment;
pub mod status;

use std::path::Path;
use std::sync::Arc;

use rejoin_connector::Catalog;
use rejoin_model::{Customer, CustomerId};

use crate::config::{self, Settings};
use crate::failure::Failure;
use crate::output::{Format, Table};
use crate::site::Site;

/// Reads and checks the configuration, asking each plugin for its manifest.
pub async fn load(path: &Path) -> Result<(Settings, Arc<Catalog>), Failure> {
    config::load(path).await.map_err(|errors| Failure::config(&errors))
}

/// Tells of plugins that are missing or refused; their connectors rest, and everything else works.
pub fn warn_of_refused(settings: &Settings) {
    for refused in &settings.refused {
        eprintln!("{refused}");
    }
    if !settings.refused.is_empty() {
        eprintln!("warning: the connectors above rest until this is mended; everything else works");
    }
}

/// Opens the site: configuration, store, connectors.
pub async fn open(path: &Path) -> Result<Arc<Site>, Failure> {
    let (settings, catalog) = load(path).await?;
    warn_of_refused(&settings);
    Ok(Arc::new(Site::open(settings, catalog).await?))
}

/// `rejoin explain`.
pub fn explain(code: Option<&str>) -> Result<(), Failure> {
    let Some(code) = code else {
        let mut table = Table::new(&["code", "title"]);
        for (code, title) in crate::explain::codes() {
            table.row([code.to_owned(), title.to_owned()]);
        }
        return Ok(table.print(Format::Table)?);
    };
    let page = crate::explain::explain(&code.to_ascii_uppercase());
    let page = page.ok_or_else(|| {
        Failure::new("RJ-X002", format!("there is no error code {code:?}"))
            .hint("rejoin explain lists every code")
    })?;
    println!("{}", page.trim());
    Ok(())
}

/// A customer by its id, following merges.
async fn customer_named(site: &Site, id: &str) -> Result<Customer, Failure> {
    let id: CustomerId = id.parse().map_err(|e| {
        Failure::new("RJ-X002", format!("{e}")).hint("rejoin customer find TEXT shows the ids")
    })?;
    let found = site.store.customer(id).await?;
    found.ok_or_else(|| Failure::new("RJ-X002", format!("there is no customer {id}")))
}

/// A golden value, or a dash.
fn shown(golden: Option<&rejoin_model::customer::Golden>) -> String {
    golden.map_or_else(|| "-".to_owned(), |g| g.value.clone())
}

/// A time as people read it: RFC 3339 in the site's zone.
fn when(site: &Site, at: rejoin_model::Timestamp) -> String {
    rejoin_campaign::schedule::format(at, site.settings().site.zone.name())
}

/// How often a command looks whether the daemon has done what it waits for.
const LOOK: std::time::Duration = std::time::Duration::from_millis(100);

/// Gets something done that tasks do: by `ourselves`, step by step until it says true, when no daemon runs on the
/// store; else by waiting until `done` says that the daemon did it.
async fn with_store_or_daemon(
    site: &Site,
    mut ourselves: impl AsyncFnMut() -> Result<bool, Failure>,
    mut done: impl AsyncFnMut() -> Result<bool, Failure>,
) -> Result<(), Failure> {
    match site.store.lock_daemon() {
        Ok(_lock) => {
            while !ourselves().await? {}
            Ok(())
        }
        Err(rejoin_store::Error::Locked { .. }) => {
            while !done().await? {
                tokio::time::sleep(LOOK).await;
            }
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
