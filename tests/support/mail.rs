//! Mail as its recipients see it: Dovecot's mailboxes over IMAP, and letters to us over SMTP.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use super::server;

/// Everything in the inbox of `user`, each message whole, over IMAP (RFC 9051, the few commands that takes).
pub fn inbox(user: &str) -> Vec<String> {
    let mut imap = Imap::open(user);
    let messages = imap.command("FETCH 1:* BODY.PEEK[]");
    imap.command("LOGOUT");
    messages
}

/// Throws away what earlier runs left in an inbox.
pub fn empty_inbox(user: &str) {
    let mut imap = Imap::open(user);
    imap.command("STORE 1:* +FLAGS.SILENT (\\Deleted)");
    imap.command("EXPUNGE");
    imap.command("LOGOUT");
}

struct Imap {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    tag: u32,
}

impl Imap {
    fn open(user: &str) -> Self {
        let stream = TcpStream::connect(server("REJOIN_TEST_IMAP")).unwrap();
        let mut imap = Self { reader: BufReader::new(stream.try_clone().unwrap()), writer: stream, tag: 0 };
        imap.line();
        imap.command(&format!("LOGIN {user} {}", server("REJOIN_TEST_MAIL_PASSWORD")));
        imap.command("SELECT INBOX");
        imap
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line
    }

    /// Sends a command and returns the literals of its answer.
    fn command(&mut self, text: &str) -> Vec<String> {
        self.tag += 1;
        let tag = format!("a{}", self.tag);
        write!(self.writer, "{tag} {text}\r\n").unwrap();
        let mut literals = Vec::new();
        loop {
            let line = self.line();
            assert!(!line.is_empty(), "the IMAP server hung up after {text:?}");
            if line.starts_with(&format!("{tag} ")) {
                // An empty mailbox has no message 1, which Dovecot calls BAD.
                assert!(line.contains(" OK ") || text.contains(" 1:* "), "{text:?}: {line}");
                return literals;
            }
            if let Some(size) =
                line.trim_end().strip_suffix('}').and_then(|l| l.rsplit('{').next()?.parse().ok())
            {
                let mut literal = vec![0; size];
                std::io::Read::read_exact(&mut self.reader, &mut literal).unwrap();
                literals.push(String::from_utf8_lossy(&literal).into_owned());
            }
        }
    }
}

/// Sends a message as a mail program would.
pub fn send(from: &str, to: &str, headers: &str, text: &str) {
    let stream = TcpStream::connect(server("REJOIN_TEST_SMTP")).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    let mut expect = |code: &str| {
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap() > 0 && line.as_bytes().get(3) == Some(&b'-') {
            line.clear();
        }
        assert!(line.starts_with(code), "{line}");
    };
    expect("220");
    for (said, code) in [
        ("EHLO customer.test".to_owned(), "250"),
        (format!("MAIL FROM:<{from}>"), "250"),
        (format!("RCPT TO:<{to}>"), "250"),
        ("DATA".to_owned(), "354"),
        (format!("From: {from}\r\nTo: {to}\r\n{headers}\r\n{text}\r\n."), "250"),
        ("QUIT".to_owned(), "221"),
    ] {
        write!(writer, "{said}\r\n").unwrap();
        expect(code);
    }
}

/// A header of a message, unfolded.
pub fn header(message: &str, name: &str) -> Option<String> {
    let head = message.split("\r\n\r\n").next()?.replace("\r\n ", " ").replace("\r\n\t", " ");
    let wanted = format!("{}:", name.to_ascii_lowercase());
    let line = head.lines().find(|l| l.to_ascii_lowercase().starts_with(&wanted))?;
    Some(line[wanted.len()..].trim().to_owned())
}
