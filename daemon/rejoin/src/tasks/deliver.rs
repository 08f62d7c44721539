//! Deliver: due outbox rows → the wire → outcomes.
//!
//! Every rule is asked again at the moment of claiming. A claim is committed before the first byte leaves, so a crash
//! leaves rows in flight, which become `unknown`, never pending. While one batch is on the wire the next is claimed
//! and composed.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rejoin_campaign::compose::ComposeContext;
use rejoin_campaign::{message, policy, retry, unsubscribe};
use rejoin_connector::{Role, State};
use rejoin_model::campaign::Channel;
use rejoin_model::outbox::{OutboxMessage, Outcome};
use rejoin_model::{
    CampaignClass, CustomerId, Member, OutboxId, OutboxState, Suppression, SuppressionReason, Timestamp,
};
use rejoin_plugin_api::{Message, Outcome as Said};
use rejoin_store::{Settlement, Verdict};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::{Step, Task, TaskError, drive};
use crate::clock;
use crate::site::Site;

/// Messages claimed and handed to a channel at once.
const BATCH: usize = 400;
/// Batches claimed but not settled: one on the wire, one waiting to follow it without a gap.
const OUTSTANDING_MAX: usize = 2;
/// Between two tries to write what became of messages.
const WRITE_AGAIN: Duration = Duration::from_secs(1);
/// Longest sleep while messages wait for their time.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Delivers through one channel connector, so that a slow gateway holds up nobody else.
pub struct Deliver {
    site: Arc<Site>,
    connector: Arc<str>,
    outstanding: VecDeque<JoinHandle<Result<(), TaskError>>>,
}

/// Starts one delivering loop for each channel connector.
pub fn spawn(site: &Arc<Site>, stop: &watch::Receiver<bool>, set: &mut JoinSet<()>) {
    for connector in site.settings().connectors.iter().filter(|c| c.roles.contains(&Role::Channel)) {
        let task = Deliver::new(site, &connector.name);
        set.spawn(drive(Arc::clone(site), task, |w| &w.deliver, stop.clone()));
    }
}

impl Deliver {
    pub fn new(site: &Arc<Site>, connector: &Arc<str>) -> Self {
        Self { site: Arc::clone(site), connector: Arc::clone(connector), outstanding: VecDeque::new() }
    }

    /// Waits until fewer than `most` batches are on their way.
    async fn settle_down_to(&mut self, most: usize) -> Result<(), TaskError> {
        while self.outstanding.len() > most {
            let Some(batch) = self.outstanding.pop_front() else { break };
            batch.await.map_err(|e| TaskError::Other(format!("a delivery batch panicked: {e}")))??;
        }
        Ok(())
    }
}

impl Task for Deliver {
    fn name(&self) -> String {
        format!("deliver:{}", self.connector)
    }

    async fn step(&mut self, site: &Site) -> Result<Step, TaskError> {
        self.settle_down_to(OUTSTANDING_MAX - 1).await?;
        let now = clock::now();
        let due = site.store.due(&self.connector, now, BATCH).await?;
        if due.is_empty() {
            self.settle_down_to(0).await?;
            return Ok(Step::Idle(until_next(site, &self.connector, now).await?));
        }
        let looked_at = due.len() as u64;
        let ready = decide_and_compose(site, due, now).await?;
        let claimed = site.store.claim(ready.verdicts, now).await?;
        let batch = Batch::of(ready.messages, &claimed);
        if !batch.rows.is_empty() {
            let (site, connector) = (Arc::clone(&self.site), Arc::clone(&self.connector));
            self.outstanding
                .push_back(tokio::spawn(async move { send_and_settle(&site, &connector, batch).await }));
        }
        Ok(Step::Worked(looked_at))
    }

    /// Rows of a batch that is dropped on the wire would be unknown for ever.
    async fn finish(&mut self) -> Result<(), TaskError> {
        self.settle_down_to(0).await
    }
}

async fn until_next(site: &Site, connector: &str, now: Timestamp) -> Result<Duration, TaskError> {
    let next = site.store.next_due(connector).await?;
    let wait = next.map_or(WAIT_MAX, |at| Duration::from_millis(at.ms_since(now).max(50) as u64));
    Ok(wait.min(WAIT_MAX))
}

