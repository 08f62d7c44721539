//! A member of the audience becomes its outbox row, whatever the rules say: also those who are not written to get a
//! row, or the run would not add up to its audience.

use rejoin_model::outbox::OutboxMessage;
use rejoin_model::{Campaign, Member, OutboxId, OutboxState, RunId, Timestamp};

use crate::policy::{self, Stage, Verdict};

pub fn plan_member(
    member: &Member,
    campaign: &Campaign,
    run: RunId,
    id: OutboxId,
    now: Timestamp,
) -> OutboxMessage {
    let row = OutboxMessage {
        id,
        run,
        customer: member.customer.id,
        connector: None,
        channel: None,
        address: None,
        state: OutboxState::Pending,
        reason: String::new(),
        due_at: now,
        attempts: 0,
    };
    match policy::decide(member, campaign, now, Stage::Plan, None) {
        Verdict::Send { connector, channel, address } => OutboxMessage {
            connector: Some(connector),
            channel: Some(channel),
            address: Some(address),
            ..row
        },
        Verdict::Hold { until, reason, connector, channel, address } => OutboxMessage {
            connector: Some(connector),
            channel: Some(channel),
            address: Some(address),
            state: OutboxState::Quiet,
            reason,
            due_at: until,
            ..row
        },
        Verdict::End { state, reason } => OutboxMessage { state, reason, ..row },
    }
}

#[cfg(test)]
mod tests {
    use rejoin_model::campaign::{Channel, QuietHours};

    use super::*;
    use crate::testing::{NOON, at, campaign, member};

    fn plan(member: &Member, campaign: &Campaign, now: Timestamp) -> OutboxMessage {
        plan_member(member, campaign, RunId(1), OutboxId(2), now)
    }

    #[test]
    fn a_row_says_where_it_goes_and_when() {
        let row = plan(&member(), &campaign(), at(NOON));
        assert_eq!(row.state, OutboxState::Pending);
        assert_eq!((row.connector.as_deref(), row.channel), (Some("mail"), Some(Channel::Email)));
        assert_eq!((row.address.as_deref(), row.due_at), (Some("jana@example.org"), at(NOON)));
        assert_eq!((row.id, row.run, row.customer), (OutboxId(2), RunId(1), member().customer.id));
    }

    #[test]
    fn quiet_hours_put_the_row_off_and_a_refusal_ends_it() {
        let quiet = Campaign { quiet: Some(QuietHours { from_min: 21 * 60, to_min: 8 * 60 }), ..campaign() };
        let row = plan(&member(), &quiet, at("2026-05-13T22:00:00+02:00"));
        assert_eq!((row.state, row.due_at), (OutboxState::Quiet, at("2026-05-14T08:00:00+02:00")));
        assert!(row.address.is_some(), "a quiet row keeps its address, to be claimed later");

        let mut nobody = member();
        nobody.consents.clear();
        let row = plan(&nobody, &campaign(), at(NOON));
        assert_eq!((row.state, row.address), (OutboxState::Suppressed, None));
        assert!(!row.reason.is_empty());
    }
}
