//! What a server offers in its EHLO answer, and the commands that make use of it.

use std::fmt::Write;

use rejoin_plugin_api::Outcome;

use crate::compose::Letter;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Features {
    /// The server's own name, from the first line.
    pub(crate) name: String,
    pub(crate) pipelining: bool,
    pub(crate) starttls: bool,
    pub(crate) smtputf8: bool,
    pub(crate) dsn: bool,
    /// `Some(0)`: SIZE is understood and no limit is stated.
    pub(crate) size: Option<usize>,
    pub(crate) auth: Vec<String>,
}

impl Features {
    pub(crate) fn parse(lines: &[String]) -> Self {
        let mut found = Self::default();
        if let Some(first) = lines.first() {
            found.name = first.split_whitespace().next().unwrap_or_default().to_owned();
        }
        for line in lines.iter().skip(1) {
            // `AUTH=PLAIN` is an old misspelling that is still met.
            let mut words = line.split([' ', '=']).filter(|w| !w.is_empty()).map(str::to_ascii_uppercase);
            match words.next().as_deref() {
                Some("PIPELINING") => found.pipelining = true,
                Some("STARTTLS") => found.starttls = true,
                Some("SMTPUTF8") => found.smtputf8 = true,
                Some("DSN") => found.dsn = true,
                Some("SIZE") => found.size = Some(words.next().and_then(|w| w.parse().ok()).unwrap_or(0)),
                Some("AUTH") => found.auth.extend(words),
                _ => {}
            }
        }
        found
    }

    /// Why this server cannot take this message at all.
    pub(crate) fn refuses(&self, letter: &Letter) -> Option<Outcome> {
        let reason = if letter.utf8 && !self.smtputf8 {
            "the mail server takes no international addresses (no SMTPUTF8)".to_owned()
        } else if self.size.is_some_and(|max| max > 0 && letter.bytes.len() > max) {
            format!("the message has {} bytes and the mail server takes fewer", letter.bytes.len())
        } else {
            return None;
        };
        Some(Outcome::Rejected { reason, bad_address: false })
    }

    pub(crate) fn mail(&self, letter: &Letter) -> String {
        let mut line = format!("MAIL FROM:<{}>", letter.from);
        if self.size.is_some() {
            append(&mut line, format_args!(" SIZE={}", letter.bytes.len()));
        }
        if self.dsn {
            // A bounce then names the message it is about even when it quotes nothing of it.
            append(&mut line, format_args!(" RET=HDRS ENVID={}", xtext(&letter.id)));
        }
        if letter.utf8 {
            line.push_str(" BODY=8BITMIME SMTPUTF8");
        }
        line.push_str("\r\n");
        line
    }

    pub(crate) fn rcpt(&self, letter: &Letter) -> String {
        format!("RCPT TO:<{}>\r\n", letter.to)
    }
}

fn append(line: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    line.write_fmt(what).unwrap_or_default();
}

/// RFC 3461 section 4.
fn xtext(plain: &str) -> String {
    let mut text = String::with_capacity(plain.len());
    for byte in plain.bytes() {
        if (b'!'..=b'~').contains(&byte) && byte != b'+' && byte != b'=' {
            text.push(char::from(byte));
        } else {
            append(&mut text, format_args!("+{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Features, Letter};

    fn features(lines: &[&str]) -> Features {
        Features::parse(&lines.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn ehlo_answers() {
        let all =
            ["mx.test hi", "PIPELINING", "SIZE 1000", "STARTTLS", "auth=plain LOGIN", "DSN", "SMTPUTF8", "X"];
        let got = features(&all);
        assert!(got.pipelining && got.starttls && got.dsn && got.smtputf8);
        assert_eq!((got.name.as_str(), got.size), ("mx.test", Some(1000)));
        assert_eq!(got.auth, ["PLAIN", "LOGIN"]);
        assert_eq!(features(&["mx.test", "SIZE"]).size, Some(0));
        assert_eq!(features(&["PIPELINING"]), Features { name: "PIPELINING".into(), ..Features::default() });
    }

    #[test]
    fn commands_use_only_what_is_offered() {
        let letter = Letter {
            from: "a@b.test".into(),
            to: "c@d.test".into(),
            id: "x+1=@b.test".into(),
            bytes: vec![b'.'; 20],
            ..Letter::default()
        };
        assert_eq!(features(&["m"]).mail(&letter), "MAIL FROM:<a@b.test>\r\n");
        assert_eq!(
            features(&["m", "SIZE 10", "DSN"]).mail(&letter),
            "MAIL FROM:<a@b.test> SIZE=20 RET=HDRS ENVID=x+2B1+3D@b.test\r\n"
        );
        assert!(features(&["m", "SIZE 10"]).refuses(&letter).is_some());
        assert!(features(&["m", "SIZE 0"]).refuses(&letter).is_none());
        let utf8 = Letter { utf8: true, ..letter };
        assert!(features(&["m"]).refuses(&utf8).is_some());
        assert!(features(&["m", "SMTPUTF8"]).mail(&utf8).ends_with(" BODY=8BITMIME SMTPUTF8\r\n"));
    }
}
