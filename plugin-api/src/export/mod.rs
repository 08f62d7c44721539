//! What [`export_plugin!`](crate::export_plugin) expands to: one thunk for each function of the contract, turning C
//! values into the safe traits' and back. Nothing here is for plugin authors to call.
//!
//! No panic passes a thunk: it is caught, its text kept by a hook, and answered as `RJ_E_PANIC`; from then on the
//! instance answers nothing else, because what the panic left half-done is unknown.
#![allow(
    unsafe_code,
    reason = "the C side of the contract; every pointer comes from the host, which keeps it"
)]

mod host;
mod instance;
mod thunks;

use crate::abi::{self, HostTable, PluginTable, Status, Str};
use crate::panics;
use crate::{Channel, Plugin, Source, Webhook};

/// Exports a plugin: its type and its capabilities.
///
/// ```ignore
/// rejoin_plugin_api::export_plugin!(Email: source, channel);
/// ```
#[macro_export]
macro_rules! export_plugin {
    (@source $plugin:ty, $table:ident) => { $crate::export::source::<$plugin>($table) };
    (@webhook $plugin:ty, $table:ident) => { $crate::export::webhook::<$plugin>($table) };
    (@channel $plugin:ty, $table:ident) => { $crate::export::channel::<$plugin>($table) };
    ($plugin:ty : $($capability:ident),+ $(,)?) => {
        #[allow(unsafe_code, reason = "a C library exports its entry by name; the body is the SDK's")]
        const _: () = {
            static TABLE: $crate::abi::PluginTable = {
                let table = $crate::export::plugin::<$plugin>();
                $(let table = $crate::export_plugin!(@$capability $plugin, table);)+
                table
            };

            /// # Safety
            /// Called by a Rejoin host, as `rejoin_plugin.h` says.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn rejoin_plugin_entry_v1(
                host: *const $crate::abi::HostTable,
                out: *mut *const $crate::abi::PluginTable,
            ) -> $crate::abi::Status {
                // SAFETY: the host's promise, passed on.
                unsafe { $crate::export::entry(host, out, &TABLE) }
            }
        };
    };
}

/// The table without capabilities.
pub const fn plugin<P: Plugin>() -> PluginTable {
    PluginTable {
        struct_size: size_of::<PluginTable>() as u32,
        abi_major: abi::ABI_MAJOR,
        abi_minor: abi::ABI_MINOR,
        manifest_json: Str::new(P::MANIFEST),
        get_extension: None,
        validate: Some(thunks::validate::<P>),
        open: Some(thunks::open::<P>),
        close: Some(thunks::close::<P>),
        check: Some(thunks::check::<P>),
        discover: None,
        read: None,
        committed: None,
        handle: None,
        send: None,
        write: None,
        cancel: None,
    }
}

pub const fn source<P: Source>(mut table: PluginTable) -> PluginTable {
    table.read = Some(thunks::read::<P>);
    table.committed = Some(thunks::committed::<P>);
    table
}

pub const fn webhook<P: Webhook>(mut table: PluginTable) -> PluginTable {
    table.handle = Some(thunks::handle::<P>);
    table
}

pub const fn channel<P: Channel>(mut table: PluginTable) -> PluginTable {
    table.send = Some(thunks::send::<P>);
    table
}

/// # Safety
/// `host` and `out` are as `rejoin_plugin.h` promises for the entry function.
pub unsafe fn entry(
    host: *const HostTable,
    out: *mut *const PluginTable,
    table: &'static PluginTable,
) -> Status {
    // SAFETY: the caller's promise; NULL is answered, not read.
    let (Some(host), Some(out)) = (unsafe { host.as_ref() }, unsafe { out.as_mut() }) else {
        return abi::E_UNSUPPORTED;
    };
    // The host compares the minor: it knows both products' names and can say what to upgrade.
    if host.abi_major != abi::ABI_MAJOR {
        return abi::E_UNSUPPORTED;
    }
    panics::keep_texts();
    *out = table;
    abi::OK
}
