//! Applying a connector's maps to the lines of a batch.

use std::borrow::Cow;

use rejoin_identity::normalise;
use rejoin_model::campaign::Channel;
use rejoin_model::consent::{ConsentFact, Suppression};
use rejoin_model::{Activity, ActivityKind, Money, Party, Timestamp};

use super::expr::{EvalError, Scope, Val};
use super::party::{self, VALUE_BYTES_MAX, bad_word, too_long};
use super::row::Row;
use super::{
    ActivityMap, ConsentMap, Expr, Map, MapError, Mapped, MappedActivity, MappedEvidence, MappedRecord, Maps,
    PartyField, PartyMap, RawLine, Refused, SuppressMap, Word, parse_cents, parse_time,
};

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
        let at = match RawLine::parse(line) {
            Ok(raw) => match self.take(stream, &raw, now, out) {
                Ok(()) => return,
                Err(error) => Some((place(stream, &raw), error)),
            },
            Err(error) => Some((format!("stream {stream}"), error)),
        };
        mark.restore(out);
        if let Some((at, error)) = at {
            let (code, reason) = (error.code().to_owned(), error.to_string());
            out.refused.push(Refused { at, code, reason, raw: text_of(line) });
        }
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

    fn activity<'a>(
        &'a self,
        map: &'a ActivityMap,
        record_key: &str,
        has_party: bool,
        scope: &Scope<'_, 'a>,
        out: &mut Mapped,
    ) -> Result<(), MapError> {
        if !holds(map.when.as_ref(), scope)? {
            return Ok(());
        }
        let kind = match &map.kind {
            Word::Fixed(kind) => *kind,
            Word::Computed(expression) => match text(expression, "activity.kind", scope)? {
                Some(word) => ActivityKind::from_name(&word)
                    .ok_or_else(|| bad_word("activity.kind", &word, &kind_names()))?,
                None => {
                    return Err(missing(
                        "activity.kind",
                        "every activity is of a kind; use `when` to skip it",
                    ));
                }
            },
        };
        let activity = Activity {
            kind,
            key: activity_key(map, Some(kind), scope)?,
            party_key: about(map.of.as_ref(), "activity.of", record_key, scope)?,
            at: self.time(map.at.as_ref(), "activity.at", scope)?,
            money: self.money(map, kind, scope)?,
            answers: None,
            text: long_text(map.text.as_ref(), "activity.text", scope)?,
        };
        let answers_ref = optional(map.answers.as_ref(), "activity.answers", scope)?;
        if let (Some(delivered), Some(answers_ref)) = (proves_delivered(kind), &answers_ref) {
            let reason = activity.text.clone().unwrap_or_else(|| kind.name().to_owned());
            out.evidence.push(MappedEvidence { answers_ref: answers_ref.clone(), delivered, reason });
        }
        // A receipt without a party is about a message only: as an activity it would make its own key a customer.
        if has_party || map.of.is_some() || !is_about_message(kind) {
            out.activities.push(MappedActivity { activity, answers_ref });
        }
        Ok(())
    }

    /// An absent or empty amount is no money; orders without one still count as orders.
    fn money<'a>(
        &'a self,
        map: &'a ActivityMap,
        kind: ActivityKind,
        scope: &Scope<'_, 'a>,
    ) -> Result<Option<Money>, MapError> {
        const FIELD: &str = "activity.amount";
        let Some(amount) = optional(map.amount.as_ref(), FIELD, scope)? else { return Ok(None) };
        let bad = |why| MapError::BadAmount { field: FIELD.to_owned(), value: amount.clone(), why };
        let cents = parse_cents(&amount).map_err(bad)?;
        // Vendors disagree about a refund's sign; ours is positive.
        let cents = if kind == ActivityKind::Refund { cents.abs() } else { cents };
        if cents < 0 {
            return Err(bad("it is negative; map such lines to `kind = \"refund\"`"));
        }
        let currency = match &map.currency {
            None => self.site.currency.clone(),
            Some(Word::Fixed(code)) => code.clone(),
            Some(Word::Computed(expression)) => match text(expression, "activity.currency", scope)? {
                None => self.site.currency.clone(),
                Some(code) => currency(&code)?,
            },
        };
        Ok(Some(Money { cents, currency }))
    }

    fn consent<'a>(
        &'a self,
        map: &'a ConsentMap,
        record_key: &str,
        scope: &Scope<'_, 'a>,
        out: &mut Mapped,
    ) -> Result<(), MapError> {
        if !holds(map.when.as_ref(), scope)? {
            return Ok(());
        }
        // No answer is not a refusal: nothing is stated.
        let Some(granted) = yes_or_no(eval(&map.granted, "consent.granted", scope)?)? else { return Ok(()) };
        let party_key = about(map.of.as_ref(), "consent.of", record_key, scope)?;
        let proof = long_text(map.text.as_ref(), "consent.text", scope)?
            .unwrap_or_else(|| format!("connector {}, record {record_key}", self.connector));
        let at = self.time(map.at.as_ref(), "consent.at", scope)?;
        let (channel, topic) = (map.channel.clone(), map.topic.clone());
        out.consents.push(ConsentFact { party_key, channel, topic, granted, at, proof });
        Ok(())
    }

    fn suppress<'a>(
        &'a self,
        map: &'a SuppressMap,
        record_key: &str,
        scope: &Scope<'_, 'a>,
        out: &mut Mapped,
    ) -> Result<(), MapError> {
        if !holds(map.when.as_ref(), scope)? {
            return Ok(());
        }
        let address = text(&map.address, "suppress.address", scope)?.ok_or_else(|| {
            missing("suppress.address", "there must be an address to suppress; use `when` to skip it")
        })?;
        let address = self.address(map.channel, &address)?;
        let proof = format!("connector {}, record {record_key}", self.connector);
        let (channel, reason) = (map.channel.name().to_owned(), map.reason);
        out.suppressions.push(Suppression { channel, address, reason, at: scope.now, proof });
        Ok(())
    }

    /// The form messages are addressed in; anything else would suppress nobody.
    fn address(&self, channel: Channel, written: &str) -> Result<String, MapError> {
        let (normalised, allowed) = match channel {
            Channel::Email => (normalise::email(written).map(|e| e.address), "the e-mail addresses"),
            Channel::Sms => (normalise::phone(written, &self.site.region), "the phone numbers"),
        };
        normalised.ok_or_else(|| bad_word("suppress.address", written, allowed))
    }

    fn time<'a>(
        &self,
        expression: Option<&'a Expr>,
        field: &str,
        scope: &Scope<'_, 'a>,
    ) -> Result<Timestamp, MapError> {
        match optional(expression, field, scope)? {
            None => Ok(scope.now),
            Some(written) => parse_time(&written, self.site.zone)
                .ok_or_else(|| MapError::BadTime { field: field.to_owned(), value: written }),
        }
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

/// Key of the record a fact is about: what `of` says, else the line's own record.
fn about<'a>(
    of: Option<&'a Expr>,
    field: &str,
    record_key: &str,
    scope: &Scope<'_, 'a>,
) -> Result<String, MapError> {
    let key = optional(of, field, scope)?.unwrap_or_else(|| record_key.to_owned());
    Ok(checked_key(Cow::Owned(key))?.into_owned())
}

