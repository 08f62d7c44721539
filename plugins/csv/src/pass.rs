//! Reads one file on from its mark, into a batch.
//!
//! The last line of a file, when nothing ends it, may be half of one. It is taken when the file has stood still for
//! a second (or since an earlier look), and remembered: should the file grow after all, and not with a line end, the
//! line is read again from its beginning.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use encoding_rs::UTF_8;
use rejoin_plugin_api::{Batch, Error, Host, LogLevel};

use crate::columns::{Columns, Row};
use crate::cursor::{Look, Mark};
use crate::detect::{self, SAMPLE_BYTES};
use crate::lines::Unit;
use crate::records::{Item, Place, Records};
use crate::settings::Settings;

/// How often a file that keeps growing by half lines is waited for in one call.
const WAITS_MAX: usize = 3;
const RECORDS_BETWEEN_LOOKS: u64 = 1024;

pub(crate) enum Failure {
    /// Of this file: the others are still read.
    Io(io::Error),
    /// Of the batch.
    Api(Error),
}

impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        Failure::Io(e)
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Failure::Api(e)
    }
}

/// Reading one file.
pub(crate) struct Pass<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) host: &'a Host,
    pub(crate) path: &'a Path,
    /// How long a file must stand still before an unended last line is taken.
    pub(crate) still: Duration,
}

