//! A scripted SMTP server in a thread: it does exactly what a test tells it to at each command, and writes down every
//! message body it has read to its end, so that a test can count copies.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use rejoin_email::{Config, Email};
use rejoin_plugin_api::{Channel, Error, Host, Message, Outcome, Outcomes, Plugin};

/// What the server does instead of agreeing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    /// Agrees.
    Ok,
    /// Says this line and goes on.
    Says(&'static str),
    /// Says this line and closes the connection.
    SaysAndCloses(&'static str),
    /// Closes the connection.
    HangsUp,
    /// Reads a part of the body and closes the connection.
    HangsUpInBody,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum At {
    Greeting,
    Ehlo,
    StartTls,
    Mail,
    Rcpt,
    Data,
    Body,
}

/// Asked at every step with the number of the connection, of the transaction on it (from 0), and the recipient.
type Script = dyn Fn(At, usize, usize, &str) -> Does + Send + Sync;

pub(crate) struct FakeServer {
    pub(crate) port: u16,
    /// Bodies read to their lone dot, whatever was answered.
    pub(crate) bodies: Arc<Mutex<Vec<String>>>,
    pub(crate) connections: Arc<AtomicUsize>,
}

impl FakeServer {
    pub(crate) fn start(
        ehlo: &'static [&'static str],
        script: impl Fn(At, usize, usize, &str) -> Does + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (bodies, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let script: Arc<Script> = Arc::new(script);
        let (to, count) = (bodies.clone(), connections.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let (script, bodies) = (script.clone(), to.clone());
                thread::spawn(move || drop(serve(&stream.unwrap(), ehlo, number, &*script, &bodies)));
            }
        });
        Self { port, bodies, connections }
    }

    /// How often a body mentioning `mark` was read to its end.
    pub(crate) fn copies(&self, mark: &str) -> usize {
        self.bodies.lock().unwrap().iter().filter(|b| b.contains(mark)).count()
    }
}

fn serve(
    stream: &TcpStream,
    ehlo: &[&str],
    number: usize,
    script: &Script,
    bodies: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut out = stream;
    let (mut transaction, mut to) = (0, String::new());
    // What the server believes: RFC 5321 makes a nested MAIL, and DATA without a recipient, an error.
    let (mut has_mail, mut has_rcpt) = (false, false);
    if !answer(out, script(At::Greeting, number, 0, ""), "220 fake ready")? {
        return Ok(());
    }
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let verb: String = line.chars().take(4).collect::<String>().to_uppercase();
        let alive = match verb.as_str() {
            "EHLO" => {
                let mut lines = vec!["fake".to_owned()];
                lines.extend(ehlo.iter().map(|l| (*l).to_owned()));
                let last = lines.len() - 1;
                let said: Vec<String> = lines
                    .iter()
                    .enumerate()
                    .map(|(i, l)| format!("250{}{l}", if i == last { ' ' } else { '-' }))
                    .collect();
                answer(out, script(At::Ehlo, number, 0, ""), &said.join("\r\n"))?
            }
            "MAIL" if has_mail => answer(out, Does::Ok, "503 5.5.1 nested MAIL")?,
            "MAIL" => {
                let does = script(At::Mail, number, transaction, "");
                has_mail = does == Does::Ok;
                answer(out, does, "250 2.1.0 ok")?
            }
            "RCPT" if !has_mail => answer(out, Does::Ok, "503 5.5.1 MAIL first")?,
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                let does = script(At::Rcpt, number, transaction, &to);
                has_rcpt = does == Does::Ok;
                answer(out, does, "250 2.1.5 ok")?
            }
            "DATA" if !has_rcpt => answer(out, Does::Ok, "554 5.5.1 no valid recipients")?,
            "DATA" => match script(At::Data, number, transaction, &to) {
                Does::Ok => {
                    out.write_all(b"354 go\r\n")?;
                    let does = script(At::Body, number, transaction, &to);
                    let Some(body) = read_body(&mut reader, does == Does::HangsUpInBody)? else {
                        return Ok(());
                    };
                    bodies.lock().unwrap().push(body);
                    transaction += 1;
                    (has_mail, has_rcpt) = (false, false);
                    answer(out, does, "250 2.0.0 Ok: queued as FAKE")?
                }
                does => answer(out, does, "")?,
            },
            "RSET" => {
                (has_mail, has_rcpt) = (false, false);
                transaction += 1;
                answer(out, Does::Ok, "250 2.0.0 ok")?
            }
            "STAR" => answer(out, script(At::StartTls, number, 0, ""), "220 go")?,
            "QUIT" => {
                answer(out, Does::Ok, "221 bye")?;
                return Ok(());
            }
            _ => answer(out, Does::Ok, "500 5.5.2 what")?,
        };
        if !alive {
            return Ok(());
        }
    }
}

