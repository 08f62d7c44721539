use proptest::prelude::*;
use rejoin_model::{ActivityKind as Kind, Money, Stage};

use super::*;

const TODAY: i64 = 20_000;

fn day(day: i64) -> Timestamp {
    Timestamp(day * DAY_MS)
}

fn now() -> Timestamp {
    day(TODAY).plus_ms(DAY_MS / 2)
}

fn fact(kind: Kind, at: Timestamp, money: Option<(i64, &str)>) -> Activity {
    let money = money.map(|(cents, currency)| Money { cents, currency: currency.to_owned() });
    Activity { kind, key: String::new(), party_key: String::new(), at, money, answers: None, text: None }
}

fn order(ago: i64, cents: i64) -> Activity {
    fact(Kind::Order, day(TODAY - ago), Some((cents, "CNY")))
}

#[test]
fn stages_follow_their_sentences() {
    let cases: &[(&[i64], Stage)] = &[
        (&[], Stage::Prospect),
        (&[0], Stage::Exploration),
        (&[180], Stage::Exploration),
        (&[181], Stage::Decline),
        (&[10, 40], Stage::Exploration),
        // A usual gap of 5 days: the floor of 60 holds.
        (&[60, 65], Stage::Exploration),
        (&[61, 66], Stage::Decline),
        // A usual gap of 100 days: silence of 250 is allowed.
        (&[250, 350, 450], Stage::Growth),
        (&[251, 351, 451], Stage::Decline),
        (&[5, 35, 65, 95], Stage::Growth),
        (&[5, 35, 65, 95, 125], Stage::Stable),
        (&[5, 15, 25, 60, 100], Stage::Growth),
        (&[5, 40, 75, 85, 95], Stage::Stable),
        // One long holiday does not change what is usual.
        (&[20, 50, 80, 380, 410], Stage::Stable),
    ];
    for (ago, expected) in cases {
        let mut days: Vec<i64> = ago.iter().map(|ago| TODAY - ago).collect();
        days.sort_unstable();
        assert_eq!(stage(&days, TODAY), *expected, "purchases {ago:?} days ago");
    }
}

#[test]
fn totals_are_orders_less_refunds_in_the_main_currency() {
    let facts = [
        order(9, 1_000),
        order(8, 500),
        fact(Kind::Order, day(TODAY - 1), Some((9_900, "EUR"))),
        fact(Kind::Order, day(TODAY - 1), None),
        fact(Kind::Refund, day(TODAY - 7), Some((300, "CNY"))),
        fact(Kind::Refund, day(TODAY - 7), Some((300, "EUR"))),
        fact(Kind::Order, day(TODAY + 5), Some((7_777, "CNY"))),
    ];
    let profile = profile(&facts, &Breakpoints::default(), now());
    assert_eq!((profile.orders, profile.total_cents, profile.currency.as_deref()), (4, 1_200, Some("CNY")));
    assert_eq!(profile.other_currency_orders, 1);
    assert_eq!((profile.first_order_at, profile.last_order_at), (Some(day(TODAY - 9)), Some(day(TODAY - 1))));
    assert_eq!(profile.rfm, [3, 3, 3], "without a sample everyone is in the middle");
}

#[test]
fn several_orders_on_one_day_of_the_zone_are_one_purchase() {
    let hours = |h: i64| day(TODAY - 10).plus_ms(h * 3_600_000);
    let facts: Vec<Activity> = [1, 5, 20].map(|h| fact(Kind::Order, hours(h), None)).into();
    let utc = profile(&facts, &Breakpoints::default(), now());
    assert_eq!((utc.orders, utc.stage), (3, Stage::Exploration));
    let breaks = breakpoints(&[(now(), 1, 0), (now(), 2, 0)], now());
    let score = |offset_h: i64| {
        let local = |at: Timestamp| at.plus_ms(offset_h * 3_600_000).0.div_euclid(DAY_MS);
        profile_in(&facts, &breaks, now(), &local).rfm[1]
    };
    // 20:00 UTC is the next day in Shanghai: two purchases there, one in London.
    assert!(score(8) > score(0), "{} {}", score(8), score(0));
}

#[test]
fn a_complaint_is_open_for_thirty_days_or_until_an_order_or_an_answer() {
    let complaint = |ago| fact(Kind::Complaint, day(TODAY - ago), None);
    let cases: Vec<(Vec<Activity>, bool)> = vec![
        (vec![], false),
        (vec![complaint(3)], true),
        (vec![complaint(29)], true),
        (vec![complaint(31)], false),
        (vec![complaint(3), order(2, 1)], false),
        (vec![complaint(3), order(4, 1)], true),
        (vec![complaint(3), fact(Kind::SurveyAnswer, day(TODAY - 1), None)], false),
        (vec![complaint(3), fact(Kind::Visit, day(TODAY - 1), None)], true),
        (vec![complaint(9), order(5, 1), complaint(2)], true),
    ];
    for (facts, open) in cases {
        assert_eq!(profile(&facts, &Breakpoints::default(), now()).open_complaint, open, "{facts:?}");
    }
}

