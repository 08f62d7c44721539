//! Rules about the person, whatever the channel.

use rejoin_model::time::DAY_MS;
use rejoin_model::{Campaign, CampaignClass, CustomerId, Member, OutboxState, Timestamp};

use super::Ruling;

impl Ruling {
    fn not_asked(detail: &str) -> Self {
        Self { block: None, asked: false, detail: detail.to_owned() }
    }
}

/// The share of a marketing audience that is deliberately not written to.
pub(super) fn holdout(member: &Member, campaign: &Campaign) -> Ruling {
    if campaign.class != CampaignClass::Marketing {
        return Ruling::not_asked("a care campaign holds nobody out");
    }
    let draw = holdout_draw(member.customer.id, &campaign.name);
    let held = draw < campaign.holdout;
    Ruling {
        block: held.then_some((OutboxState::HeldOut, "holdout")),
        asked: true,
        detail: format!("drew {draw:.4}; held out below {}", campaign.holdout),
    }
}

/// A number in 0..1, uniform over customers, the same at every run of the campaign and independent between campaigns:
/// FNV-1a over the campaign's name and the customer's id, finished by [`mix`].
pub fn holdout_draw(customer: CustomerId, campaign_name: &str) -> f64 {
    const FNV_OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
    const FNV_PRIME: u64 = 0x0000_0100_0000_01B3;
    let id = customer.0.to_le_bytes();
    // The zero byte keeps the end of a name from running into the id.
    let bytes = campaign_name.as_bytes().iter().chain(&[0]).chain(&id);
    let hash = bytes.fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME));
    // The upper 53 bits are what a double can hold exactly.
    (mix(hash) >> 11) as f64 / (1u64 << 53) as f64
}

/// The finaliser of splitmix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit.
pub(crate) fn mix(word: u64) -> u64 {
    let mut z = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Care before win-back: whoever waits for an answer to a complaint gets no promotion.
pub(super) fn complaint(member: &Member, campaign: &Campaign) -> Ruling {
    if campaign.class != CampaignClass::Marketing {
        return Ruling::not_asked("an open complaint does not pause a care campaign");
    }
    let open = member.profile.open_complaint;
    Ruling {
        block: open.then_some((OutboxState::Suppressed, "open complaint")),
        asked: true,
        detail: if open { "a complaint is open" } else { "no complaint is open" }.to_owned(),
    }
}

/// At most so many marketing messages in so many days, over all campaigns and channels.
pub(super) fn cap(member: &Member, campaign: &Campaign, now: Timestamp) -> Ruling {
    if campaign.class != CampaignClass::Marketing {
        return Ruling::not_asked("a care campaign is not capped");
    }
    let Some(cap) = campaign.cap else {
        return Ruling::not_asked("the campaign has no cap");
    };
    let window_ms = i64::from(cap.days) * DAY_MS;
    // A time in the future (a clock that was set back) counts as recent.
    let recent = member.marketed_at.iter().filter(|at| now.ms_since(**at) < window_ms).count();
    let full = recent >= cap.messages as usize;
    Ruling {
        block: full.then_some((OutboxState::Capped, "frequency cap")),
        asked: true,
        detail: format!("{recent} marketing messages in {} days; at most {}", cap.days, cap.messages),
    }
}