fn read_body(reader: &mut impl BufRead, hang_up: bool) -> std::io::Result<Option<String>> {
    let mut body = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || hang_up {
            return Ok(None);
        }
        if line == ".\r\n" {
            return Ok(Some(body));
        }
        body.push_str(&line);
    }
}

fn answer(mut out: &TcpStream, does: Does, ok: &str) -> std::io::Result<bool> {
    match does {
        Does::Ok => out.write_all(format!("{ok}\r\n").as_bytes())?,
        Does::Says(line) => out.write_all(format!("{line}\r\n").as_bytes())?,
        Does::SaysAndCloses(line) => {
            out.write_all(format!("{line}\r\n").as_bytes())?;
            return Ok(false);
        }
        Does::HangsUp | Does::HangsUpInBody => return Ok(false),
    }
    Ok(true)
}

pub(crate) fn open(config: &str) -> Email {
    let config: Config = serde_json::from_str(config).unwrap();
    assert_eq!(Email::validate(&config), []);
    Email::open(config, Host::detached()).unwrap()
}

/// A sender to `port` with so many connections.
pub(crate) fn sender(port: u16, connections: usize) -> Email {
    open(&format!(
        r#"{{"from":"Shop <care@shop.test>","domain":"shop.test","smtp":{{"host":"127.0.0.1","port":{port},
        "tls":"none","connections":{connections},"timeout":5,"final_timeout":5}}}}"#
    ))
}

/// Messages `m0…` to `u0@c.test…`, each with its mark in the body.
pub(crate) fn messages(count: usize) -> Vec<Message> {
    let message = |n| Message {
        idempotency_key: format!("k{n}"),
        message_id: format!("m{n}"),
        to: format!("u{n}@c.test"),
        subject: Some(format!("Number {n}")),
        text: Some(format!("mark-{n}-\n.\n..dots\n")),
        ..Message::default()
    };
    (0..count).map(message).collect()
}

/// The outcomes by index, `None` where none was reported, and the result of the call. No message may be reported twice.
pub(crate) fn send(plugin: &mut Email, messages: &[Message]) -> (Vec<Option<Outcome>>, Result<(), Error>) {
    let mut outcomes = vec![None; messages.len()];
    let mut report = |index: u32, outcome: &Outcome| {
        let before = outcomes[index as usize].replace(outcome.clone());
        assert!(before.is_none(), "message {index} was reported twice");
    };
    let result = plugin.send(messages, &mut Outcomes::new(&mut report));
    (outcomes, result)
}

pub(crate) fn short(outcome: &Option<Outcome>) -> &'static str {
    match outcome {
        None => "none",
        Some(Outcome::Accepted { .. }) => "accepted",
        Some(Outcome::Deferred { .. }) => "deferred",
        Some(Outcome::Unknown { .. }) => "unknown",
        Some(Outcome::Rejected { bad_address: true, .. }) => "bad address",
        Some(Outcome::Rejected { bad_address: false, .. }) => "rejected",
    }
}
