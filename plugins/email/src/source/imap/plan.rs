//! What to ask an IMAP server for next: pure arithmetic on UIDs and sizes.

use rejoin_plugin_api::{Error, ErrorClass};
use serde::{Deserialize, Serialize};

/// Bodies fetched by one command.
const GROUP_BYTES: u64 = 2 << 20;

/// Up to which UID everything was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    pub(super) validity: u32,
    pub(super) uid: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sized {
    pub(super) uid: u32,
    pub(super) bytes: u64,
}

/// Another UIDVALIDITY means other UIDs: from the start, and the keys keep anything from doubling.
pub(super) fn start(cursor: Option<&str>, validity: u32) -> Result<Cursor, Error> {
    let fresh = Cursor { validity, uid: 0 };
    let Some(text) = cursor else { return Ok(fresh) };
    let cursor: Cursor = serde_json::from_str(text).map_err(|_| {
        let message = "the stored place in the mailbox is not one of this plugin's";
        Error::new(ErrorClass::CursorInvalid, message)
    })?;
    Ok(if cursor.validity == validity { cursor } else { fresh })
}

/// How many of the first mails to fetch by one command: one that is too large stands alone.
pub(super) fn group_length(sizes: &[Sized], max_bytes: u64) -> usize {
    let mut total = 0;
    let fits = |s: &&Sized| {
        total += s.bytes;
        s.bytes <= max_bytes && total <= GROUP_BYTES
    };
    sizes.iter().take_while(fits).count().max(1)
}

/// `1:3,7`: runs are joined, so a page of 500 fits in any server's line limit.
pub(super) fn uid_set(uids: impl Iterator<Item = u32>) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for uid in uids {
        match runs.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(uid) => *end = uid,
            _ => runs.push((uid, uid)),
        }
    }
    let spell = |(a, b): &(u32, u32)| if a == b { a.to_string() } else { format!("{a}:{b}") };
    runs.iter().map(spell).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Sized, group_length, start, uid_set};

    #[test]
    fn cursors() {
        let text = r#"{"validity":7,"uid":42}"#;
        assert_eq!(start(Some(text), 7).unwrap(), Cursor { validity: 7, uid: 42 });
        assert_eq!(start(Some(text), 8).unwrap(), Cursor { validity: 8, uid: 0 });
        assert_eq!(start(None, 8).unwrap(), Cursor { validity: 8, uid: 0 });
        assert!(start(Some("rubbish"), 8).is_err());
    }

    #[test]
    fn uid_sets() {
        for (uids, set) in
            [(vec![1, 2, 3, 7], "1:3,7"), (vec![5], "5"), (vec![1, 3, 5], "1,3,5"), (vec![], "")]
        {
            assert_eq!(uid_set(uids.into_iter()), set);
        }
    }

    #[test]
    fn groups_are_bounded_and_large_mail_stands_alone() {
        let sizes = |bytes: &[u64]| {
            bytes.iter().zip(1..).map(|(&bytes, uid)| Sized { uid, bytes }).collect::<Vec<_>>()
        };
        let mib = 1 << 20;
        for (bytes, length) in [
            (vec![10, 10, 10], 3),
            (vec![mib, mib, mib], 2),
            (vec![5 * mib, 10], 1),
            (vec![30 * mib, 10], 1),
            (vec![10, 30 * mib, 10], 1),
        ] {
            assert_eq!(group_length(&sizes(&bytes), 20 * mib), length, "{bytes:?}");
        }
    }
}
