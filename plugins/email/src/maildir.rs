//! Delivering into a Maildir folder instead of a mail server: for demos and trials, where nothing may leave the
//! machine and yet every message can be opened and read.
//!
//! The file name comes from the Message-ID, so sending a message again replaces it: this transport alone can promise
//! that nothing is doubled.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use rejoin_plugin_api::{Error, Host, Message, Outcome, Outcomes};

use crate::{
    compose::{Letter, Letterhead, stored_form},
    stop::STOPPED,
};

/// Messages whose new names are made durable by one fsync of the folder.
const GROUP: usize = 32;

pub(crate) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn check(&self) -> Result<String, Error> {
        self.prepare()?;
        Ok(format!("mail is written into the Maildir folder {}; nothing is sent", self.root.display()))
    }

    pub(crate) fn send(
        &self,
        letterhead: &Letterhead,
        messages: &[Message],
        outcomes: &mut Outcomes<'_>,
        host: &Host,
    ) -> Result<(), Error> {
        self.prepare()?;
        for (group, some) in messages.chunks(GROUP).enumerate() {
            let first = group * GROUP;
            if host.is_cancelled() {
                for index in first..messages.len() {
                    outcomes.report(index, &deferred(STOPPED.to_owned()));
                }
                return Ok(());
            }
            self.send_group(letterhead, some, first, outcomes);
        }
        Ok(())
    }

    fn send_group(
        &self,
        letterhead: &Letterhead,
        some: &[Message],
        first: usize,
        outcomes: &mut Outcomes<'_>,
    ) {
        let written: Vec<Outcome> = some.iter().map(|m| self.write_one(letterhead, m)).collect();
        // A rename is durable only when its folder is; until then nothing may be called accepted.
        let durable = File::open(self.root.join("new")).and_then(|folder| folder.sync_all());
        for (offset, outcome) in written.into_iter().enumerate() {
            let outcome = match (&durable, outcome) {
                (Err(e), Outcome::Accepted { .. }) => {
                    Outcome::Unknown { reason: format!("{}: {e}", self.root.display()) }
                }
                (_, outcome) => outcome,
            };
            outcomes.report(first + offset, &outcome);
        }
    }

    fn write_one(&self, letterhead: &Letterhead, message: &Message) -> Outcome {
        let letter = match letterhead.compose(message) {
            Ok(letter) => letter,
            Err(refusal) => return refusal,
        };
        let name = file_name(&letter.id);
        match self.write_file(&name, &letter) {
            Ok(()) => Outcome::Accepted { provider_id: Some(name) },
            Err(e) => deferred(format!("cannot write into {}: {e}", self.root.display())),
        }
    }

    fn write_file(&self, name: &str, letter: &Letter) -> io::Result<()> {
        let unfinished = self.root.join("tmp").join(name);
        let mut file = File::create(&unfinished)?;
        // What a delivery agent notes: the envelope, which is not in the message itself.
        write!(file, "Return-Path: <{}>\r\nDelivered-To: {}\r\n", letter.from, letter.to)?;
        file.write_all(&stored_form(&letter.bytes))?;
        file.sync_all()?;
        fs::rename(unfinished, self.root.join("new").join(name))
    }

    fn prepare(&self) -> Result<(), Error> {
        for part in ["tmp", "new", "cur"] {
            let folder = self.root.join(part);
            fs::create_dir_all(&folder).map_err(|e| unusable(&folder, &e))?;
        }
        Ok(())
    }
}

fn unusable(folder: &Path, e: &io::Error) -> Error {
    Error::config(format!("the Maildir folder {} cannot be made: {e}", folder.display()))
}

fn deferred(reason: String) -> Outcome {
    Outcome::Deferred { reason, after_ms: None }
}

/// Message-IDs are made of harmless characters, but `@` and `:` mean something in Maildir names elsewhere.
fn file_name(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.+".contains(c) { c } else { '_' }).collect()
}
