//! What a plugin writes to standard output and error, and what it logs: into the daemon's log with the culprit's
//! name, at a bounded rate, and a kept tail for the sentence that says how it died.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::error::Who;

/// Longest line kept; the rest of it is dropped.
const LINE_BYTES_MAX: usize = 1024;
/// Kept for the error sentence.
const TAIL_LINES: usize = 3;
const TAIL_CHARS_MAX: usize = 300;
/// A plugin gets this many lines into the log in each period.
const LINES_MAX: u32 = 100;
const PERIOD: Duration = Duration::from_secs(10);

/// Everything one child says beside its answers.
#[derive(Clone)]
pub(crate) struct Noise {
    who: Who,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    tail: VecDeque<String>,
    period_began: Instant,
    lines: u32,
    dropped: u64,
}

impl Noise {
    pub(crate) fn new(who: Who) -> Self {
        let inner = Inner { tail: VecDeque::new(), period_began: Instant::now(), lines: 0, dropped: 0 };
        Self { who, inner: Arc::new(Mutex::new(inner)) }
    }

    /// Drains the pipe until every writer is gone, so that a talkative plugin never blocks on it.
    pub(crate) fn drain(&self, pipe: OwnedFd) -> std::io::Result<JoinHandle<()>> {
        let mut reader = BufReader::with_capacity(8 << 10, Receiver::from_owned_fd(pipe)?);
        let noise = self.clone();
        Ok(tokio::spawn(async move {
            while let Ok(Some(line)) = next_line(&mut reader).await {
                let line = line.trim_end();
                noise.keep(line);
                if noise.may_log() {
                    tracing::warn!(target: "plugin", connector = noise.connector(), plugin = &*noise.who.plugin, "{line}");
                }
            }
        }))
    }

    /// A line the plugin logged.
    pub(crate) fn log(&self, level: u32, message: &str) {
        if !self.may_log() {
            return;
        }
        let (connector, plugin) = (self.connector(), &*self.who.plugin);
        match level {
            0 | 1 => tracing::error!(target: "plugin", connector, plugin, "{message}"),
            2 => tracing::warn!(target: "plugin", connector, plugin, "{message}"),
            3 => tracing::info!(target: "plugin", connector, plugin, "{message}"),
            _ => tracing::debug!(target: "plugin", connector, plugin, "{message}"),
        }
    }

    /// `; its last words: "…"`, or nothing.
    pub(crate) fn last_words(&self) -> String {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let words = inner.tail.iter().map(String::as_str).collect::<Vec<_>>().join(" / ");
        if words.is_empty() {
            return String::new();
        }
        format!("; its last words: {:?}", words.chars().take(TAIL_CHARS_MAX).collect::<String>())
    }

    fn connector(&self) -> &str {
        self.who.connector.as_deref().unwrap_or_default()
    }

    fn keep(&self, line: &str) {
        if line.is_empty() {
            return;
        }
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.tail.len() == TAIL_LINES {
            inner.tail.pop_front();
        }
        inner.tail.push_back(line.to_owned());
    }

    fn may_log(&self) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.period_began.elapsed() > PERIOD {
            if inner.dropped > 0 {
                let (connector, lines) = (self.connector(), inner.dropped);
                tracing::warn!(target: "plugin", connector, lines, "the plugin said too much; lines were dropped");
            }
            (inner.period_began, inner.lines, inner.dropped) = (Instant::now(), 0, 0);
        }
        let may = inner.lines < LINES_MAX;
        if may {
            inner.lines += 1;
        } else {
            inner.dropped += 1;
        }
        may
    }
}

/// The next line, cut at [`LINE_BYTES_MAX`]; what is not UTF-8 is replaced.
async fn next_line(reader: &mut BufReader<Receiver>) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    loop {
        let chunk = reader.fill_buf().await?;
        if chunk.is_empty() {
            return Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned()));
        }
        let end = chunk.iter().position(|&b| b == b'\n');
        let taken = &chunk[..end.unwrap_or(chunk.len())];
        line.extend(taken.iter().take(LINE_BYTES_MAX - line.len()));
        let used = taken.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
        }
    }
}
