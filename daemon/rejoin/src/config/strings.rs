//! From a position inside a string value to its place in the TOML file.

use std::ops::Range;

use super::error::Place;
use super::source::SourceFile;
use super::tree::Node;

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
