//! How far each file was read, and what it looked like then: the connector's cursor.
//!
//! A file is read on where it was left only when it is the same file (device and inode), still begins as it did,
//! and still holds before that place what it held. Everything else is read again from the start: repeating rows does
//! no harm, missing rows does.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use encoding_rs::Encoding;
use rejoin_plugin_api::{Error, ErrorClass};
use serde::{Deserialize, Serialize};

use crate::records::Place;

/// With about 200 bytes each they stay within the host's 1 MiB for a cursor.
pub(crate) const FILES_MAX: usize = 4_000;
const HEAD_BYTES: u64 = 4096;
const TAIL_BYTES: u64 = 1024;
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Cursor {
    v: u32,
    /// Of the settings the files were read with.
    s: u64,
    files: BTreeMap<String, Mark>,
}

/// Short names, because there may be thousands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    #[serde(rename = "id")]
    pub(crate) look: Look,
    #[serde(rename = "h")]
    head: u64,
    #[serde(rename = "t")]
    tail: u64,
    /// Empty while only ASCII was seen.
    #[serde(rename = "e")]
    encoding: String,
    #[serde(rename = "b")]
    pub(crate) bom_bytes: u64,
    #[serde(rename = "d")]
    pub(crate) delimiter: u8,
    #[serde(rename = "o")]
    offset: u64,
    #[serde(rename = "l")]
    line: u64,
    /// Begin of the last record, when it was taken without a line end and may yet grow.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(crate) unended: Option<(u64, u64)>,
    /// An unfinished last record was left for the next look.
    #[serde(rename = "w", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) held: bool,
    /// The header could not be used: nothing is read until the file changes.
    #[serde(rename = "x", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unusable: bool,
}

/// What a look at a file says without opening it: device, inode, size, time of change in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Look(u64, u64, u64, i64);

impl Look {
    pub(crate) fn at(found: &Metadata) -> Self {
        let nanoseconds = found.mtime().saturating_mul(1_000_000_000).saturating_add(found.mtime_nsec());
        Self(found.dev(), found.ino(), found.size(), nanoseconds)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.2
    }

    pub(crate) fn changed_at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::try_from(self.3).unwrap_or(0))
    }

    fn same_file(&self, other: &Look) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Cursor {
    /// `settings`: how files are read now. Marks of files that were read otherwise are dropped.
    pub(crate) fn parse(text: Option<&str>, settings: &str) -> Result<Self, Error> {
        let empty = Self { v: VERSION, s: fnv(settings.as_bytes()), files: BTreeMap::new() };
        let Some(text) = text else { return Ok(empty) };
        match serde_json::from_str::<Self>(text) {
            Ok(cursor) if cursor.v == VERSION && cursor.s != empty.s => Ok(empty),
            Ok(cursor) if cursor.v == VERSION => Ok(cursor),
            Ok(cursor) => Err(invalid(&format!("it has version {}", cursor.v))),
            Err(e) => Err(invalid(&e.to_string())),
        }
    }

    pub(crate) fn to_text(&self) -> Result<String, Error> {
        serde_json::to_string(self)
            .map_err(|e| Error::permanent(format!("the cursor cannot be written: {e}")))
    }

    /// The mark of a file: by its path, or, when it was renamed, that of a path that is listed no more.
    pub(crate) fn find(&self, path: &Path, look: &Look, listed: impl Fn(&str) -> bool) -> Option<Mark> {
        if let Some(mark) = self.files.get(&*path.to_string_lossy()) {
            return Some(mark.clone());
        }
        let mut renamed = self.files.iter().filter(|(old, mark)| mark.look.same_file(look) && !listed(old));
        renamed.next().map(|(_, mark)| mark.clone())
    }

    pub(crate) fn set(&mut self, path: &Path, mark: Mark) {
        self.files.insert(path.to_string_lossy().into_owned(), mark);
    }

    /// Forgets files that are there no more.
    pub(crate) fn keep(&mut self, listed: impl Fn(&str) -> bool) {
        self.files.retain(|path, _| listed(path));
    }
}

fn invalid(why: &str) -> Error {
    Error::new(ErrorClass::CursorInvalid, format!("the cursor is not one this plugin wrote: {why}"))
}

impl Mark {
    pub(crate) fn new(look: Look, bom_bytes: u64, delimiter: u8) -> Self {
        Self { look, bom_bytes, delimiter, offset: bom_bytes, line: 1, ..Self::default() }
    }

    pub(crate) fn place(&self) -> Place {
        Place { offset: self.offset, line: self.line }
    }

    pub(crate) fn set_place(&mut self, place: Place) {
        (self.offset, self.line) = (place.offset, place.line);
    }

    pub(crate) fn encoding(&self) -> Option<&'static Encoding> {
        Encoding::for_label(self.encoding.as_bytes())
    }

    pub(crate) fn set_encoding(&mut self, encoding: Option<&'static Encoding>) {
        self.encoding = encoding.map_or_else(String::new, |e| e.name().to_string());
    }

    /// Nothing to do: the file was read to its end, or cannot be, and has not changed.
    pub(crate) fn is_done(&self, look: &Look) -> bool {
        self.look == *look && !self.held && (self.unusable || self.offset >= look.bytes())
    }

    /// Why the file has to be read from the start, if so.
    pub(crate) fn replaced(&self, file: &File, look: &Look) -> io::Result<Option<&'static str>> {
        if self.look == *look {
            return Ok(None);
        }
        Ok(if !self.look.same_file(look) {
            Some("another file has taken its place")
        } else if look.bytes() < self.offset {
            Some("it is shorter than what was read of it")
        } else if look.bytes() == self.look.bytes() {
            Some("it was written again")
        } else if self.unusable || self.offset <= self.bom_bytes {
            Some("nothing could be read of it before")
        } else if self.prints(file)? != (self.head, self.tail) {
            Some("what was read of it has changed")
        } else {
            None
        })
    }

    /// Remembers what the file holds before the place reached.
    pub(crate) fn take_prints(&mut self, file: &File) -> io::Result<()> {
        (self.head, self.tail) = self.prints(file)?;
        Ok(())
    }

    fn prints(&self, file: &File) -> io::Result<(u64, u64)> {
        let head = hash(file, 0, self.offset.min(HEAD_BYTES))?;
        let tail_bytes = self.offset.min(TAIL_BYTES);
        Ok((head, hash(file, self.offset - tail_bytes, tail_bytes)?))
    }
}

fn hash(file: &File, offset: u64, bytes: u64) -> io::Result<u64> {
    let mut buffer = vec![0; bytes as usize];
    match file.read_exact_at(&mut buffer, offset) {
        // It shrank meanwhile: let the print differ.
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
        other => other?,
    }
    Ok(fnv(&buffer))
}

/// FNV-1a, because it must be the same in every build: against accidents, not against attackers.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}
