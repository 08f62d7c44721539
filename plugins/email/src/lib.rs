//! The e-mail plugin: sends messages over SMTP or into a Maildir folder, and reads replies, bounces and complaints
//! over IMAP or from mailbox files.
//!
//! It refuses to decide anything about customers: what a mail means for consent or suppression is the mapping's and
//! the host's business. It keeps no state of its own but open connections.

mod compose;
mod config;
mod mail;
mod maildir;
mod net;
mod smtp;
mod source;
mod stop;

use rejoin_plugin_api::{
    Batch, Channel, Diagnostic, Error, ErrorClass, Host, Message, Outcomes, Plugin, Progress, ReadRequest,
    Source,
};
use tokio::runtime::Runtime;

pub use crate::config::Config;
use crate::{
    compose::Letterhead,
    config::Transport,
    maildir::Folder,
    smtp::Sender,
    source::{files::Files, imap::Inbox},
    stop::Stop,
};

pub struct Email {
    /// Private to this instance: futures never cross the plugin boundary.
    runtime: Runtime,
    host: Host,
    out: Option<Out>,
    inbox: Option<In>,
}

struct Out {
    letterhead: Letterhead,
    way: Way,
}

enum Way {
    Smtp(Box<Sender>),
    Maildir(Folder),
}

enum In {
    Imap(Box<Inbox>),
    Files(Files),
}

rejoin_plugin_api::export_plugin!(Email: source, channel);

impl Plugin for Email {
    const MANIFEST: &'static str = include_str!("../manifest.json");
    type Config = Config;

    fn validate(config: &Config) -> Vec<Diagnostic> {
        config::validate(config)
    }

    fn open(config: Config, host: Host) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::transient(format!("cannot start the network runtime: {e}")))?;
        Ok(Self { runtime, host, out: open_out(&config)?, inbox: open_in(&config) })
    }

    fn check(&mut self) -> Result<String, Error> {
        let mut said = Vec::new();
        match &self.out {
            Some(Out { way: Way::Smtp(sender), .. }) => {
                said.push(run(&self.runtime, &self.host, sender.check())?);
            }
            Some(Out { way: Way::Maildir(folder), .. }) => said.push(folder.check()?),
            None => {}
        }
        match &mut self.inbox {
            Some(In::Imap(inbox)) => said.push(run(&self.runtime, &self.host, inbox.check())?),
            Some(In::Files(files)) => said.push(files.check()?),
            None => {}
        }
        if said.is_empty() {
            return Err(Error::config("the connector neither sends nor reads")
                .with_hint("add `smtp`, `maildir`, `imap` or `mailbox` to its config"));
        }
        Ok(said.join("; "))
    }
}

impl Channel for Email {
    fn send(&mut self, messages: &[Message], outcomes: &mut Outcomes) -> Result<(), Error> {
        let Some(Out { letterhead, way }) = &mut self.out else {
            return Err(Error::config("this connector has no way to send")
                .with_hint("add `from`, `domain` and `smtp` or `maildir` to its config"));
        };
        if messages.is_empty() {
            return Ok(());
        }
        match way {
            Way::Smtp(sender) => {
                self.runtime.block_on(sender.send(letterhead, messages, outcomes, &self.host))
            }
            Way::Maildir(folder) => folder.send(letterhead, messages, outcomes, &self.host),
        }
    }
}

impl Source for Email {
    fn read(&mut self, request: &ReadRequest, out: &mut Batch) -> Result<Progress, Error> {
        if request.keys_only {
            let why = "mail that was deleted from the mailbox is not forgotten, so there is nothing to sweep";
            return Err(Error::new(ErrorClass::Unsupported, why));
        }
        match &mut self.inbox {
            Some(In::Imap(inbox)) => run(&self.runtime, &self.host, inbox.read(request, out)),
            Some(In::Files(files)) => files.read(request, out, &self.host),
            None => Err(Error::config("this connector has no mailbox to read")
                .with_hint("add `imap` or `mailbox` to its config, or set roles = [\"channel\"]")),
        }
    }

    fn committed(&mut self, _stream: &str, cursor: &str) -> Result<(), Error> {
        match &mut self.inbox {
            Some(In::Imap(inbox)) => run(&self.runtime, &self.host, inbox.committed(cursor)),
            Some(In::Files(_)) | None => Ok(()),
        }
    }
}

impl Drop for Email {
    fn drop(&mut self) {
        if let Some(Out { way: Way::Smtp(sender), .. }) = &mut self.out {
            self.runtime.block_on(sender.close());
        }
    }
}

/// Runs `work` to its end, or until the host wants to stop: then it is dropped where it stands, with its connection.
/// Not for sending, where what was begun must be seen through.
fn run<T>(runtime: &Runtime, host: &Host, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let stop = Stop::default();
    runtime.block_on(stop.watch(host, stop.unless(work)))
}

fn open_out(config: &Config) -> Result<Option<Out>, Error> {
    if !config.sends() {
        return Ok(None);
    }
    let letterhead = Letterhead::new(config)?;
    let missing = |what: &str| Error::config(format!("`transport` needs `{what}` in the connector's config"));
    let way = match config.transport {
        Transport::Smtp => {
            let smtp = config.smtp.as_ref().ok_or_else(|| missing("smtp"))?;
            Way::Smtp(Box::new(Sender::new(smtp, &letterhead.domain)))
        }
        Transport::Maildir => {
            let maildir = config.maildir.as_ref().ok_or_else(|| missing("maildir"))?;
            Way::Maildir(Folder::new(maildir.folder.clone()))
        }
    };
    Ok(Some(Out { letterhead, way }))
}

fn open_in(config: &Config) -> Option<In> {
    let domain = config.domain.clone().unwrap_or_default();
    match (&config.imap, &config.mailbox) {
        (Some(imap), _) => Some(In::Imap(Box::new(Inbox::new(imap, domain)))),
        (None, Some(files)) => Some(In::Files(Files::new(files, domain))),
        (None, None) => None,
    }
}
