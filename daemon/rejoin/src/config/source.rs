//! The text of one configuration file, and where in it a byte stands.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A configuration beyond this is a mistake, such as a data file named as one.
pub(super) const FILE_BYTES_MAX: u64 = 10 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct SourceFile {
    pub(super) path: PathBuf,
    /// As messages name it.
    pub(super) shown: String,
    pub(super) text: String,
}

/// Why a file could not be taken.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl SourceFile {
    pub(super) fn read(path: &Path) -> Result<Self, Unreadable> {
        let shown = path.display().to_string();
        let refuse = |message: String, hint: Option<&str>| Unreadable {
            code: "RJ-C001",
            message,
            hint: hint.map(str::to_owned),
        };
        let file =
            File::open(path).map_err(|e| refuse(format!("cannot read {shown}: {e}"), open_hint(&e)))?;
        let mut bytes = Vec::new();
        // One byte more than the limit tells a file that is too large, however large it is.
        file.take(FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| refuse(format!("cannot read {shown}: {e}"), None))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            let mib = FILE_BYTES_MAX >> 20;
            let message = format!("{shown} is larger than {mib} MiB, which no configuration is");
            return Err(refuse(message, Some("check that this is the configuration and not a data file")));
        }
        Self::from_bytes(path, bytes)
    }

    pub(super) fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, Unreadable> {
        let shown = path.display().to_string();
        let text = String::from_utf8(bytes).map_err(|e| {
            let good = e.utf8_error().valid_up_to();
            let line = e.as_bytes()[..good].iter().filter(|b| **b == b'\n').count() + 1;
            Unreadable {
                code: "RJ-C002",
                message: format!("{shown} is not UTF-8: line {line} holds a byte that cannot be"),
                hint: Some("save the file as UTF-8; GBK and UTF-16 are not taken here".to_owned()),
            }
        })?;
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        Ok(Self { path: path.to_owned(), shown, text })
    }

    /// Line and column of a byte, both from 1; columns count characters.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..self.boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The whole line a byte is on, without its end.
    pub(super) fn line_range(&self, offset: usize) -> Range<usize> {
        let offset = self.boundary(offset);
        let start = self.text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let end = self.text[offset..].find('\n').map_or(self.text.len(), |at| offset + at);
        let line = self.text[start..end].trim_end_matches('\r');
        start..start + line.len()
    }

    /// `offset`, or the nearest character boundary before it.
    fn boundary(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

fn open_hint(error: &std::io::Error) -> Option<&'static str> {
    match error.kind() {
        std::io::ErrorKind::NotFound => Some("name the configuration with --config FILE"),
        std::io::ErrorKind::PermissionDenied => Some("let the user the daemon runs as read it"),
        _ => None,
    }
}
