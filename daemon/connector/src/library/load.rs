//! From a path to a plugin's function table, or one sentence why not.
#![allow(unsafe_code, reason = "loading a library and calling into it cannot be checked by the compiler")]

use std::mem::{MaybeUninit, offset_of};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::ptr::null;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use rejoin_plugin_api::abi::{self, EntryFn, PluginTable};

use super::calls::Plugin;
use super::host::HostState;
use super::inspect::inspect;

/// Later majors looked for, to be able to say so.
const MAJORS_LOOKED_FOR: std::ops::RangeInclusive<u16> = 2..=9;
/// A 1.0 table ends no earlier: everything up to `close` must be there.
const TABLE_BYTES_MIN: usize = offset_of!(PluginTable, check);

/// On refusal the socket comes back with the reason, to be told to the daemon.
pub(crate) fn load(path: &Path, socket: UnixStream) -> Result<Plugin, (UnixStream, String)> {
    match find_entry(path) {
        Ok(entry) => {
            let state = HostState::leak(socket);
            enter(entry, state).map_err(|reason| (state.take_socket(), reason))
        }
        Err(reason) => Err((socket, reason)),
    }
}

fn find_entry(path: &Path) -> Result<EntryFn, String> {
    inspect(path)?;
    one_arena();
    // SAFETY: constructors of the library run here. That is what this process is for: it is confined, holds nothing,
    // and its loss costs one connector.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) };
    let library = library.map_err(|e| format!("{} cannot be loaded: {}", path.display(), reason_of(&e)))?;
    // SAFETY: the name carries the contract's major, which fixes the type.
    let entry = unsafe { library.get::<EntryFn>(abi::ENTRY) }.map(|symbol| *symbol);
    let entry = entry.map_err(|_| match other_major(&library) {
        Some(major) => format!(
            "it speaks plugin ABI {major}, this Rejoin speaks {}; use a version of the plugin for ABI {}",
            abi::ABI_MAJOR,
            abi::ABI_MAJOR
        ),
        None => format!("it does not export {}, so it is not a Rejoin plugin", abi::ENTRY),
    });
    // Never unloaded, whatever comes.
    std::mem::forget(library);
    entry
}

fn enter(entry: EntryFn, state: &'static HostState) -> Result<Plugin, String> {
    let mut table = null();
    // SAFETY: the host table and the place for the answer outlive the call; the rest is the plugin's duty.
    let status = unsafe { entry(state.table(), &mut table) };
    if status < 0 {
        return Err(format!("its entry function would not start with this Rejoin (status {status})"));
    }
    if table.is_null() || !table.is_aligned() {
        return Err("its entry function gave no function table".to_owned());
    }
    // SAFETY: not NULL and aligned; that it leads to a table is the plugin's duty.
    let table = unsafe { copy(table) }?;
    if table.abi_major != abi::ABI_MAJOR || table.abi_minor > abi::ABI_MINOR {
        return Err(format!(
            "it needs plugin ABI {}.{}, this Rejoin offers {}.{}; upgrade Rejoin or use another version of the plugin",
            table.abi_major,
            table.abi_minor,
            abi::ABI_MAJOR,
            abi::ABI_MINOR
        ));
    }
    // SAFETY: static data of the library, which is never unloaded.
    let manifest = unsafe { table.manifest_json.bytes::<'static>() };
    let manifest = manifest.and_then(|bytes| std::str::from_utf8(bytes).ok());
    let manifest = manifest.ok_or("its manifest is missing or not UTF-8")?;
    if table.open.is_none() || table.close.is_none() {
        return Err("it has no open or no close function".to_owned());
    }
    Ok(Plugin::new(table, manifest, state))
}

/// A table of our size: members the plugin's is too short for are absent, members we do not know are left out.
///
/// # Safety
/// `table` leads to a table of the length it says.
unsafe fn copy(table: *const PluginTable) -> Result<PluginTable, String> {
    // SAFETY: the caller's promise; the length stands first in every version.
    let length = unsafe { (&raw const (*table).struct_size).read() } as usize;
    if length < TABLE_BYTES_MIN {
        return Err(format!(
            "its function table is only {length} bytes long, at least {TABLE_BYTES_MIN} are needed"
        ));
    }
    let mut ours = MaybeUninit::<PluginTable>::zeroed();
    // SAFETY: both sides are at least as long as what is copied, and all-zero bytes are a valid table: integers, a
    // pointer and absent functions.
    unsafe {
        let bytes = length.min(size_of::<PluginTable>());
        std::ptr::copy_nonoverlapping(table.cast::<u8>(), ours.as_mut_ptr().cast::<u8>(), bytes);
        Ok(ours.assume_init())
    }
}

fn other_major(library: &Library) -> Option<u16> {
    MAJORS_LOOKED_FOR.into_iter().find(|major| {
        // SAFETY: only looked up, never called.
        unsafe { library.get::<EntryFn>(format!("rejoin_plugin_entry_v{major}")) }.is_ok()
    })
}

/// Without the symbol of our own loader in it.
fn reason_of(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// glibc reserves 64 MiB of address space for every thread's arena, which the memory limit would count.
fn one_arena() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const ONE: i32 = 1;
        // SAFETY: a setting; nothing else of the allocator is touched.
        let set = unsafe { libc::mallopt(libc::M_ARENA_MAX, ONE) };
        if set != ONE {
            eprintln!("connector-host: malloc arenas could not be limited");
        }
    }
}
