//! The sender: a pool of connections that outlives a call, and how one connection carries messages.
//!
//! The one rule above all others: once a message's final dot may have reached the server, that message is never
//! offered again. Before that, losing the connection costs nothing but another try.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream::FuturesUnordered};
use rejoin_plugin_api::{Error, Host, Message, Outcome, Outcomes};

use super::{
    login::Login,
    queue::Queue,
    session::{Delivered, OUT_OF_STEP, Pace, Session},
    verdict::Verdict,
};
use crate::{
    compose::{Letter, Letterhead},
    config::Smtp,
    net::Dialer,
    stop::Stop,
};

/// Servers hang up on idle connections after 10 to 300 s; one we use must be younger.
const IDLE_MAX: Duration = Duration::from_secs(8);
/// A further connection is worth its handshake from this many messages on.
const MESSAGES_WORTH_A_CONNECTION: usize = 5;

pub(crate) struct Sender {
    dialer: Dialer,
    hello: String,
    login: Option<Login>,
    pace: Pace,
    connections_max: usize,
    idle: Vec<Session>,
    idle_since: Instant,
}

impl Sender {
    pub(crate) fn new(smtp: &Smtp, hello: &str) -> Self {
        let login = smtp.user.clone().zip(smtp.password.clone());
        Self {
            dialer: Dialer::new(smtp.endpoint()),
            hello: hello.to_owned(),
            login: login.map(|(user, password)| Login { user, password }),
            pace: Pace {
                timeout: smtp.endpoint().timeout,
                final_timeout: Duration::from_secs(smtp.final_timeout.max(1)),
                messages_max: smtp.messages_per_connection.max(1),
            },
            connections_max: smtp.connections.max(1),
            idle: Vec::new(),
            idle_since: Instant::now(),
        }
    }

    /// Connects, logs in, says what was found, and leaves.
    pub(crate) async fn check(&self) -> Result<String, Error> {
        let session = self.open(&Stop::default()).await?;
        let endpoint = &self.dialer.endpoint;
        let features = session.features();
        let said = format!(
            "SMTP server {} at {}:{} answers{}{}{}",
            features.name,
            endpoint.host,
            endpoint.port,
            if session.is_tls() { " over TLS" } else { " without TLS" },
            self.login.as_ref().map_or_else(String::new, |l| format!(", accepts the login of {}", l.user)),
            if features.pipelining {
                " and takes pipelined commands"
            } else {
                "; it does not pipeline, so sending is slower"
            },
        );
        session.quit().await;
        Ok(said)
    }

    pub(crate) async fn send(
        &mut self,
        letterhead: &Letterhead,
        messages: &[Message],
        outcomes: &mut Outcomes<'_>,
        host: &Host,
    ) -> Result<(), Error> {
        let stop = Stop::default();
        stop.watch(host, async {
            self.wake(&stop).await;
            if self.idle.is_empty() {
                // One connection first: a refused login is then tried once, not once per connection.
                self.idle.push(self.open(&stop).await?);
            }
            let mut idle = std::mem::take(&mut self.idle);
            let useful =
                messages.len().div_ceil(MESSAGES_WORTH_A_CONNECTION).max(idle.len().min(messages.len()));
            let lines = self.connections_max.min(useful);
            let queue = Queue::new(messages, letterhead, outcomes, stop.clone(), self.connections_max + 2);
            let mut working: FuturesUnordered<_> =
                (0..lines).map(|_| self.work(&queue, &stop, idle.pop())).collect();
            let mut rested = Vec::new();
            while let Some(session) = working.next().await {
                rested.extend(session);
            }
            drop(working);
            rested.append(&mut idle);
            let result = queue.finish();
            self.idle = rested;
            self.idle_since = Instant::now();
            result
        })
        .await
    }

    /// Makes the pooled connections ready for this call, or lets them go when they have rested too long.
    async fn wake(&mut self, stop: &Stop) {
        if self.idle_since.elapsed() > IDLE_MAX {
            self.close().await;
        }
        for session in &mut self.idle {
            session.rest(stop);
        }
    }

    /// Says goodbye on every resting connection.
    pub(crate) async fn close(&mut self) {
        let leaving: FuturesUnordered<_> = self.idle.drain(..).map(Session::quit).collect();
        leaving.collect::<()>().await;
    }

    async fn open(&self, stop: &Stop) -> Result<Session, Error> {
        let mut session = Session::open(&self.dialer, &self.hello, self.pace, stop).await?;
        if let Some(login) = &self.login {
            login.perform(&mut session).await?;
        }
        Ok(session)
    }

