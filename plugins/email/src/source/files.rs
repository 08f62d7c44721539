//! Reading mailbox exports: Maildir folders, mbox files, and files of one message. The cursor has one place for each
//! path, so paths may be added later.

use std::{
    collections::{BTreeMap, hash_map::DefaultHasher},
    fs::{self, File},
    hash::Hasher,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use rejoin_plugin_api::{Batch, Error, ErrorClass, Host, Progress, ReadRequest};
use serde::{Deserialize, Serialize};

use super::{maildir, mbox, push, refuse, too_large};
use crate::config::MailboxFiles;

/// Files of a Maildir folder listed together.
const PAGE: usize = 1000;
/// By its beginning a file is known again.
const HEAD_BYTES: u64 = 512;

pub(crate) struct Files {
    paths: Vec<PathBuf>,
    max_bytes: u64,
    domain: String,
}

type Cursor = BTreeMap<String, Place>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    Maildir(maildir::Place),
    Mbox { offset: u64, head: u64, head_bytes: u64 },
}

impl Files {
    pub(crate) fn new(files: &MailboxFiles, domain: String) -> Self {
        Self { paths: files.paths.clone(), max_bytes: files.max_bytes, domain }
    }

    pub(crate) fn check(&self) -> Result<String, Error> {
        let mut said = Vec::new();
        for path in &self.paths {
            let what = match kind(path)? {
                Kind::Maildir => "a Maildir folder",
                Kind::Mbox => "an mbox file",
                Kind::Message => "a single message",
            };
            said.push(format!("{} is {what}", path.display()));
        }
        if said.is_empty() { Ok("no mailbox files are named yet".to_owned()) } else { Ok(said.join(", ")) }
    }

    pub(crate) fn read(
        &self,
        request: &ReadRequest,
        out: &mut Batch,
        host: &Host,
    ) -> Result<Progress, Error> {
        let mut cursor: Cursor = match request.cursor.as_deref() {
            None => Cursor::new(),
            Some(text) => serde_json::from_str(text).map_err(|_| {
                let message = "the stored place in the mailbox files is not one of this plugin's";
                Error::new(ErrorClass::CursorInvalid, message)
            })?,
        };
        let mut progress = Progress::CaughtUp;
        for path in &self.paths {
            if out.is_full() || host.is_cancelled() {
                progress = Progress::More;
                break;
            }
            let name = path.to_string_lossy().into_owned();
            let (place, done) = match (kind(path)?, cursor.get(&name)) {
                (Kind::Maildir, Some(Place::Maildir(place))) => {
                    self.read_maildir(path, place.clone(), out, host)?
                }
                (Kind::Maildir, _) => self.read_maildir(path, maildir::Place::default(), out, host)?,
                (_, place) => self.read_file(path, place, out, host)?,
            };
            cursor.insert(name, place);
            if !done {
                progress = Progress::More;
                break;
            }
        }
        let cursor = serde_json::to_string(&cursor).map_err(|e| Error::permanent(e.to_string()))?;
        out.set_cursor(cursor);
        Ok(progress)
    }

    fn read_maildir(
        &self,
        folder: &Path,
        mut place: maildir::Place,
        out: &mut Batch,
        host: &Host,
    ) -> Result<(Place, bool), Error> {
        loop {
            let page = maildir::page(folder, &place, PAGE).map_err(|e| unreadable(folder, &e))?;
            place = page.place;
            for (name, file) in page.files {
                if out.is_full() || host.is_cancelled() {
                    return Ok((Place::Maildir(place), false));
                }
                self.give_file(&file, out)?;
                place.name = name;
                place.count += 1;
            }
            if page.last {
                return Ok((Place::Maildir(place), true));
            }
        }
    }