#[test]
fn our_own_messages_are_no_contact() {
    let facts = [fact(Kind::Delivery, day(TODAY - 1), None), fact(Kind::Reply, day(TODAY - 4), None)];
    let profile = profile(&facts, &Breakpoints::default(), now());
    assert_eq!(profile.last_contact_at, Some(day(TODAY - 4)));
}

#[test]
fn cuts_are_fifths_and_ties_stay_together() {
    let money = |cents: &[i64]| {
        let sample: Vec<_> = cents.iter().map(|&c| (now(), 1, c)).collect();
        let breaks = breakpoints(&sample, now());
        cents.iter().map(|&c| breaks.score(now(), 1, c)[2]).collect::<Vec<_>>()
    };
    assert_eq!(money(&[10, 20, 30, 40, 50]), [1, 2, 3, 4, 5]);
    assert_eq!(money(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
    assert_eq!(money(&[7, 7, 7, 7, 7, 7]), [1; 6]);
    assert_eq!(money(&[1, 1, 1, 1, 9]), [1, 1, 1, 1, 5]);
    assert_eq!(money(&[5]), [1]);
    let nobody = breakpoints(&[(now(), 0, 0), (now().plus_ms(1), 3, 5)], now());
    assert_eq!(nobody, Breakpoints::default(), "no order, or none yet: not in the sample");
}

fn any_fact() -> impl Strategy<Value = Activity> {
    let kinds = prop::sample::select(Kind::ALL.iter().map(|(_, kind)| *kind).collect::<Vec<_>>());
    let money = prop::option::of((any::<i64>(), prop::sample::select(vec!["CNY", "EUR", "USD"])));
    (kinds, -900i64..5, money).prop_map(|(kind, at, money)| fact(kind, day(TODAY + at), money))
}

fn any_sample() -> impl Strategy<Value = Vec<(Timestamp, u32, i64)>> {
    prop::collection::vec((0i64..=TODAY, 0u32..20, -100i64..1_000), 0..40).prop_map(|sample| {
        sample.into_iter().map(|(last, orders, cents)| (day(last), orders, cents)).collect()
    })
}

proptest! {
    #[test]
    fn the_order_of_facts_means_nothing(
        (facts, shuffled) in prop::collection::vec(any_fact(), 0..20)
            .prop_flat_map(|facts| (Just(facts.clone()), Just(facts).prop_shuffle())),
        sample in any_sample(),
    ) {
        let breaks = breakpoints(&sample, now());
        prop_assert_eq!(profile(&facts, &breaks, now()), profile(&shuffled, &breaks, now()));
    }

    #[test]
    fn a_better_value_never_scores_worse(
        sample in any_sample(),
        (a, b) in ((0i64..=TODAY, 0u32..30, -200i64..2_000), (0i64..=TODAY, 0u32..30, -200i64..2_000)),
    ) {
        let breaks = breakpoints(&sample, now());
        let [low, high] = [breaks.score(day(a.0), a.1, a.2), breaks.score(day(b.0), b.1, b.2)];
        prop_assert!(low.iter().chain(&high).all(|score| (1..=5).contains(score)));
        prop_assert!((a.0 <= b.0) <= (low[0] <= high[0]));
        prop_assert!((a.1 <= b.1) <= (low[1] <= high[1]));
        prop_assert!((a.2 <= b.2) <= (low[2] <= high[2]));
    }

    #[test]
    fn a_sample_in_any_order_gives_the_same_cuts(
        (sample, shuffled) in any_sample().prop_flat_map(|s| (Just(s.clone()), Just(s).prop_shuffle())),
    ) {
        prop_assert_eq!(breakpoints(&sample, now()), breakpoints(&shuffled, now()));
    }

    #[test]
    fn no_money_is_lost_or_invented(orders in prop::collection::vec((0i64..500, 0i64..1_000_000), 0..20)) {
        let mut facts: Vec<Activity> = orders.iter().map(|(ago, cents)| order(*ago, *cents)).collect();
        let paid: i64 = orders.iter().map(|(_, cents)| cents).sum();
        prop_assert_eq!(profile(&facts, &Breakpoints::default(), now()).total_cents, paid);
        facts.extend(orders.iter().map(|(ago, cents)| fact(Kind::Refund, day(TODAY - ago), Some((*cents, "CNY")))));
        prop_assert_eq!(profile(&facts, &Breakpoints::default(), now()).total_cents, 0);
    }
}
