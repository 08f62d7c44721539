//! One SMTP reply: its code, its enhanced status (RFC 3463) and its text. Reading is bounded: a server that talks
//! without end is cut off.

/// Longest reply taken, all lines together. RFC 5321 allows 512 bytes a line; long EHLO answers have twenty lines.
pub(crate) const REPLY_BYTES_MAX: usize = 64 << 10;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) lines: Vec<String>,
}

/// Enhanced mail system status code, `5.1.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) class: u8,
    pub(crate) subject: u16,
    pub(crate) detail: u16,
}

impl Reply {
    /// Takes one whole reply off the front of `input`: `Ok(None)` when more bytes are needed, `Err` when what stands
    /// there is no SMTP reply.
    pub(crate) fn take(input: &mut Vec<u8>) -> Result<Option<Self>, String> {
        let mut code = None;
        let mut lines = Vec::new();
        let mut at = 0;
        while let Some(length) = input[at..].iter().position(|&b| b == b'\n') {
            let line = input[at..at + length].strip_suffix(b"\r").unwrap_or(&input[at..at + length]);
            at += length + 1;
            let (line_code, last, text) = parse_line(line)?;
            if *code.get_or_insert(line_code) != line_code {
                return Err("a reply whose lines carry different codes".to_owned());
            }
            lines.push(text);
            if last {
                input.drain(..at);
                return Ok(Some(Self { code: line_code, lines }));
            }
        }
        if input.len() > REPLY_BYTES_MAX {
            return Err("a reply without an end".to_owned());
        }
        Ok(None)
    }

    /// First digit: 2 done, 3 go on, 4 later, 5 never.
    pub(crate) fn class(&self) -> u16 {
        self.code / 100
    }

    pub(crate) fn status(&self) -> Option<Status> {
        let status = Status::parse(self.lines.first()?.split_whitespace().next()?)?;
        // RFC 2034 wants the classes equal; when they differ the basic code is what the protocol acts upon.
        (u16::from(status.class) == self.class()).then_some(status)
    }

    /// For people, on one line.
    pub(crate) fn text(&self) -> String {
        let mut text = self.code.to_string();
        for line in &self.lines {
            text.push(' ');
            text.extend(line.chars().map(|c| if c.is_control() { ' ' } else { c }));
        }
        if text.len() > TEXT_BYTES_MAX {
            let end = (0..=TEXT_BYTES_MAX).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
            text.truncate(end);
            text.push('…');
        }
        text
    }
}

/// As much of a server's words as an outcome carries.
const TEXT_BYTES_MAX: usize = 400;

impl Status {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let class = parts.next()?.parse().ok().filter(|c| matches!(c, 2 | 4 | 5))?;
        let (subject, detail) = (number(parts.next()?)?, number(parts.next()?)?);
        parts.next().is_none().then_some(Self { class, subject, detail })
    }

    /// The address itself is wrong for good: no such mailbox, no such domain, bad syntax, moved away, or a domain that
    /// takes no mail (RFC 7505). Not a full mailbox, not policy, and not 5.1.7 and 5.1.8, which blame the sender.
    pub(crate) fn is_bad_address(self) -> bool {
        self.class == 5 && self.subject == 1 && matches!(self.detail, 1 | 2 | 3 | 6 | 10)
    }
}

fn number(text: &str) -> Option<u16> {
    let plain = !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn parse_line(line: &[u8]) -> Result<(u16, bool, String), String> {
    let text = String::from_utf8_lossy(line);
    let not_smtp = || format!("something that is not SMTP: {:?}", text.chars().take(80).collect::<String>());
    let code = line.get(..3).and_then(|c| std::str::from_utf8(c).ok()).and_then(|c| c.parse::<u16>().ok());
    let code = code.filter(|c| (200..600).contains(c)).ok_or_else(not_smtp)?;
    match line.get(3) {
        None => Ok((code, true, String::new())),
        Some(b' ') => Ok((code, true, String::from_utf8_lossy(&line[4..]).into_owned())),
        Some(b'-') => Ok((code, false, String::from_utf8_lossy(&line[4..]).into_owned())),
        Some(_) => Err(not_smtp()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Reply, Status};

    #[test]
    fn replies_are_taken_one_by_one() {
        for (input, want, left) in [
            ("250 ok\r\n", Ok(Some((250, vec!["ok"]))), ""),
            ("250-a\r\n250 b\r\n354 go\r\n", Ok(Some((250, vec!["a", "b"]))), "354 go\r\n"),
            ("250\n", Ok(Some((250, vec![""]))), ""),
            ("250-a\r\n250", Ok(None), "250-a\r\n250"),
            ("", Ok(None), ""),
            ("250-a\r\n550 b\r\n", Err(()), "250-a\r\n550 b\r\n"),
            ("HTTP/1.1 400 Bad\r\n", Err(()), "HTTP/1.1 400 Bad\r\n"),
            ("199 no\r\n", Err(()), "199 no\r\n"),
        ] {
            let mut bytes = input.as_bytes().to_vec();
            let got = Reply::take(&mut bytes);
            let got = got.as_ref().map(|r| {
                r.as_ref().map(|r| (r.code, r.lines.iter().map(String::as_str).collect::<Vec<_>>()))
            });
            assert_eq!(got.map_err(|_| ()), want, "{input:?}");
            assert_eq!(String::from_utf8_lossy(&bytes), left, "{input:?}");
        }
    }

    #[test]
    fn an_endless_reply_is_cut_off() {
        let mut bytes = vec![b'2'; super::REPLY_BYTES_MAX + 1];
        assert!(Reply::take(&mut bytes).is_err());
    }

    #[test]
    fn bad_address_codes() {
        for (text, bad) in [
            ("5.1.1", Some(true)),
            ("5.1.2", Some(true)),
            ("5.1.10", Some(true)),
            ("5.1.8", Some(false)),
            ("5.2.2", Some(false)),
            ("5.7.1", Some(false)),
            ("4.1.1", Some(false)),
            ("5.1", None),
            ("5.1.1.1", None),
            ("3.1.1", None),
            ("5.1.+1", None),
        ] {
            assert_eq!(Status::parse(text).map(Status::is_bad_address), bad, "{text}");
        }
    }
}