/// `kind:key` unless the map says otherwise, so that one line may give several activities.
fn activity_key<'a>(
    map: &'a ActivityMap,
    kind: Option<ActivityKind>,
    scope: &Scope<'_, 'a>,
) -> Result<String, MapError> {
    let own = optional(map.key.as_ref(), "activity.key", scope)?;
    let key = match (own, kind) {
        (Some(key), _) => Cow::Owned(key),
        (None, _) if scope.key.trim().is_empty() => Cow::Borrowed(""),
        (None, Some(kind)) if matches!(map.kind, Word::Fixed(_)) => {
            Cow::Owned(format!("{kind}:{}", scope.key))
        }
        (None, _) => Cow::Owned(format!("activity:{}", scope.key)),
    };
    Ok(checked_key(key)?.into_owned())
}

fn checked_key(key: Cow<'_, str>) -> Result<Cow<'_, str>, MapError> {
    match key.len() {
        0 => Err(MapError::NoKey),
        bytes if bytes > KEY_BYTES_MAX => {
            Err(MapError::TooLong { field: "key".to_owned(), bytes, max: KEY_BYTES_MAX })
        }
        _ => Ok(key),
    }
}

fn holds<'a>(when: Option<&'a Expr>, scope: &Scope<'_, 'a>) -> Result<bool, MapError> {
    when.map_or(Ok(true), |when| Ok(eval(when, "when", scope)?.is_true()))
}

