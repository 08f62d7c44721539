//! How a file is written: encoding and delimiter, each with the reason, for the log. Guesses from a sample; reads
//! nothing itself.

use std::collections::BTreeSet;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use csv_core::ReadRecordResult;
use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

/// How much of a file a guess looks at.
pub(crate) const SAMPLE_BYTES: usize = 64 << 10;
const DELIMITERS: [(u8, &str); 4] = [(b',', "comma"), (b';', "semicolon"), (b'\t', "tab"), (b'|', "pipe")];
const DELIMITER_RECORDS: usize = 100;
/// With fewer different characters than this, letter frequencies cannot tell Chinese from Korean or Japanese.
const ENOUGH_PAIRS: usize = 30;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// `None` while nothing but ASCII was seen: decided at the first line with anything else.
    pub(crate) encoding: Option<&'static Encoding>,
    pub(crate) bom_bytes: usize,
    pub(crate) why: String,
}

/// Looks at the beginning of a file.
pub(crate) fn encoding(sample: &[u8]) -> Found {
    if let Some((encoding, bom_bytes)) = Encoding::for_bom(sample) {
        return Found { encoding: Some(encoding), bom_bytes, why: "it begins with a byte order mark".into() };
    }
    if let Some((encoding, why)) = utf16(sample) {
        return Found { encoding: Some(encoding), bom_bytes: 0, why };
    }
    if sample.is_ascii() {
        return Found { encoding: None, bom_bytes: 0, why: "nothing but ASCII so far".into() };
    }
    let (encoding, why) = beyond_ascii(sample);
    Found { encoding: Some(encoding), bom_bytes: 0, why }
}

/// UTF-16 without a mark: in half of the places, and only there, nearly every delimiter, digit and line end has a
/// zero byte.
fn utf16(sample: &[u8]) -> Option<(&'static Encoding, String)> {
    let pairs = sample.len() / 2;
    let zeros = |at: usize| sample.iter().skip(at).step_by(2).filter(|&&b| b == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    let many = |n: usize, other: usize| n >= 2 && n * 20 >= pairs && n > 10 * other;
    if many(second, first) {
        Some((UTF_16LE, format!("{second} of {pairs} byte pairs end in a zero byte")))
    } else if many(first, second) {
        Some((UTF_16BE, format!("{first} of {pairs} byte pairs begin with a zero byte")))
    } else {
        None
    }
}

/// Judges a sample with bytes above 127 that is not UTF-16.
pub(crate) fn beyond_ascii(sample: &[u8]) -> (&'static Encoding, String) {
    let (mut lines, mut valid) = (0, 0);
    for line in sample.split(|&b| b == b'\n' || b == b'\r').filter(|l| !l.is_ascii()) {
        lines += 1;
        // The last line may be cut within a character.
        valid += usize::from(std::str::from_utf8(line).map_or_else(|e| e.error_len().is_none(), |_| true));
    }
    // By the line and not by the sample, so that one broken line does not turn a whole file into nonsense.
    if valid * 2 > lines {
        return (UTF_8, format!("{valid} of {lines} lines beyond ASCII are valid UTF-8"));
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    let pairs = pairs(sample);
    let east_asian = ["EUC-KR", "EUC-JP", "Shift_JIS", "Big5"].contains(&guess.name());
    if guess.name() == "GBK" || guess == GB18030 {
        (GB18030, format!("not UTF-8, and its {} different byte pairs read as Chinese", pairs.all))
    } else if pairs.mostly_common_hanzi() && !(east_asian && pairs.all >= ENOUGH_PAIRS) {
        // Short samples look like several encodings at once, and of those GB18030 is what exports here are in.
        let (hanzi, all) = (pairs.common_hanzi, pairs.all);
        (
            GB18030,
            format!("not UTF-8, and {hanzi} of {all} different byte pairs are common Chinese characters"),
        )
    } else {
        (guess, "not UTF-8, and the frequencies of its letters fit best".into())
    }
}

struct Pairs {
    all: usize,
    /// Level 1 of GB 2312: the 3,755 commonest characters.
    common_hanzi: usize,
}

impl Pairs {
    fn mostly_common_hanzi(&self) -> bool {
        self.all > 0 && self.common_hanzi * 10 >= self.all * 8
    }
}

/// Reads runs of bytes above 127 two by two, as GBK does. Each pair counts once: a column that says the same word in
/// every line tells no more than the word.
fn pairs(sample: &[u8]) -> Pairs {
    let mut seen = BTreeSet::new();
    let mut bytes = sample.iter().copied();
    while let Some(lead) = bytes.next() {
        if lead < 0x80 {
            continue;
        }
        seen.extend(bytes.next().map(|trail| (lead, trail)));
    }
    let common = |(lead, trail): &&(u8, u8)| (0xB0..=0xD7).contains(lead) && *trail >= 0xA1;
    Pairs { all: seen.len(), common_hanzi: seen.iter().filter(common).count() }
}

/// The delimiter that gives the first records of `text` the same number of columns most often; of equals the one
/// with more columns.
pub(crate) fn delimiter(text: &str, quote: Option<u8>, whole: bool) -> (u8, String) {
    let mut best: Option<(usize, usize, usize, &(u8, &str))> = None;
    for candidate in &DELIMITERS {
        let counts = column_counts(text, candidate.0, quote, whole);
        let Some((columns, agreeing)) = commonest(&counts) else { continue };
        // Compared in thousandths: a few odd lines must not outweigh a clear answer.
        let share = agreeing * 1000 / counts.len();
        if columns > 1 && best.is_none_or(|(s, c, ..)| (share, columns) > (s, c)) {
            best = Some((share, columns, counts.len(), candidate));
        }
    }
    match best {
        Some((share, columns, records, (byte, name))) => {
            let percent = share / 10;
            (*byte, format!("{name} gives {percent}% of the first {records} records {columns} columns"))
        }
        None => (b',', "one column only".into()),
    }
}

fn column_counts(text: &str, delimiter: u8, quote: Option<u8>, whole: bool) -> Vec<usize> {
    let mut reader = parser(delimiter, quote);
    let (mut output, mut ends) = (vec![0; text.len() + 1], vec![0; text.len() + 1]);
    let (mut rest, mut columns, mut counts) = (text.as_bytes(), 0, Vec::new());
    while counts.len() < DELIMITER_RECORDS {
        let (result, read, _, fields) = reader.read_record(rest, &mut output, &mut ends);
        columns += fields;
        rest = &rest[read..];
        match result {
            ReadRecordResult::Record => counts.push(std::mem::take(&mut columns)),
            // A cut sample ends within a record as a rule; that one does not count, unless it is the only one.
            ReadRecordResult::InputEmpty if whole || counts.is_empty() => continue,
            _ => break,
        }
    }
    counts
}

fn commonest(counts: &[usize]) -> Option<(usize, usize)> {
    let agreeing = |columns: usize| counts.iter().filter(|&&c| c == columns).count();
    counts.iter().map(|&columns| (columns, agreeing(columns))).max_by_key(|&(columns, n)| (n, columns))
}

pub(crate) fn parser(delimiter: u8, quote: Option<u8>) -> csv_core::Reader {
    let mut builder = csv_core::ReaderBuilder::new();
    builder.delimiter(delimiter).quoting(quote.is_some());
    if let Some(quote) = quote {
        builder.quote(quote);
    }
    builder.build()
}
