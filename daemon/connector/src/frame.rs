//! Frames on the socket between daemon and child: two lengths, a JSON head, a raw body. The body is passed on as it
//! is, so that a batch is never encoded twice.
//!
//! Knows nothing of what is said; see `protocol`.

use std::io::{self, Read, Write};

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A head holds at most a cursor of 1 MiB, which JSON may write six times as long.
const HEAD_BYTES_MAX: usize = 16 << 20;
/// Longest body, in either direction.
pub(crate) const BODY_BYTES_MAX: usize = rejoin_plugin_api::abi::BUFFER_BYTES_MAX;
const LENGTHS: usize = 8;
/// Up to here head and body leave in one write; a copy of this size costs less than a second system call.
const COPY_BYTES_MAX: usize = 64 << 10;

/// Reads one frame, blocking. `Ok(None)` at a clean end.
pub(crate) fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<(T, Vec<u8>)>> {
    let mut lengths = [0; LENGTHS];
    if from.read(&mut lengths[..1])? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut lengths[1..])?;
    let (head_len, body_len) = parse_lengths(lengths)?;
    let mut head = vec![0; head_len];
    from.read_exact(&mut head)?;
    let mut body = vec![0; body_len];
    from.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&head)?, body)))
}

/// Writes one frame, blocking.
pub(crate) fn write(to: &mut impl Write, head: &impl Serialize, body: &[u8]) -> io::Result<()> {
    let start = start_of(head, body)?;
    to.write_all(&start)?;
    if body.len() > COPY_BYTES_MAX { to.write_all(body) } else { Ok(()) }
}

/// Reads one frame. `Ok(None)` at a clean end. Not cancel-safe.
pub(crate) async fn receive<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<(T, Vec<u8>)>> {
    let mut lengths = [0; LENGTHS];
    if from.read(&mut lengths[..1]).await? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut lengths[1..]).await?;
    let (head_len, body_len) = parse_lengths(lengths)?;
    let head = read_bytes(from, head_len).await?;
    let body = read_bytes(from, body_len).await?;
    Ok(Some((serde_json::from_slice(&head)?, body)))
}

/// Writes one frame. Until it returns, the other side cannot have understood it.
pub(crate) async fn send(
    to: &mut (impl AsyncWrite + Unpin),
    head: &impl Serialize,
    body: &[u8],
) -> io::Result<()> {
    let start = start_of(head, body)?;
    to.write_all(&start).await?;
    if body.len() > COPY_BYTES_MAX { to.write_all(body).await } else { Ok(()) }
}

/// Fills a vector without zeroing it first.
async fn read_bytes(from: &mut (impl AsyncRead + Unpin), len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len);
    let mut rest = from.take(len as u64);
    while bytes.len() < len {
        if rest.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(bytes)
}

/// The lengths, the head, and a small body.
fn start_of(head: &impl Serialize, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut start = vec![0; LENGTHS];
    serde_json::to_writer(&mut start, head)?;
    let head_len = start.len() - LENGTHS;
    if head_len > HEAD_BYTES_MAX || body.len() > BODY_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "longer than one frame may be (256 MiB)"));
    }
    // Both fit: the limits are far below `u32::MAX`.
    start[..4].copy_from_slice(&(head_len as u32).to_le_bytes());
    start[4..LENGTHS].copy_from_slice(&(body.len() as u32).to_le_bytes());
    if body.len() <= COPY_BYTES_MAX {
        start.extend_from_slice(body);
    }
    Ok(start)
}

fn parse_lengths(lengths: [u8; LENGTHS]) -> io::Result<(usize, usize)> {
    let [a, b, c, d, e, f, g, h] = lengths;
    let (head, body) = (u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes([e, f, g, h]) as usize);
    if head > HEAD_BYTES_MAX || body > BODY_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame of impossible length"));
    }
    Ok((head, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_one_side_writes_the_other_reads() {
        for body_len in [0, 1, COPY_BYTES_MAX, COPY_BYTES_MAX + 1, 1 << 20] {
            let body = vec![b'x'; body_len];
            let (mut blocking, mut asynchronous) = (Vec::new(), Vec::new());
            write(&mut blocking, &("head", 7), &body).unwrap();
            send(&mut asynchronous, &("head", 7), &body).await.unwrap();
            assert_eq!(blocking, asynchronous, "{body_len}");
            blocking.extend(asynchronous);
            let mut rest = blocking.as_slice();
            let first: ((String, u32), _) = read(&mut rest).unwrap().unwrap();
            let second: ((String, u32), _) = receive(&mut rest).await.unwrap().unwrap();
            assert_eq!(first, (("head".to_owned(), 7), body));
            assert_eq!(first, second);
            assert!(read::<()>(&mut rest).unwrap().is_none());
        }
    }

    #[test]
    fn a_broken_frame_is_an_error_not_an_allocation() {
        let cases: [&[u8]; 4] = [
            &[0xff; 8],
            &[2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
            &[2, 0, 0],
            &[2, 0, 0, 0, 0, 0, 0, 0, b'{', b'x'],
        ];
        for mut bytes in cases {
            assert!(read::<serde_json::Value>(&mut bytes).is_err(), "{bytes:?}");
        }
    }
}
