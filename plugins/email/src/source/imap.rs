//! Reading an IMAP folder by (UIDVALIDITY, UID). The folder is only examined: nothing in it changes, unless
//! `mark_seen` asks for it, and then only after the rows are durable.
//!
//! Memory is bounded by the page and by the largest single mail, not by the mailbox: UIDs are asked for in windows,
//! sizes before bodies, and bodies in groups.

mod plan;

use std::{future::Future, time::Duration};

use async_imap::{Client, Session, error::Error as ImapError, types::Fetch};
use futures_util::{Stream, StreamExt};
use rejoin_plugin_api::{Batch, Error, Progress, ReadRequest};
use tokio::time::timeout;

use self::plan::{Sized, group_length, start, uid_set};
use super::{push, refuse, too_large, utf7};
use crate::{
    config::{Imap, Tls},
    net::{Dialer, Wire},
};

/// UIDs asked for at once; a window without mail doubles it, for mailboxes with great gaps.
const WINDOW_MIN: u32 = 10_000;
const WINDOW_MAX: u32 = 250_000;
/// Mails whose sizes are looked at together.
const PAGE_MAX: usize = 500;

pub(crate) struct Inbox {
    dialer: Dialer,
    user: String,
    password: String,
    folder: String,
    max_bytes: u64,
    mark_seen: bool,
    domain: String,
    session: Option<Session<Wire>>,
    /// UIDs of the batch given last, and the cursor that will say it is durable.
    unseen: Option<(String, Vec<u32>)>,
}

impl Inbox {
    pub(crate) fn new(imap: &Imap, domain: String) -> Self {
        Self {
            dialer: Dialer::new(imap.endpoint()),
            user: imap.user.clone(),
            password: imap.password.clone(),
            folder: imap.folder.clone(),
            max_bytes: imap.max_bytes,
            mark_seen: imap.mark_seen,
            domain,
            session: None,
            unseen: None,
        }
    }

    pub(crate) async fn check(&mut self) -> Result<String, Error> {
        let mut session = self.login().await?;
        let found = self.examine(&mut session).await?;
        self.logout(session).await;
        let host = &self.dialer.endpoint.host;
        Ok(format!(
            "IMAP server {host} accepts the login of {} and its folder {} holds {} messages",
            self.user, self.folder, found.exists
        ))
    }