impl Pass<'_> {
    /// The file's new mark, and what stopped the reading there, if something did. When the batch is not full and the
    /// host does not cancel, the file was read to its end.
    pub(crate) fn run(
        &self,
        file: File,
        mark: Option<Mark>,
        out: &mut Batch,
    ) -> Result<(Mark, Option<io::Error>), Failure> {
        let mut mark = self.begin(&file, mark)?;
        if mark.is_done(&mark.look) {
            return Ok((mark, None));
        }
        // What was read before a fault stays read: otherwise the same rows would come again for ever.
        let trouble = match self.read(&file, &mut mark, out) {
            Ok(()) => None,
            Err(Failure::Io(e)) => Some(e),
            Err(other) => return Err(other),
        };
        mark.take_prints(&file)?;
        Ok((mark, trouble))
    }

    /// The mark to read on from: the given one, or a new one at the start of the file.
    fn begin(&self, file: &File, mark: Option<Mark>) -> io::Result<Mark> {
        let look = Look::at(&file.metadata()?);
        let Some(mut mark) = mark else { return self.begin_anew(file, look) };
        if let Some(why) = mark.replaced(file, &look)? {
            self.say(&format!("is read again from the start: {why}"));
            return self.begin_anew(file, look);
        }
        mark.held &= mark.look == look;
        if let Some((offset, line)) = mark.unended.filter(|_| look.bytes() > mark.place().offset) {
            self.go_on_after(file, &mut mark, Place { offset, line })?;
        }
        mark.look = look;
        Ok(mark)
    }

    /// The file has grown behind a last line that nothing ended: by its end, or by more of it.
    fn go_on_after(&self, file: &File, mark: &mut Mark, unended: Place) -> io::Result<()> {
        let mut next = [0; 4];
        let got = file.read_at(&mut next, mark.place().offset)?;
        let end = Unit::of(mark.encoding().unwrap_or(UTF_8)).line_end(&next[..got]);
        let after = Place { offset: mark.place().offset + end as u64, ..mark.place() };
        mark.set_place(if end > 0 { after } else { unended });
        mark.unended = None;
        Ok(())
    }

    fn begin_anew(&self, file: &File, look: Look) -> io::Result<Mark> {
        let mut sample = vec![0; SAMPLE_BYTES];
        let mut have = 0;
        while have < sample.len() {
            match file.read_at(&mut sample[have..], have as u64)? {
                0 => break,
                more => have += more,
            }
        }
        sample.truncate(have);
        let mut found = detect::encoding(&sample);
        if let Some(configured) = self.settings.encoding.filter(|_| found.bom_bytes == 0) {
            found.encoding = Some(configured);
            found.why = "as configured".into();
        }
        let encoding = found.encoding.unwrap_or(UTF_8);
        let (text, _) = encoding.decode_without_bom_handling(&sample[found.bom_bytes..]);
        let whole = have < SAMPLE_BYTES;
        let (delimiter, because) = match self.settings.delimiter {
            Some(delimiter) => (delimiter, "as configured".to_string()),
            None => detect::delimiter(&text, self.settings.quote, whole),
        };
        let name = found.encoding.map_or("ASCII", encoding_rs::Encoding::name);
        let shown = char::from(delimiter);
        self.say(&format!("encoding {name} ({}), delimiter {shown:?} ({because})", found.why));
        let mut mark = Mark::new(look, found.bom_bytes as u64, delimiter);
        mark.set_encoding(found.encoding);
        Ok(mark)
    }

    fn read(&self, file: &File, mark: &mut Mark, out: &mut Batch) -> Result<(), Failure> {
        let start = Place { offset: mark.bom_bytes, line: 1 };
        let mut records = Records::new(file, mark.encoding(), mark.delimiter, self.settings.quote, start)?;
        let columns = match self.columns(&mut records, mark, out) {
            Ok(Some(columns)) => columns,
            other => {
                mark.set_place(records.place());
                mark.set_encoding(records.encoding);
                return other.map(|_| ());
            }
        };
        if mark.place().offset > records.place().offset {
            records.go_to(mark.place())?;
        }
        let result = self.rows(&mut records, &columns, mark, out);
        mark.set_encoding(records.encoding);
        // Only what nothing follows can grow.
        mark.unended = records
            .unended
            .filter(|_| mark.place().offset >= mark.look.bytes())
            .map(|at| (at.offset, at.line));
        if let Some(why) = &records.decided {
            let name = records.encoding.unwrap_or(UTF_8).name();
            self.say(&format!("encoding {name}: {why}"));
        }
        result
    }

    /// Reads the header, if the file has one. `None`: nothing can be read of the file as it is.
    fn columns(
        &self,
        records: &mut Records<&File>,
        mark: &mut Mark,
        out: &mut Batch,
    ) -> Result<Option<Columns>, Failure> {
        let (named, key) = (&self.settings.columns, &self.settings.key);
        let start = records.place();
        let mut last = false;
        let outcome = loop {
            if !self.settings.header {
                break Columns::new(None, named, key);
            }
            match records.next(last)? {
                Item::Record { .. } => break Columns::new(Some(&records.cells()), named, key),
                Item::Blank => {}
                // Taken before, or the only line of a file that stands still.
                Item::Unfinished { .. } if mark.place().offset > start.offset => last = true,
                Item::Unfinished { .. } if self.stands_still(mark)? => last = true,
                Item::Refused { reason, .. } => break Err(reason),
                Item::Unfinished { .. } | Item::End => {
                    mark.held = true;
                    return Ok(None);
                }
            }
        };
        match outcome {
            Ok(columns) => Ok(Some(columns)),
            Err(reason) => {
                mark.unusable = true;
                self.host.log(LogLevel::Error, &format!("{}: header: {reason}", self.path.display()));
                if let Item::Refused { at, raw, .. } = records.refuse_line(start, &reason)? {
                    out.refuse(&self.at(at), &format!("header: {reason}"), &raw)?;
                }
                Ok(None)
            }
        }
    }

    fn rows(
        &self,
        records: &mut Records<&File>,
        columns: &Columns,
        mark: &mut Mark,
        out: &mut Batch,
    ) -> Result<(), Failure> {
        let (mut last, mut waits, mut read, mut key) = (false, 0, 0u64, String::new());
        loop {
            mark.set_place(records.place());
            if out.is_full() {
                return Ok(());
            }
            read += 1;
            if read.is_multiple_of(RECORDS_BETWEEN_LOOKS) && self.host.is_cancelled() {
                return Ok(());
            }
            match records.next(last)? {
                Item::Record { at, more_lines } => {
                    self.row(records, columns, &mut key, at, more_lines, out)?;
                }
                Item::Blank => {}
                Item::Refused { at, reason, raw } => out.refuse(&self.at(at), &reason, &raw)?,
                Item::Unfinished { .. } if self.stands_still(mark)? => last = true,
                Item::Unfinished { at } if waits < WAITS_MAX && !self.host.is_cancelled() => {
                    // It grew meanwhile: what was seen of its end is old.
                    waits += 1;
                    records.go_to(at)?;
                }
                Item::Unfinished { .. } => {
                    mark.held = true;
                    return Ok(());
                }
                Item::End => {
                    mark.held = false;
                    return Ok(());
                }
            }
        }
    }

    fn row(
        &self,
        records: &mut Records<&File>,
        columns: &Columns,
        key: &mut String,
        at: Place,
        more_lines: bool,
        out: &mut Batch,
    ) -> Result<(), Failure> {
        let cells = records.cells();
        let refused = match columns.check(&cells) {
            Ok(false) => return Ok(()),
            Ok(true) => match columns.key(&cells, key) {
                Ok(()) => return Ok(out.upsert(key, &Row { columns, cells: &cells })?),
                Err(reason) => records.refuse_record(at, &reason)?,
            },
            // A stray quote has swallowed lines that are rows of their own: only its line is bad.
            Err(reason) if more_lines => {
                let reason = format!("{reason}, after a quote that opens here and closes lines later");
                records.refuse_line(at, &reason)?
            }
            Err(reason) => records.refuse_record(at, &reason)?,
        };
        if let Item::Refused { at, reason, raw } = refused {
            out.refuse(&self.at(at), &reason, &raw)?;
        }
        Ok(())
    }

    /// Whether the file is as it was at an earlier look, or some time ago; waits for that a little.
    fn stands_still(&self, mark: &mut Mark) -> io::Result<bool> {
        let begun = Instant::now();
        loop {
            let look = Look::at(&fs::metadata(self.path)?);
            if look != mark.look {
                mark.look = look;
                return Ok(false);
            }
            if mark.held || self.is_old(look) || begun.elapsed() >= self.still {
                return Ok(true);
            }
            if self.host.is_cancelled() {
                return Ok(false);
            }
            std::thread::sleep(self.still.min(Duration::from_millis(50)));
        }
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "a file's age can only be told by the clock it was stamped with"
    )]
    fn is_old(&self, look: Look) -> bool {
        SystemTime::now().duration_since(look.changed_at()).is_ok_and(|age| age > 10 * self.still)
    }

    fn at(&self, place: Place) -> String {
        format!("{}:{}", self.path.display(), place.line)
    }

    fn say(&self, what: &str) {
        self.host.log(LogLevel::Info, &format!("{}: {what}", self.path.display()));
    }
}
