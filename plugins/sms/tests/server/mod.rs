//! A small HTTP/1.1 server on a loopback port: keeps connections alive, answers by a script, and notes every request
//! before it does anything about it.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// What to do about one request.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    /// Status, further header lines, body.
    Answer(u16, &'static str, &'static str),
    /// Accepts, and then closes a connection it had promised to keep.
    AnswerAndClose,
    /// Half a status line.
    CutHeader,
    /// Half of an accepting body.
    CutBody,
    CloseUnanswered,
    /// Closes with the request's last byte unread, which resets the connection.
    Reset,
    /// Holds the connection until the client gives up.
    Hang,
}

#[derive(Debug, Clone)]
pub struct Request {
    pub head: String,
    pub body: String,
    pub act: Act,
}

impl Request {
    /// The message's key, as the test's body template writes it.
    pub fn id(&self) -> String {
        let start = self.body.rfind("\"id\":\"").map_or(0, |at| at + 6);
        self.body[start..].trim_end_matches(['"', '}']).to_owned()
    }
}

pub struct Server {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// The script's acts are taken in turn, and again from the start.
    pub fn start(script: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = requests.clone();
        let taken = Arc::new(AtomicUsize::new(0));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (noted, taken, script) = (noted.clone(), taken.clone(), script.clone());
                std::thread::spawn(move || serve(&stream, &script, &taken, &noted));
            }
        });
        Self { url, requests }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Keys of the messages in order of arrival.
    pub fn posted(&self) -> Vec<String> {
        self.requests().iter().map(Request::id).collect()
    }
}

fn serve(mut stream: &TcpStream, script: &[Act], taken: &AtomicUsize, requests: &Mutex<Vec<Request>>) {
    while let Some((head, length)) = read_head(stream) {
        let act = script[taken.fetch_add(1, Ordering::SeqCst) % script.len()];
        // A socket closed with bytes unread is reset, not ended: so the body's last byte stays where it is.
        let mut body = vec![0; if matches!(act, Act::Reset) { length - 1 } else { length }];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        requests.lock().unwrap().push(Request { head, body: String::from_utf8(body).unwrap(), act });
        if !answer(stream, act) {
            return;
        }
    }
}

/// Byte by byte, so that nothing of the body is taken from the socket before it is wanted.
fn read_head(mut stream: &TcpStream) -> Option<(String, usize)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Some((head, length.unwrap_or(0)))
}

/// Whether the connection stays open.
fn answer(mut stream: &TcpStream, act: Act) -> bool {
    const TAKEN: &str = r#"{"code":0,"id":"p1"}"#;
    match act {
        Act::Answer(status, headers, body) => {
            let length = body.len();
            write!(stream, "HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n{body}").is_ok()
        }
        Act::AnswerAndClose => {
            let length = TAKEN.len();
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{TAKEN}").unwrap();
            stream.shutdown(Shutdown::Both).is_err()
        }
        Act::CutHeader => write!(stream, "HTTP/1.1 20").is_err(),
        Act::CutBody => write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{TAKEN}").is_err(),
        Act::CloseUnanswered | Act::Reset => false,
        Act::Hang => {
            let mut rest = [0];
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            let _closed = stream.read(&mut rest);
            false
        }
    }
}
