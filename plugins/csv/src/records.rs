//! Records of physical lines: decodes each line, splits it into cells, and joins lines while a quote is open.
//!
//! What cannot be read is handed back whole with its reason. An opened quote that is never closed costs its own
//! line only: reading goes on with the next one. Gives the cells no names and judges no column count.

use std::borrow::Cow;
use std::io::{self, Read, Seek};

use csv_core::ReadRecordResult;
use encoding_rs::{Encoding, UTF_8};

use crate::detect::{self, SAMPLE_BYTES};
use crate::lines::{LINE_BYTES_MAX, Line, Lines, Unit};

/// What [`Records::next`] found.
#[derive(Debug)]
pub(crate) enum Item {
    /// Its cells are [`Records::cells`]. `more_lines`: it spans several.
    Record {
        at: Place,
        more_lines: bool,
    },
    /// A blank line.
    Blank,
    Refused {
        at: Place,
        reason: String,
        raw: Vec<u8>,
    },
    /// The input ends within this record, which may still be being written. Nothing was taken.
    Unfinished {
        at: Place,
    },
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) line: u64,
}

/// The cells of one record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells<'a> {
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Cells<'a> {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Empty beyond the last.
    pub(crate) fn get(&self, index: usize) -> &'a str {
        let start = if index == 0 { Some(&0) } else { self.ends.get(index - 1) };
        match (start, self.ends.get(index)) {
            (Some(&start), Some(&end)) => self.text.get(start..end).unwrap_or_default(),
            _ => "",
        }
    }

    pub(crate) fn has_nul(&self) -> bool {
        self.text.contains('\0')
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a str> + '_ {
        (0..self.len()).map(|index| self.get(index))
    }
}

pub(crate) struct Records<R> {
    lines: Lines<R>,
    parser: csv_core::Reader,
    /// `None` while only ASCII was seen.
    pub(crate) encoding: Option<&'static Encoding>,
    /// Set when [`Self::encoding`] was decided here, for the log.
    pub(crate) decided: Option<String>,
    /// The record that the input ended in without a line end, once it was taken.
    pub(crate) unended: Option<Place>,
    cells: Vec<u8>,
    ends: Vec<usize>,
    filled: (usize, usize),
}

impl<R: Read + Seek> Records<R> {
    pub(crate) fn new(
        input: R,
        encoding: Option<&'static Encoding>,
        delimiter: u8,
        quote: Option<u8>,
        at: Place,
    ) -> io::Result<Self> {
        let lines = Lines::new(input, Unit::of(encoding.unwrap_or(UTF_8)), at.offset, at.line)?;
        let parser = detect::parser(delimiter, quote);
        let (cells, ends) = (vec![0; 4096], vec![0; 64]);
        Ok(Self { lines, parser, encoding, decided: None, unended: None, cells, ends, filled: (0, 0) })
    }

    /// Where the next record begins.
    pub(crate) fn place(&self) -> Place {
        Place { offset: self.lines.offset, line: self.lines.number }
    }

    pub(crate) fn go_to(&mut self, at: Place) -> io::Result<()> {
        self.lines.rewind(at.offset, at.line)
    }

