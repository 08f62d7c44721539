//! `rejoin connector`: list, test, sync.

use clap::Subcommand;
use rejoin_connector::Role;

use super::open;
use crate::cli::{ConfigArg, FormatArg};
use crate::clock;
use crate::failure::Failure;
use crate::output::Table;
use crate::site::Site;
use crate::tasks::ingest::Pull;
use crate::tasks::resolve::resolve_once;
use crate::tasks::{Step, Task};

#[derive(Debug, Subcommand)]
pub enum ConnectorCommand {
    /// Every connector with its plugin and what it does
    List {
        #[command(flatten)]
        format: FormatArg,
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Ask the far side of one connector, or of all
    Test {
        name: Option<String>,
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Read a source now, whatever its schedule says
    Sync {
        name: String,
        #[command(flatten)]
        config: ConfigArg,
    },
}

pub async fn connector(command: ConnectorCommand) -> Result<(), Failure> {
    match command {
        ConnectorCommand::List { format, config } => list(&*open(&config.config).await?, &format).await,
        ConnectorCommand::Test { name, config } => {
            test_all(&*open(&config.config).await?, name.as_deref()).await
        }
        ConnectorCommand::Sync { name, config } => sync(&*open(&config.config).await?, &name).await,
    }
}

async fn list(site: &Site, format: &FormatArg) -> Result<(), Failure> {
    let mut table = Table::new(&["connector", "plugin", "version", "does", "summary"]);
    for connector in &site.settings().connectors {
        let roles: Vec<&str> = connector.roles.iter().map(|r| r.name()).collect();
        let (version, summary) = match site.catalog.manifest(&connector.plugin).await {
            Ok(manifest) => (manifest.version, manifest.summary),
            Err(error) => ("-".to_owned(), error.to_string()),
        };
        table.row([connector.name.to_string(), connector.plugin.clone(), version, roles.join(", "), summary]);
    }
    Ok(table.print(format.format)?)
}

/// Checks the far side of every connector in every role; fails when one does.
pub async fn test_all(site: &Site, only: Option<&str>) -> Result<(), Failure> {
    known(site, only)?;
    let mut failed = 0;
    let mut all = site.connectors();
    all.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    // One role speaks for a connector: they share its configuration and its far side.
    all.dedup_by(|a, b| a.0 == b.0);
    for (name, _, connector) in all {
        if only.is_some_and(|only| only != name) {
            continue;
        }
        match connector.check().await {
            Ok(found) => println!("ok      {name}: {found}"),
            Err(error) => {
                failed += 1;
                println!("FAILED  {name}: {error} [{}]", error.code());
            }
        }
    }
    site.stop_connectors().await;
    match failed {
        0 => Ok(()),
        n => Err(Failure::new(
            "RJ-P100",
            format!("{n} connector{} did not answer as it should", if n == 1 { "" } else { "s" }),
        )),
    }
}

fn known(site: &Site, name: Option<&str>) -> Result<(), Failure> {
    let settings = site.settings();
    let names: Vec<&str> = settings.connectors.iter().map(|c| &*c.name).collect();
    match name {
        Some(name) if !names.contains(&name) => Err(Failure::no_such("connector", name, &names)),
        _ => Ok(()),
    }
}

async fn sync(site: &Site, name: &str) -> Result<(), Failure> {
    known(site, Some(name))?;
    if site.connector(name, Role::Source).is_none() {
        return Err(Failure::new(
            "RJ-X007",
            format!("connector {name} is no source: there is nothing to read"),
        ));
    }
    let before = site.store.counts().await?;
    let kind = format!("sync:{name}");
    let request = site.store.request(&kind, name, clock::now()).await?;
    let mut pull = Pull::once(name);
    super::with_store_or_daemon(
        site,
        async || match pull.step(site).await? {
            Step::Worked(_) => Ok(false),
            Step::Idle(_) => Ok(resolve_once(site, 10_000).await? == 0),
        },
        async || {
            let task = format!("ingest:{name}");
            let beats = site.store.heartbeats().await?;
            // A far side that is down would be waited for without end.
            if let Some(beat) = beats.iter().find(|b| b.task == task && b.note.starts_with("failing")) {
                return Err(Failure::new("RJ-P100", beat.note.clone()));
            }
            let open = site.store.take_requests(&kind).await?;
            Ok(open.iter().all(|(id, _)| *id != request) && site.store.counts().await?.unresolved == 0)
        },
    )
    .await?;
    site.stop_connectors().await;
    let after = site.store.counts().await?;
    println!(
        "{name} is read: {} source records ({} new), {} customers",
        after.records,
        after.records - before.records,
        after.customers
    );
    Ok(())
}
