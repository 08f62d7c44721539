use proptest::prelude::*;
use rejoin_model::audience::SuppressedAddress;
use rejoin_model::campaign::{CampaignClass, Cap, QuietHours};
use rejoin_model::customer::Golden;
use rejoin_model::time::DAY_MS;
use rejoin_model::{CustomerId, RecordId, SuppressionReason};

use super::*;
use crate::testing::{NOON, at, campaign, consent, golden, member, shown};

/// `connector address`, `until`, or `state: reason`.
fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Send { connector, address, .. } => format!("{connector} {address}"),
        Verdict::Hold { until, connector, .. } => format!("{connector} at {}", shown(*until, "UTC")),
        Verdict::End { state, reason } => format!("{state}: {reason}"),
    }
}

fn suppressed(channel: Channel, address: &str, reason: SuppressionReason) -> SuppressedAddress {
    SuppressedAddress { channel, address: address.to_owned(), reason }
}

fn decide_plan(member: &Member, campaign: &Campaign) -> String {
    told(&decide(member, campaign, at(NOON), Stage::Plan, None))
}

type Spoil = fn(&mut Member, &mut Campaign);

fn check(cases: &[(&str, Spoil, &str)]) {
    for (what, spoil, expected) in cases {
        let (mut member, mut campaign) = (member(), campaign());
        spoil(&mut member, &mut campaign);
        assert_eq!(decide_plan(&member, &campaign), *expected, "{what}");
    }
}

const CARE: CampaignClass = CampaignClass::Care;

#[test]
fn nothing_speaks_against_it() {
    check(&[
        ("marketing", |_, _| (), "mail jana@example.org"),
        ("care", |_, c| c.class = CARE, "mail jana@example.org"),
    ]);
}

#[test]
fn holdout_and_complaint_come_first_and_concern_marketing_only() {
    check(&[
        ("all held out", |_, c| c.holdout = 1.0, "held_out: holdout"),
        ("held out, care", |_, c| (c.holdout, c.class) = (1.0, CARE), "mail jana@example.org"),
        ("complaint", |m, _| m.profile.open_complaint = true, "suppressed: open complaint"),
        (
            "complaint, care",
            |m, c| (m.profile.open_complaint, c.class) = (true, CARE),
            "mail jana@example.org",
        ),
        ("both", |m, c| (m.profile.open_complaint, c.holdout) = (true, 1.0), "held_out: holdout"),
    ]);
}

#[test]
fn addresses_and_suppression_fall_back_to_the_next_channel() {
    check(&[
        ("no e-mail", |m, _| m.customer.emails.clear(), "texts +420602000001"),
        (
            "nothing",
            |m, _| (m.customer.emails, m.customer.phones) = (vec![], vec![]),
            "suppressed: email: no address; sms: no address",
        ),
        (
            "bounced, one address",
            |m, _| {
                m.suppressed =
                    vec![suppressed(Channel::Email, "jana@example.org", SuppressionReason::HardBounce)]
            },
            "texts +420602000001",
        ),
        (
            "bounced, another address",
            |m, _| {
                m.customer.emails.push(Golden { value: "j@example.net".to_owned(), from: RecordId(2) });
                m.suppressed =
                    vec![suppressed(Channel::Email, "jana@example.org", SuppressionReason::HardBounce)];
            },
            "mail j@example.net",
        ),
        (
            "a person's refusal covers the channel",
            |m, _| {
                m.customer.emails.push(Golden { value: "j@example.net".to_owned(), from: RecordId(2) });
                m.suppressed =
                    vec![suppressed(Channel::Email, "jana@example.org", SuppressionReason::SpamComplaint)];
            },
            "texts +420602000001",
        ),
        (
            "suppression binds care too",
            |m, c| {
                c.class = CARE;
                m.customer.phones.clear();
                m.suppressed =
                    vec![suppressed(Channel::Email, "jana@example.org", SuppressionReason::Manual)];
            },
            "suppressed: email: suppressed (manual); sms: no address",
        ),
        (
            "suppressed on the other channel",
            |m, _| m.suppressed = vec![suppressed(Channel::Sms, "+420602000001", SuppressionReason::OptOut)],
            "mail jana@example.org",
        ),
        ("no channel", |_, c| c.channels.clear(), "suppressed: the campaign has no channel"),
    ]);
}

