//! A mail server that remembers: every message it took responsibility for, counted before it says so.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Copies taken, by (Message-ID, recipient).
type Taken = Arc<Mutex<HashMap<(String, String), u32>>>;

pub struct Sink {
    pub address: SocketAddr,
    taken: Taken,
}

impl Sink {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sink = Self { address: listener.local_addr().unwrap(), taken: Taken::default() };
        let taken = Arc::clone(&sink.taken);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let taken = Arc::clone(&taken);
                // A client that dies ends its session with an error, which is what these tests are about.
                std::thread::spawn(move || drop(session(stream, &taken)));
            }
        });
        sink
    }

    pub fn taken(&self) -> HashMap<(String, String), u32> {
        self.taken.lock().unwrap().clone()
    }
}

fn session(stream: TcpStream, taken: &Taken) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    let mut recipient = String::new();
    writer.write_all(b"220 sink.test ESMTP\r\n")?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let upper = line.to_ascii_uppercase();
        let answer: &[u8] = if upper.starts_with("EHLO") {
            b"250-sink.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
        } else if upper.starts_with("RCPT") {
            recipient = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            b"250 2.1.5 ok\r\n"
        } else if upper.starts_with("DATA") {
            writer.write_all(b"354 go on\r\n")?;
            let id = message_id(&mut reader)?;
            *taken.lock().unwrap().entry((id, recipient.clone())).or_default() += 1;
            b"250 2.0.0 taken\r\n"
        } else if upper.starts_with("QUIT") {
            b"221 bye\r\n"
        } else {
            b"250 2.0.0 ok\r\n"
        };
        writer.write_all(answer)?;
    }
}

/// Reads a message to its final dot; its Message-ID.
fn message_id(reader: &mut impl BufRead) -> std::io::Result<String> {
    let mut id = String::new();
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" {
            return Ok(id);
        }
        let text = String::from_utf8_lossy(&line);
        if let Some(value) = text.strip_prefix("Message-ID:") {
            id = value.trim().to_owned();
        }
    }
}
