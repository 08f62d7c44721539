//! From a position inside a string value to its place in the TOML file.

use std::ops::Range;

use super::error::Place;
use super::source::SourceFile;
use super::tree::Node;

/// The bytes of the character at a line and column, both from 1, columns in characters.
pub(super) fn at_position(value: &str, line: usize, column: usize) -> Range<usize> {
    let mut start = 0;
    for _ in 1..line {
        match value[start..].find('\n') {
            Some(end) => start += end + 1,
            None => break,
        }
    }
    let text = value[start..].split('\n').next().unwrap_or_default();
    let at =
        text.char_indices().nth(column.saturating_sub(1)).map_or(start + text.len(), |(at, _)| start + at);
    at..at + value[at..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8)
}

/// Whether a position inside the value can be shown.
pub(super) fn is_exact(files: &[SourceFile], node: &Node, value: &str) -> bool {
    exact(files, node, value, 0..0).is_some()
}

/// Exact where the value stands in the file byte for byte, that is, without escapes; otherwise the whole string.
pub(super) fn inner(files: &[SourceFile], node: &Node, value: &str, range: Range<usize>) -> Place {
    exact(files, node, value, range).unwrap_or_else(|| node.place.clone())
}

fn exact(files: &[SourceFile], node: &Node, value: &str, range: Range<usize>) -> Option<Place> {
    let written = files.get(node.place.file)?.text.get(node.place.range.clone())?;
    let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|q| written.starts_with(q))?;
    let body = written.strip_prefix(quotes)?.strip_suffix(quotes)?;
    let skipped = if quotes.len() == 3 {
        // TOML drops a line break right after the opening quotes.
        ["\r\n", "\n"].into_iter().find(|end| body.starts_with(end)).map_or(0, str::len)
    } else {
        0
    };
    let start = node.place.range.start + quotes.len() + skipped;
    (body.get(skipped..)? == value).then(|| Place {
        file: node.place.file,
        range: start + range.start.min(value.len())..start + range.end.min(value.len()),
    })
}
