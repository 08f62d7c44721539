//! Quintile cuts of recency, frequency and money over customers with orders, and scores by them.
//!
//! A score is one more than the number of cuts below the value, so equal values score equally however many tie, and a
//! better value never scores worse. With few customers or many ties some cuts coincide and some scores stay empty;
//! that is honest, where spreading equal customers over five classes would not be.

use rejoin_model::Timestamp;

const CLASSES: usize = 5;

/// What separates the five classes of each measure: a value above the n-th cut is at least of class n + 2.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breakpoints {
    last_order_at: Cuts<Timestamp>,
    purchases: Cuts<u32>,
    total_cents: Cuts<i64>,
}

/// Ascending; empty when there was nobody to learn from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cuts<T>(Vec<T>);

impl<T> Default for Cuts<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Cuts from a sample of customers: last order, purchases, total. Those without an order are left out, and so is
/// whatever is dated after `now`.
pub fn breakpoints(sample: &[(Timestamp, u32, i64)], now: Timestamp) -> Breakpoints {
    let buyers = || sample.iter().filter(|(last, orders, _)| *orders > 0 && *last <= now);
    Breakpoints {
        last_order_at: Cuts::of(buyers().map(|buyer| buyer.0).collect()),
        purchases: Cuts::of(buyers().map(|buyer| buyer.1).collect()),
        total_cents: Cuts::of(buyers().map(|buyer| buyer.2).collect()),
    }
}

impl Breakpoints {
    /// Recency, frequency and money, each 1 to 5. Without a sample everyone is in the middle.
    pub fn score(&self, last_order_at: Timestamp, purchases: u32, total_cents: i64) -> [u8; 3] {
        [
            self.last_order_at.score(last_order_at),
            self.purchases.score(purchases),
            self.total_cents.score(total_cents),
        ]
    }
}

impl<T: Ord + Copy> Cuts<T> {
    fn of(mut values: Vec<T>) -> Self {
        values.sort_unstable();
        if values.is_empty() {
            return Self(values);
        }
        // The greatest value of each of the four lower fifths, by the nearest-rank rule.
        let cut = |class: usize| values[(values.len() * class).div_ceil(CLASSES) - 1];
        Self((1..CLASSES).map(cut).collect())
    }

    fn score(&self, value: T) -> u8 {
        if self.0.is_empty() {
            return CLASSES.div_ceil(2) as u8;
        }
        1 + self.0.iter().filter(|cut| value > **cut).count() as u8
    }
}
