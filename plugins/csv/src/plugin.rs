//! The connector: goes through the configured files in order and reads each one on.

use std::collections::HashSet;
use std::fs::File;
use std::time::Duration;

use rejoin_plugin_api::{Batch, Diagnostic, Error, ErrorClass, Host, Plugin, Progress, ReadRequest, Source};

use crate::cursor::{Cursor, FILES_MAX, Look};
use crate::files::{self, Listing, Trouble};
use crate::pass::{Failure, Pass};
use crate::settings::{self, Config, Settings};

const STREAM: &str = "rows";
const STILL: Duration = Duration::from_secs(1);

pub struct Csv {
    settings: Settings,
    host: Host,
    pub(crate) still: Duration,
}

impl Plugin for Csv {
    const MANIFEST: &'static str = include_str!("../manifest.json");
    type Config = Config;

    fn validate(config: &Config) -> Vec<Diagnostic> {
        settings::findings(config)
    }

    fn open(config: Config, host: Host) -> Result<Self, Error> {
        Ok(Self { settings: Settings::new(&config)?, host, still: STILL })
    }

    fn check(&mut self) -> Result<String, Error> {
        let mut listing = self.list()?;
        let mut bytes = 0;
        for path in &listing.files {
            match File::open(path).and_then(|file| file.metadata()) {
                Ok(found) => bytes += found.len(),
                Err(e) => listing.troubles.push(Trouble { path: path.clone(), message: e.to_string() }),
            }
        }
        if !listing.troubles.is_empty() {
            return Err(unreadable(&listing.troubles));
        }
        Ok(match listing.files.as_slice() {
            [] => "no file is there yet".to_string(),
            [one] => format!("1 file, {} with {bytes} bytes", one.display()),
            many => format!("{} files with {bytes} bytes, the first {}", many.len(), many[0].display()),
        })
    }
}

impl Source for Csv {
    fn read(&mut self, request: &ReadRequest, out: &mut Batch) -> Result<Progress, Error> {
        if request.stream != STREAM {
            let message = format!("there is no stream {:?}; the only one is \"rows\"", request.stream);
            return Err(Error::new(ErrorClass::Unsupported, message));
        }
        if request.keys_only {
            let message = "files do not say which rows were deleted, so there is no sweep";
            return Err(Error::new(ErrorClass::Unsupported, message));
        }
        let mut cursor = Cursor::parse(request.cursor.as_deref(), &self.settings.reading())?;
        let mut listing = self.list()?;
        let listed: HashSet<String> =
            listing.files.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        let complete = self.read_all(&mut listing, &listed, &mut cursor, out)?;
        // Where something is amiss, files may only seem gone.
        if complete && listing.troubles.is_empty() {
            cursor.keep(|path| listed.contains(path));
        }
        if out.records() == 0 && !listing.troubles.is_empty() {
            return Err(unreadable(&listing.troubles));
        }
        out.set_cursor(cursor.to_text()?);
        // Rows first, so that they are committed; the next call has none and tells the trouble.
        let more = !complete || !listing.troubles.is_empty();
        Ok(if more { Progress::More } else { Progress::CaughtUp })
    }
}

impl Csv {
    /// Whether every file was gone through.
    fn read_all(
        &self,
        listing: &mut Listing,
        listed: &HashSet<String>,
        cursor: &mut Cursor,
        out: &mut Batch,
    ) -> Result<bool, Error> {
        for path in &listing.files {
            let pass = Pass { settings: &self.settings, host: &self.host, path, still: self.still };
            let result = File::open(path).map_err(Failure::Io).and_then(|file| {
                let look = Look::at(&file.metadata()?);
                let mark = cursor.find(path, &look, |old| listed.contains(old));
                pass.run(file, mark, out)
            });
            match result {
                Ok((mark, trouble)) => {
                    cursor.set(path, mark);
                    if let Some(e) = trouble {
                        listing.troubles.push(Trouble { path: path.clone(), message: e.to_string() });
                    }
                }
                Err(Failure::Api(e)) => return Err(e),
                Err(Failure::Io(e)) => {
                    listing.troubles.push(Trouble { path: path.clone(), message: e.to_string() });
                }
            }
            if out.is_full() || self.host.is_cancelled() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn list(&self) -> Result<Listing, Error> {
        let listing = files::list(&self.settings.paths);
        if listing.files.len() > FILES_MAX {
            let message = format!("{} files are more than {FILES_MAX}", listing.files.len());
            return Err(Error::config(message).with_hint("move files that were read to another folder"));
        }
        Ok(listing)
    }
}

fn unreadable(troubles: &[Trouble]) -> Error {
    let first = &troubles[0];
    let more = match troubles.len() - 1 {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    let message = format!("{} cannot be read: {}{more}", first.path.display(), first.message);
    Error::transient(message).with_hint("look whether it exists and may be read; the other files were read")
}
