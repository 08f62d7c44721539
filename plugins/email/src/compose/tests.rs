use mail_parser::MessageParser;
use proptest::prelude::*;
use rejoin_plugin_api::{Message, Outcome};

use super::{Letterhead, stored_form, wire_form};
use crate::config::Config;

fn letterhead() -> Letterhead {
    let config = Config {
        from: Some("小店 Shop <care@shop.test>".into()),
        reply_to: Some("reply@商店.test".into()),
        return_path: Some("bounces@shop.test".into()),
        domain: Some("shop.test".into()),
        ..Config::default()
    };
    Letterhead::new(&config).unwrap()
}

fn message() -> Message {
    Message {
        message_id: "m1".into(),
        to: "li@customer.test".into(),
        to_name: Some("李雷".into()),
        subject: Some("您好，我们想念您".into()),
        text: Some("第一行\n.dot\n".into()),
        html: Some("<p>您好</p>".into()),
        headers: vec![
            ("List-Unsubscribe".into(), "<https://shop.test/u/abc>, <mailto:u@shop.test>".into()),
            ("List-Unsubscribe-Post".into(), "List-Unsubscribe=One-Click".into()),
        ],
        ..Message::default()
    }
}

#[test]
fn a_message_survives_composing_and_parsing() {
    let letter = letterhead().compose(&message()).unwrap();
    assert_eq!((letter.from.as_str(), letter.to.as_str()), ("bounces@shop.test", "li@customer.test"));
    assert!(!letter.utf8);
    let stored = stored_form(&letter.bytes);
    let parsed = MessageParser::default().parse(&stored).unwrap();
    assert_eq!(parsed.subject(), Some("您好，我们想念您"));
    assert_eq!(parsed.message_id(), Some("m1@shop.test"));
    assert_eq!(parsed.from().unwrap().first().unwrap().name(), Some("小店 Shop"));
    assert_eq!(parsed.to().unwrap().first().unwrap().name(), Some("李雷"));
    let reply_to = parsed.reply_to().unwrap().first().unwrap();
    assert!(reply_to.address().unwrap().starts_with("reply@xn--"));
    assert_eq!(parsed.body_text(0).unwrap().trim_end(), "第一行\r\n.dot");
    assert_eq!(parsed.body_html(0).unwrap(), "<p>您好</p>");
    assert!(parsed.date().is_some());
    let raw = String::from_utf8(stored).unwrap();
    assert!(raw.contains("List-Unsubscribe: <https://shop.test/u/abc>, <mailto:u@shop.test>\r\n"), "{raw}");
    assert!(raw.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"), "{raw}");
    assert!(raw.contains("multipart/alternative"), "{raw}");
}

#[test]
fn international_domains_travel_as_ascii_and_local_parts_ask_for_smtputf8() {
    let to = |to: &str| letterhead().compose(&Message { to: to.into(), ..message() });
    let letter = to("li@例子.test").unwrap();
    assert!(letter.to.starts_with("li@xn--") && !letter.utf8, "{}", letter.to);
    assert!(to("李雷@customer.test").unwrap().utf8);
}

/// What is refused, and whether the address is blamed.
#[test]
fn refusals() {
    type Change = fn(&mut Message);
    let cases: [(&str, Change, bool); 12] = [
        ("subject", |m| m.subject = Some("a\r\nBcc: x@y.test".into()), false),
        ("name", |m| m.to_name = Some("a\nb".into()), false),
        ("bare cr", |m| m.to_name = Some("a\rb".into()), false),
        ("nul", |m| m.subject = Some("a\0b".into()), false),
        ("address break", |m| m.to = "a@b.test\r\nRCPT TO:<x@y.test>".into(), false),
        ("address", |m| m.to = "not an address".into(), true),
        ("address brackets", |m| m.to = "a@b.test> SIZE=1".into(), true),
        ("header value", |m| m.headers[0].1 = "a\r\nX: y".into(), false),
        ("header name", |m| m.headers[0].0 = "X Y".into(), false),
        ("header ours", |m| m.headers[0].0 = "bcc".into(), false),
        ("header long", |m| m.headers[0].1 = format!("<https://x.test/{}>", "a".repeat(1100)), false),
        ("id", |m| m.message_id = "a>b".into(), false),
    ];
    for (what, change, blamed) in cases {
        let mut changed = message();
        change(&mut changed);
        match letterhead().compose(&changed) {
            Err(Outcome::Rejected { bad_address, .. }) => assert_eq!(bad_address, blamed, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn long_body_lines_are_encoded() {
    let long = Message { text: Some("x".repeat(5000)), html: Some("y".repeat(5000)), ..message() };
    let letter = letterhead().compose(&long).unwrap();
    assert!(letter.bytes.split(|&b| b == b'\n').all(|line| line.len() <= 999));
    let stored = stored_form(&letter.bytes);
    let parsed = MessageParser::default().parse(&stored).unwrap();
    assert_eq!(parsed.body_text(0).unwrap(), "x".repeat(5000));
}

proptest! {
    /// Whatever a body holds, the only line that is a lone dot is the last one, no line end is bare, and the text
    /// comes back.
    #[test]
    fn the_wire_form_ends_only_at_its_end(lines in proptest::collection::vec("[.a中\\x00]{0,6}", 0..12),
                                          ends in proptest::collection::vec(0u8..3, 12)) {
        let mut plain = String::new();
        let mut normal = String::new();
        for (line, end) in lines.iter().zip(&ends) {
            // A CR directly before an LF of an empty line would read as one line end, as it should.
            plain.push_str(line);
            plain.push_str(if *end == 0 { "\n" } else { "\r\n" });
            normal.push_str(line);
            normal.push_str("\r\n");
        }
        let wire = wire_form(plain.as_bytes()).unwrap();
        let body = wire.strip_suffix(b".\r\n").unwrap();
        prop_assert!(body.is_empty() || body.ends_with(b"\r\n"));
        prop_assert!(!body.windows(5).any(|w| w == b"\r\n.\r\n"));
        prop_assert!(!body.starts_with(b".\r\n"));
        prop_assert_eq!(stored_form(&wire), normal.into_bytes());
    }

    /// No text in any field can start a header of its own.
    #[test]
    fn nothing_starts_a_header(subject in "(?s).{0,80}", name in "(?s).{0,40}", value in "(?s).{0,80}") {
        let mut changed = message();
        changed.subject = Some(subject);
        changed.to_name = Some(name);
        changed.headers[0].1 = value;
        if let Ok(letter) = letterhead().compose(&changed) {
            let text = String::from_utf8_lossy(&letter.bytes).into_owned();
            let head = text.split("\r\n\r\n").next().unwrap();
            let mut names: Vec<&str> = head
                .split("\r\n")
                .filter(|l| !l.starts_with([' ', '\t']))
                .map(|l| l.split(':').next().unwrap())
                .collect();
            names.sort_unstable();
            prop_assert_eq!(names, ["Content-Type", "Date", "From", "List-Unsubscribe", "List-Unsubscribe-Post",
                "MIME-Version", "Message-ID", "Reply-To", "Subject", "To"]);
        }
    }
}
