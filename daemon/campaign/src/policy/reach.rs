//! Rules about a channel: is there an address, may it be written to, and does the person want that.

use rejoin_model::audience::ConsentState;
use rejoin_model::campaign::{Channel, ChannelChoice};
use rejoin_model::customer::Golden;
use rejoin_model::{Campaign, CampaignClass, Member, SuppressionReason};

use super::{Finding, FindingVerdict};

/// Why a channel cannot be used: the rule, a short reason to count by, and the whole sentence.
struct Refusal {
    rule: &'static str,
    reason: String,
    detail: String,
}

type Chosen<'a> = Option<(&'a str, Channel, &'a str)>;

/// The first channel that may be used with the address on it, or the reasons of all of them.
pub(super) fn first<'a>(
    member: &'a Member,
    campaign: &'a Campaign,
    chosen: Chosen<'_>,
) -> Result<(&'a ChannelChoice, &'a str), String> {
    let mut refusals: Vec<String> = Vec::new();
    for choice in in_order(campaign, chosen) {
        match usable(member, campaign, choice, chosen) {
            Ok(address) => return Ok((choice, address)),
            Err(refusal) => {
                let reason = format!("{}: {}", choice.channel, refusal.reason);
                // Two connectors of one channel are refused for the same reason.
                if !refusals.contains(&reason) {
                    refusals.push(reason);
                }
            }
        }
    }
    if refusals.is_empty() {
        return Err("the campaign has no channel".to_owned());
    }
    Err(refusals.join("; "))
}

/// One finding per channel and rule, up to the rule that refuses.
pub(super) fn explain(member: &Member, campaign: &Campaign, chosen: Chosen<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for choice in in_order(campaign, chosen) {
        let mut note = |rule, verdict, detail: String| {
            findings.push(Finding { rule, connector: Some(choice.connector.clone()), verdict, detail });
        };
        let found = address(member, choice.channel, preferred(choice, chosen));
        match found {
            Ok(address) => {
                note("address", FindingVerdict::Pass, format!("{} address {address}", choice.channel));
                note("suppression", FindingVerdict::Pass, "the address is not suppressed".to_owned());
            }
            Err(refusal) => note(refusal.rule, FindingVerdict::Block, refusal.detail),
        }
        match consent(member, campaign, choice.channel) {
            Ok(detail) => note("consent", FindingVerdict::Pass, detail),
            Err(refusal) => note("consent", FindingVerdict::Block, refusal.detail),
        }
    }
    findings
}

/// The campaign's channels, the one the row already has first: a message that was put off stays where it is.
fn in_order<'a>(campaign: &'a Campaign, chosen: Chosen<'_>) -> impl Iterator<Item = &'a ChannelChoice> {
    let is_chosen = move |choice: &&ChannelChoice| {
        chosen
            .is_some_and(|(connector, channel, _)| choice.connector == connector && choice.channel == channel)
    };
    let connector = chosen.map(|(connector, channel, _)| (connector.to_owned(), channel));
    let rest = move |choice: &&ChannelChoice| {
        connector
            .as_ref()
            .is_none_or(|(name, channel)| choice.connector != *name || choice.channel != *channel)
    };
    let first: Vec<&ChannelChoice> = campaign.channels.iter().filter(is_chosen).collect();
    first.into_iter().chain(campaign.channels.iter().filter(rest))
}

fn preferred<'a>(choice: &ChannelChoice, chosen: Chosen<'a>) -> Option<&'a str> {
    chosen
        .filter(|(connector, channel, _)| choice.connector == *connector && choice.channel == *channel)
        .map(|(_, _, address)| address)
}

fn usable<'a>(
    member: &'a Member,
    campaign: &Campaign,
    choice: &ChannelChoice,
    chosen: Chosen<'_>,
) -> Result<&'a str, Refusal> {
    let address = address(member, choice.channel, preferred(choice, chosen))?;
    consent(member, campaign, choice.channel)?;
    Ok(address)
}

/// The preferred address, or else the first one, that is not suppressed.
///
/// A hard bounce speaks of one address, and the next may be used. Every other reason is the will of a person: having
/// refused at one address, they are not written to at another of the same channel.
fn address<'a>(member: &'a Member, channel: Channel, preferred: Option<&str>) -> Result<&'a str, Refusal> {
    let addresses: &[Golden] = match channel {
        Channel::Email => &member.customer.emails,
        Channel::Sms => &member.customer.phones,
    };
    if addresses.is_empty() {
        return Err(Refusal {
            rule: "address",
            reason: "no address".to_owned(),
            detail: format!("the customer has no {channel} address"),
        });
    }
    let suppressed = || member.suppressed.iter().filter(|s| s.channel == channel);
    let refusal = |address: &str, reason: SuppressionReason| Refusal {
        rule: "suppression",
        reason: format!("suppressed ({reason})"),
        detail: format!("{address} is suppressed: {reason}"),
    };
    if let Some(s) = suppressed().find(|s| s.reason != SuppressionReason::HardBounce) {
        return Err(refusal(&s.address, s.reason));
    }
    let good = |value: &str| !suppressed().any(|s| s.address == value);
    let wanted = addresses.iter().find(|a| preferred == Some(a.value.as_str()) && good(&a.value));
    match wanted.or_else(|| addresses.iter().find(|a| good(&a.value))) {
        Some(found) => Ok(&found.value),
        None => Err(refusal(&addresses[0].value, SuppressionReason::HardBounce)),
    }
}

/// Marketing needs a consent that covers the channel and topic; nothing may be sent against a withdrawal that does.
///
/// The strictest wins: among the statements that apply, `*` or exact, one withdrawal outweighs any number of grants,
/// however new. The withdrawal has to be taken back where it was given.
fn consent(member: &Member, campaign: &Campaign, channel: Channel) -> Result<String, Refusal> {
    let covers = |said: &str, asked: &str| said == "*" || said == asked;
    let applying = || {
        member
            .consents
            .iter()
            .filter(|c| covers(&c.channel, channel.name()) && covers(&c.topic, &campaign.topic))
    };
    let scope = |c: &ConsentState| format!("channel {}, topic {}", c.channel, c.topic);
    if let Some(withdrawn) = applying().find(|c| !c.granted) {
        return Err(Refusal {
            rule: "consent",
            reason: "consent withdrawn".to_owned(),
            detail: format!("consent was withdrawn ({})", scope(withdrawn)),
        });
    }
    match (applying().next(), campaign.class) {
        (Some(granted), _) => Ok(format!("consent was granted ({})", scope(granted))),
        (None, CampaignClass::Care) => {
            Ok("a care campaign needs no consent, and none was withdrawn".to_owned())
        }
        (None, CampaignClass::Marketing) => Err(Refusal {
            rule: "consent",
            reason: "no consent".to_owned(),
            detail: format!("nobody consented to channel {channel}, topic {}", campaign.topic),
        }),
    }
}