/// What a page of due rows turned into.
#[derive(Default)]
struct Ready {
    verdicts: Vec<(OutboxId, CustomerId, Verdict)>,
    messages: HashMap<OutboxId, (Row, Message)>,
}

/// What settling needs to know of a claimed row.
struct Row {
    id: OutboxId,
    customer: CustomerId,
    channel: Channel,
    address: String,
    attempts: u32,
    campaign: String,
}

async fn decide_and_compose(
    site: &Site,
    due: Vec<(OutboxMessage, String)>,
    now: Timestamp,
) -> Result<Ready, TaskError> {
    let customers: Vec<CustomerId> = due.iter().map(|(row, _)| row.customer).collect();
    let members = members_by_id(site, &customers, now).await?;
    let mut ready = Ready::default();
    for (row, campaign) in due {
        let (id, customer) = (row.id, row.customer);
        let verdict = match members.get(&customer) {
            Some(member) => decide_one(site, row, &campaign, member, now, &mut ready.messages),
            None => end(OutboxState::Suppressed, "the customer no longer exists"),
        };
        ready.verdicts.push((id, customer, verdict));
    }
    Ok(ready)
}

/// Each customer as a member; one who was merged since the run was planned, as whom it was merged into.
async fn members_by_id(
    site: &Site,
    customers: &[CustomerId],
    now: Timestamp,
) -> Result<HashMap<CustomerId, Member>, TaskError> {
    let found = site.store.members(customers, now).await?;
    let mut members: HashMap<CustomerId, Member> = found.into_iter().map(|m| (m.customer.id, m)).collect();
    for ended in customers {
        if members.contains_key(ended) {
            continue;
        }
        if let Some(survivor) = site.store.customer(*ended).await?
            && let Some(member) = site.store.members(&[survivor.id], now).await?.pop()
        {
            members.insert(*ended, member);
        }
    }
    Ok(members)
}

fn end(state: OutboxState, reason: impl Into<String>) -> Verdict {
    Verdict::End { state, reason: reason.into() }
}

fn decide_one(
    site: &Site,
    row: OutboxMessage,
    campaign_name: &str,
    member: &Member,
    now: Timestamp,
    messages: &mut HashMap<OutboxId, (Row, Message)>,
) -> Verdict {
    let settings = site.settings();
    let Some(campaign) = settings.campaign(campaign_name).map(|c| &c.campaign) else {
        return end(OutboxState::Suppressed, "the campaign was removed from the configuration");
    };
    let (Some(connector), Some(channel), Some(address)) = (&row.connector, row.channel, &row.address) else {
        return end(OutboxState::Suppressed, "no address");
    };
    if now.ms_since(row.id.made_at()) > campaign.lifetime_ms {
        return end(OutboxState::Failed, "could not be sent within its lifetime");
    }
    match policy::decide(member, campaign, now, policy::Stage::Claim, Some((connector, channel, address))) {
        policy::Verdict::Send { .. } => {}
        policy::Verdict::Hold { until, reason, .. } => {
            return Verdict::Hold { state: OutboxState::Quiet, until, reason };
        }
        policy::Verdict::End { state, reason } => return end(state, reason),
    }
    let row = Row {
        id: row.id,
        customer: row.customer,
        channel,
        address: address.clone(),
        attempts: row.attempts,
        campaign: campaign.name.clone(),
    };
    match compose(site, &row, campaign, member, now) {
        Ok(message) => {
            messages.insert(row.id, (row, message));
            Verdict::Send
        }
        Err(sentence) => end(OutboxState::Failed, sentence),
    }
}

fn compose(
    site: &Site,
    row: &Row,
    campaign: &rejoin_model::Campaign,
    member: &Member,
    now: Timestamp,
) -> Result<Message, String> {
    let settings = site.settings();
    let templates =
        settings.campaign(&campaign.name).map(|c| &c.templates).ok_or("the campaign has no content")?;
    let link = (campaign.class == CampaignClass::Marketing).then(|| {
        let (outbox, customer, topic) = (row.id, row.customer, campaign.topic.clone());
        let what = unsubscribe::Unsubscribe { outbox, customer, channel: row.channel, topic };
        let token = unsubscribe::token(&what, &site.keys.token);
        format!("{}/u/{token}", settings.http.public_url.trim_end_matches('/'))
    });
    let context = ComposeContext { campaign, channel: row.channel, unsubscribe_url: link.as_deref(), now };
    let composed = templates.compose(member, &context).map_err(|e| e.to_string())?;
    Ok(Message {
        idempotency_key: message::idempotency_key(row.id),
        message_id: message::message_id(row.id, &site.keys.token),
        to: row.address.clone(),
        to_name: member.customer.name.as_ref().map(|n| n.value.replace(|c: char| c.is_control(), " ")),
        subject: composed.subject,
        text: composed.text,
        html: composed.html,
        headers: composed.headers,
    })
}

