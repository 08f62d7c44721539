//! Ids: 63-bit integers in order of time, made without asking anyone, shown as short text.
//!
//! Layout, high to low: 41 bits of milliseconds since 2024-01-01T00:00:00Z, 6 bits of daemon slot, 16 bits of
//! sequence. Integers keep the store's B-trees small and append-ordered; text, because a 63-bit number does not
//! survive JSON readers that hold numbers as doubles.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Timestamp;

/// 2024-01-01T00:00:00Z in POSIX milliseconds.
const EPOCH_MS: i64 = 1_704_067_200_000;
const SLOT_BITS: u32 = 6;
const SEQUENCE_BITS: u32 = 16;
/// Highest daemon slot a lease may hand out.
pub const SLOT_MAX: u8 = (1 << SLOT_BITS) - 1;
/// Crockford's base 32, lower case: no i, l, o, u, so an id survives being read over the telephone.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LEN: usize = 13;

/// Makes ids that never repeat and never go backwards within one daemon slot.
#[derive(Debug)]
pub struct IdMaker {
    slot: u8,
    ms: i64,
    sequence: i64,
}

impl IdMaker {
    /// `slot` is the daemon's number from its lease, at most [`SLOT_MAX`].
    pub fn new(slot: u8) -> Self {
        Self { slot: slot & SLOT_MAX, ms: 0, sequence: 0 }
    }

    /// Goes on in another slot. The next id is made as if a millisecond later, because the slot is part of the order.
    pub fn move_to(&mut self, slot: u8) {
        self.slot = slot & SLOT_MAX;
        (self.ms, self.sequence) = (self.ms + 1, 0);
    }

    /// The next id. A burst of more than 65,536 within a millisecond borrows from the next one, and a clock that
    /// jumps back does not take the ids with it.
    pub fn next(&mut self, now: Timestamp) -> i64 {
        let now_ms = (now.0 - EPOCH_MS).max(0);
        if now_ms > self.ms {
            (self.ms, self.sequence) = (now_ms, 0);
        } else {
            self.sequence += 1;
            if self.sequence >> SEQUENCE_BITS != 0 {
                (self.ms, self.sequence) = (self.ms + 1, 0);
            }
        }
        (self.ms << (SLOT_BITS + SEQUENCE_BITS)) | (i64::from(self.slot) << SEQUENCE_BITS) | self.sequence
    }
}

/// An id that was not written by this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an id: 13 letters and digits, as shown in listings")]
pub struct BadId(pub String);

/// Thirteen characters of Crockford base 32, most significant first, so that text order is id order.
pub fn encode(id: i64) -> String {
    let mut text = [b'0'; TEXT_LEN];
    let mut rest = id as u64;
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    text.iter().map(|&b| char::from(b)).collect()
}

/// Reads what [`encode`] wrote; case and the look-alikes i, l, o are forgiven.
pub fn decode(text: &str) -> Result<i64, BadId> {
    let bad = || BadId(text.to_owned());
    if text.len() != TEXT_LEN {
        return Err(bad());
    }
    let mut id: u64 = 0;
    for byte in text.bytes() {
        let letter = match byte.to_ascii_lowercase() {
            b'i' | b'l' => b'1',
            b'o' => b'0',
            other => other,
        };
        let digit = ALPHABET.iter().position(|&a| a == letter).ok_or_else(bad)?;
        id = id.checked_mul(32).ok_or_else(bad)? | digit as u64;
    }
    i64::try_from(id).map_err(|_| bad())
}

/// When an id was made, as its maker saw the time.
pub fn made_at(id: i64) -> Timestamp {
    Timestamp((id >> (SLOT_BITS + SEQUENCE_BITS)) + EPOCH_MS)
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl $name {
            /// When the id was made, to the millisecond (later in a burst: see [`IdMaker::next`]).
            pub fn made_at(self) -> Timestamp {
                Timestamp((self.0 >> (SLOT_BITS + SEQUENCE_BITS)) + EPOCH_MS)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&encode(self.0))
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                decode(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id_type! {
    /// A source record.
    RecordId
}
id_type! {
    /// A customer; stable over merges (the older survives) and splits (the part with the oldest record keeps it).
    CustomerId
}
id_type! {
    /// One execution of a campaign.
    RunId
}
id_type! {
    /// One row of the outbox: one message to one customer on one channel.
    OutboxId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_even_when_the_clock_falls() {
        let mut maker = IdMaker::new(3);
        let mut last = 0;
        for ms in [5, 5, 9, 2, 2, 10] {
            let id = maker.next(Timestamp(EPOCH_MS + ms));
            assert!(id > last, "{id} after {last}");
            last = id;
        }
    }

    #[test]
    fn a_burst_borrows_from_the_next_millisecond() {
        let mut maker = IdMaker::new(0);
        let ids: Vec<i64> = (0..200_000).map(|_| maker.next(Timestamp(EPOCH_MS + 7))).collect();
        assert!(ids.windows(2).all(|w| w[0] < w[1]));
    }

    #[test]
    fn text_form_round_trips_and_forgives_look_alikes() {
        for id in [0, 1, 31, 32, 1 << 40, i64::MAX] {
            assert_eq!(decode(&encode(id)), Ok(id));
        }
        assert_eq!(decode("000000000001O"), decode("0000000000010"));
        assert!(decode("zzzzzzzzzzzzz").is_err(), "beyond 63 bits");
        assert!(decode("short").is_err());
    }
}
