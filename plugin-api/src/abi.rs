//! `include/rejoin_plugin.h` in Rust: the same types in the same order, and the few operations on them that both
//! sides need. The header is the contract; where the two differ, this file is wrong, and `tests/layout.rs` says so.
//!
//! Refuses to know anything else: no traits, no JSON, no policy.
#![allow(unsafe_code, reason = "raw pointers and lengths are what a C contract is made of")]

use std::ffi::c_void;

/// In the entry symbol's name; a change of major is another symbol.
pub const ABI_MAJOR: u16 = 1;
/// Rises when members are appended. A plugin states the lowest minor it needs.
pub const ABI_MINOR: u16 = 0;
/// The only symbol a plugin library must export.
pub const ENTRY: &str = "rejoin_plugin_entry_v1";

/// Longest buffer that may cross, in either direction.
pub const BUFFER_BYTES_MAX: usize = 256 << 20;
/// Longest cursor.
pub const CURSOR_BYTES_MAX: usize = 1 << 20;

/// 0 is fine, above 0 fine with a meaning, below 0 a class of error.
pub type Status = i32;
pub const OK: Status = 0;
pub const CAUGHT_UP: Status = 1;
pub const MORE: Status = 2;
pub const E_CONFIG: Status = -1;
pub const E_AUTH: Status = -2;
pub const E_RATE_LIMITED: Status = -3;
pub const E_TRANSIENT: Status = -4;
pub const E_PERMANENT: Status = -5;
pub const E_CURSOR_INVALID: Status = -6;
pub const E_CANCELLED: Status = -8;
pub const E_UNSUPPORTED: Status = -9;
pub const E_PANIC: Status = -11;

pub const ENC_JSONL: u32 = 1;

pub const READ_KEYS_ONLY: u32 = 1;

pub const ACCEPTED: u32 = 1;
pub const REJECTED: u32 = 2;
pub const DEFERRED: u32 = 3;
pub const UNKNOWN: u32 = 4;
pub const OUTCOME_BAD_ADDRESS: u32 = 1;

/// Borrowed UTF-8 without a terminating NUL, valid until the call returns. `ptr` NULL means absent.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Str {
    pub ptr: *const u8,
    pub len: usize,
}

/// Bytes owned by whoever holds them, given back by calling `release` once, on any thread.
#[repr(C)]
#[derive(Debug)]
pub struct Buf {
    pub ptr: *const u8,
    pub len: usize,
    /// Private to the producer.
    pub owner: *mut c_void,
    pub release: Option<unsafe extern "C" fn(*mut Buf)>,
}

/// Filled by the callee when it answers with a negative status.
#[repr(C)]
#[derive(Debug)]
pub struct RawError {
    pub struct_size: u32,
    pub retry_after_ms: u32,
    pub message: Buf,
    pub detail_json: Buf,
}

#[repr(C)]
#[derive(Debug)]
pub struct RawBatch {
    pub struct_size: u32,
    pub encoding: u32,
    pub records: u64,
    pub data: Buf,
    pub cursor: Buf,
}

#[repr(C)]
#[derive(Debug)]
pub struct RawRead {
    pub struct_size: u32,
    pub max_records: u32,
    pub max_bytes: u64,
    pub deadline_ms: u64,
    pub accept_encodings: u32,
    pub flags: u32,
    pub stream: Str,
    pub cursor: Str,
}

#[repr(C)]
#[derive(Debug)]
pub struct RawRequest {
    pub struct_size: u32,
    pub reserved: u32,
    pub deadline_ms: u64,
    pub head_json: Str,
    pub body: Str,
}

/// Passed in arrays, so frozen for the major.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct RawOutcome {
    pub index: u32,
    pub outcome: u32,
    pub remote_id: Str,
    pub reason: Str,
    pub retry_after_ms: u32,
    pub flags: u32,
}

/// What a plugin may call. Lives at least until `close` has returned.
#[repr(C)]
#[derive(Debug)]
pub struct HostTable {
    pub struct_size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub ctx: *mut c_void,
    pub get_extension: Option<unsafe extern "C" fn(*mut c_void, Str) -> *const c_void>,
    pub log: Option<unsafe extern "C" fn(*mut c_void, u32, Str, Str)>,
    pub is_cancelled: Option<unsafe extern "C" fn(*mut c_void) -> i32>,
    pub outcome: Option<unsafe extern "C" fn(*mut c_void, *const RawOutcome, usize)>,
}

/// The plugin's own state, opaque to the host.
#[repr(C)]
#[derive(Debug)]
pub struct RawInstance {
    _opaque: [u8; 0],
}

type OpenFn = unsafe extern "C" fn(*const HostTable, Str, *mut *mut RawInstance, *mut RawError) -> Status;
type ReadFn = unsafe extern "C" fn(*mut RawInstance, *const RawRead, *mut RawBatch, *mut RawError) -> Status;
type HandleFn =
    unsafe extern "C" fn(*mut RawInstance, *const RawRequest, *mut RawBatch, *mut RawError) -> Status;
