//! Short signatures over our own ids, so that what comes back from the outside can be told from a guess.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Block size of SHA-256, which is the key size HMAC pads to.
const BLOCK: usize = 64;

/// HMAC-SHA256 over `data`. `purpose` keeps a signature made for one use from being accepted in another.
pub(crate) fn mac(key: &[u8], purpose: &str, data: &[u8]) -> Hmac<Sha256> {
    // Padding the key ourselves, as RFC 2104 section 2 says, spares an error that cannot happen.
    let mut block = [0u8; BLOCK];
    if key.len() <= BLOCK {
        block[..key.len()].copy_from_slice(key);
    } else {
        let digest = Sha256::digest(key);
        block[..digest.len()].copy_from_slice(&digest);
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(data);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_hmac_of_the_standard() {
        for len in [0, 1, 32, 64, 65, 200] {
            let key = vec![7u8; len];
            let mut theirs = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            theirs.update(b"use\0data");
            assert_eq!(mac(&key, "use", b"data").finalize(), theirs.finalize(), "key of {len} bytes");
        }
    }
}
