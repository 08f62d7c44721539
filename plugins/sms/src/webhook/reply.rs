//! A message somebody sent back, and whether it asks to be left alone.

use rejoin_plugin_api::{Batch, Error, WebhookRequest};
use serde::Serialize;

use super::{
    Taken,
    items::Item,
    opt_out::is_opt_out,
    times::{Moment, moment},
};
use crate::config::{Numbers, Replies};

#[derive(Serialize)]
struct Row<'a> {
    from: &'a str,
    text: &'a str,
    opt_out: bool,
    party_key: String,
    #[serde(flatten)]
    at: Moment,
}

pub(super) fn take(
    rule: &Replies,
    country_code: Option<&str>,
    item: &Item<'_>,
    request: &WebhookRequest,
    out: &mut Batch,
) -> Result<Taken, Error> {
    let Some(sender) = item.get(&rule.from) else { return Ok(Taken::NotMine) };
    // An empty reply is still a reply; a missing text field means another kind of item.
    let Some(text) = item.get(&rule.text) else { return Ok(Taken::NotMine) };
    let from = number(&sender, rule.numbers, country_code);
    let row = Row {
        from: &from,
        text: &text,
        opt_out: is_opt_out(&text, &rule.opt_out_words),
        party_key: format!("tel:{from}"),
        at: moment(item.get_opt(&rule.at), rule.utc_offset.as_deref(), request.received_at_ms),
    };
    let key = match item.get_opt(&rule.id) {
        Some(id) => format!("reply/{id}"),
        None => format!("reply/{}/{}", request.id, item.number),
    };
    out.upsert_in("replies", &key, &row)?;
    Ok(Taken::Yes)
}

/// The number with `+` in front where that is certain; as it came otherwise.
fn number(text: &str, form: Numbers, country_code: Option<&str>) -> String {
    let bare: String = text
        .chars()
        .map(super::opt_out::half_width)
        .filter(|c| !c.is_whitespace() && !"-().\u{200e}\u{202a}\u{202c}".contains(*c))
        .collect();
    if bare.starts_with('+') || bare.is_empty() || !bare.bytes().all(|b| b.is_ascii_digit()) {
        return bare;
    }
    if let Some(international) = bare.strip_prefix("00") {
        return format!("+{international}");
    }
    match (form, country_code) {
        (Numbers::International, _) => format!("+{bare}"),
        (Numbers::National, Some(code)) => format!("+{code}{}", bare.strip_prefix('0').unwrap_or(&bare)),
        (Numbers::National, None) | (Numbers::E164, _) => bare,
    }
}