type WriteFn = unsafe extern "C" fn(*mut RawInstance, Str, *const RawBatch, *mut RawError) -> Status;

/// What the host may call. Static, append only; an absent member is a capability the plugin does not have.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct PluginTable {
    pub struct_size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub manifest_json: Str,
    pub get_extension: Option<unsafe extern "C" fn(Str) -> *const c_void>,
    pub validate: Option<unsafe extern "C" fn(Str, *mut Buf, *mut RawError) -> Status>,
    pub open: Option<OpenFn>,
    pub close: Option<unsafe extern "C" fn(*mut RawInstance)>,
    pub check: Option<unsafe extern "C" fn(*mut RawInstance, *mut Buf, *mut RawError) -> Status>,
    pub discover: Option<unsafe extern "C" fn(*mut RawInstance, *mut Buf, *mut RawError) -> Status>,
    pub read: Option<ReadFn>,
    pub committed: Option<unsafe extern "C" fn(*mut RawInstance, Str, Str, *mut RawError) -> Status>,
    pub handle: Option<HandleFn>,
    pub send: Option<unsafe extern "C" fn(*mut RawInstance, *const RawBatch, *mut RawError) -> Status>,
    pub write: Option<WriteFn>,
    pub cancel: Option<unsafe extern "C" fn(*mut RawInstance)>,
}

// SAFETY: the table is immutable, and its pointers lead to static data and functions.
unsafe impl Sync for PluginTable {}

/// The type of [`ENTRY`].
pub type EntryFn = unsafe extern "C" fn(*const HostTable, *mut *const PluginTable) -> Status;

impl Str {
    pub const ABSENT: Self = Self { ptr: std::ptr::null(), len: 0 };

    pub const fn new(text: &str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    /// For the one value that need not be UTF-8: the body of a request.
    pub const fn of_bytes(bytes: &[u8]) -> Self {
        Self { ptr: bytes.as_ptr(), len: bytes.len() }
    }

    pub fn optional(text: Option<&str>) -> Self {
        text.map_or(Self::ABSENT, Self::new)
    }

    /// The bytes; `None` when absent, and also for a length without a pointer or past [`BUFFER_BYTES_MAX`].
    ///
    /// # Safety
    /// A pointer that is not NULL leads to `len` readable bytes that live and rest for `'a`.
    pub unsafe fn bytes<'a>(self) -> Option<&'a [u8]> {
        if self.ptr.is_null() || self.len > BUFFER_BYTES_MAX {
            return None;
        }
        // SAFETY: the caller's promise, and the length is far below `isize::MAX`.
        Some(unsafe { std::slice::from_raw_parts(self.ptr, self.len) })
    }
}

impl Buf {
    pub const EMPTY: Self =
        Self { ptr: std::ptr::null(), len: 0, owner: std::ptr::null_mut(), release: None };

    /// A buffer that frees `bytes` with the allocator of this library, whoever releases it.
    pub fn from_vec(bytes: Vec<u8>) -> Self {
        let owner = Box::new(bytes);
        let (ptr, len) = (owner.as_ptr(), owner.len());
        Self { ptr, len, owner: Box::into_raw(owner).cast(), release: Some(release_vec) }
    }

    /// A view of bytes somebody else keeps: `release` is NULL, so the callee has nothing to give back.
    pub fn borrowed(bytes: &[u8]) -> Self {
        Self { ptr: bytes.as_ptr(), len: bytes.len(), ..Self::EMPTY }
    }
}

/// # Safety
/// `buf` is NULL or leads to a buffer made by [`Buf::from_vec`] and not yet released.
unsafe extern "C" fn release_vec(buf: *mut Buf) {
    // SAFETY: the caller's promise.
    let Some(buf) = (unsafe { buf.as_mut() }) else { return };
    if buf.release.take().is_some() && !buf.owner.is_null() {
        // SAFETY: `owner` came out of `Box::into_raw` of a `Box<Vec<u8>>`, and `release` was there for one use.
        drop(unsafe { Box::from_raw(buf.owner.cast::<Vec<u8>>()) });
    }
    *buf = Buf::EMPTY;
}

impl RawError {
    pub const EMPTY: Self = Self {
        struct_size: size_of::<Self>() as u32,
        retry_after_ms: 0,
        message: Buf::EMPTY,
        detail_json: Buf::EMPTY,
    };
}

impl RawBatch {
    pub const EMPTY: Self = Self {
        struct_size: size_of::<Self>() as u32,
        encoding: ENC_JSONL,
        records: 0,
        data: Buf::EMPTY,
        cursor: Buf::EMPTY,
    };
}
