//! Names of a message towards the outside: the Message-ID replies come back with, and the provider's idempotency key.
//!
//! Both are made from the outbox row alone, so every attempt at one row carries the same ones. A Message-ID is signed:
//! an answer that names a row of ours cannot be invented by somebody who knows the id format.

use hmac::Mac;
use rejoin_model::OutboxId;
use rejoin_model::id;

const PURPOSE: &str = "rejoin message-id 1";

/// Left part of a Message-ID, `<id>.<signature>`; the channel appends `@` and its domain. Letters and digits only, and
/// case does not matter, because some mail systems fold it.
pub fn message_id(outbox: OutboxId, key: &[u8]) -> String {
    format!("{outbox}.{}", id::encode(signature(outbox, key)))
}

/// The outbox row named by a Message-ID, or by the last of several as in `References:`. Angle brackets and the domain
/// are ignored; a wrong signature is no answer to us.
pub fn parse_message_id(text: &str, key: &[u8]) -> Option<OutboxId> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',')).rev().find_map(|token| {
        let left = token.split('@').next()?;
        let (row, signed) = left.split_once('.')?;
        let row: OutboxId = row.parse().ok()?;
        let signed = id::decode(signed).ok()?;
        // One comparison of whole words: no early exit to measure.
        (signed ^ signature(row, key) == 0).then_some(row)
    })
}

/// Equal for every attempt at one row, different for different rows.
pub fn idempotency_key(outbox: OutboxId) -> String {
    format!("rejoin-{outbox}")
}

/// 63 bits of HMAC, so that it is written like an id.
fn signature(outbox: OutboxId, key: &[u8]) -> i64 {
    let tag = crate::seal::mac(key, PURPOSE, &outbox.0.to_be_bytes()).finalize().into_bytes();
    let word = tag.iter().take(8).fold(0u64, |word, byte| word << 8 | u64::from(*byte));
    (word >> 1) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"a site's own key";

    #[test]
    fn a_reply_finds_its_row_however_the_id_is_dressed() {
        let row = OutboxId(81_985_529_216_486_895);
        let id = message_id(row, KEY);
        let shouted = id.to_uppercase();
        for text in [
            id.clone(),
            format!("<{id}@mail.example.org>"),
            format!("  <{id}@[127.0.0.1]>\r\n"),
            format!("<{shouted}@EXAMPLE.ORG>"),
            format!("<other@example.org>\r\n <{id}@x> <later@example.org>"),
        ] {
            assert_eq!(parse_message_id(&text, KEY), Some(row), "{text:?}");
        }
    }

    #[test]
    fn what_we_did_not_sign_is_not_ours() {
        let id = message_id(OutboxId(7), KEY);
        let (row, tag) = id.split_once('.').unwrap();
        let other = message_id(OutboxId(8), KEY);
        let other_tag = other.split_once('.').unwrap().1;
        for text in [
            format!("<{row}.{other_tag}@x>"),
            format!("<{row}@x>"),
            format!("<{row}.{}@x>", &tag[..12]),
            "<>".to_owned(),
            "<CAF=abc.def@mail.gmail.com>".to_owned(),
            String::new(),
        ] {
            assert_eq!(parse_message_id(&text, KEY), None, "{text:?}");
        }
        assert_eq!(parse_message_id(&id, b"another key"), None);
    }

    #[test]
    fn fits_a_header() {
        let id = message_id(OutboxId(i64::MAX), KEY);
        assert!(id.len() <= 64, "RFC 5321 4.5.3.1.1 limits a local part to 64: {id}");
        assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.'), "{id}");
    }
}
