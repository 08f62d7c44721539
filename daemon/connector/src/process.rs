//! One child process: started with nothing inherited but its socket and the pipe that catches its output, signalled as
//! a group, and always reaped.
//!
//! A thread per child starts it and waits for it. The child asks the kernel to be killed when the *thread* that
//! started it ends, so that thread must live as long as the child; it does, because it is waiting.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

/// The waiting thread calls almost nothing.
const STACK_BYTES: usize = 128 << 10;

pub(crate) struct Process {
    /// `None` once reaped: from then on its number may belong to somebody else.
    pid: Arc<Mutex<Option<Pid>>>,
    exit: watch::Receiver<Option<ExitStatus>>,
}

/// Our ends of what the child got.
pub(crate) struct Ends {
    pub(crate) socket: UnixStream,
    pub(crate) output: OwnedFd,
}

impl Process {
    /// Starts `program` with `args`. Its standard input is the socket, as the only descriptor a safe spawn hands over.
    pub(crate) async fn start(program: &Path, args: Vec<OsString>) -> io::Result<(Self, Ends)> {
        let (ours, theirs) = UnixStream::pair()?;
        let (output, their_output) = io::pipe()?;
        let mut command = Command::new(program);
        command.args(args).env_clear().process_group(0);
        command.stdin(OwnedFd::from(theirs)).stdout(their_output.try_clone()?).stderr(their_output);

        let pid = Arc::new(Mutex::new(None));
        let (started_tx, started) = oneshot::channel();
        let (exit_tx, exit) = watch::channel(None);
        let place = Arc::clone(&pid);
        std::thread::Builder::new()
            .name("plugin-wait".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || start_and_wait(command, &place, started_tx, &exit_tx))?;
        started.await.map_err(|_| io::Error::other("the thread that starts it ended"))??;
        Ok((Self { pid, exit }, Ends { socket: ours, output: output.into() }))
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.exit.borrow().is_none()
    }

    /// Waits for the end, at most this long.
    pub(crate) async fn exited_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        timeout(limit, self.exit.wait_for(Option::is_some)).await.ok()?.ok().and_then(|status| *status)
    }

    /// SIGTERM, and SIGKILL when that did not help within `grace`.
    pub(crate) async fn end(&mut self, grace: Duration) -> Option<ExitStatus> {
        self.signal(Signal::TERM);
        if let Some(status) = self.exited_within(grace).await {
            return Some(status);
        }
        self.signal(Signal::KILL);
        self.exited_within(grace).await
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.pid.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pid) = *pid {
            kill_group(pid, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

fn start_and_wait(
    mut command: Command,
    place: &Mutex<Option<Pid>>,
    started: oneshot::Sender<io::Result<()>>,
    exit: &watch::Sender<Option<ExitStatus>>,
) {
    let spawned = command.spawn();
    // The command holds the child's ends of socket and pipe; while it lives we would never see them close.
    drop(command);
    let child = match spawned {
        Ok(child) => child,
        Err(e) => {
            // Whoever asked may have stopped waiting; then nobody wants to know.
            drop(started.send(Err(e)));
            return;
        }
    };
    let pid = Pid::from_child(&child);
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(pid);
    if started.send(Ok(())).is_err() {
        kill_group(pid, Signal::KILL);
    }
    let status = wait(child, pid, place);
    exit.send_replace(Some(status));
}

fn wait(mut child: Child, pid: Pid, place: &Mutex<Option<Pid>>) -> ExitStatus {
    // Look without reaping: until it is reaped the number is still its own, so the group can be killed safely.
    while let Err(rustix::io::Errno::INTR) =
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
    {}
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    kill_group(pid, Signal::KILL);
    *place = None;
    child.wait().unwrap_or_default()
}

/// Also reaches processes the plugin may have started.
fn kill_group(pid: Pid, signal: Signal) {
    if let Err(error) = kill_process_group(pid, signal)
        && error != rustix::io::Errno::SRCH
    {
        tracing::warn!(%error, ?signal, "a plugin's process could not be signalled");
    }
}
