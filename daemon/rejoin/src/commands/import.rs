//! `rejoin import`: files through a connector's plugin and mapping, resolved, summed up.
//!
//! The files take the place the plugin's manifest names in the connector's configuration, and are read from the
//! start, without the connector's own cursor: importing a file twice changes nothing the second time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use clap::Args;
use rejoin_connector::{Connector, Limits, ReadBatch, Role, Spec};
use rejoin_plugin_api::ReadRequest;
use rejoin_store::IngestSummary;
use tokio::sync::watch;

use super::open;
use crate::cli::ConfigArg;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::site::Site;
use crate::tasks::ingest::{read_request, take_batch};
use crate::tasks::profile::ProfileTask;
use crate::tasks::resolve::Resolve;
use crate::tasks::{Step, Task};

const LOOK: Duration = Duration::from_millis(50);

/// Records read ahead of resolving.
const AHEAD_MAX: u64 = 100_000;

/// How far the two halves of an import are.
#[derive(Default)]
struct Done {
    stored: AtomicU64,
    resolved: AtomicU64,
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// A configured connector whose plugin reads files
    connector: String,
    /// What to read
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    config: ConfigArg,
}

pub async fn import(args: ImportArgs) -> Result<(), Failure> {
    let site = open(&args.config.config).await?;
    let source = source_of(&site, &args.connector, &args.files).await?;
    let began = Instant::now();
    let (reading, done_reading) = watch::channel(true);
    let done = Arc::new(Done::default());
    // With a daemon on the store, its tasks resolve what we store; else ours do, beside the reading.
    let lock = match site.store.lock_daemon() {
        Ok(lock) => Some(lock),
        Err(rejoin_store::Error::Locked { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let resolving =
        tokio::spawn(resolve_beside(Arc::clone(&site), lock.is_some(), done_reading, Arc::clone(&done)));
    let read = read_all(&site, &args.connector, &source, &done, lock.is_some()).await;
    if reading.send(false).is_err() {
        tracing::debug!("resolving had ended before reading did");
    }
    let resolved =
        resolving.await.map_err(|e| Failure::new("RJ-X003", format!("resolving panicked: {e}")))?;
    source.stop().await;
    let sum = read?;
    resolved?;
    summary(&site, &args.connector, &sum, began.elapsed()).await
}

/// The connector, reading `files` instead of what it is configured to read.
async fn source_of(site: &Site, name: &str, files: &[PathBuf]) -> Result<Connector, Failure> {
    let settings = site.settings();
    let known: Vec<&str> = settings.connectors.iter().map(|c| &*c.name).collect();
    let connector = settings.connector(name).ok_or_else(|| Failure::no_such("connector", name, &known))?;
    let manifest = site.catalog.manifest(&connector.plugin).await?;
    let Some(pointer) = &manifest.import_pointer else {
        let sentence = format!("connector {name} ({}) does not read files", connector.plugin);
        return Err(Failure::new("RJ-X007", sentence).hint("use a connector of the csv or email plugin"));
    };
    let mut paths = Vec::new();
    for file in files {
        let path =
            file.canonicalize().map_err(|e| Failure::new("RJ-X004", format!("{}: {e}", file.display())))?;
        paths.push(serde_json::Value::from(path.to_string_lossy().into_owned()));
    }
    let mut config = connector.config.clone();
    place(&mut config, pointer, paths.into());
    let spec = Spec {
        name: Arc::clone(&connector.name),
        plugin: connector.plugin.clone(),
        role: Role::Source,
        config,
        limits: Limits::default(),
    };
    Ok(Connector::new(Arc::clone(&site.catalog), spec))
}

/// Puts `value` where the RFC 6901 `pointer` says, making the objects on the way.
fn place(config: &mut serde_json::Value, pointer: &str, value: serde_json::Value) {
    let mut at = config;
    for step in pointer.split('/').skip(1) {
        if !at.is_object() {
            *at = serde_json::Value::Object(serde_json::Map::new());
        }
        at = &mut at[step];
    }
    *at = value;
}

async fn read_all(
    site: &Site,
    name: &str,
    source: &Connector,
    done: &Done,
    ours: bool,
) -> Result<IngestSummary, Failure> {
    let connector: Arc<str> = name.into();
    let mut sum = IngestSummary::default();
    for stream in streams_of(site, name).await? {
        let mut next = Some(reading(source, read_request(&stream, None, false)));
        while let Some(pending) = next.take() {
            let batch =
                pending.await.map_err(|e| Failure::new("RJ-X003", format!("a read was dropped: {e}")))??;
            if batch.more {
                // The next batch is read while this one is stored.
                next = Some(reading(source, read_request(&stream, batch.cursor.clone(), false)));
            }
            let records = batch.records;
            let one =
                take_batch(site, &connector, &stream, ReadBatch { cursor: None, ..batch }, source).await?;
            done.stored.fetch_add(records, Relaxed);
            sum.add(&one);
            // Reading is faster than resolving; what is resolved soon after it was written is still in the cache.
            while ours && site.store.counts().await?.unresolved > AHEAD_MAX {
                tokio::time::sleep(LOOK).await;
            }
        }
    }
    Ok(sum)
}

async fn streams_of(site: &Site, name: &str) -> Result<Vec<String>, Failure> {
    let settings = site.settings();
    let plugin = settings.connector(name).map(|c| c.plugin.as_str()).unwrap_or_default();
    Ok(site.catalog.manifest(plugin).await?.streams.into_iter().map(|s| s.name).collect())
}

fn reading(
    source: &Connector,
    request: ReadRequest,
) -> tokio::task::JoinHandle<Result<ReadBatch, rejoin_connector::Error>> {
    let source = source.clone();
    tokio::spawn(async move { source.read(&request).await })
}

/// Resolves and profiles until everything that was read is settled, showing how far it is.
async fn resolve_beside(
    site: Arc<Site>,
    ours: bool,
    reading: watch::Receiver<bool>,
    done: Arc<Done>,
) -> Result<(), Failure> {
    let (mut resolve, mut profile) = (Resolve::bulk(), ProfileTask::default());
    let mut progress = Progress::new(if ours { "rows resolved" } else { "rows stored" });
    loop {
        // Looked at before the step: what is stored after the last look is seen by the next one.
        let more_may_come = *reading.borrow();
        progress.at(if ours { &done.resolved } else { &done.stored }.load(Relaxed), None);
        let worked = if ours {
            let resolved = resolve.step(&site).await?;
            if let Step::Worked(records) = resolved {
                done.resolved.fetch_add(records, Relaxed);
            }
            let profiled = profile.step(&site).await?;
            [resolved, profiled].iter().any(|step| matches!(step, Step::Worked(_)))
        } else {
            site.store.counts().await?.unresolved > 0
        };
        if !worked && !more_may_come {
            progress.done();
            return Ok(());
        }
        if !worked || !ours {
            tokio::time::sleep(LOOK).await;
        }
    }
}

async fn summary(site: &Site, name: &str, sum: &IngestSummary, took: Duration) -> Result<(), Failure> {
    let rows = sum.new + sum.changed + sum.unchanged;
    let counts = site.store.counts().await?;
    println!(
        "{name}: {rows} records read in {:.1} s ({:.0}/s): {} new, {} changed, {} unchanged",
        took.as_secs_f64(),
        rows as f64 / took.as_secs_f64().max(0.001),
        sum.new,
        sum.changed,
        sum.unchanged
    );
    println!("{} activities, {} quarantined", sum.activities, sum.quarantined);
    println!("the store holds {} source records of {} customers", counts.records, counts.customers);
    if sum.quarantined > 0 {
        println!("what could not be taken: rejoin quarantine list --connector {name}");
    }
    let detail = format!("{rows} records, {} quarantined", sum.quarantined);
    site.audit("import", name, &detail).await;
    Ok(())
}
