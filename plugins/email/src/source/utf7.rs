//! Modified UTF-7 of RFC 3501 section 5.1.3: how IMAP spells folder names such as 客户回复.

use base64::{
    Engine,
    alphabet::IMAP_MUTF7,
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};

const ENGINE: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

pub(super) fn encode(name: &str) -> String {
    let mut coded = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let is_plain = |c: char| (' '..='~').contains(&c);
        let end = rest.find(|c| is_plain(c) != is_plain(first)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        if is_plain(first) {
            coded.push_str(&run.replace('&', "&-"));
        } else {
            let utf16: Vec<u8> = run.encode_utf16().flat_map(u16::to_be_bytes).collect();
            coded.push('&');
            coded.push_str(&ENGINE.encode(utf16));
            coded.push('-');
        }
        rest = after;
    }
    coded
}

#[cfg(test)]
mod tests {
    #[test]
    fn names() {
        for (name, coded) in [
            ("INBOX", "INBOX"),
            ("A&B", "A&-B"),
            // RFC 3501's own example.
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Entwürfe", "Entw&APw-rfe"),
        ] {
            assert_eq!(super::encode(name), coded);
        }
    }
}
