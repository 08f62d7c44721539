//! Applying a connector's maps to the lines of a batch.

use std::borrow::Cow;

use rejoin_model::{Party, Timestamp};

use super::expr::Scope;
use super::facts::activity_key;
use super::party;
use super::read::{eval, holds, text};
use super::row::Row;
use super::{Expr, Map, MapError, Mapped, MappedRecord, Maps, PartyField, PartyMap, RawLine, Refused, Word};

/// Longest key of a record or activity; the store indexes it.
const KEY_BYTES_MAX: usize = 512;

impl Maps {
    /// The lines of one batch. `stream` is what was asked for; a line may name another. `now` is the time of values
    /// that have none: when the batch was read, or the request received.
    pub fn apply(&self, stream: &str, lines: &[u8], now: Timestamp) -> Mapped {
        let mut out = Mapped::default();
        for line in lines.split(|&b| b == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            self.apply_line(stream, line, now, &mut out);
        }
        out
    }

    /// One line, whole or not at all: what a refused line had already given is taken back.
    pub fn apply_line(&self, stream: &str, line: &[u8], now: Timestamp, out: &mut Mapped) {
        out.lines += 1;
        let mark = Mark::of(out);
        let (at, error, raw) = match RawLine::parse(line) {
            Ok(raw) => match self.take(stream, &raw, now, out) {
                Ok(()) => return,
                Err(error) => (place(stream, &raw), error, with_stream(stream, &raw, line)),
            },
            Err(error) => (format!("stream {stream}"), error, text_of(line)),
        };
        mark.restore(out);
        let (code, reason) = (error.code().to_owned(), error.to_string());
        out.refused.push(Refused { at, code, reason, raw });
    }

    fn take<'a>(
        &'a self,
        stream: &str,
        line: &'a RawLine<'a>,
        now: Timestamp,
        out: &mut Mapped,
    ) -> Result<(), MapError> {
        let stream = line.stream.as_deref().unwrap_or(stream);
        let row = match (&*line.op, line.v) {
            ("u", Some(v)) => Row::parse(v)?,
            ("u", None) => return Err(MapError::NotJson("a record without `v`".to_owned())),
            ("d" | "k", _) => Row::default(),
            ("q", _) => {
                out.refused.push(refused_by_plugin(stream, line));
                return Ok(());
            }
            (op, _) => return Err(MapError::UnknownOp(op.chars().take(20).collect())),
        };
        let scope = Scope { row: &row, key: &line.key, now };
        let mut wanted = false;
        for map in self.maps.iter().filter(|m| m.stream.as_deref().is_none_or(|s| s == stream)) {
            wanted |= match &*line.op {
                "u" => self.upsert(map, stream, line, &scope, out)?,
                "d" => delete(map, stream, &scope, out)?,
                _ => see(map, &scope, out)?,
            };
        }
        out.skipped += u64::from(!wanted);
        Ok(())
    }

    /// Whether the map wanted the line.
    fn upsert<'a>(
        &'a self,
        map: &'a Map,
        stream: &str,
        line: &RawLine<'a>,
        scope: &Scope<'_, 'a>,
        out: &mut Mapped,
    ) -> Result<bool, MapError> {
        if !holds(map.when.as_ref(), scope)? {
            return Ok(false);
        }
        let key = match record_key(map, scope) {
            // A map without a party names whom its facts are about in each of them.
            Err(MapError::NoKey) if map.party.is_none() => Cow::Borrowed(""),
            key => key?,
        };
        for activity in &map.activities {
            self.activity(activity, &key, map.party.is_some(), scope, out)?;
        }
        for consent in &map.consents {
            self.consent(consent, &key, scope, out)?;
        }
        for suppress in &map.suppressions {
            self.suppress(suppress, &key, scope, out)?;
        }
        if let Some(fields) = &map.party {
            let party = Some(self.party(fields, scope)?);
            let raw = line.v.map_or_else(String::new, |v| v.get().to_owned());
            let (key, stream) = (key.into_owned(), stream.to_owned());
            out.records.push(MappedRecord { key, stream, raw, party, deleted: false });
        }
        Ok(true)
    }

    fn party<'a>(&'a self, map: &'a PartyMap, scope: &Scope<'_, 'a>) -> Result<Party, MapError> {
        let mut made = Party::default();
        for (field, expressions) in &map.fields {
            for expression in expressions {
                let value = eval(expression, field.name(), scope)?;
                party::set(&mut made, *field, value, &self.connector)?;
            }
        }
        for (name, expression) in &map.custom {
            let field = format!("custom.{name}");
            if let Some(text) = party::one(eval(expression, &field, scope)?, &field)? {
                made.custom.insert(name.clone(), text);
            }
        }
        Ok(made)
    }
}

