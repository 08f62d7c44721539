//! The life cycle stage of a customer, from days of purchase alone.
//!
//! The four stages after the first purchase are those of the customer life cycle in relationship marketing
//! (exploration, growth, stability, decline: the build-up, commitment and dissolution of Dwyer, Schurr and Oh, 1987).
//! The literature gives no cuts; these are ours, simple enough to say in one sentence each:
//! - *prospect*: no purchase yet.
//! - *decline*: no purchase for more than 2.5 of the customer's own usual gaps, and never less than 60 days; with one
//!   purchase there is no gap, and 180 days take its place.
//! - *exploration*: one or two purchases.
//! - *growth*: three purchases or more, and the recent gaps are clearly shorter than the earlier ones (a quarter or
//!   more), or fewer than five purchases.
//! - *stable*: all others.
//!
//! The usual gap is the median, because one long holiday must not stretch what is usual. A later issue replaces the
//! rule of decline by a model of repeat purchase.

use rejoin_model::Stage;

/// A customer who buys every day has not left after three days.
const SILENCE_DAYS_MIN: i64 = 60;
/// The silence that one purchase without a second is allowed.
const SILENCE_DAYS_FIRST: i64 = 180;
const PURCHASES_EXPLORING_MAX: usize = 2;
const PURCHASES_GROWING_MAX: usize = 4;

/// `days` are the days of purchase, ascending, each once; `today` is a day of the same numbering.
pub fn stage(days: &[i64], today: i64) -> Stage {
    let Some(&last) = days.last() else {
        return Stage::Prospect;
    };
    let gaps: Vec<i64> = days.windows(2).map(|pair| pair[1] - pair[0]).collect();
    if today.saturating_sub(last) > silence_allowed(&gaps) {
        Stage::Decline
    } else if days.len() <= PURCHASES_EXPLORING_MAX {
        Stage::Exploration
    } else if days.len() <= PURCHASES_GROWING_MAX || quickens(&gaps) {
        Stage::Growth
    } else {
        Stage::Stable
    }
}

/// Two and a half usual gaps, within reason.
fn silence_allowed(gaps: &[i64]) -> i64 {
    median(gaps).map_or(SILENCE_DAYS_FIRST, |gap| (gap.saturating_mul(5) / 2).max(SILENCE_DAYS_MIN))
}

/// The later half of the gaps has a median at most three quarters of the earlier half's.
fn quickens(gaps: &[i64]) -> bool {
    let (earlier, later) = gaps.split_at(gaps.len() / 2);
    match (median(earlier), median(later)) {
        (Some(earlier), Some(later)) => later.saturating_mul(4) <= earlier.saturating_mul(3),
        _ => false,
    }
}

/// The lower one of two middle values.
fn median(gaps: &[i64]) -> Option<i64> {
    let mut sorted = gaps.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}
