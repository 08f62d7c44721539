//! The messages of one call: which are still to be tried, which are settled. Shared by the connections of the call,
//! which all run on one thread.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
};

use rejoin_plugin_api::{Error, ErrorClass, Message, Outcome, Outcomes};

use crate::{
    compose::{Letter, Letterhead},
    stop::{STOPPED, Stop},
};

/// Connections a message may be lost on before its body was handed over, until it is left for a later call.
const TRIES_MAX: u8 = 2;

pub(crate) struct Queue<'a, 'o> {
    messages: &'a [Message],
    letterhead: &'a Letterhead,
    stop: Stop,
    next: Cell<usize>,
    again: RefCell<VecDeque<Letter>>,
    report: RefCell<Report<'a, 'o>>,
    /// Why no further message of this call can be sent.
    ended: RefCell<Option<Error>>,
    /// Why the last connection could not be made.
    unreachable: RefCell<Option<Error>>,
    /// Connections lost in a row without a definite answer to any message.
    losses: Cell<usize>,
    losses_max: usize,
}

struct Report<'a, 'o> {
    outcomes: &'a mut Outcomes<'o>,
    reported: Vec<bool>,
}

impl<'a, 'o> Queue<'a, 'o> {
    pub(crate) fn new(
        messages: &'a [Message],
        letterhead: &'a Letterhead,
        outcomes: &'a mut Outcomes<'o>,
        stop: Stop,
        losses_max: usize,
    ) -> Self {
        Self {
            messages,
            letterhead,
            stop,
            next: Cell::new(0),
            again: RefCell::default(),
            report: RefCell::new(Report { outcomes, reported: vec![false; messages.len()] }),
            ended: RefCell::default(),
            unreachable: RefCell::default(),
            losses: Cell::new(0),
            losses_max,
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }

    /// The next message to try, composed. A message that cannot be composed is settled here.
    pub(crate) fn take(&self) -> Option<Letter> {
        loop {
            if self.stop.is_set() || self.ended.borrow().is_some() {
                return None;
            }
            if let Some(letter) = self.again.borrow_mut().pop_front() {
                return Some(letter);
            }
            let index = self.next.get();
            let message = self.messages.get(index)?;
            self.next.set(index + 1);
            match self.letterhead.compose(message) {
                Ok(letter) => return Some(Letter { index, ..letter }),
                Err(refusal) => self.settle(index, &refusal),
            }
        }
    }

    /// Reports at once: what is not reported when the process dies is unknown for ever.
    pub(crate) fn settle(&self, index: usize, outcome: &Outcome) {
        let mut report = self.report.borrow_mut();
        if let Some(reported) = report.reported.get_mut(index) {
            debug_assert!(!*reported, "message {index} settled twice");
            *reported = true;
        }
        report.outcomes.report(index, outcome);
        drop(report);
        match outcome {
            Outcome::Unknown { reason } => self.count_loss(reason),
            _ => self.losses.set(0),
        }
    }

    /// A server that breaks every connection must not turn a whole campaign into unknowns, nor be asked for ever.
    fn count_loss(&self, why: &str) {
        self.losses.set(self.losses.get() + 1);
        if self.losses.get() >= self.losses_max {
            self.end(Error::transient(format!("the mail server drops every connection: {why}")));
        }
    }

    /// To be offered again: nothing is held against it.
    pub(crate) fn put_back(&self, letter: Letter) {
        self.again.borrow_mut().push_front(letter);
    }

    /// The connection was lost before the body was handed over: certainly not sent. `resumed`: it was an idle one from
    /// the pool, whose loss is nobody's fault and costs the message nothing.
    pub(crate) fn lost(&self, mut letter: Letter, why: &str, resumed: bool) {
        if resumed {
            self.put_back(letter);
            return;
        }
        letter.tries += 1;
        let losses = self.losses.get();
        if letter.tries >= TRIES_MAX {
            self.settle(letter.index, &Outcome::Deferred { reason: why.to_owned(), after_ms: None });
        } else {
            self.put_back(letter);
        }
        self.losses.set(losses);
        self.count_loss(why);
    }

    /// A connection could not be made. Others may still work, so only a refusal of who we are ends the call for all.
    pub(crate) fn unreachable(&self, why: Error) {
        match why.class {
            ErrorClass::Transient | ErrorClass::Cancelled => *self.unreachable.borrow_mut() = Some(why),
            _ => self.end(why),
        }
    }

    /// Nothing more can be sent in this call.
    pub(crate) fn end(&self, why: Error) {
        self.ended.borrow_mut().get_or_insert(why);
    }

    /// Everything left is reported as deferred, or the whole call failed.
    pub(crate) fn finish(self) -> Result<(), Error> {
        let Report { outcomes, reported } = self.report.into_inner();
        let ended = self.ended.into_inner().or(self.unreachable.into_inner());
        if self.stop.is_set() {
            return defer_rest(outcomes, &reported, STOPPED);
        }
        match ended {
            None => defer_rest(outcomes, &reported, "no connection to the mail server was left"),
            // The host must see that waiting does not help.
            Some(e) if e.class != ErrorClass::Transient || !reported.contains(&true) => Err(e),
            Some(e) => defer_rest(outcomes, &reported, &e.message),
        }
    }
}

fn defer_rest(outcomes: &mut Outcomes<'_>, reported: &[bool], reason: &str) -> Result<(), Error> {
    for (index, _) in reported.iter().enumerate().filter(|(_, reported)| !**reported) {
        outcomes.report(index, &Outcome::Deferred { reason: reason.to_owned(), after_ms: None });
    }
    Ok(())
}
