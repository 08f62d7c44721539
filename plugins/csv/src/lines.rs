//! Cuts a stream of bytes into physical lines, in bounded memory, with the offset and number of each.
//!
//! Lines end at LF, CR LF or a lone CR. This works on the raw bytes because in every encoding taken here these
//! bytes are no part of another character (in UTF-16: these code units), so an offset is always exact. Knows nothing
//! of quotes or columns.

use std::io::{self, Read, Seek, SeekFrom};

/// The longest line, and the longest record over several lines, that is read.
pub(crate) const LINE_BYTES_MAX: usize = 1 << 20;
/// What is kept of a longer one.
const LONG_BYTES_KEPT: usize = 64 << 10;
const CHUNK_BYTES: usize = 64 << 10;

/// How wide a character is, as far as line ends are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Byte,
    Utf16Le,
    Utf16Be,
}

impl Unit {
    pub(crate) fn of(encoding: &'static encoding_rs::Encoding) -> Self {
        match encoding.name() {
            "UTF-16LE" => Unit::Utf16Le,
            "UTF-16BE" => Unit::Utf16Be,
            _ => Unit::Byte,
        }
    }

    fn width(self) -> usize {
        if self == Unit::Byte { 1 } else { 2 }
    }

    fn at(self, bytes: &[u8], index: usize) -> Option<u8> {
        match self {
            Unit::Byte => bytes.get(index).copied(),
            Unit::Utf16Le => bytes.get(index..index + 2).and_then(|u| (u[1] == 0).then_some(u[0])),
            Unit::Utf16Be => bytes.get(index..index + 2).and_then(|u| (u[0] == 0).then_some(u[1])),
        }
    }

    /// Index of the first CR or LF at or after `from`.
    fn find_end(self, bytes: &[u8], from: usize) -> Option<usize> {
        match self {
            Unit::Byte => bytes.get(from..)?.iter().position(|&b| b == b'\n' || b == b'\r').map(|i| from + i),
            _ => (from..bytes.len().saturating_sub(1))
                .step_by(2)
                .find(|&i| matches!(self.at(bytes, i), Some(b'\n' | b'\r'))),
        }
    }

    /// How many bytes of line end `bytes` begins with.
    pub(crate) fn line_end(self, bytes: &[u8]) -> usize {
        let width = self.width();
        match self.at(bytes, 0) {
            Some(b'\n') => width,
            Some(b'\r') if self.at(bytes, width) == Some(b'\n') => 2 * width,
            Some(b'\r') => width,
            _ => 0,
        }
    }

    /// A CR as the last of `bytes` may be followed by its LF in bytes not read yet.
    fn may_be_half(self, bytes: &[u8]) -> bool {
        bytes.len() < 2 * self.width() && self.at(bytes, 0) == Some(b'\r')
    }
}

/// One line. Its bytes are [`Lines::bytes`] until the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) offset: u64,
    pub(crate) number: u64,
    /// Bytes before the line end.
    pub(crate) content: usize,
    /// Whether a complete line end follows: a CR as the last byte of all may be half of one.
    pub(crate) ended: bool,
    /// Longer than [`LINE_BYTES_MAX`]: only its beginning was kept.
    pub(crate) long: bool,
}

pub(crate) struct Lines<R> {
    input: R,
    unit: Unit,
    buffer: Vec<u8>,
    start: usize,
    line: (usize, usize),
    kept: Vec<u8>,
    /// Where the next line begins.
    pub(crate) offset: u64,
    pub(crate) number: u64,
    at_end: bool,
}

impl<R: Read + Seek> Lines<R> {
    pub(crate) fn new(mut input: R, unit: Unit, offset: u64, number: u64) -> io::Result<Self> {
        input.seek(SeekFrom::Start(offset))?;
        let (buffer, kept) = (Vec::with_capacity(2 * CHUNK_BYTES), Vec::new());
        Ok(Self { input, unit, buffer, start: 0, line: (0, 0), kept, offset, number, at_end: false })
    }

    /// Goes back to the beginning of an earlier line.
    pub(crate) fn rewind(&mut self, offset: u64, number: u64) -> io::Result<()> {
        self.input.seek(SeekFrom::Start(offset))?;
        self.buffer.clear();
        self.start = 0;
        (self.offset, self.number, self.at_end) = (offset, number, false);
        Ok(())
    }

    /// Up to `bytes` of what comes next, without taking it, and whether that is all there is.
    pub(crate) fn peek(&mut self, bytes: usize) -> io::Result<(&[u8], bool)> {
        while self.buffer.len() - self.start < bytes && !self.at_end {
            self.fill()?;
        }
        let have = (self.buffer.len() - self.start).min(bytes);
        let whole = self.at_end && self.buffer.len() - self.start == have;
        Ok((&self.buffer[self.start..self.start + have], whole))
    }

    /// `None` at the end of the input.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line>> {
        let mut scanned = 0;
        loop {
            let window = &self.buffer[self.start..];
            let found = self.unit.find_end(window, scanned);
            if found.unwrap_or(window.len()) > LINE_BYTES_MAX {
                return self.skip_long().map(Some);
            } else if let Some(content) = found {
                let end = self.unit.line_end(&window[content..]);
                let open = self.unit.may_be_half(&window[content..]);
                if !open || self.at_end {
                    return Ok(Some(self.take(content, end, !open)));
                }
            } else if self.at_end {
                let rest = window.len();
                return Ok((rest > 0).then(|| self.take(rest, 0, false)));
            }
            scanned = found.unwrap_or_else(|| whole_units(window.len(), self.unit));
            self.fill()?;
        }
    }

    /// The line last returned, with its line end, and without.
    pub(crate) fn bytes(&self, line: &Line) -> (&[u8], &[u8]) {
        let whole = if line.long { &self.kept[..] } else { &self.buffer[self.line.0..self.line.1] };
        (whole, &whole[..line.content])
    }

    fn take(&mut self, content: usize, end: usize, ended: bool) -> Line {
        let line = Line { offset: self.offset, number: self.number, content, ended, long: false };
        self.line = (self.start, self.start + content + end);
        self.start += content + end;
        self.offset += (content + end) as u64;
        self.number += 1;
        line
    }

    fn skip_long(&mut self) -> io::Result<Line> {
        let (offset, number) = (self.offset, self.number);
        self.kept.clear();
        self.kept.extend_from_slice(&self.buffer[self.start..self.start + LONG_BYTES_KEPT]);
        loop {
            let window = &self.buffer[self.start..];
            if let Some(content) = self.unit.find_end(window, 0) {
                let end = self.unit.line_end(&window[content..]);
                let open = self.unit.may_be_half(&window[content..]);
                if !open || self.at_end {
                    self.take(content, end, !open);
                    return Ok(Line { offset, number, content: self.kept.len(), ended: !open, long: true });
                }
                self.drop_bytes(content);
            } else if self.at_end {
                self.take(window.len(), 0, false);
                return Ok(Line { offset, number, content: self.kept.len(), ended: false, long: true });
            } else {
                self.drop_bytes(whole_units(window.len(), self.unit));
            }
            self.fill()?;
        }
    }

    fn drop_bytes(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset += bytes as u64;
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let had = self.buffer.len();
        self.buffer.resize(had + CHUNK_BYTES, 0);
        let got = loop {
            match self.input.read(&mut self.buffer[had..]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(had + *got.as_ref().unwrap_or(&0));
        self.at_end = got? == 0;
        Ok(())
    }
}

fn whole_units(bytes: usize, unit: Unit) -> usize {
    bytes - bytes % unit.width()
}
