//! `[[segment]]` and `[[campaign]]`.

use rejoin_campaign::compose::Templates;
use rejoin_model::campaign::{
    Campaign, CampaignClass, Cap, Channel, ChannelChoice, Content, QuietHours, UnknownPolicy,
};
use rejoin_model::segment::{Condition, Segment};
use rejoin_model::time::{DAY_MS, HOUR_MS};

use super::error::Place;
use super::keys;
use super::reader::{Context, Section, bad_value, wrong_type};
use super::rules;
use super::settings::{CampaignSettings, Site};
use super::tree::{Node, Table, Value};
use super::values;

const LATE_MS_DEFAULT: i64 = 6 * HOUR_MS;
const LIFETIME_MS_DEFAULT: i64 = 3 * DAY_MS;
/// Without a holdout nobody can say whether a campaign did anything.
const HOLDOUT_DEFAULT: f64 = 0.1;
const QUIET_DEFAULT: QuietHours = QuietHours { from_min: 21 * 60, to_min: 8 * 60 };
/// The store remembers what went out for this long.
const CAP_DAYS_MAX: i64 = 90;

#[derive(Debug)]
pub(super) struct DraftSegment {
    pub(super) name_place: Place,
    pub(super) segment: Segment,
}

/// A campaign whose channels and segment have not been looked up.
#[derive(Debug)]
pub(super) struct DraftCampaign {
    pub(super) place: Place,
    pub(super) name_place: Place,
    /// `channels` is empty and `segment` has only its name.
    pub(super) campaign: Campaign,
    pub(super) segment_place: Place,
    /// Names of connectors in order.
    pub(super) channels: Vec<(String, Place)>,
    /// `None` when a template has a mistake in it.
    templates: Option<Templates>,
}

impl DraftCampaign {
    /// Takes the channels that were looked up, and checks that there is content for each.
    pub(super) fn choose(&mut self, cx: &Context<'_>, channels: Vec<(String, Channel)>) {
        // What is wrong inside the content has been said; what it lacks besides can wait.
        for (connector, channel) in channels.iter().filter(|_| self.templates.is_some()) {
            for (language, content) in &self.campaign.content {
                let missing = match channel {
                    Channel::Email if content.subject.is_none() => Some("subject"),
                    Channel::Email if content.text.is_none() && content.html.is_none() => Some("text"),
                    Channel::Sms if content.sms.is_none() => Some("sms"),
                    _ => None,
                };
                if let Some(part) = missing {
                    let message = format!(
                        "campaign `{}` may go out through `{connector}` ({channel}), but its content in `{language}` has no `{part}`",
                        self.campaign.name
                    );
                    let hint = format!("write {part} = \"…\" under [campaign.content.{language}]");
                    cx.error(&self.place, "RJ-C006", message, Some(hint));
                }
            }
        }
        let choice = |(connector, channel)| ChannelChoice { connector, channel };
        self.campaign.channels = channels.into_iter().map(choice).collect();
    }

    /// `None` when its segment does not exist or a template is wrong, which has been reported.
    pub(super) fn settings(mut self, segments: &[Segment]) -> Option<CampaignSettings> {
        self.campaign.segment = segments.iter().find(|s| s.name == self.campaign.segment.name)?.clone();
        Some(CampaignSettings { campaign: self.campaign, templates: self.templates? })
    }
}

pub(super) fn segment(cx: &Context<'_>, (table, place): (&Table, &Place)) -> Option<DraftSegment> {
    let section = Section::open(cx, table, place, "[[segment]]", &keys::names("segment"));
    let name = section
        .require("name", "which campaigns call it by")
        .and_then(|_| section.parsed("name", values::name));
    let source = section.required_text("where");
    let name_place = section.place_of("name").clone();
    let name = name?;
    let segment = source.and_then(|text| rules::segment(cx, section.node("where")?, &name, text));
    // A segment with a mistake in it still exists, so that campaigns that name it are not blamed.
    let segment =
        segment.unwrap_or_else(|| Segment { name, source: String::new(), condition: Condition::All });
    Some(DraftSegment { name_place, segment })
}

