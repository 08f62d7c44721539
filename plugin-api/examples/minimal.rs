//! The smallest useful source: counts upwards to a number.

use rejoin_plugin_api::{Batch, Error, Host, Plugin, Progress, ReadRequest, Source};
use serde::{Deserialize, Serialize};

struct Counter {
    config: Config,
    host: Host,
}

#[derive(Deserialize)]
struct Config {
    last: u64,
}

#[derive(Serialize)]
struct Row {
    number: u64,
}

impl Plugin for Counter {
    const MANIFEST: &'static str = r#"{
        "id": "counter", "version": "1.0.0", "capabilities": ["source"], "streams": [{ "name": "numbers" }],
        "config": { "type": "object", "properties": { "last": { "type": "integer", "default": 3 } } }
    }"#;
    type Config = Config;

    fn open(config: Config, host: Host) -> Result<Self, Error> {
        Ok(Self { config, host })
    }

    fn check(&mut self) -> Result<String, Error> {
        Ok(format!("would count to {}", self.config.last))
    }
}

impl Source for Counter {
    fn read(&mut self, request: &ReadRequest, out: &mut Batch) -> Result<Progress, Error> {
        let cursor = request.cursor.as_deref().unwrap_or("0");
        let mut number: u64 =
            cursor.parse().map_err(|_| Error::permanent(format!("{cursor:?} is no cursor of mine")))?;
        while number < self.config.last && !out.is_full() && !self.host.is_cancelled() {
            number += 1;
            out.upsert(&number.to_string(), &Row { number })?;
        }
        out.set_cursor(number.to_string());
        Ok(if number < self.config.last { Progress::More } else { Progress::CaughtUp })
    }
}

rejoin_plugin_api::export_plugin!(Counter: source);