    pub(crate) async fn read(&mut self, request: &ReadRequest, out: &mut Batch) -> Result<Progress, Error> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.login().await?,
        };
        // A session that broke is dropped with its error; the next call makes a new one from the same cursor.
        let progress = self.read_page(&mut session, request, out).await?;
        if progress == Progress::More {
            self.session = Some(session);
        } else {
            self.logout(session).await;
        }
        Ok(progress)
    }

    async fn read_page(
        &mut self,
        session: &mut Session<Wire>,
        request: &ReadRequest,
        out: &mut Batch,
    ) -> Result<Progress, Error> {
        let folder = self.examine(session).await?;
        let validity = folder.uid_validity.unwrap_or(0);
        let mut at = start(request.cursor.as_deref(), validity)?;
        let mut given = Vec::new();
        let last = match folder.uid_next {
            Some(next) => next.saturating_sub(1),
            None => self.last_uid(session, folder.exists).await?,
        };
        let mut window = WINDOW_MIN;
        while at.uid < last && folder.exists > 0 && !out.is_full() {
            let until = at.uid.saturating_add(window).min(last);
            let mut uids = self.search(session, at.uid + 1, until).await?;
            let page =
                uids.len().min(PAGE_MAX).min(usize::try_from(request.max_records).unwrap_or(PAGE_MAX).max(1));
            let whole_window = page == uids.len();
            uids.truncate(page);
            if uids.is_empty() {
                window = window.saturating_mul(2).min(WINDOW_MAX);
            }
            let done = self.give(session, &uids, out, &mut given).await?;
            at.uid = match done {
                Some(uid) => uid,
                None if whole_window => until,
                None => uids.last().copied().unwrap_or(until),
            };
        }
        let cursor = serde_json::to_string(&at).map_err(|e| Error::permanent(e.to_string()))?;
        out.set_cursor(cursor.clone());
        self.unseen = Some((cursor, given));
        let caught_up = at.uid >= last || folder.exists == 0;
        Ok(if caught_up { Progress::CaughtUp } else { Progress::More })
    }

    /// Gives the mails of `uids` to the batch. `Some(uid)`: stopped after that one.
    async fn give(
        &self,
        session: &mut Session<Wire>,
        uids: &[u32],
        out: &mut Batch,
        given: &mut Vec<u32>,
    ) -> Result<Option<u32>, Error> {
        let sizes = self.sizes(session, uids).await?;
        let mut rest = sizes.as_slice();
        while let Some(first) = rest.first() {
            if out.is_full() {
                return Ok(Some(first.uid - 1));
            }
            let (group, after) = rest.split_at(group_length(rest, self.max_bytes));
            if first.bytes > self.max_bytes {
                self.give_refused(session, *first, out).await?;
            } else {
                self.give_bodies(session, group, out).await?;
            }
            given.extend(group.iter().map(|s| s.uid));
            rest = after;
        }
        Ok(None)
    }

    async fn give_bodies(
        &self,
        session: &mut Session<Wire>,
        group: &[Sized],
        out: &mut Batch,
    ) -> Result<(), Error> {
        let set = uid_set(group.iter().map(|s| s.uid));
        let mails = self.within(session.uid_fetch(set, "(UID INTERNALDATE BODY.PEEK[])")).await?;
        self.each(mails, |mail| {
            let (Some(uid), Some(body)) = (mail.uid, mail.body()) else { return Ok(()) };
            let arrived = mail.internal_date().map(|d| d.to_rfc3339());
            push(out, &self.place(uid), body, arrived, &self.domain)
        })
        .await
    }

    async fn give_refused(
        &self,
        session: &mut Session<Wire>,
        large: Sized,
        out: &mut Batch,
    ) -> Result<(), Error> {
        let query = format!("(UID BODY.PEEK[HEADER]<0.{}>)", super::REFUSED_BYTES_MAX);
        let mails = self.within(session.uid_fetch(large.uid.to_string(), query)).await?;
        let mut head = Vec::new();
        self.each(mails, |mail| {
            head.extend_from_slice(mail.header().unwrap_or_default());
            Ok(())
        })
        .await?;
        refuse(out, &self.place(large.uid), &too_large(large.bytes, self.max_bytes), &head)
    }

    fn place(&self, uid: u32) -> String {
        format!("imap {} UID {uid}", self.folder)
    }

    async fn search(&self, session: &mut Session<Wire>, from: u32, until: u32) -> Result<Vec<u32>, Error> {
        let found = self.within(session.uid_search(format!("UID {from}:{until}"))).await?;
        let mut uids: Vec<u32> = found.into_iter().filter(|uid| (from..=until).contains(uid)).collect();
        uids.sort_unstable();
        Ok(uids)
    }

    async fn sizes(&self, session: &mut Session<Wire>, uids: &[u32]) -> Result<Vec<Sized>, Error> {
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        let mails =
            self.within(session.uid_fetch(uid_set(uids.iter().copied()), "(UID RFC822.SIZE)")).await?;
        let mut sizes = Vec::with_capacity(uids.len());
        self.each(mails, |mail| {
            if let (Some(uid), Some(bytes)) = (mail.uid, mail.size) {
                sizes.push(Sized { uid, bytes: u64::from(bytes) });
            }
            Ok(())
        })
        .await?;
        // Servers answer in any order they like, and may repeat themselves.
        sizes.sort_unstable_by_key(|s| s.uid);
        sizes.dedup_by_key(|s| s.uid);
        Ok(sizes)
    }

    /// For the rare server that does not say UIDNEXT.
    async fn last_uid(&self, session: &mut Session<Wire>, exists: u32) -> Result<u32, Error> {
        let mut last = 0;
        if exists > 0 {
            let mails = self.within(session.uid_fetch("*", "(UID)")).await?;
            self.each(mails, |mail| {
                last = last.max(mail.uid.unwrap_or(0));
                Ok(())
            })
            .await?;
        }
        Ok(last)
    }

    /// The rows up to `cursor` are durable: now, and not before, mail may be marked as seen.
    pub(crate) async fn committed(&mut self, cursor: &str) -> Result<(), Error> {
        if !self.mark_seen || self.unseen.as_ref().is_none_or(|(of, uids)| of != cursor || uids.is_empty()) {
            return Ok(());
        }
        let Some((_, uids)) = self.unseen.take() else { return Ok(()) };
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.login().await?,
        };
        self.within(session.select(utf7::encode(&self.folder))).await?;
        for some in uids.chunks(PAGE_MAX) {
            let set = uid_set(some.iter().copied());
            let changed = self.within(session.uid_store(set, "+FLAGS.SILENT (\\Seen)")).await?;
            self.each(Box::pin(changed), |_| Ok(())).await?;
        }
        self.logout(session).await;
        Ok(())
    }

    async fn login(&self) -> Result<Session<Wire>, Error> {
        let host = &self.dialer.endpoint.host;
        let mut client = Client::new(self.dialer.connect().await?);
        match self.within(async { Ok(client.read_response().await?) }).await? {
            Some(_) => {}
            None => return Err(Error::transient(format!("{host} closed the IMAP connection at once"))),
        }
        if self.dialer.endpoint.tls == Tls::Starttls {
            let asked = async { Ok(client.run_command_and_check_ok("STARTTLS", None).await) };
            match self.within(asked).await? {
                Err(ImapError::No(why) | ImapError::Bad(why)) => {
                    return Err(Error::config(format!("{host} refuses STARTTLS: {why}"))
                        .with_hint("tls = \"wrapper\" may be what it speaks"));
                }
                result => result.map_err(|e| failed(host, &e))?,
            }
            // A new client, so that nothing sent in plain text so far is taken for the server's word.
            client = Client::new(self.dialer.secure(client.into_inner()).await?);
        }
        let login = async { client.login(&self.user, &self.password).await.map_err(|(e, _)| e) };
        match timeout(self.dialer.endpoint.timeout, login).await {
            Err(_) => Err(silent(host, self.dialer.endpoint.timeout)),
            Ok(Ok(session)) => Ok(session),
            Ok(Err(ImapError::No(why))) if !is_passing(&why) => {
                Err(Error::auth(format!("{host} refuses the IMAP login of {}: {why}", self.user))
                    .with_hint("check `user` and `password`; some providers want an app password"))
            }
            Ok(Err(e)) => Err(failed(host, &e)),
        }
    }

    async fn examine(&self, session: &mut Session<Wire>) -> Result<async_imap::types::Mailbox, Error> {
        let endpoint = &self.dialer.endpoint;
        match timeout(endpoint.timeout, session.examine(utf7::encode(&self.folder))).await {
            Err(_) => Err(silent(&endpoint.host, endpoint.timeout)),
            Ok(Ok(found)) => Ok(found),
            Ok(Err(ImapError::No(why))) if !is_passing(&why) => {
                Err(Error::config(format!("{} has no folder {}: {why}", endpoint.host, self.folder))
                    .with_hint("check `folder`; subfolders are often written INBOX/Name or INBOX.Name"))
            }
            Ok(Err(e)) => Err(failed(&endpoint.host, &e)),
        }
    }

    /// The connection is done with; how the goodbye went does not matter.
    async fn logout(&self, mut session: Session<Wire>) {
        drop(self.within(session.logout()).await);
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, ImapError>>) -> Result<T, Error> {
        let endpoint = &self.dialer.endpoint;
        match timeout(endpoint.timeout, work).await {
            Err(_) => Err(silent(&endpoint.host, endpoint.timeout)),
            Ok(result) => result.map_err(|e| failed(&endpoint.host, &e)),
        }
    }

    async fn each(
        &self,
        mut mails: impl Stream<Item = Result<Fetch, ImapError>> + Unpin,
        mut take: impl FnMut(Fetch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        while let Some(mail) = self.within(async { mails.next().await.transpose() }).await? {
            take(mail)?;
        }
        Ok(())
    }
}

/// RFC 5530 codes, and what Gmail and Dovecot say, for a "no" that a wait may turn into a "yes".
fn is_passing(why: &str) -> bool {
    let why = why.to_ascii_uppercase();
    ["[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "TOO MANY", "TEMPORARY", "INTERNAL ERROR"]
        .iter()
        .any(|mark| why.contains(mark))
        || why.contains("UNAVAILABLE")
}

fn silent(host: &str, wait: Duration) -> Error {
    Error::transient(format!("the IMAP server {host} did not answer within {} s", wait.as_secs()))
}

fn failed(host: &str, e: &ImapError) -> Error {
    match e {
        ImapError::ConnectionLost => {
            Error::transient(format!("the IMAP server {host} closed the connection"))
        }
        // Parse errors quote the whole buffer, which is other people's mail.
        ImapError::Parse(_) => {
            Error::transient(format!("the IMAP server {host} sent something that is not IMAP"))
        }
        ImapError::Io(e) if e.kind() == std::io::ErrorKind::Other => {
            Error::transient(format!("the IMAP server {host} sent something that is not IMAP"))
        }
        e => Error::transient(format!("the IMAP server {host}: {e}")),
    }
}
