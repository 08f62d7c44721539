//! TOML as an owned tree in which every key and value knows its place, and every `env:`/`file:` leaf is resolved.
//!
//! Parsing comes first and interpolation second, only in string leaves: a secret can hold quotes or line breaks and
//! still not become syntax.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Findings, Place};
use super::source::SourceFile;

/// Syntax mistakes reported per file; what follows them is mostly their echo.
const SYNTAX_ERRORS_MAX: usize = 5;
/// Largest file a `file:` value may name.
const SECRET_BYTES_MAX: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
    /// It came from `env:` or `file:`: it is never shown.
    pub(super) secret: bool,
    /// What it names is not there. That has been reported, so nothing more is said about its value.
    pub(super) unresolved: bool,
}

#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Datetime(String),
    Array(Vec<Node>),
    Table(Table),
}

#[derive(Debug, Default)]
pub(super) struct Table {
    /// In the order they are written.
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) node: Node,
}

/// How the environment and files are looked at, so that tests need neither.
pub struct Outside<'a> {
    pub env: &'a dyn Fn(&str) -> Option<String>,
    pub file: &'a dyn Fn(&Path) -> std::io::Result<Vec<u8>>,
}

impl Outside<'static> {
    /// The real ones.
    pub fn real() -> Self {
        Self { env: &|name| std::env::var(name).ok(), file: &|path| std::fs::read(path) }
    }
}

impl Table {
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.key == key)
    }
}

impl Value {
    /// With its article, for "must be a text, not …".
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Bool(_) => "true or false",
            Self::Datetime(_) => "a date",
            Self::Array(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// Parses `files[index]`. `None` after syntax mistakes, which are in `findings`.
pub(super) fn parse(files: &[SourceFile], index: usize, findings: &Findings) -> Option<Table> {
    let text = &files.get(index)?.text;
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut lines = Vec::new();
    for error in errors {
        let range = error.span().unwrap_or(0..0);
        let line = text.get(..range.start).map_or(0, |t| t.matches('\n').count());
        if !lines.contains(&line) && lines.len() < SYNTAX_ERRORS_MAX {
            lines.push(line);
            let message = format!("this is not TOML: {}", error.message());
            let hint = syntax_hint(error.message()).map(str::to_owned);
            findings.add(files, &Place { file: index, range }, "RJ-C003", message, hint);
        }
    }
    if lines.is_empty() {
        return Some(own_table(table.into_inner(), index));
    }
    findings.incomplete.set(true);
    None
}

/// What to do about the commonest of them.
fn syntax_hint(message: &str) -> Option<&'static str> {
    match message {
        m if m.starts_with("invalid unquoted key") => Some("put a key that is not plain ASCII in quotes"),
        m if m.starts_with("string values must be quoted") => Some("put a text in quotes"),
        m if m.starts_with("invalid basic string") || m.starts_with("invalid literal string") => Some(
            "a text ends with the quote it began with, on the same line; write \"\"\" around several lines",
        ),
        m if m.starts_with("duplicate key") => Some("each key stands once in its table"),
        _ => None,
    }
}

fn own_table(table: DeTable<'_>, file: usize) -> Table {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| Entry {
            key_place: Place { file, range: key.span() },
            key: key.into_inner().into_owned(),
            node: own(value, file),
        })
        .collect();
    entries.sort_by_key(|e| e.key_place.range.start);
    Table { entries }
}

fn own(value: Spanned<DeValue<'_>>, file: usize) -> Node {
    let place = Place { file, range: value.span() };
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(n) => match i64::from_str_radix(n.as_str(), n.radix()) {
            Ok(n) => Value::Integer(n),
            Err(_) => Value::Float(f64::INFINITY),
        },
        DeValue::Float(n) => Value::Float(n.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(b) => Value::Bool(b),
        DeValue::Datetime(at) => Value::Datetime(at.to_string()),
        DeValue::Array(items) => Value::Array(items.into_iter().map(|item| own(item, file)).collect()),
        DeValue::Table(table) => Value::Table(own_table(table, file)),
    };
    Node { place, value, secret: false, unresolved: false }
}

/// Replaces every `env:NAME` and `file:PATH` leaf by what it names. A missing one is a mistake at that leaf.
pub(super) fn interpolate(
    table: &mut Table,
    base: &Path,
    outside: &Outside<'_>,
    files: &[SourceFile],
    findings: &Findings,
) {
    for entry in &mut table.entries {
        interpolate_node(&mut entry.node, base, outside, files, findings);
    }
}

fn interpolate_node(
    node: &mut Node,
    base: &Path,
    outside: &Outside<'_>,
    files: &[SourceFile],
    findings: &Findings,
) {
    match &mut node.value {
        Value::Table(table) => interpolate(table, base, outside, files, findings),
        Value::Array(items) => {
            items.iter_mut().for_each(|item| interpolate_node(item, base, outside, files, findings));
        }
        Value::Text(text) => match resolve(text, base, outside) {
            None => {}
            Some(Ok(found)) => (*text, node.secret) = (found, true),
            Some(Err((message, hint))) => {
                findings.add(files, &node.place, "RJ-C010", message, Some(hint));
                (node.secret, node.unresolved) = (true, true);
            }
        },
        _ => {}
    }
}

type Unresolved = (String, String);

/// `None` when the text is just a text.
fn resolve(text: &str, base: &Path, outside: &Outside<'_>) -> Option<Result<String, Unresolved>> {
    if let Some(name) = text.strip_prefix("env:") {
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        return is_name.then(|| {
            (outside.env)(name).ok_or_else(|| {
                (
                    format!("the environment variable {name} is not set"),
                    format!("set {name} where the daemon starts"),
                )
            })
        });
    }
    let path = text.strip_prefix("file:")?;
    // `file: see below` is prose.
    let is_path =
        !path.is_empty() && !path.starts_with(char::is_whitespace) && !path.contains(['\n', '\r', '\0']);
    is_path.then(|| read_secret(&base.join(path), outside))
}

fn read_secret(path: &Path, outside: &Outside<'_>) -> Result<String, Unresolved> {
    let shown = path.display();
    let hint = || "the path is relative to the folder of the configuration".to_owned();
    let bytes = (outside.file)(path).map_err(|e| (format!("cannot read {shown}: {e}"), hint()))?;
    if bytes.len() > SECRET_BYTES_MAX {
        return Err((format!("{shown} is larger than {} KiB", SECRET_BYTES_MAX >> 10), hint()));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| (format!("{shown} is not UTF-8"), "write binary secrets as base64".to_owned()))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}
