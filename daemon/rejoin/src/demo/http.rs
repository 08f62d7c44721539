//! Sends the demo's form posts as a browser would, over one connection.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

use super::files::Post;

/// A connection to the daemon's listener, kept open between posts (RFC 9112 section 9.3).
pub struct Browser {
    stream: BufStream<TcpStream>,
    host: SocketAddr,
}

impl Browser {
    pub async fn open(host: SocketAddr) -> io::Result<Self> {
        Ok(Self { stream: BufStream::new(TcpStream::connect(host).await?), host })
    }

    /// Sends one post and returns the status of the answer.
    pub async fn post(&mut self, path: &str, post: &Post) -> io::Result<u16> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
            self.host,
            post.content_type,
            post.body.len()
        );
        self.stream.write_all(head.as_bytes()).await?;
        self.stream.write_all(post.body.as_bytes()).await?;
        self.stream.flush().await?;
        self.answer().await
    }

    async fn answer(&mut self) -> io::Result<u16> {
        let (mut status, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            match line.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?;
                }
                _ if status.is_none() => status = line.split(' ').nth(1).and_then(|code| code.parse().ok()),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        status.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}
