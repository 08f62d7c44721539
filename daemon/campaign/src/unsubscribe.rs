//! Unsubscribe tokens: what the link in a marketing message carries.
//!
//! A token says which message, whose consent, which channel and topic; it is signed, carries no address and no name,
//! never expires (the law asks for weeks, old mail is read after years) and needs no row of ours to be understood,
//! so it outlives the outbox. Whoever holds the link may unsubscribe; nobody can make one up.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use rejoin_model::campaign::Channel;
use rejoin_model::{CustomerId, OutboxId};

const PURPOSE: &str = "rejoin unsubscribe 1";
/// First byte of every token: the layout below.
const VERSION: u8 = 1;
const TAG_BYTES: usize = 16;
/// Version, outbox, customer, channel.
const HEAD_BYTES: usize = 1 + 8 + 8 + 1;
/// Longer text is not looked at: a topic is a word.
const TOKEN_CHARS_MAX: usize = 1024;

/// What the holder of a token may withdraw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe {
    /// The message the link stood in.
    pub outbox: OutboxId,
    /// Who it was sent to, at that time; may have been merged since.
    pub customer: CustomerId,
    pub channel: Channel,
    pub topic: String,
}

/// URL-safe text; the same values always give the same token.
pub fn token(what: &Unsubscribe, key: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + what.topic.len() + TAG_BYTES);
    bytes.push(VERSION);
    bytes.extend_from_slice(&what.outbox.0.to_be_bytes());
    bytes.extend_from_slice(&what.customer.0.to_be_bytes());
    bytes.push(channel_code(what.channel));
    bytes.extend_from_slice(what.topic.as_bytes());
    let tag = crate::seal::mac(key, PURPOSE, &bytes).finalize().into_bytes();
    bytes.extend(tag.iter().take(TAG_BYTES));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What a token says, or `None` when it was not made with this key. The comparison takes the same time wherever the
/// signatures differ.
pub fn verify(token: &str, key: &[u8]) -> Option<Unsubscribe> {
    if token.len() > TOKEN_CHARS_MAX {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token.trim()).ok()?;
    let (body, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
    crate::seal::mac(key, PURPOSE, body).verify_truncated_left(tag).ok()?;
    let (&version, rest) = body.split_first()?;
    let (outbox, rest) = rest.split_first_chunk::<8>()?;
    let (customer, rest) = rest.split_first_chunk::<8>()?;
    let (&channel, topic) = rest.split_first()?;
    (version == VERSION).then_some(())?;
    Some(Unsubscribe {
        outbox: OutboxId(i64::from_be_bytes(*outbox)),
        customer: CustomerId(i64::from_be_bytes(*customer)),
        channel: channel_of(channel)?,
        topic: String::from_utf8(topic.to_vec()).ok()?,
    })
}

fn channel_code(channel: Channel) -> u8 {
    match channel {
        Channel::Email => 1,
        Channel::Sms => 2,
    }
}

fn channel_of(code: u8) -> Option<Channel> {
    match code {
        1 => Some(Channel::Email),
        2 => Some(Channel::Sms),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &[u8] = b"a site's own key";

    fn sample() -> Unsubscribe {
        Unsubscribe {
            outbox: OutboxId(1 << 40),
            customer: CustomerId(99),
            channel: Channel::Sms,
            topic: "新品 news".to_owned(),
        }
    }

    #[test]
    fn no_bit_of_a_token_can_be_changed() {
        let good = token(&sample(), KEY);
        assert_eq!(verify(&good, KEY), Some(sample()));
        assert_eq!(verify(&good, b"another key"), None);
        let bytes = URL_SAFE_NO_PAD.decode(&good).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(verify(&URL_SAFE_NO_PAD.encode(bad), KEY), None, "bit {bit}");
        }
    }

    #[test]
    fn a_message_id_signature_is_no_unsubscribe_signature() {
        let body = [VERSION; HEAD_BYTES];
        let mut forged = body.to_vec();
        forged.extend(
            crate::seal::mac(KEY, "rejoin message-id 1", &body).finalize().into_bytes().iter().take(16),
        );
        assert_eq!(verify(&URL_SAFE_NO_PAD.encode(forged), KEY), None);
    }

    proptest! {
        #[test]
        fn round_trips_and_is_url_safe(outbox: i64, customer: i64, topic in "\\PC{0,40}") {
            let what = Unsubscribe { outbox: OutboxId(outbox), customer: CustomerId(customer), channel: Channel::Email, topic };
            let text = token(&what, KEY);
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(verify(&text, KEY), Some(what));
        }

        #[test]
        fn anything_else_is_refused_without_a_panic(text in "\\PC*") {
            prop_assert_eq!(verify(&text, KEY), None);
        }
    }
}
