//! A delivery receipt: what the network finally did with a message.

use rejoin_plugin_api::{Batch, Error, WebhookRequest};
use serde::Serialize;

use super::{
    Taken,
    items::Item,
    number::number,
    times::{Moment, moment},
};
use crate::{
    config::{Fate, Receipts},
    verdict::public,
};

/// The words of SMPP and of the common HTTP gateways; the configuration adds to them and overrides them.
const STATUSES: [(&str, Fate); 19] = [
    ("DELIVRD", Fate::Delivered),
    ("DELIVERED", Fate::Delivered),
    ("EXPIRED", Fate::Failed),
    ("DELETED", Fate::Failed),
    ("UNDELIV", Fate::Failed),
    ("UNDELIVERED", Fate::Failed),
    ("UNDELIVERABLE", Fate::Failed),
    ("REJECTD", Fate::Failed),
    ("REJECTED", Fate::Failed),
    ("FAILED", Fate::Failed),
    ("UNKNOWN", Fate::Failed),
    ("ACCEPTD", Fate::Pending),
    ("ACCEPTED", Fate::Pending),
    ("ENROUTE", Fate::Pending),
    ("QUEUED", Fate::Pending),
    ("SENDING", Fate::Pending),
    ("SENT", Fate::Pending),
    ("BUFFERED", Fate::Pending),
    ("SUBMITTED", Fate::Pending),
];

#[derive(Serialize)]
struct Row<'a> {
    provider_id: &'a str,
    delivered: bool,
    /// No later receipt will change it.
    #[serde(rename = "final")]
    final_: bool,
    status: &'a str,
    reason: String,
    bad_address: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(flatten)]
    at: Moment,
}

pub(super) fn take(
    rule: &Receipts,
    country_code: Option<&str>,
    item: &Item<'_>,
    request: &WebhookRequest,
    out: &mut Batch,
) -> Result<Taken, Error> {
    let (Some(provider_id), Some(status)) = (item.get(&rule.provider_id), item.get(&rule.status)) else {
        return Ok(Taken::NotMine);
    };
    let Some(fate) = fate(rule, &status) else {
        let shown = public(&status);
        return Ok(Taken::Refused(format!(
            "the status {shown:?} is not in receipts.statuses; add it and replay"
        )));
    };
    let reason = item.get_opt(&rule.reason);
    let bad = fate == Fate::BadAddress || reason.as_ref().is_some_and(|r| rule.bad_address.contains(r));
    let row = Row {
        provider_id: &provider_id,
        delivered: fate == Fate::Delivered,
        final_: fate != Fate::Pending,
        status: &status,
        reason: public(reason.as_deref().unwrap_or(&status)),
        bad_address: bad,
        to: item.get_opt(&rule.to).map(|to| number(&to, rule.numbers, country_code)),
        at: moment(item.get_opt(&rule.at), rule.utc_offset.as_deref(), request.received_at_ms),
    };
    // The gateway's own word, not ours: a mapping corrected later must not change the key.
    out.upsert_in("receipts", &format!("receipt/{provider_id}/{status}"), &row)?;
    Ok(Taken::Yes)
}

fn fate(rule: &Receipts, status: &str) -> Option<Fate> {
    let configured = rule.statuses.iter().find(|(word, _)| word.eq_ignore_ascii_case(status));
    configured.map(|(_, fate)| *fate).or_else(|| {
        STATUSES.iter().find(|(word, _)| word.eq_ignore_ascii_case(status)).map(|(_, fate)| *fate)
    })
}
