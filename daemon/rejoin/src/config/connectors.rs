//! `[[connector]]`: what can be checked before its plugin is asked.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::Place;
use super::keys;
use super::maps;
use super::reader::{Context, Section, as_text, bad_value};
use super::rules;
use super::settings::{Intake, Role};
use super::tree::{Node, Table, Value};
use super::values;
use crate::mapping::Map;

const POLL_MS_DEFAULT: i64 = 5 * 60_000;
const POLL_MS_MIN: i64 = 1_000;
/// Shorter ones can be guessed.
const SECRET_BYTES_MIN: usize = 16;

/// A connector whose plugin has not been looked at.
#[derive(Debug)]
pub(super) struct DraftConnector {
    /// File and number of its `[[connector]]` there, to find its tree again.
    pub(super) origin: (usize, usize),
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) name_place: Place,
    pub(super) plugin: String,
    pub(super) plugin_place: Place,
    pub(super) roles: Option<Vec<(Role, Place)>>,
    pub(super) poll_ms: i64,
    pub(super) sweep: Option<String>,
    pub(super) unique: bool,
    pub(super) intake: Intake,
    pub(super) maps: Vec<Map>,
}

/// `None` when it has no usable name or plugin; that has been reported.
pub(super) fn read(
    cx: &Context<'_>,
    (table, place): (&Table, &Place),
    origin: (usize, usize),
    zone: &str,
) -> Option<DraftConnector> {
    let section = Section::open(cx, table, place, "[[connector]]", &keys::names("connector"));
    let name = section
        .require("name", "which other parts call it by")
        .and_then(|_| section.parsed("name", values::name));
    let plugin =
        section.require("plugin", "such as \"csv\"").and_then(|_| section.parsed("plugin", values::name));
    let intake = section.section("intake").map(|(table, place)| intake(cx, table, place)).unwrap_or_default();
    let made = DraftConnector {
        origin,
        place: place.clone(),
        name_place: section.place_of("name").clone(),
        plugin_place: section.place_of("plugin").clone(),
        roles: roles(&section),
        poll_ms: section.parsed("poll", poll).unwrap_or(POLL_MS_DEFAULT),
        sweep: section.text("sweep").and_then(|text| {
            let node = section.node("sweep")?;
            rules::schedule(cx, node, text, zone).then(|| text.to_owned())
        }),
        unique: section.flag("unique").unwrap_or(false),
        intake,
        maps: maps::read(&section),
        name: String::new(),
        plugin: String::new(),
    };
    Some(DraftConnector { name: name?, plugin: plugin?, ..made })
}

fn poll(text: &str) -> Result<i64, String> {
    match values::duration_ms(text)? {
        ms if ms < POLL_MS_MIN => Err(format!("{text:?} is shorter than a second")),
        ms => Ok(ms),
    }
}

fn roles(section: &Section<'_>) -> Option<Vec<(Role, Place)>> {
    let listed = section.texts("roles")?;
    let mut found = Vec::new();
    for (text, node) in listed {
        match Role::ALL.into_iter().find(|role| role.name() == text) {
            Some(role) => found.push((role, node.place.clone())),
            None => {
                let names = Role::ALL.map(Role::name);
                let why = format!("{text:?} is not one of {}", names.join(", "));
                bad_value(section.cx, node, "roles", why, values::did_you_mean(text, names));
            }
        }
    }
    Some(found)
}

fn intake(cx: &Context<'_>, table: &Table, place: &Place) -> Intake {
    let section = Section::open(cx, table, place, "[connector.intake]", &keys::names("connector.intake"));
    Intake {
        rate: section.parsed("rate_limit", values::rate),
        signature_secrets: section.node("signature_secret").map(|node| secrets(cx, node)).unwrap_or_default(),
        redirect: section.parsed("redirect", values::http_url),
        thanks: thanks(&section),
    }
}

fn thanks(section: &Section<'_>) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for (entry, text) in section.text_map("thanks") {
        match values::language(&entry.key) {
            Ok(language) => {
                texts.insert(language, text.to_owned());
            }
            Err(why) => section.cx.error(&entry.key_place, "RJ-C007", format!("`thanks`: {why}"), None),
        }
    }
    texts
}

/// One secret or, while one is being replaced, several.
fn secrets(cx: &Context<'_>, node: &Node) -> Vec<Vec<u8>> {
    const KEY: &str = "signature_secret";
    let nodes = match &node.value {
        Value::Array(items) => items.iter().collect(),
        _ => vec![node],
    };
    nodes
        .into_iter()
        .filter_map(|node| {
            let text = as_text(cx, node, KEY)?;
            let decoded = STANDARD.decode(text.trim().trim_start_matches("whsec_")).ok();
            let secret = decoded.filter(|bytes| bytes.len() >= SECRET_BYTES_MIN);
            if secret.is_none() {
                let why = format!(
                    "it is not base64 of at least {SECRET_BYTES_MIN} bytes, with or without whsec_ before"
                );
                let hint = "make one with: openssl rand -base64 32".to_owned();
                cx.error(&node.place, "RJ-C007", format!("`{KEY}`: {why}"), Some(hint));
            }
            secret
        })
        .collect()
}
