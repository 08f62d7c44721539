//! Sending over SMTP: a small client of our own, because lettre 0.11's transport stalls 40 ms a message and spends
//! five round trips where one is enough. lettre still builds the messages.

mod deliver;
mod features;
mod login;
mod queue;
mod reply;
mod session;
mod verdict;

pub(crate) use deliver::Sender;
pub(crate) use reply::Status;
