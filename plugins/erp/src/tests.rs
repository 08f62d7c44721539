//! The plugin against a made-up Tryton with a clock of its own, and against a real one when there is one.

mod fake;
mod laws;
mod live;
mod reading;

use rejoin_plugin_api::{Batch, Error, Host, Plugin, Progress, ReadRequest, Source};
use serde_json::{Value, json};

use crate::{Config, Erp};

fn plugin(url: &str, user: &str, password: &str, more: Value) -> Erp {
    let mut config = json!({ "url": url, "user": user, "password": password });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let config: Config = serde_json::from_value(config).unwrap();
    assert_eq!(Erp::validate(&config), []);
    Erp::open(config, Host::detached()).unwrap()
}

/// One stream of one plugin, read again and again.
struct Reader {
    stream: &'static str,
    keys_only: bool,
    cursor: Option<String>,
}

impl Reader {
    fn new(stream: &'static str) -> Self {
        Self { stream, keys_only: false, cursor: None }
    }

    fn sweep(stream: &'static str) -> Self {
        Self { keys_only: true, ..Self::new(stream) }
    }

    /// The lines of one call.
    fn once(&mut self, plugin: &mut Erp, max: u32) -> Result<(Vec<Value>, Progress), Error> {
        let (stream, cursor) = (self.stream.to_string(), self.cursor.clone());
        let (keys_only, max_bytes) = (self.keys_only, 1 << 20);
        let request = ReadRequest { stream, cursor, max_records: max, max_bytes, keys_only };
        let mut batch = Batch::new(max, max_bytes);
        let progress = plugin.read(&request, &mut batch)?;
        let (lines, records, cursor) = batch.into_parts();
        assert!(records <= u64::from(max));
        self.cursor = cursor;
        let lines = lines.split(|&b| b == b'\n').filter(|line| !line.is_empty());
        Ok((lines.map(|line| serde_json::from_slice(line).unwrap()).collect(), progress))
    }

    fn until_caught_up(&mut self, plugin: &mut Erp, max: u32) -> Result<Vec<Value>, Error> {
        let mut all = Vec::new();
        for _ in 0..10_000 {
            let (lines, progress) = self.once(plugin, max)?;
            all.extend(lines);
            if progress == Progress::CaughtUp {
                return Ok(all);
            }
        }
        panic!("it never catches up");
    }

    fn keys(&mut self, plugin: &mut Erp, max: u32) -> Vec<String> {
        self.until_caught_up(plugin, max)
            .unwrap()
            .iter()
            .map(|line| line["key"].as_str().unwrap().into())
            .collect()
    }
}
