//! A mistake in the configuration, shown with the line it is in and a caret under the place.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Range;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::source::SourceFile;

/// Widest part of a line that is shown.
const EXCERPT_WIDTH_MAX: usize = 120;
/// Width shown before the place when a line is longer.
const EXCERPT_BEFORE: usize = 50;
const TAB: &str = "    ";
/// Keys whose values are not shown even where a mistake stands in them.
const SECRET_WORDS: &[&str] =
    &["pass", "pwd", "secret", "token", "api_key", "apikey", "private_key", "credential"];

/// One mistake. [`fmt::Display`] writes all of it, over several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    pub code: &'static str,
    /// As the user would write it; empty when the mistake is in no file.
    pub file: String,
    /// From 1; 0 when the whole file is meant.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Characters from `column` on, at least 1, within the line.
    pub len: usize,
    pub message: String,
    pub hint: Option<String>,
    excerpt: Option<Excerpt>,
}

/// The line as it is printed, and the caret's place in columns of a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    text: String,
    indent: usize,
    carets: usize,
}

/// A range of bytes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) range: Range<usize>,
}

/// Mistakes as they are found. A reader adds and goes on; nothing stops at the first.
#[derive(Debug, Default)]
pub(super) struct Findings {
    found: RefCell<Vec<(usize, usize, ConfigError)>>,
    /// A file did not parse, so a name that is not found may yet stand in it.
    pub(super) incomplete: Cell<bool>,
}

impl Findings {
    pub(super) fn add(
        &self,
        files: &[SourceFile],
        place: &Place,
        code: &'static str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let Some(file) = files.get(place.file) else { return };
        let error = ConfigError::at(file, place.range.clone(), code, message.into(), hint);
        self.found.borrow_mut().push((place.file, place.range.start, error));
    }

    /// The same about a value that must not be shown.
    pub(super) fn add_hidden(
        &self,
        files: &[SourceFile],
        place: &Place,
        code: &'static str,
        message: String,
    ) {
        self.add(files, place, code, message, None);
        let mut found = self.found.borrow_mut();
        if let Some(excerpt) = found.last_mut().and_then(|(_, _, error)| error.excerpt.as_mut()) {
            *excerpt = Excerpt { text: "*".repeat(excerpt.carets), indent: 0, carets: excerpt.carets };
        }
    }

    /// A mistake that is in no place of a file.
    pub(super) fn add_whole(&self, shown: &str, code: &'static str, message: String, hint: Option<String>) {
        let error = ConfigError::whole(shown, code, message, hint);
        self.found.borrow_mut().push((0, 0, error));
    }

    /// In the order of the files and of the places in them, each once.
    pub(super) fn sorted(&self) -> Vec<ConfigError> {
        let mut found = self.found.borrow().clone();
        found.sort_by_key(|(file, offset, _)| (*file, *offset));
        found.dedup_by(|a, b| a.2 == b.2);
        found.into_iter().map(|(_, _, error)| error).collect()
    }
}

impl ConfigError {
    fn at(
        file: &SourceFile,
        range: Range<usize>,
        code: &'static str,
        message: String,
        hint: Option<String>,
    ) -> Self {
        let (line, column) = file.position(range.start);
        let whole = file.line_range(range.start);
        let start = (whole.start
            + file.text[whole.clone()].chars().take(column - 1).map(char::len_utf8).sum::<usize>())
        .min(whole.end);
        let end = range.end.clamp(start, whole.end);
        let end = (start..=end).rev().find(|at| file.text.is_char_boundary(*at)).unwrap_or(start);
        let len = file.text[start..end].chars().count().max(1);
        let excerpt =
            Some(excerpt(&file.text[whole.start..start], &file.text[start..end], &file.text[end..whole.end]));
        Self { code, file: file.shown.clone(), line, column, len, message, hint, excerpt }
    }

    fn whole(shown: &str, code: &'static str, message: String, hint: Option<String>) -> Self {
        Self { code, file: shown.to_owned(), line: 0, column: 0, len: 0, message, hint, excerpt: None }
    }
}

fn excerpt(before: &str, marked: &str, after: &str) -> Excerpt {
    let line = hide_secret(&[before, marked, after].concat());
    let chars: Vec<char> = line.chars().collect();
    let (start, length) = (before.chars().count(), marked.chars().count());
    let part =
        |range: Range<usize>| printable(&chars[range.start.min(chars.len())..range.end.min(chars.len())]);
    let (mut before, mut marked, mut after) =
        (part(0..start), part(start..start + length), part(start + length..chars.len()));
    if before.width() + marked.width() + after.width() > EXCERPT_WIDTH_MAX {
        before = keep_end(&before, EXCERPT_BEFORE);
        marked = keep_start(&marked, EXCERPT_WIDTH_MAX - EXCERPT_BEFORE);
        after = keep_start(&after, EXCERPT_WIDTH_MAX.saturating_sub(before.width() + marked.width()));
    }
    let (indent, carets) = (before.width(), marked.width().max(1));
    Excerpt { text: format!("{before}{marked}{after}").trim_end().to_owned(), indent, carets }
}

/// What a terminal may be sent: tabs as spaces, other control characters as a visible mark.
fn printable(chars: &[char]) -> String {
    let mut text = String::new();
    for c in chars {
        match c {
            '\t' => text.push_str(TAB),
            c if c.is_control() || c.width().is_none() => text.push('\u{fffd}'),
            c => text.push(*c),
        }
    }
    text
}

fn keep_end(text: &str, width_max: usize) -> String {
    if text.width() <= width_max {
        return text.to_owned();
    }
    let mut kept: Vec<char> = Vec::new();
    let mut width = 1;
    for c in text.chars().rev() {
        width += c.width().unwrap_or(0);
        if width > width_max {
            break;
        }
        kept.push(c);
    }
    std::iter::once('…').chain(kept.into_iter().rev()).collect()
}

fn keep_start(text: &str, width_max: usize) -> String {
    if text.width() <= width_max {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut width = 1;
    for c in text.chars() {
        width += c.width().unwrap_or(0);
        if width > width_max {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// On a line that sounds secret, stars for every digit and for every quoted text that does not only name where the
/// secret is: as many as there were characters, so that the caret stays right.
fn hide_secret(line: &str) -> String {
    let sounds = line.to_lowercase();
    if !SECRET_WORDS.iter().any(|word| sounds.contains(word)) {
        return line.to_owned();
    }
    let mut shown = String::with_capacity(line.len());
    let mut quote = None;
    let mut keeps = false;
    for (at, c) in line.char_indices() {
        match quote {
            None if matches!(c, '"' | '\'') => {
                quote = Some(c);
                let inner = &line[at + 1..];
                keeps = inner.starts_with("env:") || inner.starts_with("file:");
                shown.push(c);
            }
            None => shown.push(if c.is_ascii_digit() { '*' } else { c }),
            Some(open) if c == open => {
                quote = None;
                shown.push(c);
            }
            Some(_) => shown.push(if keeps { c } else { '*' }),
        }
    }
    shown
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.code, self.message)?;
        if self.line > 0 {
            write!(f, "\n  --> {}:{}:{}", self.file, self.line, self.column)?;
        } else if !self.file.is_empty() {
            write!(f, "\n  --> {}", self.file)?;
        }
        if let Some(excerpt) = &self.excerpt {
            let gutter = self.line.to_string().len();
            write!(f, "\n {:gutter$} |\n {} | {}", "", self.line, excerpt.text)?;
            write!(f, "\n {:gutter$} | {}{}", "", " ".repeat(excerpt.indent), "^".repeat(excerpt.carets))?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\nhelp: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConfigError {}
