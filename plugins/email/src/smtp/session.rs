//! One SMTP connection: greeting, EHLO, STARTTLS, AUTH, and then messages. It knows exactly how much of a message has
//! been handed to the socket, because that is the difference between "not sent" and "unknown". It decides nothing
//! about queues and retries.

use std::time::Duration;

use rejoin_plugin_api::Error;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};

use super::{
    features::Features,
    reply::Reply,
    verdict::{Stage, Verdict, judge},
};
use crate::{
    compose::Letter,
    net::{Dialer, Wire},
    stop::{STOPPED, Stop},
};

/// Waiting for the reply to a message already handed over, once the host wants to stop: cut short, not cut off.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// Largest single write; the smaller, the finer we know what was handed over.
const WRITE_BYTES_MAX: usize = 64 << 10;
/// How long QUIT may take to be answered.
const QUIT_WAIT: Duration = Duration::from_secs(2);

pub(crate) struct Session {
    wire: Wire,
    input: Vec<u8>,
    features: Features,
    pace: Pace,
    stop: Stop,
    /// Messages offered on this connection.
    served: u32,
    /// Came out of the pool, and the server has said nothing since.
    resumed: bool,
    /// A transaction was begun and refused half-way: RSET goes before the next MAIL.
    needs_reset: bool,
}

/// How long to wait, and when to change horses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) timeout: Duration,
    pub(crate) final_timeout: Duration,
    pub(crate) messages_max: u32,
}

/// Replies to MAIL, RCPT and DATA together.
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    /// The connection can carry another message.
    pub(crate) alive: bool,
}

/// The connection is of no more use; why.
pub(crate) type Broken = String;

/// What is known after the body was written.
pub(crate) enum Delivered {
    /// The server spoke; `alive` when the connection can carry more.
    Answered { verdict: Verdict, alive: bool },
    /// The final dot was not handed to the socket: the server cannot have taken the message.
    NotHandedOver(Broken),
    /// It was, and no answer came.
    Unanswered(Broken),
}

impl Session {
    /// Takes a fresh connection through greeting, TLS, EHLO; not yet AUTH.
    pub(crate) async fn open(dialer: &Dialer, hello: &str, pace: Pace, stop: &Stop) -> Result<Self, Error> {
        let wire = stop.unless(dialer.connect()).await?;
        let mut session = Self {
            wire,
            input: Vec::with_capacity(1024),
            features: Features::default(),
            pace,
            stop: stop.clone(),
            served: 0,
            resumed: false,
            needs_reset: false,
        };
        let greeting = session.read_reply(pace.timeout, Duration::ZERO).await.map_err(Error::transient)?;
        if greeting.class() != 2 {
            return Err(Error::transient(format!("the mail server turns us away: {}", greeting.text())));
        }
        session.say_hello(hello).await?;
        if dialer.endpoint.tls == crate::config::Tls::Starttls {
            session = session.start_tls(dialer).await?;
            session.say_hello(hello).await?;
        }
        Ok(session)
    }

    async fn say_hello(&mut self, hello: &str) -> Result<(), Error> {
        let reply = self.ask(&format!("EHLO {hello}\r\n")).await?;
        self.features = if reply.class() == 2 { Features::parse(&reply.lines) } else { Features::default() };
        if reply.class() != 2 {
            let reply = self.ask(&format!("HELO {hello}\r\n")).await?;
            if reply.class() != 2 {
                return Err(Error::transient(format!(
                    "the mail server refuses our greeting: {}",
                    reply.text()
                )));
            }
        }
        Ok(())
    }

    async fn start_tls(mut self, dialer: &Dialer) -> Result<Self, Error> {
        let host = &dialer.endpoint.host;
        if !self.features.starttls {
            return Err(Error::config(format!("{host} does not offer STARTTLS")).with_hint(
                "tls = \"wrapper\" (usually port 465) may be what it speaks; nothing was sent in plain text",
            ));
        }
        let reply = self.ask("STARTTLS\r\n").await?;
        if reply.class() != 2 {
            return Err(Error::transient(format!("{host} refuses STARTTLS: {}", reply.text())));
        }
        // Bytes already here were sent in plain text; taking them for the server's word after TLS is the classic
        // injection.
        if !self.input.is_empty() {
            return Err(Error::transient(format!("{host} sent more in plain text after agreeing to TLS"))
                .with_hint("a broken server, or somebody in between"));
        }
        self.wire = self.stop.unless(dialer.secure(self.wire)).await?;
        self.features = Features::default();
        Ok(self)
    }

