//! The misbehaviours themselves.
#![allow(unsafe_code, reason = "crashing on purpose")]

use std::io::Write;
use std::os::fd::FromRawFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use rejoin_plugin_api::{Batch, Error, ErrorClass, Host};

use crate::shout;

/// Never mapped, but not NULL: the standard library would turn NULL into a panic.
const NOWHERE: usize = 8;

pub(crate) fn segfault() -> ! {
    let nowhere = std::hint::black_box(NOWHERE) as *mut u8;
    // SAFETY: none; that is the point.
    unsafe { nowhere.write_volatile(1) };
    std::process::abort()
}

pub(crate) fn hang() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

pub(crate) fn wait_for_cancel(host: &Host) -> Result<(), Error> {
    while !host.is_cancelled() {
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(Error::new(ErrorClass::Cancelled, "stopped half-way"))
}

pub(crate) fn leak() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(std::hint::black_box(vec![1u8; 1 << 20]));
    }
}

pub(crate) fn noise(megabytes: usize) -> std::io::Result<()> {
    let line = "roar ".repeat(200);
    (0..megabytes * 1024).try_for_each(|_| shout(&line))
}

pub(crate) fn scribble() -> std::io::Result<()> {
    for fd in 3..64 {
        let is_socket = std::fs::read_link(format!("/proc/self/fd/{fd}"))
            .is_ok_and(|to| to.to_string_lossy().starts_with("socket:"));
        if is_socket {
            // SAFETY: the descriptor is open; that it is not ours is the point. Forgotten, so it stays open.
            let mut socket = std::mem::ManuallyDrop::new(unsafe { UnixStream::from_raw_fd(fd) });
            return socket.write_all(&[b'!'; 64]);
        }
    }
    Ok(())
}

/// The record tells the number of the process that is left behind.
pub(crate) fn orphan(out: &mut Batch) -> Result<(), Error> {
    let mut sleep = Command::new("/bin/sleep");
    sleep.arg("1000").stdin(Stdio::null());
    let child = sleep.spawn().map_err(|e| Error::permanent(e.to_string()))?;
    out.upsert("orphan", &serde_json::json!({ "pid": child.id() }))
}