    /// A file that vanished since it was listed was moved or deleted: it is found under its new name, or not meant.
    fn give_file(&self, path: &Path, out: &mut Batch) -> Result<(), Error> {
        let mut file = match File::open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(|e| unreadable(path, &e))?,
        };
        let size = file.metadata().map_err(|e| unreadable(path, &e))?.len();
        let mut raw = Vec::new();
        let taken = if size > self.max_bytes { super::REFUSED_BYTES_MAX as u64 } else { size };
        file.by_ref().take(taken).read_to_end(&mut raw).map_err(|e| unreadable(path, &e))?;
        let at = path.display().to_string();
        if size > self.max_bytes {
            return refuse(out, &at, &too_large(size, self.max_bytes), &raw);
        }
        push(out, &at, &raw, None, &self.domain)
    }

    fn read_file(
        &self,
        path: &Path,
        place: Option<&Place>,
        out: &mut Batch,
        host: &Host,
    ) -> Result<(Place, bool), Error> {
        let mut file = File::open(path).map_err(|e| unreadable(path, &e))?;
        let offset = resume(&mut file, place).map_err(|e| unreadable(path, &e))?;
        let (head, head_bytes) = head(&mut file, HEAD_BYTES).map_err(|e| unreadable(path, &e))?;
        let place = |offset| Place::Mbox { offset, head: digest(&head), head_bytes };
        let size = file.metadata().map_err(|e| unreadable(path, &e))?.len();
        if !mbox::is_mbox(&head) {
            if offset < size {
                self.give_file(path, out)?;
            }
            return Ok((place(size), true));
        }
        file.seek(SeekFrom::Start(offset)).map_err(|e| unreadable(path, &e))?;
        let mut reader = mbox::Reader::new(BufReader::with_capacity(256 << 10, file), self.max_bytes);
        let mut at = offset;
        loop {
            if out.is_full() || host.is_cancelled() {
                return Ok((place(at), false));
            }
            let entry = reader.next().map_err(|e| unreadable(path, &e))?;
            let Some(entry) = entry else { return Ok((place(at), true)) };
            let stands = format!("{} byte {at}", path.display());
            if entry.too_large {
                refuse(out, &stands, &too_large(entry.bytes, self.max_bytes), &entry.raw)?;
            } else {
                push(out, &stands, &entry.raw, None, &self.domain)?;
            }
            at += entry.bytes;
        }
    }
}

enum Kind {
    Maildir,
    Mbox,
    Message,
}

fn kind(path: &Path) -> Result<Kind, Error> {
    let about = fs::metadata(path).map_err(|e| unreadable(path, &e))?;
    if about.is_dir() {
        if maildir::is_maildir(path) {
            return Ok(Kind::Maildir);
        }
        return Err(Error::config(format!(
            "{} is a folder without `cur` and `new`, so no Maildir",
            path.display()
        ))
        .with_hint("name a Maildir folder, an mbox file or a file with one message"));
    }
    let mut file = File::open(path).map_err(|e| unreadable(path, &e))?;
    let (head, _) = head(&mut file, HEAD_BYTES).map_err(|e| unreadable(path, &e))?;
    // An empty file may grow into an mbox.
    Ok(if head.is_empty() || mbox::is_mbox(&head) { Kind::Mbox } else { Kind::Message })
}

/// Where to go on: at the stored offset when this is still the file it was, grown or not; else at its start.
fn resume(file: &mut File, place: Option<&Place>) -> io::Result<u64> {
    let Some(Place::Mbox { offset, head: known, head_bytes }) = place else { return Ok(0) };
    let (head, _) = head(file, *head_bytes)?;
    let same = digest(&head) == *known && file.metadata()?.len() >= *offset;
    Ok(if same { *offset } else { 0 })
}

fn head(file: &mut File, bytes: u64) -> io::Result<(Vec<u8>, u64)> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    let read = file.by_ref().take(bytes).read_to_end(&mut head)?;
    Ok((head, read as u64))
}

/// Tells files apart; not a secret. SipHash with fixed keys, so that it is the same in every run.
fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

fn unreadable(path: &Path, e: &io::Error) -> Error {
    let class = match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => ErrorClass::Config,
        _ => ErrorClass::Transient,
    };
    Error::new(class, format!("cannot read {}: {e}", path.display()))
}

#[cfg(test)]
mod tests;