fn eval<'a>(expression: &'a Expr, field: &str, scope: &Scope<'_, 'a>) -> Result<Val<'a>, MapError> {
    expression.eval(scope).map_err(|error| match error {
        EvalError::NotText => MapError::NotText { field: field.to_owned() },
        EvalError::Failed(why) => {
            MapError::Expression { field: field.to_owned(), expression: expression.source().to_owned(), why }
        }
    })
}

fn text<'a>(expression: &'a Expr, field: &str, scope: &Scope<'_, 'a>) -> Result<Option<String>, MapError> {
    party::one(eval(expression, field, scope)?, field)
}

fn optional<'a>(
    expression: Option<&'a Expr>,
    field: &str,
    scope: &Scope<'_, 'a>,
) -> Result<Option<String>, MapError> {
    expression.map_or(Ok(None), |expression| text(expression, field, scope))
}

/// Text a person reads: its line breaks stay.
fn long_text<'a>(
    expression: Option<&'a Expr>,
    field: &str,
    scope: &Scope<'_, 'a>,
) -> Result<Option<String>, MapError> {
    let Some(expression) = expression else { return Ok(None) };
    let text = match eval(expression, field, scope)? {
        Val::Text(text) => text,
        other => return party::one(other, field),
    };
    if text.len() > VALUE_BYTES_MAX {
        return Err(too_long(field, text.len()));
    }
    let kept: String = text.trim().chars().filter(|c| *c != '\0').collect();
    Ok(Some(kept).filter(|t| !t.is_empty()))
}

fn yes_or_no(value: Val<'_>) -> Result<Option<bool>, MapError> {
    if let Val::Bool(granted) = value {
        return Ok(Some(granted));
    }
    let Some(word) = party::one(value, "consent.granted")? else { return Ok(None) };
    match word.to_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" | "是" | "同意" | "有" => Ok(Some(true)),
        "false" | "no" | "n" | "off" | "0" | "否" | "不同意" | "拒绝" | "拒絕" | "无" => {
            Ok(Some(false))
        }
        _ => Err(bad_word(
            "consent.granted",
            &word,
            "true, yes, on, 1, 是, 同意, false, no, off, 0, 否, 不同意",
        )),
    }
}

fn currency(code: &str) -> Result<String, MapError> {
    let upper = code.to_ascii_uppercase();
    match upper.as_str() {
        "RMB" | "人民币" | "¥" | "￥" | "元" => Ok("CNY".to_owned()),
        _ if upper.len() == 3 && upper.bytes().all(|b| b.is_ascii_uppercase()) => Ok(upper),
        _ => Err(bad_word("activity.currency", code, "ISO 4217 codes such as CNY or EUR")),
    }
}

/// Whatever came back from the recipient's side proves that the message got there.
fn proves_delivered(kind: ActivityKind) -> Option<bool> {
    match kind {
        ActivityKind::Delivery | ActivityKind::Reply | ActivityKind::Open | ActivityKind::Click => Some(true),
        ActivityKind::Bounce => Some(false),
        _ => None,
    }
}

fn is_about_message(kind: ActivityKind) -> bool {
    matches!(kind, ActivityKind::Delivery | ActivityKind::Bounce | ActivityKind::Open | ActivityKind::Click)
}

fn kind_names() -> String {
    ActivityKind::ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

fn missing(field: &str, needed: &'static str) -> MapError {
    MapError::Missing { field: field.to_owned(), needed }
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
