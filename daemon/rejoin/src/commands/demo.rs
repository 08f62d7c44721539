//! `rejoin demo`: a scratch site, the real daemon on it, and what happened, told step by step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use rejoin_model::{Customer, CustomerId};
use unicode_width::UnicodeWidthStr;

use super::{campaign, customer, open, shown};
use crate::clock;
use crate::demo::{files, http::Browser, people, random::Random, site as demo_site};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::run::Daemon;
use crate::site::Site;

const PEOPLE: usize = 1_200;
const LOOK: Duration = Duration::from_millis(100);
/// The counts must stay the same for this many looks before everything is taken to have arrived.
const STILL: u32 = 8;
/// Of people named in Hanzi, and of the others.
const MERGES_SHOWN: usize = 2;
const NAME_COLUMNS: usize = 18;
const QUARANTINED_SHOWN: usize = 5;

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Do it all and exit, instead of staying up
    #[arg(long)]
    once: bool,
    /// Keep the site in this folder, which must not exist yet
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Another seed gives other people
    #[arg(long, default_value_t = 2026)]
    seed: u64,
}

pub async fn demo(args: DemoArgs) -> Result<(), Failure> {
    let scratch = Scratch::make(args.dir.as_deref())?;
    let dir = scratch.dir.clone();
    let mut random = Random::new(args.seed);
    let everybody = people::people(PEOPLE, &mut random);
    let today = chrono::DateTime::from_timestamp_millis(clock::now().0).unwrap_or_default();
    let written = files::write(&dir, &everybody, today, &mut random)?;
    demo_site::write(&dir)?;
    heading("1. Four systems, none of them clean");
    println!(
        "   ERP export     erp/customers.csv, erp/orders.csv   {} customers, {} orders, in GBK",
        written.erp, written.orders
    );
    println!("   mailbox        mailbox/inbox.mbox                  {} mails", written.mails);
    println!("   SMS log        sms/log.csv                         {} messages", written.texts);
    println!("   web form       POST /in/webform                    {} posts", written.posts.len());

    let config = dir.join("rejoin.toml");
    let site = open(&config).await?;
    let _lock = site.store.lock_daemon()?;
    let daemon = Daemon::start(Arc::clone(&site)).await?;
    let told = tell(&daemon, &dir, &written.posts).await;
    if told.is_ok() && !args.once {
        further(&daemon, &config);
        tokio::signal::ctrl_c().await?;
        println!();
    }
    daemon.stop().await;
    if args.dir.is_some() {
        println!("the site is kept in {}", dir.display());
    }
    told
}

async fn tell(daemon: &Daemon, dir: &Path, posts: &[files::Post]) -> Result<(), Failure> {
    let site = &daemon.site;
    let began = Instant::now();
    let mut browser = Browser::open(daemon.address).await?;
    for post in posts {
        let status = browser.post("/in/webform", post).await?;
        if status >= 300 {
            return Err(Failure::new("RJ-X009", format!("the daemon answered a form post with {status}")));
        }
    }
    arrive(site).await?;
    heading("2. One store of customers");
    let counts = site.store.counts().await?;
    println!(
        "   {} source records and {} activities became {} customers in {:.1} s",
        counts.records,
        counts.activities,
        counts.customers,
        began.elapsed().as_secs_f64()
    );
    merges(site).await?;
    quarantine(site).await?;
    heading("3. Who is written to, and who is not");
    for name in demo_site::CAMPAIGNS {
        audience(site, name).await?;
    }
    heading("4. Sent, each message once");
    for name in demo_site::CAMPAIGNS {
        send(site, name).await?;
    }
    outbox(dir)
}

/// Waits until the files are read, the posts understood, the records resolved and the customers profiled.
async fn arrive(site: &Site) -> Result<(), Failure> {
    let mut progress = Progress::new("source records");
    let (mut last, mut still) = (None, 0);
    while still < STILL {
        tokio::time::sleep(LOOK).await;
        let counts = site.store.counts().await?;
        progress.at(counts.records - counts.unresolved, Some(counts.records));
        let now = (counts.records, counts.activities, counts.quarantined, counts.stale_profiles);
        let settled = counts.unresolved == 0 && counts.waiting_requests == 0 && counts.stale_profiles == 0;
        still = if settled && last == Some(now) { still + 1 } else { 0 };
        last = Some(now);
    }
    progress.done();
    Ok(())
}

