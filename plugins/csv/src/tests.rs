//! The plugin on real files in a temporary folder.

mod detecting;
mod laws;
mod reading;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rejoin_plugin_api::{Batch, Error, Host, Plugin, Progress, ReadRequest, Source};
use serde_json::{Value, json};

use crate::{Config, Csv};

/// A folder with files, and the plugin on it.
struct Site {
    folder: tempfile::TempDir,
    log: Arc<Mutex<Vec<String>>>,
}

/// What reading to the end gave.
#[derive(Debug, Default, Clone, PartialEq)]
struct Taken {
    rows: Vec<Value>,
    keys: Vec<String>,
    refused: Vec<(String, String, String)>,
    /// After each batch: how many rows and refusals there were, and the cursor.
    cursors: Vec<(usize, String)>,
}

impl Site {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), log: Arc::default() }
    }

    fn with(name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let site = Self::new();
        site.write(name, bytes);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn append(&self, name: &str, bytes: impl AsRef<[u8]>) {
        use std::io::Write;
        let mut file = fs::OpenOptions::new().append(true).open(self.path(name)).unwrap();
        file.write_all(bytes.as_ref()).unwrap();
    }

    /// `more` overrides keys of the configuration; the whole folder is watched.
    fn plugin(&self, more: Value) -> Csv {
        self.plugin_on(&[self.folder.path()], more)
    }

    fn plugin_on(&self, paths: &[&Path], more: Value) -> Csv {
        let mut config = json!({ "paths": paths });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let config: Config = serde_json::from_value(config).unwrap();
        assert_eq!(Csv::validate(&config), []);
        let log = self.log.clone();
        let host = Host::new(move |_, line| log.lock().unwrap().push(line.to_string()), || false);
        let mut plugin = Csv::open(config, host).unwrap();
        plugin.still = Duration::from_millis(1);
        plugin
    }

    fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    fn read(&self) -> Taken {
        take(&mut self.plugin(json!({})), None, 1000).unwrap()
    }
}

/// Reads to the end in batches of `max`.
fn take(plugin: &mut Csv, cursor: Option<&str>, max: u32) -> Result<Taken, Error> {
    let mut taken = Taken::default();
    let mut cursor = cursor.map(str::to_string);
    for _ in 0..100_000 {
        let (batch, progress) = one_batch(plugin, cursor.as_deref(), max)?;
        let (lines, _, next) = batch.into_parts();
        add(&mut taken, &lines);
        cursor = next;
        taken.cursors.push((taken.rows.len() + taken.refused.len(), cursor.clone().unwrap()));
        if progress == Progress::CaughtUp {
            return Ok(taken);
        }
    }
    panic!("it never catches up");
}

fn one_batch(plugin: &mut Csv, cursor: Option<&str>, max: u32) -> Result<(Batch, Progress), Error> {
    let request = ReadRequest {
        stream: "rows".into(),
        cursor: cursor.map(str::to_string),
        max_records: max,
        max_bytes: 1 << 20,
        keys_only: false,
    };
    let mut batch = Batch::new(max, 1 << 20);
    let progress = plugin.read(&request, &mut batch)?;
    Ok((batch, progress))
}

fn add(taken: &mut Taken, lines: &[u8]) {
    for line in lines.split(|&b| b == b'\n').filter(|l| !l.is_empty()) {
        let line: Value = serde_json::from_slice(line).unwrap();
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_string();
        match line["op"].as_str().unwrap() {
            "u" => {
                taken.rows.push(line["v"].clone());
                taken.keys.push(text("key"));
            }
            "q" => {
                let at = text("at");
                let name = at.rsplit_once('/').unwrap().1.to_string();
                taken.refused.push((name, text("reason"), text("raw")));
            }
            other => panic!("unexpected op {other}"),
        }
    }
}
