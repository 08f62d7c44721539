//! Reading a table key by key. Every getter reports what is wrong and gives `None`, so that the reader goes on and all
//! mistakes are found in one go.

use super::error::{Findings, Place};
use super::source::SourceFile;
use super::tree::{Entry, Node, Table, Value};
use super::values::did_you_mean;

/// What every reader needs at hand.
pub(super) struct Context<'a> {
    pub(super) files: &'a [SourceFile],
    pub(super) findings: &'a Findings,
}

impl Context<'_> {
    pub(super) fn error(
        &self,
        place: &Place,
        code: &'static str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.findings.add(self.files, place, code, message, hint);
    }
}

/// A table that is being read.
#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    pub(super) cx: &'a Context<'a>,
    pub(super) table: &'a Table,
    /// Where something missing is reported.
    pub(super) place: &'a Place,
    /// As it is written in TOML: `[site]`, `[[connector]]`.
    pub(super) label: &'a str,
}

impl<'a> Section<'a> {
    /// Reports keys that are not `known`.
    pub(super) fn open(
        cx: &'a Context<'a>,
        table: &'a Table,
        place: &'a Place,
        label: &'a str,
        known: &[&str],
    ) -> Self {
        for entry in table.entries.iter().filter(|e| !known.contains(&e.key.as_str())) {
            let hint = did_you_mean(&entry.key, known.iter().copied())
                .unwrap_or_else(|| format!("{label} takes {}", known.join(", ")));
            let message = format!("unknown key `{}` in {label}", entry.key);
            cx.error(&entry.key_place, "RJ-C004", message, Some(hint));
        }
        Self { cx, table, place, label }
    }

    pub(super) fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.table.get(key)
    }

    pub(super) fn node(&self, key: &str) -> Option<&'a Node> {
        self.entry(key).map(|e| &e.node)
    }

    pub(super) fn place_of(&self, key: &str) -> &'a Place {
        self.node(key).map_or(self.place, |n| &n.place)
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        as_text(self.cx, self.node(key)?, key)
    }

    /// Reports the key when it is missing.
    pub(super) fn required_text(&self, key: &str) -> Option<&'a str> {
        self.require(key, "a text").and_then(|node| as_text(self.cx, node, key))
    }

    pub(super) fn require(&self, key: &str, what: &str) -> Option<&'a Node> {
        let node = self.node(key);
        if node.is_none() {
            self.cx.error(self.place, "RJ-C006", format!("{} needs `{key}`, {what}", self.label), None);
        }
        node
    }

    /// A text in a form of its own, `poll = "5m"`.
    pub(super) fn parsed<T>(&self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(key)?;
        let node = self.node(key)?;
        parse(text).map_err(|why| bad_value(self.cx, node, key, why, None)).ok()
    }

    /// A text out of a closed list.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let why = format!("{text:?} is not one of {}", names.join(", "));
            bad_value(self.cx, self.node(key)?, key, why, did_you_mean(text, names));
        }
        found
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        let node = self.node(key)?;
        match node.value {
            Value::Bool(flag) => Some(flag),
            _ => {
                wrong_type(self.cx, node, key, "true or false");
                None
            }
        }
    }

    pub(super) fn integer(&self, key: &str, min: i64, max: i64) -> Option<i64> {
        let node = self.node(key)?;
        let Value::Integer(number) = node.value else {
            wrong_type(self.cx, node, key, "a whole number");
            return None;
        };
        if (min..=max).contains(&number) {
            return Some(number);
        }
        bad_value(self.cx, node, key, format!("{number} is not between {min} and {max}"), None);
        None
    }

    pub(super) fn share(&self, key: &str) -> Option<f64> {
        let node = self.node(key)?;
        let number = match node.value {
            Value::Float(number) => number,
            Value::Integer(number) => number as f64,
            _ => {
                wrong_type(self.cx, node, key, "a number");
                return None;
            }
        };
        if (0.0..=1.0).contains(&number) {
            return Some(number);
        }
        bad_value(self.cx, node, key, format!("{number} is not a share between 0 and 1"), None);
        None
    }

    /// A table below this one.
    pub(super) fn section(&self, key: &str) -> Option<(&'a Table, &'a Place)> {
        let node = self.node(key)?;
        match &node.value {
            Value::Table(table) => Some((table, &node.place)),
            _ => {
                wrong_type(self.cx, node, key, "a table");
                None
            }
        }
    }

    /// The tables of `[[key]]`.
    pub(super) fn sections(&self, key: &str) -> Vec<(&'a Table, &'a Place)> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let Value::Array(items) = &node.value else {
            let hint = format!("write [[{key}]], with two brackets");
            let message = format!("`{key}` must be a list of tables, not {}", node.value.noun());
            self.cx.error(&node.place, "RJ-C005", message, Some(hint));
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| match &item.value {
                Value::Table(table) => Some((table, &item.place)),
                _ => {
                    wrong_type(self.cx, item, key, "a table");
                    None
                }
            })
            .collect()
    }

    /// A list of texts, each with its node.
    pub(super) fn texts(&self, key: &str) -> Option<Vec<(&'a str, &'a Node)>> {
        let node = self.node(key)?;
        let Value::Array(items) = &node.value else {
            let hint =
                matches!(node.value, Value::Text(_)).then(|| format!("put it in brackets: {key} = [\"…\"]"));
            let message = format!("`{key}` must be a list of texts, not {}", node.value.noun());
            self.cx.error(&node.place, "RJ-C005", message, hint);
            return None;
        };
        Some(items.iter().filter_map(|item| Some((as_text(self.cx, item, key)?, item))).collect())
    }

    /// A table whose keys are the user's own and whose values are texts.
    pub(super) fn text_map(&self, key: &str) -> Vec<(&'a Entry, &'a str)> {
        let Some((table, _)) = self.section(key) else { return Vec::new() };
        table.entries.iter().filter_map(|e| Some((e, as_text(self.cx, &e.node, &e.key)?))).collect()
    }
}

pub(super) fn as_text<'a>(cx: &Context<'_>, node: &'a Node, key: &str) -> Option<&'a str> {
    match &node.value {
        Value::Text(_) if node.unresolved => None,
        Value::Text(text) => Some(text),
        _ => {
            wrong_type(cx, node, key, "a text");
            None
        }
    }
}

pub(super) fn wrong_type(cx: &Context<'_>, node: &Node, key: &str, wanted: &str) {
    let message = format!("`{key}` must be {wanted}, not {}", node.value.noun());
    let quote =
        wanted == "a text" && matches!(node.value, Value::Integer(_) | Value::Float(_) | Value::Bool(_));
    cx.error(&node.place, "RJ-C005", message, quote.then(|| "put it in quotes".to_owned()));
}

/// `why` may quote the value, so it is not shown when the value is secret.
pub(super) fn bad_value(cx: &Context<'_>, node: &Node, key: &str, why: String, hint: Option<String>) {
    let (why, hint) = if node.secret {
        ("what it refers to is not a value it can take".to_owned(), None)
    } else {
        (why, hint)
    };
    cx.error(&node.place, "RJ-C007", format!("`{key}`: {why}"), hint);
}
