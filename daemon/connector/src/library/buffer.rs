//! Bytes a plugin gave: looked at before use, given back exactly once.
#![allow(unsafe_code, reason = "reads and releases the plugin's memory")]

use rejoin_plugin_api::abi::{BUFFER_BYTES_MAX, Buf};

/// Owns a buffer of the plugin's.
pub(crate) struct Bytes(Buf);

impl Bytes {
    pub(crate) const fn empty() -> Self {
        Self(Buf::EMPTY)
    }

    pub(super) fn new(buf: Buf) -> Self {
        Self(buf)
    }

    /// Checked to have a pointer where there is a length, and no impossible length. `Err` completes "broke the
    /// contract: …".
    pub(super) fn checked(&self, what: &str, bytes_max: usize) -> Result<&[u8], String> {
        let Buf { ptr, len, .. } = self.0;
        if len > bytes_max {
            return Err(format!("it returned {what} of {len} bytes; at most {bytes_max} may cross"));
        }
        if len > 0 && ptr.is_null() {
            return Err(format!("it returned {what} of {len} bytes without data"));
        }
        Ok(self.as_slice())
    }

    pub(super) fn text(&self, what: &str, bytes_max: usize) -> Result<&str, String> {
        let bytes = self.checked(what, bytes_max)?;
        std::str::from_utf8(bytes).map_err(|e| format!("it returned {what} that is not UTF-8 ({e})"))
    }

    /// The bytes; none when [`Bytes::checked`] would refuse them.
    pub(crate) fn as_slice(&self) -> &[u8] {
        let Buf { ptr, len, .. } = self.0;
        if ptr.is_null() || len > BUFFER_BYTES_MAX {
            return &[];
        }
        // SAFETY: the plugin's duty is that `ptr` leads to `len` bytes until released, and we release on drop. Were it
        // a lie, this process would die, and the daemon would say of whom.
        unsafe { std::slice::from_raw_parts(ptr, len) }
    }

    pub(super) fn is_absent(&self) -> bool {
        self.0.ptr.is_null() && self.0.len == 0
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if let Some(release) = self.0.release {
            // SAFETY: called once, with the buffer as it was given. The plugin sets `release` to NULL, but whether it
            // does no longer matters.
            unsafe { release(&mut self.0) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_true_is_refused() {
        let text = Bytes::new(Buf::from_vec(b"caf\xc3\xa9".to_vec()));
        assert_eq!(text.text("a word", 5), Ok("café"));
        let cases = [
            (Bytes::new(Buf::from_vec(vec![b'x'; 6])), "of 6 bytes; at most 5"),
            (Bytes::new(Buf { len: 3, ..Buf::EMPTY }), "3 bytes without data"),
            (Bytes::new(Buf::from_vec(vec![0xff])), "not UTF-8"),
            (Bytes::new(Buf { len: usize::MAX, ..Buf::borrowed(b"x") }), "at most 5"),
        ];
        for (bytes, expected) in cases {
            let refused = bytes.text("a word", 5).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
        assert!(Bytes::empty().is_absent() && !Bytes::new(Buf::borrowed(b"")).is_absent());
    }
}
