//! Plan: due runs × audience → outbox rows.
//!
//! A run is named by (campaign, scheduled instant), so a restart cannot start it twice; its audience is taken page by
//! page in order of customer id, each page with its rows in one transaction, so a crash repeats at most a page, and a
//! repeated page adds nothing.

use std::collections::HashMap;

use rejoin_campaign::plan::plan_member;
use rejoin_campaign::schedule::{self, Schedule};
use rejoin_model::{Campaign, OutboxId, Timestamp};
use rejoin_store::Run;

use super::{Step, Task, TaskError};
use crate::clock;
use crate::site::Site;

/// Audience members planned in one transaction.
const PAGE: usize = 2_000;

#[derive(Default)]
pub struct Plan {
    /// A campaign that has never run is due from when it was first seen, not from the beginning of time.
    first_seen: HashMap<String, Timestamp>,
    /// Plans the runs that are open and starts none.
    by_hand: bool,
}

impl Task for Plan {
    fn name(&self) -> String {
        "plan".to_owned()
    }

    async fn step(&mut self, site: &Site) -> Result<Step, TaskError> {
        let now = clock::now();
        if !self.by_hand {
            for settings in &site.settings().campaigns {
                self.start_due(site, &settings.campaign, now).await?;
            }
        }
        let settings = site.settings();
        // A campaign whose channel is missing waits for it; its audience is not to be called unreachable meanwhile.
        let mut open =
            site.store.open_runs().await?.into_iter().filter(|r| !settings.resting.contains(&r.campaign));
        let Some(run) = open.next() else {
            return Ok(Step::IDLE);
        };
        let planned = plan_page(site, &run).await?;
        site.wake.deliver.notify_waiters();
        Ok(Step::Worked(planned))
    }
}

impl Plan {
    /// For a run started by hand while no daemon runs: the schedules are none of its business.
    pub fn by_hand() -> Self {
        Self { by_hand: true, ..Self::default() }
    }

    async fn start_due(&mut self, site: &Site, campaign: &Campaign, now: Timestamp) -> Result<(), TaskError> {
        let Some(expression) = &campaign.schedule else { return Ok(()) };
        if site.store.campaign_paused(&campaign.name).await? {
            return Ok(());
        }
        let schedule = Schedule::parse(expression, &campaign.zone)
            .map_err(|e| TaskError::Other(format!("campaign {:?}: {e}", campaign.name)))?;
        let first_seen = *self.first_seen.entry(campaign.name.clone()).or_insert(now);
        let last = site.store.latest_scheduled(&campaign.name).await?;
        let due = schedule::due(&schedule, last, first_seen, now, campaign.late_ms_max);
        for missed in due.missed {
            let when = schedule::format(missed, &campaign.zone);
            tracing::warn!(
                campaign = campaign.name,
                scheduled = when,
                "run missed: it is later than `late` allows"
            );
            site.store.audit("plan", "run missed", &campaign.name, &when, now).await?;
            site.store.skip_run(&campaign.name, campaign.class, missed, now).await?;
        }
        if let Some(at) = due.run
            && let Some(run) = site.store.start_run(&campaign.name, campaign.class, at, now).await?
        {
            tracing::info!(campaign = campaign.name, run = %run, "run started");
        }
        Ok(())
    }
}

/// Plans one page of `run`; says how many members it looked at.
async fn plan_page(site: &Site, run: &Run) -> Result<u64, TaskError> {
    let now = clock::now();
    let settings = site.settings();
    let Some(campaign) = settings.campaign(&run.campaign).map(|c| &c.campaign) else {
        // The campaign was taken out of the configuration: what is planned stays, nothing is added.
        site.store.plan_page(run.id, Vec::new(), run.planned_through, true, now).await?;
        return Ok(0);
    };
    let page =
        site.store.audience(&campaign.segment.condition, run.planned_through, PAGE, run.started_at).await?;
    let through = page.last().map(|m| m.customer.id).or(run.planned_through);
    let done = page.len() < PAGE;
    let looked_at = page.len() as u64;
    let rows = page
        .iter()
        .map(|member| plan_member(member, campaign, run.id, OutboxId(site.store.next_id(now)), now))
        .collect();
    site.store.plan_page(run.id, rows, through, done, now).await?;
    Ok(looked_at.max(1))
}
