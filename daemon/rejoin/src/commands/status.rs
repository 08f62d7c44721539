//! `rejoin status` and `rejoin audit`: what is going on, and what went on.

use clap::Args;

use super::{open, when};
use crate::cli::{ConfigArg, FormatArg};
use crate::clock;
use crate::failure::Failure;
use crate::output::Table;
use crate::site::Site;

/// A task that has not reported for this long is not running.
const SILENT_MS: i64 = 90_000;

#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    format: FormatArg,
    #[command(flatten)]
    config: ConfigArg,
}

#[derive(Debug, Args)]
pub struct AuditArgs {
    /// How many entries
    #[arg(long, default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    format: FormatArg,
    #[command(flatten)]
    config: ConfigArg,
}

pub async fn status(args: StatusArgs) -> Result<(), Failure> {
    let site = open(&args.config.config).await?;
    if args.format.format == crate::output::Format::Table {
        print_counts(&site).await?;
    }
    let now = clock::now();
    let mut table = Table::new(&["task", "last seen", "handled", "state"]);
    for beat in site.store.heartbeats().await? {
        let age_ms = now.ms_since(beat.at);
        let state = if age_ms > SILENT_MS { "not running".to_owned() } else { beat.note };
        table.row([beat.task, format!("{} s ago", age_ms / 1_000), beat.total.to_string(), state]);
    }
    Ok(table.print(args.format.format)?)
}

async fn print_counts(site: &Site) -> Result<(), Failure> {
    let running = match site.store.lock_daemon() {
        Ok(_free) => "not running",
        Err(_held) => "running",
    };
    let c = site.store.counts().await?;
    println!("{}: the daemon is {running}", site.settings().site.name);
    println!(
        "  {} source records ({} waiting to be resolved), {} customers, {} activities",
        c.records, c.unresolved, c.customers, c.activities
    );
    println!("  {} items in quarantine, {} webhook requests waiting", c.quarantined, c.waiting_requests);
    let outbox: Vec<String> = c.outbox.iter().map(|(state, n)| format!("{n} {state}")).collect();
    println!("  outbox: {}\n", if outbox.is_empty() { "empty".to_owned() } else { outbox.join(", ") });
    Ok(())
}

pub async fn audit(args: AuditArgs) -> Result<(), Failure> {
    let site = open(&args.config.config).await?;
    let mut table = Table::new(&["at", "who", "what", "subject", "detail"]);
    for entry in site.store.audit_list(args.limit).await? {
        table.row([when(&site, entry.at), entry.who, entry.what, entry.subject, entry.detail]);
    }
    Ok(table.print(args.format.format)?)
}
