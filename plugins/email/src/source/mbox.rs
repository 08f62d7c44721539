//! One message after another out of an mbox file, in bounded memory. Knows the mboxrd and mboxo forms: a message
//! begins at a line `From ` after an empty line, and such lines inside a message were quoted with `>`.

use std::io::{self, BufRead, Read};

/// A message of an mbox file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its beginning when it is too large.
    pub(super) raw: Vec<u8>,
    /// All its bytes in the file, separator and quoting included.
    pub(super) bytes: u64,
    pub(super) too_large: bool,
}

/// Whether a file with this beginning is an mbox; otherwise it is one message.
pub(super) fn is_mbox(head: &[u8]) -> bool {
    head.starts_with(b"From ")
}

pub(super) struct Reader<R> {
    inner: R,
    max_bytes: u64,
    /// The separator of the next message: it was read to see that this one is over.
    ahead: Option<Line>,
}

/// A line as far as it is kept.
struct Line {
    kept: Vec<u8>,
    bytes: u64,
    whole: bool,
}

impl<R: BufRead> Reader<R> {
    /// `inner` stands at the separator of a message.
    pub(super) fn new(inner: R, max_bytes: u64) -> Self {
        Self { inner, max_bytes: max_bytes.max(1), ahead: None }
    }

    /// The next message; `None` at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        let mut entry = Entry { raw: Vec::new(), bytes: 0, too_large: false };
        let mut after_empty = true;
        loop {
            let line = match self.ahead.take() {
                Some(line) => line,
                None => read_line(&mut self.inner, self.max_bytes)?,
            };
            if line.bytes == 0 {
                break;
            }
            let separator = after_empty && line.kept.starts_with(b"From ");
            if separator && entry.bytes > 0 {
                self.ahead = Some(line);
                break;
            }
            entry.bytes += line.bytes;
            let kept = if separator { b"" } else { unquote(&line.kept) };
            entry.too_large |= !line.whole || (entry.raw.len() + kept.len()) as u64 > self.max_bytes;
            if !entry.too_large {
                entry.raw.extend_from_slice(kept);
            }
            after_empty = matches!(line.kept.as_slice(), b"\n" | b"\r\n");
        }
        Ok((entry.bytes > 0).then_some(entry))
    }
}

/// Reads one line, keeping at most `max_bytes` of it. No bytes: the file has ended.
fn read_line(reader: &mut impl BufRead, max_bytes: u64) -> io::Result<Line> {
    let mut kept = Vec::new();
    let mut bytes = reader.by_ref().take(max_bytes).read_until(b'\n', &mut kept)? as u64;
    let whole = kept.ends_with(b"\n") || bytes < max_bytes;
    let mut ended = whole;
    while !ended {
        let buffer = reader.fill_buf()?;
        let end = buffer.iter().position(|&b| b == b'\n');
        let taken = end.map_or(buffer.len(), |end| end + 1);
        ended = end.is_some() || taken == 0;
        bytes += taken as u64;
        reader.consume(taken);
    }
    Ok(Line { kept, bytes, whole })
}

/// `>From ` → `From `, one `>` off any number of them.
fn unquote(line: &[u8]) -> &[u8] {
    let quotes = line.iter().take_while(|&&b| b == b'>').count();
    if quotes > 0 && line[quotes..].starts_with(b"From ") { &line[1..] } else { line }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    fn all(text: &str, max_bytes: u64) -> Vec<(String, u64, bool)> {
        // A tiny buffer, so that everything once falls across its end.
        let mut reader =
            super::Reader::new(BufReader::with_capacity(16, Cursor::new(text.as_bytes())), max_bytes);
        let mut entries = Vec::new();
        while let Some(e) = reader.next().unwrap() {
            entries.push((String::from_utf8(e.raw).unwrap(), e.bytes, e.too_large));
        }
        entries
    }

    #[test]
    fn messages_of_an_mbox() {
        let text = "From a Mon\nS: 1\n\nx\n>From y\n>>From z\nFrom here\n\nFrom b Tue\nS: 2\n\nlast";
        let got = all(text, 1000);
        assert_eq!(got[0].0, "S: 1\n\nx\nFrom y\n>From z\nFrom here\n\n");
        assert_eq!(got[1].0, "S: 2\n\nlast");
        assert_eq!(got.len(), 2);
        assert_eq!(got.iter().map(|e| e.1).sum::<u64>(), text.len() as u64);
    }

    #[test]
    fn a_message_too_large_is_skipped_whole() {
        let text = format!("From a\nS: 1\n\n{}\n\nFrom b\nS: 2\n\nok\n", "x".repeat(500));
        let got = all(&text, 100);
        assert!(got[0].2 && got[0].0.len() <= 100);
        assert_eq!(got[1].0, "S: 2\n\nok\n");
        assert_eq!(got.iter().map(|e| e.1).sum::<u64>(), text.len() as u64);
    }
}