    pub(crate) fn cells(&self) -> Cells<'_> {
        let (bytes, fields) = self.filled;
        // Split at ASCII bytes of valid text, so it is valid itself.
        let text = std::str::from_utf8(&self.cells[..bytes]).unwrap_or_default();
        Cells { text, ends: &self.ends[..fields] }
    }

    /// `last`: the input will not grow, so what is there is all there is.
    pub(crate) fn next(&mut self, last: bool) -> io::Result<Item> {
        let at = self.place();
        let Some(first) = self.next_line()? else { return Ok(Item::End) };
        if !first.ended && !last {
            self.go_to(at)?;
            return Ok(Item::Unfinished { at });
        }
        self.begin();
        let (mut broken, mut raw) = (None, Vec::new());
        let mut line = first;
        loop {
            if !line.ended {
                self.unended = Some(at);
            }
            if line.long {
                let reason = format!("longer than {LINE_BYTES_MAX} bytes; only its beginning is kept");
                return self.refuse_first(at, first, &reason);
            }
            let fed = self.feed(&line, line.number == first.number);
            if fed.broken {
                broken.get_or_insert(line.number);
            }
            match fed.state {
                Fed::Blank => return Ok(Item::Blank),
                Fed::Done => break,
                Fed::Open => raw.extend_from_slice(self.lines.bytes(&line).0),
            }
            let too_long = raw.len() > LINE_BYTES_MAX;
            line = match self.next_line()? {
                Some(next) if !too_long && (next.ended || last) => next,
                Some(_) if !too_long => return self.unfinished(at),
                None if !last => return self.unfinished(at),
                _ => return self.refuse_first(at, first, "a quote opens here and is not closed"),
            };
        }
        if let Some(number) = broken {
            raw.extend_from_slice(self.lines.bytes(&line).0);
            let name = self.encoding.unwrap_or(UTF_8).name();
            let reason = format!("line {number} holds bytes that are not {name}");
            return Ok(Item::Refused { at, reason, raw });
        }
        Ok(Item::Record { at, more_lines: line.number != first.number })
    }

    /// Refuses the record just read, which began at `at`, whole.
    pub(crate) fn refuse_record(&mut self, at: Place, reason: &str) -> io::Result<Item> {
        let end = self.lines.offset;
        let mut raw = Vec::new();
        self.go_to(at)?;
        while self.lines.offset < end {
            let Some(line) = self.lines.next()? else { break };
            raw.extend_from_slice(self.lines.bytes(&line).0);
        }
        Ok(Item::Refused { at, reason: reason.to_string(), raw })
    }

    /// Takes back everything but the line at `at` and refuses that.
    pub(crate) fn refuse_line(&mut self, at: Place, reason: &str) -> io::Result<Item> {
        self.go_to(at)?;
        match self.lines.next()? {
            Some(line) => {
                let raw = self.lines.bytes(&line).0.to_vec();
                Ok(Item::Refused { at, reason: reason.to_string(), raw })
            }
            None => Ok(Item::End),
        }
    }

    fn refuse_first(&mut self, at: Place, first: Line, reason: &str) -> io::Result<Item> {
        if !first.long {
            return self.refuse_line(at, reason);
        }
        // Already the line last read: reading it again would only cost time.
        let raw = self.lines.bytes(&first).0.to_vec();
        Ok(Item::Refused { at, reason: reason.to_string(), raw })
    }

    fn unfinished(&mut self, at: Place) -> io::Result<Item> {
        self.go_to(at)?;
        Ok(Item::Unfinished { at })
    }

    /// The next line; decides the encoding first when this is the first one beyond ASCII.
    fn next_line(&mut self) -> io::Result<Option<Line>> {
        let Some(line) = self.lines.next()? else { return Ok(None) };
        if self.encoding.is_some() || self.lines.bytes(&line).0.is_ascii() {
            return Ok(Some(line));
        }
        self.lines.rewind(line.offset, line.number)?;
        let (encoding, why) = detect::beyond_ascii(self.lines.peek(SAMPLE_BYTES)?.0);
        self.encoding = Some(encoding);
        self.decided = Some(format!("from line {} on: {why}", line.number));
        self.lines.next()
    }

    fn begin(&mut self) {
        self.parser.reset();
        self.filled = (0, 0);
    }

    /// Gives one line to the parser.
    fn feed(&mut self, line: &Line, first: bool) -> FedLine {
        let (whole, content) = self.lines.bytes(line);
        // An unended line is ended here. The end is part of the text when a quote is open.
        let bytes = if line.ended { whole } else { content };
        let (text, broken) = decode(self.encoding, bytes);
        let blank = text.trim_matches(['\r', '\n', '\u{feff}']).is_empty();
        if first && blank {
            return FedLine { state: Fed::Blank, broken };
        }
        let mut done =
            parse(&mut self.parser, text.as_bytes(), &mut self.cells, &mut self.ends, &mut self.filled);
        if !done && !line.ended {
            done = parse(&mut self.parser, b"\n", &mut self.cells, &mut self.ends, &mut self.filled);
        }
        FedLine { state: if done { Fed::Done } else { Fed::Open }, broken }
    }
}

struct FedLine {
    state: Fed,
    broken: bool,
}

enum Fed {
    Blank,
    Done,
    Open,
}

fn decode<'a>(encoding: Option<&'static Encoding>, bytes: &'a [u8]) -> (Cow<'a, str>, bool) {
    if encoding.is_none_or(|e| e == UTF_8) {
        // The common case, and the standard library is the faster judge of short strings.
        if let Ok(text) = std::str::from_utf8(bytes) {
            return (Cow::Borrowed(text), false);
        }
    }
    encoding.unwrap_or(UTF_8).decode_without_bom_handling(bytes)
}

/// Whether the record is complete after `text`.
fn parse(
    parser: &mut csv_core::Reader,
    mut text: &[u8],
    cells: &mut Vec<u8>,
    ends: &mut Vec<usize>,
    filled: &mut (usize, usize),
) -> bool {
    loop {
        let (result, read, wrote, fields) =
            parser.read_record(text, &mut cells[filled.0..], &mut ends[filled.1..]);
        text = &text[read..];
        *filled = (filled.0 + wrote, filled.1 + fields);
        match result {
            ReadRecordResult::Record => return true,
            ReadRecordResult::InputEmpty | ReadRecordResult::End => return false,
            ReadRecordResult::OutputFull => cells.resize(cells.len() * 2, 0),
            ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
        }
    }
}
