//! The host's wish to stop, as something a future can wait for.
//!
//! The host can only be asked, so one ticker asks it on behalf of every connection.

use std::{
    cell::Cell,
    convert::Infallible,
    future::{Future, pending},
    rc::Rc,
    time::Duration,
};

use rejoin_plugin_api::{Error, ErrorClass, Host};
use tokio::{sync::Notify, time::sleep};

/// The contract says once a second; this is often enough to feel prompt and too rare to cost anything.
const ASK_EVERY: Duration = Duration::from_millis(200);

pub(crate) const STOPPED: &str = "the daemon is stopping";

#[derive(Clone, Default)]
pub(crate) struct Stop(Rc<Inner>);

#[derive(Default)]
struct Inner {
    set: Cell<bool>,
    changed: Notify,
}

impl Stop {
    pub(crate) fn is_set(&self) -> bool {
        self.0.set.get()
    }

    pub(crate) fn set(&self) {
        self.0.set.set(true);
        self.0.changed.notify_waiters();
    }

    /// Resolves once the wish is there, at once when it is already.
    pub(crate) async fn fired(&self) {
        let changed = self.0.changed.notified();
        if !self.is_set() {
            changed.await;
        }
    }

    /// Runs `work` unless the wish comes first.
    pub(crate) async fn unless<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            biased;
            result = work => result,
            () = self.fired() => Err(Error::new(ErrorClass::Cancelled, STOPPED)),
        }
    }

    /// Runs `work`, asking the host meanwhile.
    pub(crate) async fn watch<T>(&self, host: &Host, work: impl Future<Output = T>) -> T {
        if host.is_cancelled() {
            self.set();
        }
        let ask = async {
            while !self.is_set() {
                sleep(ASK_EVERY).await;
                if host.is_cancelled() {
                    self.set();
                }
            }
            pending::<Infallible>().await
        };
        tokio::select! {
            biased;
            result = work => result,
            never = ask => match never {},
        }
    }
}
