use std::time::Duration;

use proptest::prelude::*;

use crate::pace::Pace;

#[test]
fn exact_over_a_million_messages() {
    let mut pace = Pace::new(Some(3.0), 1);
    let mut now = Duration::ZERO;
    for _ in 0..999_999 {
        now += pace.take(now, Duration::MAX).unwrap();
    }
    // One third of a second each, the first at once; rounding to nanoseconds stays below a millisecond in all.
    assert!(now.abs_diff(Duration::from_secs_f64(999_998.0 / 3.0)) < Duration::from_millis(1), "{now:?}");
}

#[test]
fn no_rate_no_wait() {
    let mut pace = Pace::new(None, 1);
    assert!((0..1000).all(|_| pace.take(Duration::ZERO, Duration::ZERO).unwrap().is_zero()));
}

#[test]
fn a_burst_goes_at_once_and_idle_time_is_not_saved_beyond_it() {
    let mut pace = Pace::new(Some(10.0), 3);
    let waits: Vec<_> =
        (0..5).map(|_| pace.take(Duration::from_secs(60), Duration::MAX).unwrap().as_millis()).collect();
    assert_eq!(waits, [0, 0, 0, 100, 200]);
}

#[test]
fn a_turn_too_far_away_takes_no_token() {
    let mut pace = Pace::new(Some(1.0), 1);
    let second = Duration::from_secs(1);
    assert_eq!(pace.take(second, Duration::ZERO), Ok(Duration::ZERO));
    assert_eq!(pace.take(second, second / 2), Err(second));
    assert_eq!(pace.take(second, second), Ok(second));
}

proptest! {
    /// In no window do more messages go than the rate and the burst allow.
    #[test]
    fn never_faster(rate in 0.5f64..200.0, burst in 1u32..8, gaps in proptest::collection::vec(0u64..400, 1..120)) {
        let mut pace = Pace::new(Some(rate), burst);
        let mut now = Duration::ZERO;
        let mut sent = Vec::new();
        for gap in gaps {
            now += Duration::from_millis(gap);
            now += pace.take(now, Duration::MAX).unwrap();
            sent.push(now.as_secs_f64());
        }
        for from in 0..sent.len() {
            for to in from..sent.len() {
                let allowed = f64::from(burst) + (sent[to] - sent[from]) * rate + 1e-6;
                prop_assert!(((to - from + 1) as f64) <= allowed + 1e-3);
            }
        }
    }
}
