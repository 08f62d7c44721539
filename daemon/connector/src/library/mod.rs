//! A plugin library in this process: the only unsafe code of the daemon, and it runs only in the child.
//!
//! Trusts nothing it is given back: lengths, pointers, texts, numbers and indexes are checked before use, and what
//! does not hold is a fault with the plugin's name on it. A library is never unloaded: `dlclose` is not sound once it
//! has thread-local destructors or threads.

use rustix::process::{Signal, getpid, kill_process};

mod buffer;
mod calls;
mod host;
mod inspect;
mod load;

pub(crate) use buffer::Bytes;
pub(crate) use calls::{Answer, Plugin, Trouble};
pub(crate) use host::Canceller;
pub(crate) use load::load;

/// Ends this process without waiting for any destructor: a plugin in a call that never ends must not hold it.
pub(crate) fn die() -> ! {
    // Should even this fail, the abort below does it, with less dignity.
    kill_process(getpid(), Signal::KILL).unwrap_or_default();
    std::process::abort()
}
