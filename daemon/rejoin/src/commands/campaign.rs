//! `rejoin campaign`: list, preview, run, pause, resume, report.

use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;
use rejoin_campaign::policy;
use rejoin_campaign::schedule::{self, Schedule};
use rejoin_model::outbox::Conservation;
use rejoin_model::{Campaign, OutboxState, RunId};
use tokio::sync::watch;

use super::{open, shown, when};
use crate::cli::{ConfigArg, FormatArg};
use crate::clock;
use crate::failure::Failure;
use crate::output::Table;
use crate::progress::Progress;
use crate::site::Site;
use crate::tasks::plan::Plan;
use crate::tasks::{deliver, drive};

const PAGE: usize = 2_000;
const RUNS_SHOWN: usize = 10;
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, Subcommand)]
pub enum CampaignCommand {
    /// Every campaign: schedule, next run, state, last run
    List {
        #[command(flatten)]
        format: FormatArg,
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Who would be written to now, and why the others would not; sends nothing
    Preview {
        name: String,
        /// How many people to show for each outcome
        #[arg(long, default_value_t = 3)]
        examples: usize,
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Start a run
    Run {
        name: String,
        /// Now, whatever the schedule says
        #[arg(long, required = true)]
        now: bool,
        /// Wait until every message is settled, then print the conservation line
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Plan and send nothing more for this campaign until it is resumed
    Pause {
        name: String,
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Go on where it was paused
    Resume {
        name: String,
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Runs with their conservation lines and the reasons behind them
    Report {
        name: String,
        #[command(flatten)]
        config: ConfigArg,
    },
}

pub async fn campaign(command: CampaignCommand) -> Result<(), Failure> {
    match command {
        CampaignCommand::List { format, config } => list(&*open(&config.config).await?, &format).await,
        CampaignCommand::Preview { name, examples, config } => {
            preview(&*open(&config.config).await?, &name, examples).await
        }
        CampaignCommand::Run { name, now: _, wait, config } => {
            run(open(&config.config).await?, &name, wait).await
        }
        CampaignCommand::Pause { name, config } => pause(&*open(&config.config).await?, &name, true).await,
        CampaignCommand::Resume { name, config } => pause(&*open(&config.config).await?, &name, false).await,
        CampaignCommand::Report { name, config } => report(&*open(&config.config).await?, &name).await,
    }
}

fn named(site: &Site, name: &str) -> Result<Campaign, Failure> {
    let settings = site.settings();
    let known: Vec<&str> = settings.campaigns.iter().map(|c| c.campaign.name.as_str()).collect();
    let found = settings.campaign(name).map(|c| c.campaign.clone());
    found.ok_or_else(|| Failure::no_such("campaign", name, &known))
}

async fn list(site: &Site, format: &FormatArg) -> Result<(), Failure> {
    let mut table =
        Table::new(&["campaign", "class", "segment", "schedule", "next run", "state", "last run"]);
    for settings in &site.settings().campaigns {
        let c = &settings.campaign;
        let paused = site.store.campaign_paused(&c.name).await?;
        let last = site.store.latest_run(&c.name).await?;
        table.row([
            c.name.clone(),
            c.class.to_string(),
            c.segment.name.clone(),
            c.schedule.clone().unwrap_or_else(|| "by hand".to_owned()),
            next_run(c),
            if paused { "paused" } else { "on" }.to_owned(),
            last.map_or_else(|| "never".to_owned(), |r| when(site, r.started_at)),
        ]);
    }
    Ok(table.print(format.format)?)
}

fn next_run(campaign: &Campaign) -> String {
    let next = campaign.schedule.as_ref().and_then(|expression| {
        let schedule = Schedule::parse(expression, &campaign.zone).ok()?;
        Some(schedule::format(schedule.next_after(clock::now())?, &campaign.zone))
    });
    next.unwrap_or_else(|| "-".to_owned())
}

/// People who met one outcome.
#[derive(Default)]
pub struct Bucket {
    pub count: u64,
    pub examples: Vec<String>,
}

/// The whole audience by outcome and reason, without writing anything.
pub async fn audience_by_outcome(
    site: &Site,
    campaign: &Campaign,
    examples: usize,
) -> Result<std::collections::BTreeMap<(String, String), Bucket>, Failure> {
    let now = clock::now();
    let mut buckets: std::collections::BTreeMap<(String, String), Bucket> = std::collections::BTreeMap::new();
    let mut after = None;
    loop {
        let page = site.store.audience(&campaign.segment.condition, after, PAGE, now).await?;
        let Some(last) = page.last() else { return Ok(buckets) };
        after = Some(last.customer.id);
        for member in &page {
            let key = match policy::decide(member, campaign, now, policy::Stage::Plan, None) {
                policy::Verdict::Send { connector, .. } => {
                    ("send".to_owned(), format!("through {connector}"))
                }
                policy::Verdict::Hold { reason, .. } => (OutboxState::Quiet.to_string(), reason),
                policy::Verdict::End { state, reason } => (state.to_string(), reason),
            };
            let bucket = buckets.entry(key).or_default();
            bucket.count += 1;
            if bucket.examples.len() < examples {
                let name = shown(member.customer.name.as_ref());
                bucket.examples.push(format!("{} {name}", member.customer.id));
            }
        }
    }
}

async fn preview(site: &Site, name: &str, examples: usize) -> Result<(), Failure> {
    let campaign = named(site, name)?;
    let buckets = audience_by_outcome(site, &campaign, examples).await?;
    let audience: u64 = buckets.values().map(|b| b.count).sum();
    println!("campaign {name}: an audience of {audience} in segment {}", campaign.segment.name);
    for ((outcome, reason), bucket) in &buckets {
        println!("  {:>7}  {outcome:<11} {reason}", bucket.count);
        for example in &bucket.examples {
            println!("           · {example}");
        }
    }
    println!("nothing was sent");
    Ok(())
}

async fn run(site: Arc<Site>, name: &str, wait: bool) -> Result<(), Failure> {
    let campaign = named(&site, name)?;
    if site.store.campaign_paused(name).await? {
        let sentence = format!("campaign {name:?} is paused");
        return Err(Failure::new("RJ-K003", sentence).hint(format!("rejoin campaign resume {name}")));
    }
    if site.settings().resting.contains(name) {
        let sentence = format!("campaign {name:?} sends through a plugin that is missing or was refused");
        return Err(Failure::new("RJ-C015", sentence).hint("rejoin check says which and why"));
    }
    let now = clock::now();
    let started = site.store.start_manual_run(name, campaign.class, now).await?;
    let run = started
        .ok_or_else(|| Failure::new("RJ-K004", "another run of it started in this very millisecond"))?;
    site.audit("campaign run", name, &run.to_string()).await;
    println!("run {run} of campaign {name} started");
    match site.store.lock_daemon() {
        Ok(_lock) => run_ourselves(&site, run, wait).await,
        Err(rejoin_store::Error::Locked { .. }) => {
            // The daemon plans and delivers it.
            if wait { wait_for(&site, run).await } else { Ok(()) }
        }
        Err(error) => Err(error.into()),
    }
}

/// No daemon runs on the store: its plan and deliver tasks run here until the run is settled.
async fn run_ourselves(site: &Arc<Site>, run: RunId, wait: bool) -> Result<(), Failure> {
    if !wait {
        println!("no daemon is running: it will be sent when `rejoin run` starts, or now with --wait");
        return Ok(());
    }
    crate::run::settle_orphans(site).await?;
    let (stop, stopped) = watch::channel(false);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(drive(Arc::clone(site), Plan::by_hand(), |w| &w.plan, stopped.clone()));
    deliver::spawn(site, &stopped, &mut tasks);
    let waited = wait_for(site, run).await;
    if stop.send(true).is_err() {
        tracing::debug!("no task was running");
    }
    while tasks.join_next().await.is_some() {}
    site.stop_connectors().await;
    waited
}

async fn wait_for(site: &Site, run: RunId) -> Result<(), Failure> {
    println!("{}", settled(site, run).await?);
    Ok(())
}

/// Waits until a run is planned to its end and nothing of it is pending.
pub async fn settled(site: &Site, run: RunId) -> Result<Conservation, Failure> {
    let mut progress = Progress::new("messages settled");
    let line = loop {
        // Asked in this order: a count taken before the last page was planned must not pass for the whole.
        let planned = site.store.run(run).await?.is_none_or(|r| r.planned);
        let line = site.store.conservation(run).await?;
        progress.at(line.audience - line.pending, Some(line.audience));
        if planned && line.pending == 0 {
            break line;
        }
        tokio::time::sleep(LOOK).await;
    };
    progress.done();
    if line.holds() {
        Ok(line)
    } else {
        Err(Failure::new("RJ-K005", "the states of this run do not add up to its audience"))
    }
}

async fn pause(site: &Site, name: &str, paused: bool) -> Result<(), Failure> {
    named(site, name)?;
    let who = std::env::var("USER").unwrap_or_else(|_| "cli".to_owned());
    site.store.set_campaign_paused(name, paused, &who, clock::now()).await?;
    site.audit(if paused { "campaign pause" } else { "campaign resume" }, name, "").await;
    println!(
        "campaign {name} is {}",
        if paused { "paused: nothing more is planned or sent for it" } else { "on" }
    );
    Ok(())
}

async fn report(site: &Site, name: &str) -> Result<(), Failure> {
    named(site, name)?;
    let runs = site.store.runs(Some(name), RUNS_SHOWN).await?;
    if runs.is_empty() {
        println!("campaign {name} has not run yet");
    }
    for run in runs {
        let line = site.store.conservation(run.id).await?;
        println!("run {} started {}", run.id, when(site, run.started_at));
        println!("  {line}");
        for (state, reason, count) in site.store.reasons(run.id).await? {
            if !reason.is_empty() {
                println!("    {count:>7}  {state:<11} {reason}");
            }
        }
    }
    Ok(())
}
