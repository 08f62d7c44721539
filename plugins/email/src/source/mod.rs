//! Reading mail: from an IMAP folder, or from files. Both end in the same row ([`crate::mail::Row`]).

pub(crate) mod files;
pub(crate) mod imap;
mod maildir;
mod mbox;
mod utf7;

use rejoin_plugin_api::{Batch, Error};

use crate::mail::Row;

/// As much of a mail that is refused as goes to quarantine.
const REFUSED_BYTES_MAX: usize = 64 << 10;

/// One mail into the batch: as a row, or refused with the reason.
fn push(out: &mut Batch, at: &str, raw: &[u8], arrived: Option<String>, domain: &str) -> Result<(), Error> {
    match Row::read(raw, arrived, domain) {
        Some(row) => out.upsert(&row.key(), &row),
        None => refuse(out, at, "this is no mail message: it has no headers", raw),
    }
}

fn refuse(out: &mut Batch, at: &str, reason: &str, raw: &[u8]) -> Result<(), Error> {
    out.refuse(at, reason, &raw[..raw.len().min(REFUSED_BYTES_MAX)])
}

fn too_large(size: u64, max: u64) -> String {
    format!("the mail has {size} bytes and max_bytes is {max}: only its beginning was read")
}
