//! A plugin that misbehaves on request: what a bug, a crash or malice in a plugin looks like to the host. Loaded only
//! by tests. Breaches that the SDK makes impossible are in `../../c/zoo.c`.

mod crimes;

use std::io::Write;

use rejoin_plugin_api::{
    Batch, Channel, Diagnostic, Error, ErrorClass, Host, LogLevel, Message, Outcome, Outcomes, Plugin,
    Progress, ReadRequest, Source, Webhook, WebhookRequest,
};
use serde::Deserialize;

pub struct Zoo {
    config: Config,
    host: Host,
}

#[derive(Deserialize)]
#[serde(default)]
pub struct Config {
    mode: Mode,
    /// For modes that do something a number of times.
    count: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { mode: Mode::Good, count: 3 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Good,
    /// Waits until it is cancelled, then says so.
    Slow,
    Error,
    RefuseAll,
    Panic,
    PanicInOpen,
    Segfault,
    Abort,
    Exit0,
    Hang,
    Leak,
    /// Leaves a process of its own behind and dies.
    Orphan,
    /// Writes rubbish to standard output, much of it.
    Noise,
    /// Writes rubbish into the host's socket.
    Scribble,
    /// Reports outcomes for messages it was never given.
    LyingIndex,
    /// Reports only the first `count` messages.
    MissingOutcomes,
    /// Dies after the first `count` reports.
    CrashInSend,
    /// Hangs after the first `count` reports.
    HangInSend,
    CursorStuck,
    CursorBack,
    CursorLost,
    /// Batches of `count` bytes.
    Bulk,
}

impl Plugin for Zoo {
    const MANIFEST: &'static str = include_str!("../manifest.json");
    type Config = Config;

    fn validate(config: &Config) -> Vec<Diagnostic> {
        let wrong = config.count == 0;
        let message = "count must be at least 1".to_owned();
        wrong.then(|| Diagnostic { pointer: "/count".to_owned(), message, hint: None }).into_iter().collect()
    }

    fn open(config: Config, host: Host) -> Result<Self, Error> {
        host.log(LogLevel::Info, "the zoo is open");
        if config.mode == Mode::PanicInOpen {
            panic!("no animals today");
        }
        Ok(Self { config, host })
    }

    fn check(&mut self) -> Result<String, Error> {
        self.act()?;
        Ok(format!("process {}", std::process::id()))
    }
}

impl Source for Zoo {
    fn read(&mut self, request: &ReadRequest, out: &mut Batch) -> Result<Progress, Error> {
        self.act()?;
        let at = request.cursor.as_deref().unwrap_or("0").parse::<usize>().unwrap_or_default();
        match self.config.mode {
            Mode::Bulk => return self.bulk(request, out),
            Mode::Orphan => crimes::orphan(out)?,
            _ => {
                out.upsert(&at.to_string(), &serde_json::json!({ "n": at, "keys_only": request.keys_only }))?
            }
        }
        let next = match self.config.mode {
            Mode::CursorLost => return Ok(Progress::More),
            Mode::CursorStuck => at,
            Mode::CursorBack => (at + 1) % self.config.count,
            _ => at + 1,
        };
        out.set_cursor(next.to_string());
        let endless = matches!(self.config.mode, Mode::CursorStuck | Mode::CursorBack);
        Ok(if endless || next < self.config.count { Progress::More } else { Progress::CaughtUp })
    }

    fn committed(&mut self, stream: &str, cursor: &str) -> Result<(), Error> {
        self.host.log(LogLevel::Info, &format!("{stream} is durable up to {cursor}"));
        Ok(())
    }
}

impl Webhook for Zoo {
    fn handle(&mut self, request: &WebhookRequest, out: &mut Batch) -> Result<(), Error> {
        self.act()?;
        let length = request.body.len();
        out.upsert_in(
            "posts",
            &request.id,
            &serde_json::json!({ "method": request.method, "length": length }),
        )
    }
}

impl Channel for Zoo {
    fn send(&mut self, messages: &[Message], outcomes: &mut Outcomes) -> Result<(), Error> {
        self.act()?;
        let refused = Error::auth("the far side does not know us").with_hint("set the password");
        for (i, message) in messages.iter().enumerate() {
            match self.config.mode {
                Mode::RefuseAll if i == self.config.count => return Err(refused),
                Mode::MissingOutcomes if i == self.config.count => return Ok(()),
                Mode::CrashInSend if i == self.config.count => crimes::segfault(),
                Mode::HangInSend if i == self.config.count => crimes::hang(),
                Mode::LyingIndex => {
                    outcomes.report(messages.len() + i, &Outcome::Accepted { provider_id: None });
                }
                _ => outcomes.report(i, &Outcome::Accepted { provider_id: Some(message.to.clone()) }),
            }
        }
        Ok(())
    }
}

impl Zoo {
    /// What a mode does in every call.
    fn act(&mut self) -> Result<(), Error> {
        match self.config.mode {
            Mode::Slow => crimes::wait_for_cancel(&self.host),
            Mode::Error => {
                let error = Error::new(ErrorClass::RateLimited, "quota used up").with_hint("wait");
                Err(error.with_retry_after(1500))
            }
            Mode::Panic => panic!("the {} lion escaped", self.config.count),
            Mode::Segfault => crimes::segfault(),
            Mode::Abort => std::process::abort(),
            Mode::Exit0 => std::process::exit(0),
            Mode::Hang => crimes::hang(),
            Mode::Leak => crimes::leak(),
            Mode::Noise => crimes::noise(self.config.count).map_err(|e| Error::permanent(e.to_string())),
            Mode::Scribble => crimes::scribble().map_err(|e| Error::permanent(e.to_string())),
            _ => Ok(()),
        }
    }

    /// Batches as large as asked for, until `count` bytes have been given; the cursor counts them.
    fn bulk(&self, request: &ReadRequest, out: &mut Batch) -> Result<Progress, Error> {
        let given = request.cursor.as_deref().unwrap_or("0").parse::<usize>().unwrap_or_default();
        let fields = serde_json::json!({ "name": "x".repeat(480) });
        while !out.is_full() {
            out.upsert("1", &fields)?;
        }
        let given = given + request.max_bytes as usize;
        out.set_cursor(given.to_string());
        Ok(if given < self.config.count { Progress::More } else { Progress::CaughtUp })
    }
}

/// Used by `crimes::noise`; here so that the plugin's own standard library does the writing.
fn shout(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

rejoin_plugin_api::export_plugin!(Zoo: source, webhook, channel);