/// The customers that most systems know, and why their records are one.
async fn merges(site: &Site) -> Result<(), Failure> {
    println!("\n   Some that were scattered:");
    let mut ranked: Vec<Customer> = Vec::new();
    let mut after: Option<CustomerId> = None;
    loop {
        let page = site.store.export_customers(after, 5_000).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        ranked.extend(page);
    }
    ranked.sort_by_key(|c| (std::cmp::Reverse(c.records), c.id));
    let (chinese, others): (Vec<_>, Vec<_>) = ranked.into_iter().partition(named_in_hanzi);
    for customer in chinese.iter().take(MERGES_SHOWN).chain(others.iter().take(MERGES_SHOWN)) {
        println!("   · {} {}", customer.id, shown(customer.name.as_ref()));
        for (record, _, reason) in site.store.records_of(customer.id).await? {
            let name = record.party.name.as_deref().unwrap_or("(no name)");
            let name = format!("{name}{}", " ".repeat(NAME_COLUMNS.saturating_sub(name.width())));
            println!("       {:<8} {name} {}", record.key.connector, customer::reason_in_words(&reason));
        }
    }
    Ok(())
}

fn named_in_hanzi(customer: &Customer) -> bool {
    let hanzi = |c| ('\u{4e00}'..='\u{9fff}').contains(&c);
    customer.name.as_ref().is_some_and(|name| name.value.chars().any(hanzi))
}

async fn quarantine(site: &Site) -> Result<(), Failure> {
    let items = site.store.quarantine_list(rejoin_store::QuarantineFilter::default(), 100).await?;
    println!("\n   {} items could not be taken and wait in quarantine, whole:", items.len());
    for item in items.iter().take(QUARANTINED_SHOWN) {
        println!("   · {} {}: {}", item.connector, item.at, item.reason);
    }
    Ok(())
}

async fn audience(site: &Site, name: &str) -> Result<(), Failure> {
    let settings = site.settings();
    let Some(campaign) = settings.campaign(name).map(|c| &c.campaign) else { return Ok(()) };
    let outcomes = campaign::audience_by_outcome(site, campaign, 1).await?;
    let audience: u64 = outcomes.values().map(|b| b.count).sum();
    println!("   {name}: {audience} people in segment {}", campaign.segment.name);
    let mut by_count: BTreeMap<_, _> = BTreeMap::new();
    for ((outcome, reason), bucket) in outcomes {
        by_count.insert((std::cmp::Reverse(bucket.count), outcome, reason), bucket.examples);
    }
    for ((std::cmp::Reverse(count), outcome, reason), examples) in by_count {
        let example = examples.first().map(|e| format!("   e.g. {e}")).unwrap_or_default();
        println!("     {count:>5}  {outcome:<11} {reason}{example}");
    }
    Ok(())
}

async fn send(site: &Site, name: &str) -> Result<(), Failure> {
    let settings = site.settings();
    let Some(settings) = settings.campaign(name) else { return Ok(()) };
    let run = site.store.start_manual_run(name, settings.campaign.class, clock::now()).await?;
    let run = run.ok_or_else(|| Failure::new("RJ-K004", format!("campaign {name} is running already")))?;
    site.wake.plan.notify_waiters();
    let line = campaign::settled(site, run).await?;
    println!("   {name}: {line}");
    Ok(())
}

/// What lies in the local Maildir, and one message of it.
fn outbox(dir: &Path) -> Result<(), Failure> {
    let delivered = demo_site::delivered(dir)?;
    println!("   {} messages lie in the Maildir {}", delivered.len(), demo_site::maildir(dir).display());
    if let Some(first) = delivered.first() {
        println!("   one of them: {}", first.display());
    }
    Ok(())
}

fn further(daemon: &Daemon, config: &Path) {
    let (config, address) = (config.display(), daemon.address);
    heading("Look further, in another terminal");
    println!("   export REJOIN_CONFIG={config}");
    println!("   rejoin status");
    println!("   rejoin customer find Wang            then: rejoin customer show ID, rejoin customer why ID");
    println!("   rejoin campaign report winback");
    println!("   rejoin segment preview --where \"stage = 'decline' and total > 500\"");
    println!("   rejoin quarantine list");
    println!("   curl http://{address}/metrics");
    println!("\n   The daemon stays up until Ctrl-C.");
}

fn heading(text: &str) {
    println!("\n{text}");
}

/// The site's folder; a temporary one goes with the demo.
struct Scratch {
    dir: PathBuf,
    temporary: bool,
}

impl Scratch {
    fn make(wanted: Option<&Path>) -> Result<Self, Failure> {
        let temporary = wanted.is_none();
        let name = format!("rejoin-demo-{}", rejoin_model::id::encode(clock::now().0));
        let dir = wanted.map_or_else(|| std::env::temp_dir().join(name), Path::to_path_buf);
        std::fs::create_dir(&dir).map_err(|e| {
            Failure::new("RJ-X004", format!("cannot make {}: {e}", dir.display()))
                .hint("name a folder that does not exist yet")
        })?;
        Ok(Self { dir: dir.canonicalize()?, temporary })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = std::fs::remove_dir_all(&self.dir)
        {
            eprintln!("the scratch site in {} could not be removed: {error}", self.dir.display());
        }
    }
}
