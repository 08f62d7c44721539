//! Activities, consents and suppressions of one line.

use std::borrow::Cow;

use rejoin_identity::normalise;
use rejoin_model::campaign::Channel;
use rejoin_model::consent::{ConsentFact, Suppression};
use rejoin_model::{Activity, ActivityKind, Money, Timestamp};

use super::apply::checked_key;
use super::expr::{Scope, Val};
use super::party::{self, bad_word};
use super::read::{eval, holds, long_text, optional, text};
use super::{
    ActivityMap, ConsentMap, Expr, MapError, Mapped, MappedActivity, MappedEvidence, Maps, SuppressMap, Word,
    parse_cents, parse_time,
};

impl Maps {
    pub(super) fn activity<'a>(
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

    pub(super) fn consent<'a>(
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

    pub(super) fn suppress<'a>(
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

/// `kind:key` unless the map says otherwise, so that one line may give several activities.
pub(super) fn activity_key<'a>(
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
