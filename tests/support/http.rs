//! A plain HTTP/1.1 client, one connection each request, that shows exactly what was sent.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

pub fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, &format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"), b"")
}

pub fn post(address: SocketAddr, path: &str, content_type: &str, body: &[u8], headers: &str) -> Answer {
    request(address, &post_head(path, content_type, body, headers), body)
}

pub fn post_head(path: &str, content_type: &str, body: &[u8], headers: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: {content_type}\r\n{headers}\
         content-length: {length}\r\n\r\n"
    )
}

pub fn request(address: SocketAddr, head: &str, body: &[u8]) -> Answer {
    attempt(address, head, body).expect("an answer")
}

/// The same to a server that may die at any moment: `None` when no whole answer came.
pub fn attempt(address: SocketAddr, head: &str, body: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    stream.write_all(head.as_bytes()).ok()?;
    // A server that refuses early closes while we still send, which is its right.
    drop(stream.write_all(body));
    let mut all = Vec::new();
    drop(stream.read_to_end(&mut all));
    let all = String::from_utf8_lossy(&all).into_owned();
    let (head, body) = all.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}
