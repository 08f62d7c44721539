//! `[[connector.map]]`: from TOML to compiled maps.

use std::collections::BTreeMap;

use rejoin_model::campaign::Channel;
use rejoin_model::record::PARTY_FIELDS;
use rejoin_model::{ActivityKind, SuppressionReason};

use super::error::Place;
use super::keys;
use super::reader::{Context, Section, as_text, bad_value, wrong_type};
use super::strings;
use super::tree::{Node, Table, Value};
use super::values;
use crate::mapping::{ActivityMap, ConsentMap, Expr, Map, PartyField, PartyMap, SuppressMap, Word};

pub(super) fn read(connector: &Section<'_>) -> Vec<Map> {
    connector.sections("map").into_iter().map(|(table, place)| map(connector.cx, table, place)).collect()
}

fn map(cx: &Context<'_>, table: &Table, place: &Place) -> Map {
    let section = Section::open(cx, table, place, "[[connector.map]]", &keys::names("connector.map"));
    let below = |key: &'static str| section.sections(key);
    Map {
        stream: section.text("stream").map(str::to_owned),
        when: expr(&section, "when"),
        key: expr(&section, "key"),
        party: section.section("party").map(|(table, _)| party(cx, table)),
        activities: below("activity").into_iter().filter_map(|(t, p)| activity(cx, t, p)).collect(),
        consents: below("consent").into_iter().filter_map(|(t, p)| consent(cx, t, p)).collect(),
        suppressions: below("suppress").into_iter().filter_map(|(t, p)| suppress(cx, t, p)).collect(),
    }
}

fn party(cx: &Context<'_>, table: &Table) -> PartyMap {
    let mut made = PartyMap::default();
    for entry in &table.entries {
        if entry.key == "custom" {
            made.custom = custom(cx, &entry.node);
        } else if let Some(field) = PartyField::named(&entry.key) {
            made.fields.push((field, expressions(cx, &entry.node, &entry.key)));
        } else {
            let message = format!("unknown field `{}` of a party", entry.key);
            let known = PARTY_FIELDS.iter().copied().chain(["custom"]);
            let hint = values::did_you_mean(&entry.key, known)
                .unwrap_or_else(|| format!("write custom.{} for a field of your own", entry.key));
            cx.error(&entry.key_place, "RJ-C004", message, Some(hint));
        }
    }
    made
}

fn custom(cx: &Context<'_>, node: &Node) -> BTreeMap<String, Expr> {
    let Value::Table(table) = &node.value else {
        wrong_type(cx, node, "custom", "a table");
        return BTreeMap::new();
    };
    table.entries.iter().filter_map(|e| Some((e.key.clone(), compile(cx, &e.node, &e.key)?))).collect()
}

/// One expression or a list of them.
fn expressions(cx: &Context<'_>, node: &Node, key: &str) -> Vec<Expr> {
    match &node.value {
        Value::Array(items) => items.iter().filter_map(|item| compile(cx, item, key)).collect(),
        _ => compile(cx, node, key).into_iter().collect(),
    }
}

fn activity(cx: &Context<'_>, table: &Table, place: &Place) -> Option<ActivityMap> {
    let names = keys::names("connector.map.activity");
    let section = Section::open(cx, table, place, "[[connector.map.activity]]", &names);
    let kind = section.require("kind", "such as \"order\"").and_then(|node| kind(cx, node));
    Some(ActivityMap {
        when: expr(&section, "when"),
        key: expr(&section, "key"),
        at: expr(&section, "at"),
        of: expr(&section, "of"),
        amount: expr(&section, "amount"),
        currency: section.node("currency").and_then(|node| currency(cx, node)),
        text: expr(&section, "text"),
        answers: expr(&section, "answers"),
        kind: kind?,
    })
}

/// A known kind, or an expression that gives one. A misspelt kind would pass as a field name, so a bare word that is
/// nearly a kind is taken for a mistake.
fn kind(cx: &Context<'_>, node: &Node) -> Option<Word<ActivityKind>> {
    let text = as_text(cx, node, "kind")?;
    if let Some(kind) = ActivityKind::from_name(text) {
        return Some(Word::Fixed(kind));
    }
    let expression = compile(cx, node, "kind")?;
    let near = values::did_you_mean(text, ActivityKind::ALL.iter().map(|(name, _)| *name));
    if expression.is_plain() && near.is_some() {
        bad_value(cx, node, "kind", format!("{text:?} is not a kind of activity"), near);
        return None;
    }
    Some(Word::Computed(expression))
}

/// Three capitals are a code, anything else is an expression.
fn currency(cx: &Context<'_>, node: &Node) -> Option<Word<String>> {
    let text = as_text(cx, node, "currency")?;
    match values::currency(text) {
        Ok(code) => Some(Word::Fixed(code)),
        Err(_) => compile(cx, node, "currency").map(Word::Computed),
    }
}

fn consent(cx: &Context<'_>, table: &Table, place: &Place) -> Option<ConsentMap> {
    let names = keys::names("connector.map.consent");
    let section = Section::open(cx, table, place, "[[connector.map.consent]]", &names);
    let granted = section.require("granted", "an expression").and_then(|node| compile(cx, node, "granted"));
    Some(ConsentMap {
        channel: consent_channel(&section).unwrap_or_else(|| "*".to_owned()),
        topic: section.text("topic").unwrap_or("*").to_owned(),
        when: expr(&section, "when"),
        of: expr(&section, "of"),
        text: expr(&section, "text"),
        at: expr(&section, "at"),
        granted: granted?,
    })
}

fn suppress(cx: &Context<'_>, table: &Table, place: &Place) -> Option<SuppressMap> {
    let names = keys::names("connector.map.suppress");
    let section = Section::open(cx, table, place, "[[connector.map.suppress]]", &names);
    let address = section.require("address", "an expression").and_then(|node| compile(cx, node, "address"));
    let named = section
        .require("channel", "\"email\" or \"sms\"")
        .and_then(|_| section.word("channel", Channel::ALL));
    let reason = section.word("reason", SuppressionReason::ALL).unwrap_or(SuppressionReason::OptOut);
    Some(SuppressMap { channel: named?, address: address?, reason, when: expr(&section, "when") })
}

fn consent_channel(section: &Section<'_>) -> Option<String> {
    let mut words: Vec<_> = Channel::ALL.iter().map(|(name, _)| (*name, *name)).collect();
    words.push(("*", "*"));
    section.word("channel", &words).map(str::to_owned)
}

fn expr(section: &Section<'_>, key: &str) -> Option<Expr> {
    compile(section.cx, section.node(key)?, key)
}

fn compile(cx: &Context<'_>, node: &Node, key: &str) -> Option<Expr> {
    let text = as_text(cx, node, key)?;
    match Expr::compile(text) {
        Ok(expression) => Some(expression),
        Err(error) => {
            let place = match error.range {
                Some(range) => strings::inner(cx.files, node, text, range),
                None => node.place.clone(),
            };
            cx.error(&place, "RJ-C011", format!("`{key}`: {}", error.message), error.hint);
            None
        }
    }
}