/// Claimed rows with their messages, index by index.
struct Batch {
    rows: Vec<Row>,
    messages: Vec<Message>,
}

impl Batch {
    fn of(mut ready: HashMap<OutboxId, (Row, Message)>, claimed: &[OutboxId]) -> Self {
        let (rows, messages) = claimed.iter().filter_map(|id| ready.remove(id)).unzip();
        Self { rows, messages }
    }
}

async fn send_and_settle(site: &Site, connector: &str, batch: Batch) -> Result<(), TaskError> {
    let channel = site.connector(connector, Role::Channel);
    let said = match &channel {
        Some(channel) => channel.send(&batch.messages).await,
        None => vec![
            Said::Deferred { reason: "the connector was removed".into(), after_ms: None };
            batch.rows.len()
        ],
    };
    let now = clock::now();
    let mut suppressions = Vec::new();
    let settled = batch.rows.iter().zip(said);
    let settled: Vec<_> =
        settled.map(|(row, said)| settle(site, connector, row, said, now, &mut suppressions)).collect();
    record(site, settled, suppressions, now).await?;
    // A plugin that crashes answers for its messages; that it crashes is said here, where `status` looks.
    let health = channel.map(|channel| channel.health());
    match health.map(|health| (health.state, health.last_error)) {
        Some((State::BackingOff | State::LeftOff, Some(error))) => Err(TaskError::Other(error)),
        _ => Ok(()),
    }
}

/// What was said of messages is known only here until it is written: a full disk is waited out, not given up on.
async fn record(
    site: &Site,
    settled: Vec<(OutboxId, CustomerId, Settlement)>,
    suppressions: Vec<Suppression>,
    now: Timestamp,
) -> Result<(), TaskError> {
    loop {
        match site.store.settle(settled.clone(), suppressions.clone(), now).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, messages = settled.len(), "outcomes wait to be written");
                tokio::time::sleep(WRITE_AGAIN).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn settle(
    site: &Site,
    connector: &str,
    row: &Row,
    said: Said,
    now: Timestamp,
    suppressions: &mut Vec<Suppression>,
) -> (OutboxId, CustomerId, Settlement) {
    let outcome = match said {
        Said::Accepted { provider_id } => Outcome::Accepted { provider_id },
        Said::Rejected { reason, bad_address } => Outcome::Rejected { reason, hard_bounce: bad_address },
        Said::Deferred { reason, after_ms } => {
            Outcome::Deferred { reason, after_ms: after_ms.map(i64::from) }
        }
        Said::Unknown { reason } => Outcome::Unknown { reason },
    };
    if let Outcome::Rejected { reason, hard_bounce: true } = &outcome {
        suppressions.push(Suppression {
            channel: row.channel.name().to_owned(),
            address: row.address.clone(),
            reason: SuppressionReason::HardBounce,
            at: now,
            proof: format!("{connector} refused message {}: {reason}", row.id),
        });
    }
    let settings = site.settings();
    let (lifetime_ms, unknown) = match settings.campaign(&row.campaign).map(|c| &c.campaign) {
        Some(campaign) => (campaign.lifetime_ms, campaign.unknown),
        None => (0, rejoin_model::campaign::UnknownPolicy::Never),
    };
    let after = retry::after(row.id, row.attempts, &outcome, row.id.made_at(), now, lifetime_ms, unknown);
    let settlement = Settlement {
        state: after.state,
        reason: after.reason,
        provider_id: after.provider_id,
        due_at: (after.state == OutboxState::Pending).then_some(after.due_at),
    };
    (row.id, row.customer, settlement)
}
