//! The daemon's side of one running child: start, one call after another each with a deadline, end.

use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::{Pin, pin};
use std::time::Duration;

use rejoin_plugin_api::{Error as PluginError, ErrorClass, Outcome};
use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::error::{Error, Who};
use crate::exit;
use crate::frame;
use crate::manifest::Manifest;
use crate::noise::Noise;
use crate::process::{Ends, Process};
use crate::protocol::{Done, FromChild, Functions, ToChild};
use crate::spec::Limits;

/// How long a dead child's last output is waited for.
const LAST_WORDS: Duration = Duration::from_millis(500);

pub(crate) struct Session {
    who: Who,
    limits: Limits,
    process: Process,
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    noise: Noise,
    drained: JoinHandle<()>,
    pub(crate) has: Functions,
    pub(crate) manifest: Manifest,
}

/// Why a call gave no answer, and what is left of the child.
pub(crate) enum Failure {
    /// The plugin said no; the child is as good as before.
    Answered(Error),
    /// The child is gone, and the call never reached the plugin.
    NotReached(Error),
    /// The child is gone; what the call did is unknown.
    Lost(Error),
}

/// What a call needs to know beside its words.
pub(crate) struct Call<'a> {
    /// For sentences: `read of "rows"`.
    pub(crate) name: &'a str,
    pub(crate) head: ToChild,
    pub(crate) body: &'a [u8],
    pub(crate) deadline: Duration,
}

/// What a child said to a call, before it is known what that means.
enum Said {
    Done(Done, Vec<u8>),
    Failed(PluginError),
    Fault(String),
    Ended,
}

pub(crate) type OnOutcome<'a> = &'a mut (dyn FnMut(u32, Outcome) + Send);

impl Session {
    /// Starts a child and has it load the library; the plugin is not opened yet.
    pub(crate) async fn start(
        program: &Path,
        library: &Path,
        who: Who,
        limits: Limits,
    ) -> Result<Self, Error> {
        let not_started = |e: io::Error| Error::NotStarted {
            who: who.clone(),
            reason: format!("its process {} did not start: {e}", program.display()),
        };
        let args = child_args(library, &who, &limits);
        let (process, Ends { socket, output }) = Process::start(program, args).await.map_err(not_started)?;
        socket.set_nonblocking(true).map_err(not_started)?;
        let (reader, writer) = UnixStream::from_std(socket).map_err(not_started)?.into_split();
        let noise = Noise::new(who.clone());
        let drained = noise.drain(output).map_err(not_started)?;
        let reader = BufReader::with_capacity(64 << 10, reader);
        let empty = Manifest::empty();
        let has = Functions::default();
        let mut session = Self { who, limits, process, reader, writer, noise, drained, has, manifest: empty };
        session.greet().await.map(|()| session)
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.process.is_alive()
    }