    pub(crate) fn features(&self) -> &Features {
        &self.features
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.wire.is_tls()
    }

    pub(crate) fn is_exhausted(&self) -> bool {
        self.served >= self.pace.messages_max
    }

    pub(crate) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Into the pool and out of it again.
    pub(crate) fn rest(&mut self, stop: &Stop) {
        self.stop = stop.clone();
        self.resumed = true;
    }

    /// One command, one reply; for everything outside a mail transaction.
    pub(crate) async fn ask(&mut self, command: &str) -> Result<Reply, Error> {
        self.write(command.as_bytes()).await.map_err(|(_, why)| Error::transient(why))?;
        self.read_reply(self.pace.timeout, Duration::ZERO).await.map_err(Error::transient)
    }

    /// Offers a message: with PIPELINING all its commands leave in one write.
    pub(crate) async fn offer(&mut self, letter: &Letter) -> Result<(), Broken> {
        self.served += 1;
        if !self.features.pipelining {
            return Ok(());
        }
        let commands = self.envelope(letter);
        self.write(commands.as_bytes()).await.map_err(|(_, why)| why)
    }

    /// RSET when needed, MAIL, RCPT and DATA.
    fn envelope(&self, letter: &Letter) -> String {
        let reset = if self.needs_reset { "RSET\r\n" } else { "" };
        format!("{reset}{}{}DATA\r\n", self.features.mail(letter), self.features.rcpt(letter))
    }

    /// The server's replies to what [`Session::offer`] began. The first refusal is the message's; with pipelining the
    /// replies to what was sent after it must be read all the same.
    pub(crate) async fn answers(&mut self, letter: &Letter) -> Result<Answer, Broken> {
        self.reset().await?;
        let mut first = Verdict::Go;
        for stage in [Stage::Mail, Stage::Rcpt, Stage::Data] {
            let refused = first != Verdict::Go;
            if !self.features.pipelining {
                if refused {
                    break;
                }
                self.write(self.command(stage, letter).as_bytes()).await.map_err(|(_, why)| why)?;
            }
            let verdict = judge(stage, &self.envelope_reply().await?);
            self.needs_reset |= stage == Stage::Mail && verdict == Verdict::Go;
            let gone = match verdict {
                // The server waits for a body nobody should get. Hanging up here delivers nothing, for certain.
                Verdict::Go => refused && stage == Stage::Data,
                Verdict::Closing(_) => true,
                Verdict::Barred(_) => !refused,
                Verdict::Settled(_) => false,
            };
            if !refused {
                first = verdict;
            }
            if gone {
                return Ok(Answer { verdict: first, alive: false });
            }
        }
        Ok(Answer { verdict: first, alive: true })
    }

    async fn reset(&mut self) -> Result<(), Broken> {
        if !std::mem::take(&mut self.needs_reset) {
            return Ok(());
        }
        if !self.features.pipelining {
            self.write(b"RSET\r\n").await.map_err(|(_, why)| why)?;
        }
        let reply = self.envelope_reply().await?;
        if reply.class() == 2 {
            Ok(())
        } else {
            Err(format!("the mail server refuses RSET: {}", reply.text()))
        }
    }

    fn command(&self, stage: Stage, letter: &Letter) -> String {
        match stage {
            Stage::Mail => self.features.mail(letter),
            Stage::Rcpt => self.features.rcpt(letter),
            Stage::Data | Stage::Body => "DATA\r\n".to_owned(),
        }
    }

    async fn envelope_reply(&mut self) -> Result<Reply, Broken> {
        let reply = self.read_reply(self.pace.timeout, Duration::ZERO).await?;
        self.resumed = false;
        Ok(reply)
    }

