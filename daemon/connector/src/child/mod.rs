//! The child: one process, one plugin. Confines itself, loads the library, then answers one call after another on the
//! main thread, blocking. A second thread listens, so that a cancel is heard during a call and the daemon's end too.
//!
//! Knows no tokio, no configuration file, no store: it must stay small, since every connector has one.

mod confine;

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::frame;
use crate::library::{self, Answer, Canceller, Plugin, Trouble};
use crate::protocol::{Done, FromChild, ToChild};

/// First argument of the executable that makes it a plugin host.
pub const HOST_COMMAND: &str = "connector-host";

const LISTENER_STACK_BYTES: usize = 128 << 10;
/// The daemon speaks out of turn at most once in a call.
const CALLS_QUEUED: usize = 2;

type Incoming = (ToChild, Vec<u8>);

/// What `rejoin connector-host …` runs, given the arguments after that word. Returns when the daemon says so.
pub fn child_main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let result = Args::parse(args).and_then(|args| serve(&args));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            // The daemon catches this output and puts it into its sentence.
            eprintln!("connector-host: {e}");
            ExitCode::FAILURE
        }
    }
}

struct Args {
    library: PathBuf,
    memory_bytes_max: u64,
    files_max: u64,
}

impl Args {
    fn parse(args: impl IntoIterator<Item = OsString>) -> io::Result<Self> {
        let (mut library, mut memory_bytes_max, mut files_max) = (None, u64::MAX, u64::MAX);
        let mut args = args.into_iter();
        while let (Some(name), Some(value)) = (args.next(), args.next()) {
            let number = || value.to_str().and_then(|v| v.parse().ok()).unwrap_or(u64::MAX);
            match name.to_str() {
                Some("--library") => library = Some(PathBuf::from(&value)),
                Some("--memory-bytes") => memory_bytes_max = number(),
                Some("--files") => files_max = number(),
                _ => {}
            }
        }
        let library = library.ok_or_else(|| io::Error::other("--library is missing"))?;
        Ok(Self { library, memory_bytes_max, files_max })
    }
}

fn serve(args: &Args) -> io::Result<()> {
    let socket = take_socket()?;
    confine::confine(args.memory_bytes_max, args.files_max)?;
    let listening = socket.try_clone()?;
    let mut plugin = match library::load(&args.library, socket) {
        Ok(plugin) => plugin,
        Err((mut socket, reason)) => return frame::write(&mut socket, &FromChild::Refused { reason }, &[]),
    };
    plugin.say(&FromChild::Hello { has: plugin.functions() }, plugin.manifest().as_bytes());
    let (calls_tx, calls) = sync_channel(CALLS_QUEUED);
    let canceller = plugin.canceller();
    std::thread::Builder::new()
        .name("listen".to_owned())
        .stack_size(LISTENER_STACK_BYTES)
        .spawn(move || listen(listening, &canceller, &calls_tx))?;
    answer_calls(&mut plugin, &calls);
    Ok(())
}

/// The socket arrives as standard input, where plugins must find nothing.
fn take_socket() -> io::Result<UnixStream> {
    let stdin = io::stdin();
    let socket = UnixStream::from(stdin.as_fd().try_clone_to_owned()?);
    socket.peer_addr().map_err(|_| io::Error::other("this is started by the daemon, not by hand"))?;
    rustix::stdio::dup2_stdin(std::fs::File::open("/dev/null")?)?;
    Ok(socket)
}

fn listen(mut socket: UnixStream, canceller: &Canceller, calls: &SyncSender<Incoming>) {
    loop {
        match frame::read::<ToChild>(&mut socket) {
            Ok(Some((ToChild::Cancel, _))) => canceller.cancel(),
            Ok(Some(call)) => {
                // The daemon sends a call only after the answer to the one before, so what was cancelled is over.
                canceller.reset();
                if calls.send(call).is_err() {
                    return;
                }
            }
            // The daemon is gone.
            Ok(None) | Err(_) => library::die(),
        }
    }
}

fn answer_calls(plugin: &mut Plugin, calls: &Receiver<Incoming>) {
    for (call, body) in calls {
        if matches!(call, ToChild::Close) {
            plugin.close();
            return;
        }
        match answer(plugin, call, &body) {
            Ok((done, bytes)) => plugin.say(&FromChild::Done(done), bytes.as_slice()),
            Err(Trouble::Fault(what)) => plugin.say(&FromChild::Fault { what }, &[]),
            Err(Trouble::Failed { status, message, hint, retry_after_ms }) => {
                plugin.say(&FromChild::Failed { status, message, hint, retry_after_ms }, &[]);
            }
        }
    }
}

fn answer(plugin: &mut Plugin, call: ToChild, body: &[u8]) -> Answer {
    match call {
        ToChild::Validate => plugin.validate(text(body)?),
        ToChild::Open => plugin.open(text(body)?),
        ToChild::Check => plugin.check(),
        ToChild::Read { request, deadline_ms } => plugin.read(&request, deadline_ms),
        ToChild::Committed { stream, cursor } => plugin.committed(&stream, &cursor),
        ToChild::Handle { head, deadline_ms } => plugin.handle(&head, body, deadline_ms),
        ToChild::Send { count } => plugin.send(count, body),
        ToChild::Cancel | ToChild::Close => Ok((Done::default(), library::Bytes::empty())),
    }
}

fn text(body: &[u8]) -> Result<&str, Trouble> {
    std::str::from_utf8(body).map_err(|_| Trouble::Fault("the daemon sent text that is not UTF-8".to_owned()))
}