    /// One line of work: carries messages until none is left. Gives back its connection when that can rest.
    async fn work(
        &self,
        queue: &Queue<'_, '_>,
        stop: &Stop,
        mut session: Option<Session>,
    ) -> Option<Session> {
        while let Some(letter) = queue.take() {
            let ready = match session.take() {
                Some(session) => session,
                None => match self.open(stop).await {
                    Ok(session) => session,
                    Err(e) => {
                        queue.put_back(letter);
                        queue.unreachable(e);
                        return None;
                    }
                },
            };
            session = carry(queue, ready, letter).await;
            if session.as_ref().is_some_and(Session::is_exhausted)
                && let Some(worn) = session.take()
            {
                worn.quit().await;
            }
        }
        session
    }
}

/// Carries messages on one connection, beginning with `letter`, as long as both last. Gives the connection back when
/// it can carry more.
async fn carry(queue: &Queue<'_, '_>, mut session: Session, letter: Letter) -> Option<Session> {
    let mut waiting = fitting(queue, &session, Some(letter));
    let mut offered = None;
    loop {
        let letter = match offered.take() {
            Some(letter) => letter,
            None => {
                let letter = waiting.take()?;
                if let Err(why) = session.offer(&letter).await {
                    queue.lost(letter, &why, session.is_resumed());
                    return None;
                }
                letter
            }
        };
        let was_resumed = session.is_resumed();
        let answer = match session.answers(&letter).await {
            Ok(answer) => answer,
            Err(why) => {
                queue.lost(letter, &why, session.is_resumed());
                return None;
            }
        };
        match answer.verdict {
            // Nothing was handed over yet, and hanging up in front of a body delivers nothing.
            Verdict::Go if queue.is_stopped() => {
                queue.put_back(letter);
                return None;
            }
            Verdict::Go => {
                let next = fitting(queue, &session, None);
                if !hand_over(queue, &mut session, letter, next, &mut offered).await {
                    return None;
                }
            }
            Verdict::Settled(outcome) => queue.settle(letter.index, &outcome),
            Verdict::Closing(why) => {
                queue.lost(letter, &why, was_resumed);
                return None;
            }
            Verdict::Barred(e) => {
                queue.put_back(letter);
                queue.end(e);
                return None;
            }
        }
        if !answer.alive {
            return None;
        }
        if offered.is_none() {
            waiting = fitting(queue, &session, None);
            if waiting.is_none() {
                return Some(session);
            }
        }
    }
}

/// Writes the body and settles the message. False when the connection is gone; `next` is then back in the queue.
async fn hand_over(
    queue: &Queue<'_, '_>,
    session: &mut Session,
    letter: Letter,
    next: Option<Letter>,
    offered: &mut Option<Letter>,
) -> bool {
    let delivered = session.deliver(&letter, next.as_ref()).await;
    let alive = match delivered {
        Delivered::Answered { verdict: Verdict::Settled(outcome), alive } => {
            queue.settle(letter.index, &outcome);
            alive && !matches!(outcome, Outcome::Unknown { .. })
        }
        Delivered::Answered { verdict: Verdict::Barred(e), .. } => {
            queue.put_back(letter);
            queue.end(e);
            false
        }
        Delivered::Answered { verdict: Verdict::Go | Verdict::Closing(_), .. } => {
            queue.settle(letter.index, &Outcome::Unknown { reason: OUT_OF_STEP.to_owned() });
            false
        }
        Delivered::NotHandedOver(why) => {
            queue.lost(letter, &why, false);
            false
        }
        Delivered::Unanswered(why) => {
            let reason = format!("{why}, after the message had been handed over");
            queue.settle(letter.index, &Outcome::Unknown { reason });
            false
        }
    };
    match next {
        Some(next) if alive => *offered = Some(next),
        // Its commands may have left, its body has not.
        Some(next) => queue.put_back(next),
        None => {}
    }
    alive
}

/// The next message this server can take; those it cannot are settled without asking it. `None` too when the
/// connection has carried its share.
fn fitting(queue: &Queue<'_, '_>, session: &Session, first: Option<Letter>) -> Option<Letter> {
    let mut candidate = first;
    loop {
        if candidate.is_none() && session.is_exhausted() {
            return None;
        }
        let letter = candidate.take().or_else(|| queue.take())?;
        match session.features().refuses(&letter) {
            None => return Some(letter),
            Some(outcome) => queue.settle(letter.index, &outcome),
        }
    }
}
