//! A member of an audience with everything the campaign rules look at, read once.

use serde::Serialize;

use crate::campaign::Channel;
use crate::consent::SuppressionReason;
use crate::customer::Customer;
use crate::profile::Profile;
use crate::time::Timestamp;

/// One customer as the campaign rules and the templates see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    pub customer: Customer,
    pub profile: Profile,
    /// Consent over all records of the customer, the strictest winning.
    pub consents: Vec<ConsentState>,
    /// Those of the customer's addresses that must never be written to.
    pub suppressed: Vec<SuppressedAddress>,
    /// When marketing messages went out (or may have gone out) to this customer in the last 90 days, newest first.
    pub marketed_at: Vec<Timestamp>,
}

/// Newest consent for one channel and topic, either of which may be `*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsentState {
    pub channel: String,
    pub topic: String,
    pub granted: bool,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuppressedAddress {
    pub channel: Channel,
    pub address: String,
    pub reason: SuppressionReason,
}