    /// One call, from its words to its answer. `stop` turning true cancels it.
    pub(crate) async fn call(
        &mut self,
        call: Call<'_>,
        stop: &mut watch::Receiver<bool>,
        on_outcome: OnOutcome<'_>,
    ) -> Result<(Done, Vec<u8>), Failure> {
        let written = timeout(call.deadline, frame::send(&mut self.writer, &call.head, call.body)).await;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(e)) if e.kind() == io::ErrorKind::InvalidInput => {
                let error = PluginError::permanent(format!("{} is {e}", call.name));
                return Err(Failure::Answered(Error::Plugin { who: self.who.clone(), error }));
            }
            Ok(Err(_)) => return Err(Failure::NotReached(self.died(call.name).await)),
            Err(_) => return Err(Failure::NotReached(self.killed_late(&call).await)),
        }
        match self.converse(&call, stop, on_outcome).await {
            Some((said, cancelled)) => self.understand(said, &call, cancelled).await,
            None => Err(Failure::Lost(self.killed_late(&call).await)),
        }
    }

    /// Waits for the answer, and past the deadline asks to cancel; `true` when it did. `None` when even that did not
    /// help.
    async fn converse(
        &mut self,
        call: &Call<'_>,
        stop: &mut watch::Receiver<bool>,
        on_outcome: OnOutcome<'_>,
    ) -> Option<(Said, bool)> {
        let mut answer = pin!(listen(&mut self.reader, &self.noise, on_outcome));
        if let Some(said) = wait_for(answer.as_mut(), call.deadline, Some(stop)).await {
            return Some((said, false));
        }
        // A child that cannot take a cancel any more is dealt with by the grace period.
        drop(timeout(self.limits.grace, frame::send(&mut self.writer, &ToChild::Cancel, &[])).await);
        wait_for(answer, self.limits.grace, None).await.map(|said| (said, true))
    }

    /// Closes the plugin and ends the child; whatever does not help is followed by what does.
    pub(crate) async fn close(mut self) {
        let asked = timeout(self.limits.grace, frame::send(&mut self.writer, &ToChild::Close, &[])).await;
        if matches!(asked, Ok(Ok(()))) && self.process.exited_within(self.limits.grace).await.is_some() {
            return;
        }
        if self.process.end(self.limits.grace).await.is_none() {
            tracing::error!(who = %self.who, "the plugin's process could not be killed; is it stuck in the kernel?");
        }
    }

    async fn greet(&mut self) -> Result<(), Error> {
        let hello = timeout(self.limits.start_deadline, frame::receive::<FromChild>(&mut self.reader)).await;
        let refused = |reason| Error::Refused { who: self.who.clone(), reason };
        match hello {
            Ok(Ok(Some((FromChild::Hello { has }, manifest)))) => {
                self.has = has;
                self.manifest = Manifest::parse(&manifest, &self.who.plugin, has).map_err(refused)?;
                Ok(())
            }
            Ok(Ok(Some((FromChild::Refused { reason }, _)))) => Err(refused(reason)),
            Ok(_) => Err(self.died("loading").await),
            Err(_) => {
                self.process.end(self.limits.grace).await;
                let deadline = self.limits.start_deadline;
                Err(Error::Late { who: self.who.clone(), call: "loading".to_owned(), deadline, killed: true })
            }
        }
    }

    async fn understand(
        &mut self,
        said: Said,
        call: &Call<'_>,
        cancelled: bool,
    ) -> Result<(Done, Vec<u8>), Failure> {
        let (who, name) = (self.who.clone(), call.name.to_owned());
        match said {
            Said::Done(done, body) => Ok((done, body)),
            Said::Failed(error) if error.class == ErrorClass::Panic => {
                self.process.end(self.limits.grace).await;
                Err(Failure::Lost(Error::Panicked { who, call: name, text: error.message }))
            }
            Said::Failed(error) if error.class == ErrorClass::Cancelled && cancelled => {
                Err(Failure::Answered(Error::Late {
                    who,
                    call: name,
                    deadline: call.deadline,
                    killed: false,
                }))
            }
            Said::Failed(error) => Err(Failure::Answered(Error::Plugin { who, error })),
            Said::Fault(what) => {
                self.process.end(self.limits.grace).await;
                Err(Failure::Lost(Error::Fault { who, call: name, what }))
            }
            Said::Ended => Err(Failure::Lost(self.died(call.name).await)),
        }
    }

    async fn killed_late(&mut self, call: &Call<'_>) -> Error {
        self.process.end(self.limits.grace).await;
        Error::Late {
            who: self.who.clone(),
            call: call.name.to_owned(),
            deadline: call.deadline,
            killed: true,
        }
    }

    /// The child no longer speaks: how did it end?
    pub(crate) async fn died(&mut self, call: &str) -> Error {
        let how = match self.process.exited_within(self.limits.grace).await {
            Some(status) => exit::describe(status),
            None => {
                self.process.end(self.limits.grace).await;
                "closed its socket to the daemon".to_owned()
            }
        };
        // Processes the plugin left behind may keep the pipe open, hence the limit; late words are lost, no more.
        drop(timeout(LAST_WORDS, &mut self.drained).await);
        Error::Died { who: self.who.clone(), call: call.to_owned(), how, tail: self.noise.last_words() }
    }
}

/// Reads frames until the call is answered.
async fn listen(reader: &mut BufReader<OwnedReadHalf>, noise: &Noise, on_outcome: OnOutcome<'_>) -> Said {
    loop {
        match frame::receive::<FromChild>(reader).await {
            Ok(Some((FromChild::Outcome { index, outcome }, _))) => on_outcome(index, outcome),
            Ok(Some((FromChild::Log { level, message }, _))) => noise.log(level, &message),
            Ok(Some((FromChild::Done(done), body))) => return Said::Done(done, body),
            Ok(Some((FromChild::Failed { status, message, hint, retry_after_ms }, _))) => {
                let class = ErrorClass::of_status(status);
                return Said::Failed(PluginError { class, message, hint, retry_after_ms });
            }
            Ok(Some((FromChild::Fault { what }, _))) => return Said::Fault(what),
            Ok(Some((FromChild::Hello { .. } | FromChild::Refused { .. }, _))) => {
                return Said::Fault("it started its process anew".to_owned());
            }
            Err(e) if e.kind() == io::ErrorKind::InvalidData => {
                return Said::Fault(format!("it wrote into the host's socket ({e})"));
            }
            Ok(None) | Err(_) => return Said::Ended,
        }
    }
}

/// `None` when the time is over or the connector is being stopped.
async fn wait_for<T>(
    answer: Pin<&mut impl Future<Output = T>>,
    limit: Duration,
    stop: Option<&mut watch::Receiver<bool>>,
) -> Option<T> {
    let stopped = async {
        match stop {
            // The sender lives in the connector; if even that is gone, there is nobody to answer.
            Some(stop) => drop(stop.wait_for(|stop| *stop).await.map(|_| ())),
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        said = answer => Some(said),
        () = tokio::time::sleep(limit) => None,
        () = stopped => None,
    }
}

fn child_args(library: &Path, who: &Who, limits: &Limits) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec![crate::child::HOST_COMMAND.into()];
    args.extend(["--library".into(), library.into()]);
    args.extend(["--memory-bytes".into(), limits.memory_bytes_max.to_string().into()]);
    args.extend(["--files".into(), limits.files_max.to_string().into()]);
    // Read by nobody but people who look at the list of processes.
    args.extend(["--connector".into(), OsString::from(who.connector.as_deref().unwrap_or("-"))]);
    args
}