/// A delete carries no fields, so `when` cannot be asked and expressions see only `key`.
fn delete<'a>(map: &'a Map, stream: &str, scope: &Scope<'_, 'a>, out: &mut Mapped) -> Result<bool, MapError> {
    if map.party.is_some() {
        let (key, stream) = (record_key(map, scope)?.into_owned(), stream.to_owned());
        out.records.push(MappedRecord { key, stream, raw: String::new(), party: None, deleted: true });
    }
    for activity in &map.activities {
        let kind = match activity.kind {
            Word::Fixed(kind) => Some(kind),
            Word::Computed(_) => None,
        };
        out.deleted_activities.push(activity_key(activity, kind, scope)?);
    }
    Ok(true)
}

/// A sweep asks only about records; a map without a party has none.
fn see<'a>(map: &'a Map, scope: &Scope<'_, 'a>, out: &mut Mapped) -> Result<bool, MapError> {
    if map.party.is_some() {
        out.seen.push(record_key(map, scope)?.into_owned());
    }
    Ok(map.party.is_some())
}

/// The line, saying of itself which stream it is of: taken again from quarantine, it must meet the same maps.
fn with_stream(stream: &str, line: &RawLine<'_>, text: &[u8]) -> String {
    let text = text_of(text);
    match text.trim_start().strip_prefix('{') {
        Some(fields) if line.stream.is_none() && !stream.is_empty() => {
            format!("{{\"stream\":{},{fields}", serde_json::Value::from(stream))
        }
        _ => text,
    }
}

fn record_key<'a>(map: &'a Map, scope: &Scope<'_, 'a>) -> Result<Cow<'a, str>, MapError> {
    let key = match &map.key {
        None => Cow::Borrowed(scope.key.trim()),
        Some(expression) => match text(expression, "key", scope)? {
            Some(key) => Cow::Owned(key),
            None => Cow::Borrowed(scope.key.trim()),
        },
    };
    checked_key(key)
}

pub(super) fn checked_key(key: Cow<'_, str>) -> Result<Cow<'_, str>, MapError> {
    match key.len() {
        0 => Err(MapError::NoKey),
        bytes if bytes > KEY_BYTES_MAX => {
            Err(MapError::TooLong { field: "key".to_owned(), bytes, max: KEY_BYTES_MAX })
        }
        _ => Ok(key),
    }
}

fn refused_by_plugin(stream: &str, line: &RawLine<'_>) -> Refused {
    let reason =
        if line.reason.is_empty() { "the plugin gave no reason".into() } else { line.reason.clone() };
    let error = MapError::ByPlugin { reason: reason.into_owned() };
    let at = if line.at.is_empty() { format!("stream {stream}") } else { line.at.clone().into_owned() };
    Refused {
        at,
        code: error.code().to_owned(),
        reason: error.to_string(),
        raw: line.raw.clone().into_owned(),
    }
}

fn place(stream: &str, line: &RawLine<'_>) -> String {
    let stream = line.stream.as_deref().unwrap_or(stream);
    if line.key.is_empty() {
        format!("stream {stream}")
    } else {
        format!("stream {stream}, key {}", line.key)
    }
}

/// The line, whole; bytes that are not UTF-8 as hexadecimal.
fn text_of(line: &[u8]) -> String {
    match std::str::from_utf8(line) {
        Ok(text) => text.to_owned(),
        Err(_) => line.iter().fold("hex:".to_owned(), |text, byte| text + &format!("{byte:02x}")),
    }
}

/// How far a batch had come before a line.
struct Mark {
    records: usize,
    activities: usize,
    deleted_activities: usize,
    consents: usize,
    suppressions: usize,
    evidence: usize,
    seen: usize,
}

impl Mark {
    fn of(out: &Mapped) -> Self {
        Self {
            records: out.records.len(),
            activities: out.activities.len(),
            deleted_activities: out.deleted_activities.len(),
            consents: out.consents.len(),
            suppressions: out.suppressions.len(),
            evidence: out.evidence.len(),
            seen: out.seen.len(),
        }
    }

    fn restore(&self, out: &mut Mapped) {
        out.records.truncate(self.records);
        out.activities.truncate(self.activities);
        out.deleted_activities.truncate(self.deleted_activities);
        out.consents.truncate(self.consents);
        out.suppressions.truncate(self.suppressions);
        out.evidence.truncate(self.evidence);
        out.seen.truncate(self.seen);
    }
}

impl Maps {
    /// What a connector without a map gets: its fields named as ours are ours.
    pub fn by_name(connector: &str, site: super::SiteDefaults) -> Self {
        let fields = rejoin_model::record::PARTY_FIELDS
            .iter()
            .filter_map(|name| Some((PartyField::named(name)?, vec![Expr::compile(name).ok()?])))
            .collect();
        let party = Some(PartyMap { fields, ..PartyMap::default() });
        let maps = vec![Map { party, ..Map::default() }];
        Self { connector: connector.into(), site, maps }
    }
}
