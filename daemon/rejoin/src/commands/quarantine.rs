//! `rejoin quarantine`: what could not be taken, and another try at it.

use clap::Subcommand;
use rejoin_store::{IngestBatch, QuarantineFilter, QuarantineState};

use super::{open, when};
use crate::cli::{ConfigArg, FormatArg};
use crate::clock;
use crate::failure::Failure;
use crate::output::Table;
use crate::site::Site;
use crate::tasks::ingest::{maps_of, stored_form};

const SHOWN_MAX: usize = 200;
const REPLAY_MAX: usize = 100_000;

#[derive(Debug, Subcommand)]
pub enum QuarantineCommand {
    /// What waits, oldest first
    List {
        /// Only of this connector
        #[arg(long)]
        connector: Option<String>,
        #[command(flatten)]
        format: FormatArg,
        #[command(flatten)]
        config: ConfigArg,
    },
    /// One item whole, with its reason
    Show {
        id: String,
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Map items again, after the mapping or the far side was mended
    Replay {
        /// Items; without any, all of --connector
        ids: Vec<String>,
        #[arg(long)]
        connector: Option<String>,
        #[command(flatten)]
        config: ConfigArg,
    },
}

pub async fn quarantine(command: QuarantineCommand) -> Result<(), Failure> {
    match command {
        QuarantineCommand::List { connector, format, config } => {
            list(&*open(&config.config).await?, connector.as_deref(), &format).await
        }
        QuarantineCommand::Show { id, config } => show(&*open(&config.config).await?, &id).await,
        QuarantineCommand::Replay { ids, connector, config } => {
            replay(&*open(&config.config).await?, &ids, connector.as_deref()).await
        }
    }
}

async fn list(site: &Site, connector: Option<&str>, format: &FormatArg) -> Result<(), Failure> {
    let mut table = Table::new(&["id", "connector", "where", "code", "reason", "since"]);
    for item in site.store.quarantine_list(of_connector(connector), SHOWN_MAX).await? {
        let id = rejoin_model::id::encode(item.id);
        table.row([id, item.connector, item.at, item.code, item.reason, when(site, item.received_at)]);
    }
    if table.is_empty() {
        eprintln!("quarantine is empty");
    }
    Ok(table.print(format.format)?)
}

fn of_connector(connector: Option<&str>) -> QuarantineFilter {
    QuarantineFilter { connector: connector.map(str::to_owned), code: None }
}

async fn item_named(site: &Site, id: &str) -> Result<rejoin_store::QuarantineItem, Failure> {
    let number = rejoin_model::id::decode(id).map_err(|e| Failure::new("RJ-X002", e.to_string()))?;
    let found = site.store.quarantine(number).await?;
    found.ok_or_else(|| Failure::new("RJ-X002", format!("there is no quarantined item {id}")))
}

async fn show(site: &Site, id: &str) -> Result<(), Failure> {
    let item = item_named(site, id).await?;
    println!("{}: {}", item.connector, item.at);
    println!("{} {}", item.code, item.reason);
    println!("since {}, {}\n", when(site, item.received_at), item.state.name());
    println!("{}", item.raw);
    Ok(())
}

async fn replay(site: &Site, ids: &[String], connector: Option<&str>) -> Result<(), Failure> {
    let mut items = Vec::new();
    for id in ids {
        items.push(item_named(site, id).await?);
    }
    if ids.is_empty() {
        let Some(connector) = connector else {
            return Err(Failure::new("RJ-X008", "say which items, or --connector for all of one connector"));
        };
        items = site.store.quarantine_list(of_connector(Some(connector)), REPLAY_MAX).await?;
    }
    let (mut taken, mut refused) = (0, 0);
    for item in items {
        let connector: std::sync::Arc<str> = item.connector.as_str().into();
        let now = clock::now();
        // A line that the mapping refused is mapped again; what a plugin could not read has to be sent again.
        let mapped = maps_of(site, &connector)?.apply("", item.raw.as_bytes(), now);
        let fine = mapped.refused.is_empty() && mapped.lines > mapped.skipped;
        if !fine {
            refused += 1;
            continue;
        }
        let batch: IngestBatch = stored_form(site, &connector, mapped);
        site.store.ingest(batch, now).await?;
        site.store.quarantine_done(item.id, QuarantineState::Replayed).await?;
        taken += 1;
    }
    site.audit(
        "quarantine replay",
        connector.unwrap_or("items"),
        &format!("{taken} taken, {refused} refused"),
    )
    .await;
    println!("{taken} taken, {refused} still cannot be taken");
    Ok(())
}
