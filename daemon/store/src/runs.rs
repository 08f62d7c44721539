//! Campaigns as the store knows them: whether one is paused, and its runs.

use rejoin_model::{CampaignClass, CustomerId, RunId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::rows::{limit, named};
use crate::{Error, Store};

/// One execution of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub id: RunId,
    pub campaign: String,
    pub class: CampaignClass,
    /// The time the schedule named; it and the campaign are the run's name, so no time is run twice.
    pub scheduled_at: Timestamp,
    pub started_at: Timestamp,
    /// The last customer who was planned.
    pub planned_through: Option<CustomerId>,
    /// Every member of the audience has an outbox row.
    pub planned: bool,
}

/// How a run came to be.
struct Kind {
    by_hand: bool,
    /// Nothing of it is left to plan.
    planned: bool,
}

const SELECT: &str =
    "SELECT run_id, campaign, class, scheduled_at, started_at, planned_through, planned FROM run ";

impl Store {
    pub async fn campaign_paused(&self, campaign: &str) -> Result<bool, Error> {
        let campaign = campaign.to_owned();
        self.read(move |db| {
            let sql = "SELECT 1 FROM campaign_state WHERE campaign = ?1 AND paused = 1";
            Ok(db.prepare_cached(sql)?.exists([campaign])?)
        })
        .await
    }

    pub async fn set_campaign_paused(
        &self,
        campaign: &str,
        paused: bool,
        who: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (campaign, who) = (campaign.to_owned(), who.to_owned());
        self.write(move |db| {
            let sql = "INSERT INTO campaign_state (campaign, paused, who, at) VALUES (?1, ?2, ?3, ?4) \
                       ON CONFLICT (campaign) DO UPDATE SET paused = excluded.paused, who = excluded.who, \
                       at = excluded.at";
            db.prepare_cached(sql)?.execute((campaign, paused, who, now.0))?;
            Ok(())
        })
        .await
    }

    /// Starts the run of a scheduled time; `None` when this campaign already has one for this time.
    pub async fn start_run(
        &self,
        campaign: &str,
        class: CampaignClass,
        scheduled_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<RunId>, Error> {
        self.insert_run(campaign, class, scheduled_at, now, Kind { by_hand: false, planned: false }).await
    }

    /// Starts a run that a person asked for.
    pub async fn start_manual_run(
        &self,
        campaign: &str,
        class: CampaignClass,
        now: Timestamp,
    ) -> Result<Option<RunId>, Error> {
        self.insert_run(campaign, class, now, now, Kind { by_hand: true, planned: false }).await
    }

    /// Notes that a scheduled time was missed and is not made up for: a run that nobody is in.
    pub async fn skip_run(
        &self,
        campaign: &str,
        class: CampaignClass,
        scheduled_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        let kind = Kind { by_hand: false, planned: true };
        self.insert_run(campaign, class, scheduled_at, now, kind).await.map(drop)
    }

    async fn insert_run(
        &self,
        campaign: &str,
        class: CampaignClass,
        scheduled_at: Timestamp,
        now: Timestamp,
        kind: Kind,
    ) -> Result<Option<RunId>, Error> {
        let (campaign, id) = (campaign.to_owned(), self.next_id(now));
        self.write(move |db| {
            let sql = "INSERT INTO run (run_id, campaign, class, scheduled_at, by_hand, started_at, planned, \
                       audience) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0) ON CONFLICT DO NOTHING";
            let row = (id, campaign, class.name(), scheduled_at.0, kind.by_hand, now.0, kind.planned);
            Ok((db.prepare_cached(sql)?.execute(row)? == 1).then_some(RunId(id)))
        })
        .await
    }

    /// The newest run, however it was started.
    pub async fn latest_run(&self, campaign: &str) -> Result<Option<Run>, Error> {
        let campaign = campaign.to_owned();
        let sql = "WHERE campaign = ?1 ORDER BY run_id DESC LIMIT 1";
        self.read(move |db| Ok(select(db, sql, [campaign])?.pop())).await
    }

    /// The latest time of its schedule that a campaign has run, or missed.
    pub async fn latest_scheduled(&self, campaign: &str) -> Result<Option<Timestamp>, Error> {
        let campaign = campaign.to_owned();
        let sql = "WHERE campaign = ?1 AND by_hand = 0 ORDER BY scheduled_at DESC LIMIT 1";
        self.read(move |db| Ok(select(db, sql, [campaign])?.pop().map(|run| run.scheduled_at))).await
    }

    /// Runs that are not planned to their end, oldest first.
    pub async fn open_runs(&self) -> Result<Vec<Run>, Error> {
        self.read(|db| select(db, "WHERE planned = 0 ORDER BY run_id", [])).await
    }

    /// The newest runs, of one campaign or of all, newest first.
    pub async fn runs(&self, campaign: Option<&str>, max: usize) -> Result<Vec<Run>, Error> {
        let campaign = campaign.map(str::to_owned);
        let sql = "WHERE ?1 IS NULL OR campaign = ?1 ORDER BY run_id DESC LIMIT ?2";
        self.read(move |db| select(db, sql, (campaign, limit(max)))).await
    }

    pub async fn run(&self, id: RunId) -> Result<Option<Run>, Error> {
        self.read(move |db| Ok(select(db, "WHERE run_id = ?1", [id.0])?.pop())).await
    }
}

fn select(db: &Connection, rest: &str, params: impl rusqlite::Params) -> Result<Vec<Run>, Error> {
    let mut query = db.prepare_cached(&format!("{SELECT}{rest}"))?;
    let mut rows = query.query(params)?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(run(row)?);
    }
    Ok(runs)
}

fn run(row: &Row<'_>) -> Result<Run, Error> {
    let class: String = row.get(2)?;
    Ok(Run {
        id: RunId(row.get(0)?),
        campaign: row.get(1)?,
        class: named(CampaignClass::from_name(&class), &class)?,
        scheduled_at: Timestamp(row.get(3)?),
        started_at: Timestamp(row.get(4)?),
        planned_through: row.get::<_, Option<i64>>(5)?.map(CustomerId),
        planned: row.get(6)?,
    })
}

/// Notes how far planning has come and how many members it added.
pub(crate) fn note_planned(
    db: &Connection,
    run: RunId,
    through: Option<CustomerId>,
    added: u64,
    done: bool,
) -> Result<(), Error> {
    let sql = "UPDATE run SET audience = audience + ?2, planned = max(planned, ?3), \
               planned_through = max(coalesce(planned_through, ?4), coalesce(?4, planned_through)) \
               WHERE run_id = ?1";
    let changed = db.prepare_cached(sql)?.execute((run.0, added as i64, done, through.map(|id| id.0)))?;
    if changed == 1 { Ok(()) } else { Err(Error::Internal(format!("run {run} does not exist"))) }
}

pub(crate) fn audience_of(db: &Connection, run: RunId) -> Result<u64, Error> {
    let sql = "SELECT audience FROM run WHERE run_id = ?1";
    let audience: Option<i64> = db.prepare_cached(sql)?.query_row([run.0], |row| row.get(0)).optional()?;
    Ok(audience.unwrap_or(0).max(0) as u64)
}