    /// Hands over the body, and in the same write the next message's commands, so that a stream of messages costs one
    /// round trip each (RFC 2920 section 3.1 allows a body to lead a group).
    pub(crate) async fn deliver(&mut self, letter: &Letter, next: Option<&Letter>) -> Delivered {
        self.needs_reset = false;
        let mut bytes = std::borrow::Cow::Borrowed(letter.bytes.as_slice());
        if let Some(next) = next {
            self.served += 1;
            if self.features.pipelining {
                bytes.to_mut().extend_from_slice(self.envelope(next).as_bytes());
            }
        }
        let written = self.write(&bytes).await;
        let handed_over = written.as_ref().map_or_else(|(handed, _)| *handed, |()| bytes.len());
        let complete = handed_over >= letter.bytes.len();
        // Even after a failed write the server's answer may be waiting: it often says why before it hangs up.
        let answer = match &written {
            Ok(()) => self.read_reply(self.pace.final_timeout, STOP_GRACE).await,
            Err(_) => self.read_reply(QUIT_WAIT, STOP_GRACE).await,
        };
        match (answer, written) {
            (Ok(reply), written) if complete || reply.class() > 3 => Delivered::Answered {
                verdict: judge(Stage::Body, &reply),
                alive: written.is_ok() && reply.code != 421,
            },
            (Ok(_), Ok(())) => Delivered::Unanswered(OUT_OF_STEP.to_owned()),
            (Ok(_), Err((_, why))) => Delivered::Unanswered(format!("{why}, and {OUT_OF_STEP}")),
            (Err(_), Err((_, why))) if !complete => Delivered::NotHandedOver(why),
            (Err(why), _) => Delivered::Unanswered(why),
        }
    }

    /// Says goodbye. The connection is done with either way, so how it went does not matter.
    pub(crate) async fn quit(mut self) {
        if self.write(b"QUIT\r\n").await.is_ok() {
            drop(self.read_reply(QUIT_WAIT, Duration::ZERO).await);
        }
    }

    /// On failure: how many bytes may have reached the server, and why it failed.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), (usize, Broken)> {
        let mut handed = 0;
        while handed < bytes.len() {
            let chunk = &bytes[handed..bytes.len().min(handed + WRITE_BYTES_MAX)];
            // A TLS write may fail after part of it has left; a plain one leaves whole or not at all.
            let at_risk = if self.wire.is_tls() { handed + chunk.len() } else { handed };
            match timeout(self.pace.timeout, self.wire.write(chunk)).await {
                Ok(Ok(0)) => return Err((at_risk, "the mail server closed the connection".to_owned())),
                Ok(Ok(n)) => handed += n,
                Ok(Err(e)) => return Err((at_risk, format!("the connection to the mail server broke: {e}"))),
                Err(_) => return Err((at_risk, "the mail server stopped reading".to_owned())),
            }
        }
        match timeout(self.pace.timeout, self.wire.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(e)) => Err((handed, format!("the connection to the mail server broke: {e}"))),
            Err(_) => Err((handed, "the mail server stopped reading".to_owned())),
        }
    }

    /// Waits for one reply; once the host wants to stop, only `grace` longer.
    async fn read_reply(&mut self, wait: Duration, grace: Duration) -> Result<Reply, Broken> {
        let Self { wire, input, stop, .. } = self;
        let read = async {
            loop {
                match Reply::take(input) {
                    Ok(Some(reply)) => return Ok(reply),
                    Ok(None) => {}
                    Err(what) => return Err(format!("the mail server sent {what}")),
                }
                match wire.read_buf(input).await {
                    Ok(0) => return Err("the mail server closed the connection".to_owned()),
                    Ok(_) => {}
                    Err(e) => return Err(format!("the connection to the mail server broke: {e}")),
                }
            }
        };
        tokio::select! {
            biased;
            reply = read => reply,
            () = sleep(wait) => Err(format!("the mail server did not answer within {} s", wait.as_secs())),
            () = async { stop.fired().await; sleep(grace).await } => Err(STOPPED.to_owned()),
        }
    }
}

pub(crate) const OUT_OF_STEP: &str = "the mail server answered out of step";
