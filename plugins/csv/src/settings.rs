//! The configuration: as written, then as meant. Knows no file.

use encoding_rs::Encoding;
use rejoin_plugin_api::{Diagnostic, Error};
use serde::Deserialize;

/// As written.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    pub paths: Vec<String>,
    #[serde(default = "auto")]
    pub encoding: String,
    #[serde(default = "auto")]
    pub delimiter: String,
    #[serde(default = "double_quote")]
    pub quote: String,
    #[serde(default = "yes")]
    pub header: bool,
    #[serde(default)]
    pub columns: Vec<String>,
    #[serde(default)]
    pub key: Vec<String>,
}

fn auto() -> String {
    "auto".into()
}

fn double_quote() -> String {
    "\"".into()
}

fn yes() -> bool {
    true
}

/// As meant. `None` is *find out*.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) paths: Vec<String>,
    pub(crate) encoding: Option<&'static Encoding>,
    pub(crate) delimiter: Option<u8>,
    pub(crate) quote: Option<u8>,
    pub(crate) header: bool,
    pub(crate) columns: Vec<String>,
    pub(crate) key: Vec<String>,
}

impl Settings {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        if let Some(first) = findings(config).into_iter().next() {
            return Err(Error::config(format!("{}: {}", first.pointer, first.message)));
        }
        Ok(Self {
            paths: config.paths.clone(),
            encoding: encoding(&config.encoding).unwrap_or(None),
            delimiter: delimiter(&config.delimiter).unwrap_or(None),
            quote: config.quote.bytes().next(),
            header: config.header,
            columns: config.columns.clone(),
            key: config.key.clone(),
        })
    }

    /// Everything that decides what is read out of a file: when it changes, files are read again.
    pub(crate) fn reading(&self) -> String {
        let Self { paths: _, encoding, delimiter, quote, header, columns, key } = self;
        let encoding = encoding.map(Encoding::name);
        format!("{encoding:?} {delimiter:?} {quote:?} {header} {columns:?} {key:?}")
    }
}

/// Everything the manifest's schema cannot say.
pub(crate) fn findings(config: &Config) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut note = |pointer: &str, message: String, hint: &str| {
        found.push(Diagnostic { pointer: pointer.into(), message, hint: Some(hint.into()) });
    };
    if config.paths.is_empty() {
        note("/paths", "no file is named".into(), "name at least one file, pattern or folder");
    }
    for (index, path) in config.paths.iter().enumerate() {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if folder.contains(['*', '?']) {
            let pointer = format!("/paths/{index}");
            note(
                &pointer,
                format!("{path:?} has a pattern in a folder's name"),
                "use * and ? in the last part only",
            );
        }
    }
    if let Err(message) = encoding(&config.encoding) {
        note(
            "/encoding",
            message,
            "use auto, utf-8, gb18030, gbk, big5, utf-16le, windows-1250 or another WHATWG name",
        );
    }
    if let Err(message) = delimiter(&config.delimiter) {
        note("/delimiter", message, "use auto, tab, or one ASCII character such as \";\"");
    }
    if !matches!(config.quote.as_str(), "" | "\"" | "'") {
        note("/quote", format!("{:?} cannot quote", config.quote), "use \", ' or nothing");
    }
    if !config.header && config.columns.is_empty() {
        note(
            "/columns",
            "without a header the columns need names".into(),
            "list them in columns = [\"…\", …]",
        );
    }
    if !config.columns.is_empty() {
        for (index, key) in config.key.iter().enumerate() {
            if !config.columns.contains(key) {
                note(
                    &format!("/key/{index}"),
                    format!("no column is named {key:?}"),
                    "take a name from columns",
                );
            }
        }
    }
    found
}

fn encoding(label: &str) -> Result<Option<&'static Encoding>, String> {
    if label == "auto" {
        return Ok(None);
    }
    match Encoding::for_label_no_replacement(label.as_bytes()) {
        Some(e) if e == encoding_rs::ISO_2022_JP => {
            Err("ISO-2022-JP keeps state from line to line and cannot be read from the middle".into())
        }
        // GBK is a part of GB18030, and files called GBK hold the rest often enough.
        Some(e) if e == encoding_rs::GBK => Ok(Some(encoding_rs::GB18030)),
        Some(e) => Ok(Some(e)),
        None => Err(format!("no encoding is called {label:?}")),
    }
}

fn delimiter(text: &str) -> Result<Option<u8>, String> {
    match text {
        "auto" => Ok(None),
        "tab" | "\\t" => Ok(Some(b'\t')),
        _ => match text.as_bytes() {
            [b @ (b'\r' | b'\n' | b'"' | b'\'')] => Err(format!("{:?} cannot delimit", char::from(*b))),
            [b] if b.is_ascii() => Ok(Some(*b)),
            _ => Err(format!("{text:?} is not one ASCII character")),
        },
    }
}
