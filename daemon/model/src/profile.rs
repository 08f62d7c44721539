//! What insight knows of a customer, as values.

use serde::{Deserialize, Serialize};

use crate::activity::names;
use crate::time::Timestamp;

/// Computed from a customer's activities; every field can be recomputed, so none is a source of truth.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Number of orders; several on one day of the site's zone count as one purchase in RFM.
    pub orders: u32,
    pub first_order_at: Option<Timestamp>,
    pub last_order_at: Option<Timestamp>,
    /// Orders less refunds, in hundredths of `currency`.
    pub total_cents: i64,
    /// The currency most orders were in; amounts in others are left out and counted in `other_currency_orders`.
    pub currency: Option<String>,
    pub other_currency_orders: u32,
    /// Recency, frequency and monetary scores, each 1 (worst) to 5 (best); 0 when there is no order.
    pub rfm: [u8; 3],
    pub stage: Stage,
    pub last_contact_at: Option<Timestamp>,
    pub open_complaint: bool,
}

names! {
    /// Where a customer stands in the life cycle of the relation.
    Stage {
        /// No order yet.
        Prospect = "prospect",
        Exploration = "exploration",
        Growth = "growth",
        Stable = "stable",
        Decline = "decline",
    }
}

// `names!` writes the enum, so the default cannot be marked on a variant.
#[allow(clippy::derivable_impls)]
impl Default for Stage {
    fn default() -> Self {
        Self::Prospect
    }
}
