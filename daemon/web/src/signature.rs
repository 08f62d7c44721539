//! Standard Webhooks 1.0.0 signatures: HMAC-SHA256 over `id.timestamp.body`, base64, several allowed for rotation.

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rejoin_model::Timestamp;
use sha2::Sha256;

/// The specification leaves the tolerance to the receiver; five minutes is what its libraries use.
const TOLERANCE_S: i64 = 300;

/// `Err` says why in a clause that fits "The request was not taken: …".
pub(crate) fn verify(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[Vec<u8>],
    now: Timestamp,
) -> Result<(), String> {
    let header = |name: &str| {
        let value = headers.get(name).and_then(|v| v.to_str().ok());
        value.ok_or_else(|| format!("the header {name} is missing"))
    };
    let (id, timestamp, signatures) =
        (header("webhook-id")?, header("webhook-timestamp")?, header("webhook-signature")?);
    let at: i64 = timestamp.parse().map_err(|_| "webhook-timestamp is not a number of seconds".to_owned())?;
    if (now.0 / 1_000).saturating_sub(at).abs() > TOLERANCE_S {
        return Err("its timestamp is more than five minutes away from our clock".to_owned());
    }
    let claimed: Vec<Vec<u8>> = signatures
        .split_ascii_whitespace()
        .filter_map(|s| s.strip_prefix("v1,"))
        .filter_map(|s| STANDARD.decode(s).ok())
        .collect();
    // `verify_slice` compares in constant time.
    let signed = secrets
        .iter()
        .any(|secret| claimed.iter().any(|c| mac(secret, id, timestamp, body).verify_slice(c).is_ok()));
    if signed { Ok(()) } else { Err("no signature in webhook-signature is by a secret we share".to_owned()) }
}

fn mac(secret: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    #[allow(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any key length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_614_265_330_000);

    fn headers(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in
            [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]
        {
            map.insert(name, value.parse().unwrap());
        }
        map
    }

    fn signed(secret: &[u8], body: &[u8]) -> String {
        let tag = mac(secret, "msg_1", "1614265330", body).finalize().into_bytes();
        format!("v1,{}", STANDARD.encode(tag))
    }

    #[test]
    fn only_our_secret_our_body_and_our_time_pass() {
        let (key, other) = (b"0123456789abcdef0123456789".to_vec(), b"another secret altogether!".to_vec());
        let good = signed(&key, b"{}");
        let table: [(&str, &str, &[u8], i64, bool); 6] = [
            ("good", &good, b"{}", 0, true),
            ("two signatures, one ours", &format!("v1,AAAA {good}"), b"{}", 0, true),
            ("changed body", &good, b"{ }", 0, false),
            ("late by 301 s", &good, b"{}", 301_000, false),
            ("early by 301 s", &good, b"{}", -301_000, false),
            ("another's secret", &signed(&other, b"{}"), b"{}", 0, false),
        ];
        for (what, signature, body, shift, passes) in table {
            let got = verify(
                &headers("msg_1", "1614265330", signature),
                body,
                std::slice::from_ref(&key),
                NOW.plus_ms(shift),
            );
            assert_eq!(got.is_ok(), passes, "{what}: {got:?}");
        }
        let rotated =
            verify(&headers("msg_1", "1614265330", &signed(&other, b"{}")), b"{}", &[key, other], NOW);
        assert!(rotated.is_ok(), "the second secret of a rotation counts");
        assert!(verify(&HeaderMap::new(), b"{}", &[vec![1]], NOW).is_err());
    }
}
