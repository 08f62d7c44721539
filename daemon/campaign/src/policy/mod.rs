//! The rules that decide whether a message may go out, asked when it is planned and again when it is claimed.
//!
//! In this order: holdout (only when planning), open complaint, then per channel in the campaign's order address,
//! suppression and consent, then the frequency cap, then quiet hours in the recipient's zone. A doubt is never
//! resolved in favour of sending.
//!
//! [`decide`] stops at the first rule that speaks; [`explain`] asks all of them, through the same functions, so what
//! it says is what [`decide`] does.

mod quiet;
mod reach;
mod rules;
#[cfg(test)]
mod tests;

use rejoin_model::campaign::{Channel, ChannelChoice};
use rejoin_model::{Campaign, Member, OutboxState, Timestamp};
use serde::Serialize;

pub use rules::holdout_draw;
pub(crate) use rules::mix;

/// The audience lists marketing messages of this many days; a cap over more days cannot be kept.
pub const CAP_DAYS_MAX: u32 = 90;

/// When the question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Plan,
    /// Just before the message is handed over. Who belongs to the holdout was settled when planning.
    Claim,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Send {
        connector: String,
        channel: Channel,
        address: String,
    },
    /// Not now: quiet hours. Ask again at `until`.
    Hold {
        until: Timestamp,
        reason: String,
        connector: String,
        channel: Channel,
        address: String,
    },
    /// Not at all, in this run. The reasons are few and name no address, so they can be counted.
    End {
        state: OutboxState,
        reason: String,
    },
}

/// One rule's word, for `why` and the preview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `holdout`, `complaint`, `address`, `suppression`, `consent`, `cap` or `quiet_hours`.
    pub rule: &'static str,
    /// The connector the rule was asked about; `None` for rules about the person.
    pub connector: Option<String>,
    pub verdict: FindingVerdict,
    /// A sentence with the values that were looked at.
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingVerdict {
    Pass,
    /// Not now.
    Hold,
    /// Not through this connector, or, for rules about the person, not at all.
    Block,
    /// The rule does not apply to this class of campaign.
    NotAsked,
}

/// What one rule found; the detail is made only when somebody reads it.
struct Ruling {
    block: Option<(OutboxState, &'static str)>,
    asked: bool,
    detail: String,
}

/// `chosen` is the channel and address a planned row already has: it stays on them while it may, and otherwise falls
/// back to the other channels of the campaign.
pub fn decide(
    member: &Member,
    campaign: &Campaign,
    now: Timestamp,
    stage: Stage,
    chosen: Option<(&str, Channel, &str)>,
) -> Verdict {
    let end = |(state, reason): (OutboxState, &str)| Verdict::End { state, reason: reason.to_owned() };
    if stage == Stage::Plan
        && let Some(block) = rules::holdout(member, campaign).block
    {
        return end(block);
    }
    if let Some(block) = rules::complaint(member, campaign).block {
        return end(block);
    }
    let (choice, address) = match reach::first(member, campaign, chosen) {
        Ok(found) => found,
        Err(reason) => return Verdict::End { state: OutboxState::Suppressed, reason },
    };
    if let Some(block) = rules::cap(member, campaign, now).block {
        return end(block);
    }
    let ChannelChoice { connector, channel } = choice.clone();
    let address = address.to_owned();
    match quiet::until(member, campaign, now) {
        None => Verdict::Send { connector, channel, address },
        Some(until) => Verdict::Hold { until, reason: "quiet hours".to_owned(), connector, channel, address },
    }
}

/// Every rule's word, in the order [`decide`] asks them, also behind one that blocks.
pub fn explain(
    member: &Member,
    campaign: &Campaign,
    now: Timestamp,
    stage: Stage,
    chosen: Option<(&str, Channel, &str)>,
) -> Vec<Finding> {
    let person = |rule, ruling: Ruling| Finding {
        rule,
        connector: None,
        verdict: match (ruling.asked, ruling.block) {
            (false, _) => FindingVerdict::NotAsked,
            (true, None) => FindingVerdict::Pass,
            (true, Some(_)) => FindingVerdict::Block,
        },
        detail: ruling.detail,
    };
    let mut findings = Vec::new();
    match stage {
        Stage::Plan => findings.push(person("holdout", rules::holdout(member, campaign))),
        Stage::Claim => findings.push(Finding {
            rule: "holdout",
            connector: None,
            verdict: FindingVerdict::NotAsked,
            detail: "settled when the message was planned".to_owned(),
        }),
    }
    findings.push(person("complaint", rules::complaint(member, campaign)));
    findings.extend(reach::explain(member, campaign, chosen));
    findings.push(person("cap", rules::cap(member, campaign, now)));
    findings.push(quiet::explain(member, campaign, now));
    findings
}