#[test]
fn consent_covers_by_channel_and_topic_and_the_strictest_wins() {
    type Said<'a> = (&'a str, &'a str, bool);
    let cases: &[(&[Said<'_>], &str, &str)] = &[
        (&[], "suppressed: email: no consent; sms: no consent", "mail jana@example.org"),
        (&[("*", "*", true)], "mail jana@example.org", "mail jana@example.org"),
        (&[("email", "news", true)], "mail jana@example.org", "mail jana@example.org"),
        (&[("email", "*", true)], "mail jana@example.org", "mail jana@example.org"),
        (&[("*", "news", true)], "mail jana@example.org", "mail jana@example.org"),
        (
            &[("email", "other", true)],
            "suppressed: email: no consent; sms: no consent",
            "mail jana@example.org",
        ),
        (&[("sms", "news", true)], "texts +420602000001", "mail jana@example.org"),
        (&[("*", "*", true), ("email", "news", false)], "texts +420602000001", "texts +420602000001"),
        (
            &[("email", "news", true), ("*", "*", false)],
            "suppressed: email: consent withdrawn; sms: consent withdrawn",
            "suppressed: email: consent withdrawn; sms: consent withdrawn",
        ),
        (&[("*", "*", true), ("*", "other", false)], "mail jana@example.org", "mail jana@example.org"),
        (&[("email", "*", false), ("sms", "news", true)], "texts +420602000001", "texts +420602000001"),
    ];
    for (said, marketing, care) in cases {
        let member =
            Member { consents: said.iter().map(|(c, t, g)| consent(c, t, *g)).collect(), ..member() };
        assert_eq!(decide_plan(&member, &campaign()), *marketing, "marketing, {said:?}");
        assert_eq!(decide_plan(&member, &Campaign { class: CARE, ..campaign() }), *care, "care, {said:?}");
    }
}

#[test]
fn the_cap_counts_a_moving_window() {
    let now = at(NOON);
    let cap = Some(Cap { messages: 2, days: 7 });
    for (days_ago, expected) in [
        (vec![0i64; 0], "mail jana@example.org"),
        (vec![1], "mail jana@example.org"),
        (vec![1, 6], "capped: frequency cap"),
        (vec![1, 7], "mail jana@example.org"),
        (vec![-1, 1], "capped: frequency cap"),
    ] {
        let marketed_at = days_ago.iter().map(|d| now.plus_ms(-d * DAY_MS)).collect();
        let member = Member { marketed_at, ..member() };
        assert_eq!(decide_plan(&member, &Campaign { cap, ..campaign() }), expected, "{days_ago:?}");
        let care = Campaign { cap, class: CARE, ..campaign() };
        assert_eq!(decide_plan(&member, &care), "mail jana@example.org", "care, {days_ago:?}");
    }
}

#[test]
fn quiet_hours_are_the_recipients_and_hold_care_too() {
    let night = Some(QuietHours { from_min: 21 * 60, to_min: 8 * 60 });
    for class in [CampaignClass::Marketing, CARE] {
        for (own, campaigns, now, expected) in [
            (Some("Europe/Prague"), "UTC", "2026-05-13T20:00:00Z", "mail at 2026-05-14T06:00:00+00:00"),
            (
                Some("Asia/Shanghai"),
                "Europe/Prague",
                "2026-05-13T20:00:00Z",
                "mail at 2026-05-14T00:00:00+00:00",
            ),
            (Some("America/New_York"), "Europe/Prague", "2026-05-13T20:00:00Z", "mail jana@example.org"),
            (None, "Europe/Prague", "2026-05-13T20:00:00Z", "mail at 2026-05-14T06:00:00+00:00"),
            (
                Some("Mars/Olympus"),
                "Europe/Prague",
                "2026-05-13T20:00:00Z",
                "mail at 2026-05-14T06:00:00+00:00",
            ),
            (None, "nowhere", "2026-05-13T10:00:00Z", "mail at 2026-05-13T11:00:00+00:00"),
        ] {
            let mut member = member();
            member.customer.zone = own.and_then(golden);
            let campaign = Campaign { quiet: night, zone: campaigns.to_owned(), class, ..campaign() };
            let verdict = decide(&member, &campaign, at(now), Stage::Claim, None);
            assert_eq!(told(&verdict), expected, "{own:?} {campaigns} {now} {class}");
        }
    }
}

#[test]
fn a_claim_stays_on_its_address_while_it_may() {
    let (mut member, campaign) = (member(), campaign());
    member.customer.emails.push(Golden { value: "j@example.net".to_owned(), from: RecordId(2) });
    let claim =
        |member: &Member, chosen| told(&decide(member, &campaign, at(NOON), Stage::Claim, Some(chosen)));
    let second = ("mail", Channel::Email, "j@example.net");
    let text = ("texts", Channel::Sms, "+420602000001");
    assert_eq!(claim(&member, second), "mail j@example.net");
    assert_eq!(claim(&member, text), "texts +420602000001");
    member.customer.phones.clear();
    assert_eq!(claim(&member, text), "mail jana@example.org", "the number is gone");
    let gone = ("mail", Channel::Email, "old@example.org");
    assert_eq!(claim(&member, gone), "mail jana@example.org", "the address is not the customer's any more");
    let removed = ("fax", Channel::Sms, "+420602000001");
    assert_eq!(
        claim(&member, removed),
        "mail jana@example.org",
        "the connector is not the campaign's any more"
    );
    member.consents.push(consent("*", "*", false));
    assert!(claim(&member, second).starts_with("suppressed: "), "consent is asked again");
}

#[test]
fn holdout_is_settled_when_planning() {
    let all = Campaign { holdout: 1.0, ..campaign() };
    let claim = decide(&member(), &all, at(NOON), Stage::Claim, None);
    assert_eq!(told(&claim), "mail jana@example.org");
}

/// Ids as they are made: rising, with equal low bits in a quiet daemon.
#[test]
fn the_holdout_is_uniform_stable_and_independent_between_campaigns() {
    for stride in [1i64, 1 << 22, 1 << 16] {
        let draws = |name: &str| -> Vec<f64> {
            (0..20_000).map(|n| holdout_draw(CustomerId((1 << 40) + n * stride), name)).collect()
        };
        let (spring, autumn) = (draws("spring"), draws("autumn"));
        assert_eq!(spring, draws("spring"));
        let mut tenths = [0u32; 10];
        for draw in &spring {
            tenths[(draw * 10.0) as usize] += 1;
        }
        // 2,000 expected in each, standard deviation 42.
        assert!(tenths.iter().all(|n| (1800..2200).contains(n)), "stride {stride}: {tenths:?}");
        let both = spring.iter().zip(&autumn).filter(|(s, a)| **s < 0.1 && **a < 0.1).count();
        // 200 expected when independent, 2,000 when the same people are always left out.
        assert!((130..270).contains(&both), "stride {stride}: {both}");
    }
}

fn any_member() -> impl Strategy<Value = Member> {
    let word = |words: &'static [&'static str]| prop::sample::select(words).prop_map(str::to_owned);
    let consents = prop::collection::vec(
        (word(&["email", "sms", "*"]), word(&["news", "care", "*"]), any::<bool>())
            .prop_map(|(c, t, g)| consent(&c, &t, g)),
        0..4,
    );
    let reason = prop::sample::select(SuppressionReason::ALL).prop_map(|(_, r)| r);
    let suppressions = prop::option::of(reason);
    (consents, suppressions, any::<[bool; 3]>(), 0usize..4).prop_map(
        |(consents, reason, [email, phone, open], sent)| {
            let mut member = Member { consents, ..member() };
            member.suppressed =
                reason.map(|r| suppressed(Channel::Email, "jana@example.org", r)).into_iter().collect();
            member.profile.open_complaint = open;
            member.marketed_at = (0..sent).map(|n| at(NOON).plus_ms(-(n as i64) * DAY_MS)).collect();
            if !email {
                member.customer.emails.clear();
            }
            if !phone {
                member.customer.phones.clear();
            }
            member
        },
    )
}

proptest! {
    /// The explanation and the decision are the same rules: a message goes exactly when the explanation lets it.
    #[test]
    fn explain_agrees_with_decide(
        member in any_member(), marketing: bool, holdout in 0.0..1.0f64, quiet: bool, hour in 0i64..24, plan: bool,
    ) {
        let campaign = Campaign {
            class: if marketing { CampaignClass::Marketing } else { CARE },
            holdout,
            cap: Some(Cap { messages: 2, days: 7 }),
            quiet: quiet.then_some(QuietHours { from_min: 21 * 60, to_min: 8 * 60 }),
            ..campaign()
        };
        let now = at(NOON).plus_ms(hour * DAY_MS / 24);
        let stage = if plan { Stage::Plan } else { Stage::Claim };
        let findings = explain(&member, &campaign, now, stage, None);
        let blocked = |connector: Option<&str>| findings.iter().any(|f| {
            f.connector.as_deref() == connector && f.verdict == FindingVerdict::Block
        });
        let held = findings.iter().any(|f| f.verdict == FindingVerdict::Hold);
        let open = ["mail", "texts"].into_iter().find(|c| !blocked(Some(c)));
        match decide(&member, &campaign, now, stage, None) {
            Verdict::Send { connector, .. } => {
                prop_assert!(!blocked(None) && !held);
                prop_assert_eq!(Some(connector.as_str()), open);
            }
            Verdict::Hold { connector, until, .. } => {
                prop_assert!(!blocked(None) && held && until > now);
                prop_assert_eq!(Some(connector.as_str()), open);
            }
            Verdict::End { .. } => prop_assert!(blocked(None) || open.is_none()),
        }
    }

    /// No marketing message leaves against a withdrawal or without a grant, whatever else is true.
    #[test]
    fn marketing_never_leaves_without_consent(member in any_member()) {
        if let Verdict::Send { channel, .. } = decide(&member, &campaign(), at(NOON), Stage::Plan, None) {
            let covering: Vec<_> = member.consents.iter()
                .filter(|c| [channel.name(), "*"].contains(&c.channel.as_str()))
                .filter(|c| ["news", "*"].contains(&c.topic.as_str()))
                .collect();
            prop_assert!(!covering.is_empty() && covering.iter().all(|c| c.granted));
        }
    }
}
