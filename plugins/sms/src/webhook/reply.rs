//! A message somebody sent back, and whether it asks to be left alone.

use rejoin_plugin_api::{Batch, Error, WebhookRequest};
use serde::Serialize;

use super::{
    Taken,
    items::Item,
    number::number,
    opt_out::is_opt_out,
    times::{Moment, moment},
};
use crate::config::Replies;

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