pub(super) fn campaign(
    cx: &Context<'_>,
    (table, place): (&Table, &Place),
    site: &Site,
) -> Option<DraftCampaign> {
    let section = Section::open(cx, table, place, "[[campaign]]", &keys::names("campaign"));
    let name =
        section.require("name", "which people call it by").and_then(|_| section.parsed("name", values::name));
    let class = section.word("class", CampaignClass::ALL).unwrap_or(CampaignClass::Marketing);
    let segment_name = section.required_text("segment");
    let channels = channels(&section);
    let zone = section.parsed("zone", values::zone).unwrap_or(site.zone).name().to_owned();
    let made = Campaign {
        name: String::new(),
        class,
        topic: section.parsed("topic", values::name).unwrap_or_else(|| class.name().to_owned()),
        segment: Segment {
            name: segment_name.unwrap_or_default().to_owned(),
            source: String::new(),
            condition: Condition::All,
        },
        schedule: section.text("schedule").and_then(|text| {
            let node = section.node("schedule")?;
            rules::schedule(cx, node, text, &zone).then(|| text.to_owned())
        }),
        channels: Vec::new(),
        holdout: section.share("holdout").unwrap_or(match class {
            CampaignClass::Marketing => HOLDOUT_DEFAULT,
            CampaignClass::Care => 0.0,
        }),
        cap: cap(&section),
        quiet: quiet(&section),
        late_ms_max: section.parsed("late", values::duration_ms).unwrap_or(LATE_MS_DEFAULT),
        lifetime_ms: section.parsed("lifetime", values::duration_ms).unwrap_or(LIFETIME_MS_DEFAULT),
        unknown: section.word("unknown", UnknownPolicy::ALL).unwrap_or(UnknownPolicy::Never),
        content: content(&section),
        zone,
    };
    let templates =
        section.node("content").and_then(|node| rules::templates(cx, node, &made.content, &site.sender()));
    let draft = DraftCampaign {
        place: place.clone(),
        name_place: section.place_of("name").clone(),
        segment_place: section.place_of("segment").clone(),
        campaign: Campaign { name: name?, ..made },
        channels,
        templates,
    };
    segment_name.map(|_| draft)
}

fn channels(section: &Section<'_>) -> Vec<(String, Place)> {
    let Some(node) = section.require("channels", "a list of connectors that send") else { return Vec::new() };
    let listed = section.texts("channels").unwrap_or_default();
    if matches!(&node.value, Value::Array(items) if items.is_empty()) {
        bad_value(section.cx, node, "channels", "it names no connector".to_owned(), None);
    }
    listed.into_iter().map(|(text, node)| (text.to_owned(), node.place.clone())).collect()
}

/// `cap = false` is the same as leaving it out.
fn cap(section: &Section<'_>) -> Option<Cap> {
    let (table, place) = table_or_off(section, "cap")??;
    let section = Section::open(section.cx, table, place, "cap", &keys::names("campaign.cap"));
    section.require("messages", "a whole number");
    section.require("days", "a whole number");
    let messages = section.integer("messages", 1, 1000)?;
    let days = section.integer("days", 1, CAP_DAYS_MAX)?;
    Some(Cap { messages: u32::try_from(messages).ok()?, days: u32::try_from(days).ok()? })
}

/// On unless `quiet = false`.
fn quiet(section: &Section<'_>) -> Option<QuietHours> {
    let Some(written) = table_or_off(section, "quiet") else { return Some(QUIET_DEFAULT) };
    let (table, place) = written?;
    let section = Section::open(section.cx, table, place, "quiet", &keys::names("campaign.quiet"));
    section.require("from", "a time such as \"21:00\"");
    section.require("to", "a time such as \"08:00\"");
    let from_min = section.parsed("from", values::clock_min)?;
    Some(QuietHours { from_min, to_min: section.parsed("to", values::clock_min)? })
}

/// Outer `None`: not written. Inner `None`: switched off, or wrong and reported.
fn table_or_off<'a>(section: &Section<'a>, key: &str) -> Option<Option<(&'a Table, &'a Place)>> {
    let node = section.node(key)?;
    Some(match &node.value {
        Value::Table(table) => Some((table, &node.place)),
        Value::Bool(false) => None,
        _ => {
            wrong_type(section.cx, node, key, "a table or false");
            None
        }
    })
}

fn content(section: &Section<'_>) -> Vec<(String, Content)> {
    let cx = section.cx;
    let example = "such as [campaign.content.en]";
    let Some(node) = section.require("content", example) else { return Vec::new() };
    let Some((table, _)) = section.section("content") else { return Vec::new() };
    if table.entries.is_empty() {
        bad_value(cx, node, "content", format!("it has no language; write one {example}"), None);
    }
    let mut found = Vec::new();
    for entry in &table.entries {
        if let Err(why) = values::language(&entry.key) {
            cx.error(&entry.key_place, "RJ-C007", format!("`content`: {why}"), None);
        } else if let Some(content) = language(cx, &entry.node, &entry.key) {
            found.push((entry.key.clone(), content));
        }
    }
    found
}

fn language(cx: &Context<'_>, node: &Node, language: &str) -> Option<Content> {
    let Value::Table(table) = &node.value else {
        wrong_type(cx, node, language, "a table");
        return None;
    };
    let label = format!("[campaign.content.{language}]");
    let section = Section::open(cx, table, &node.place, &label, &keys::names("campaign.content"));
    let text = |key: &str| section.text(key).map(str::to_owned);
    let content =
        Content { subject: text("subject"), text: text("text"), html: text("html"), sms: text("sms") };
    Some(content)
}
