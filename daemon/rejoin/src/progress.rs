//! Long work shows that it goes on: a bar on a terminal, a line a second elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

const LINE_EVERY: Duration = Duration::from_secs(1);

/// A count that rises, perhaps towards a known end.
pub struct Progress {
    what: &'static str,
    bar: Option<ProgressBar>,
    began: Instant,
    last_line: Instant,
}

impl Progress {
    pub fn new(what: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::no_length().with_message(what));
        if let Some(bar) = &bar {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        let now = Instant::now();
        Self { what, bar, began: now, last_line: now }
    }

    /// The count is `at` now, of `total` when that is known.
    pub fn at(&mut self, at: u64, total: Option<u64>) {
        if let Some(bar) = &self.bar {
            if let Some(total) = total.filter(|t| *t > 0 && bar.length() != Some(*t)) {
                bar.set_length(total);
                // A template that does not parse leaves the default one, which says the same less nicely.
                if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}, {per_sec}") {
                    bar.set_style(style);
                }
            }
            bar.set_position(at);
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            let of = total.map(|t| format!(" of {t}")).unwrap_or_default();
            eprintln!("{at}{of} {}, {:.0}/s", self.what, at as f64 / self.began.elapsed().as_secs_f64());
        }
    }

    pub fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
