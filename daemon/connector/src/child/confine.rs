//! What the child gives up before it loads foreign code. Landlock and seccomp join here when plugins declare
//! permissions.

use std::io;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};

pub(super) fn confine(memory_bytes_max: u64, files_max: u64) -> io::Result<()> {
    // If the daemon died before this line, the socket's end says so.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    lower(Resource::As, memory_bytes_max)?;
    lower(Resource::Nofile, files_max)?;
    // A core would hold customers and secrets.
    lower(Resource::Core, 0)?;
    rustix::thread::set_no_new_privs(true)?;
    Ok(())
}

/// Never raises: a stricter limit set from outside stays.
fn lower(resource: Resource, max: u64) -> io::Result<()> {
    let max = getrlimit(resource).maximum.map_or(max, |now| now.min(max));
    Ok(setrlimit(resource, Rlimit { current: Some(max), maximum: Some(max) })?)
}
