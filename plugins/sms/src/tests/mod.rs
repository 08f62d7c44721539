//! Unit tests, by module; the ones with a real HTTP server are in `tests/outcomes.rs`.

mod length;
mod message;
mod pace;
mod place;
mod request;
mod validate;
mod verdict;
mod webhook;

use serde_json::{Value, json};

use crate::Config;

/// A configuration made of the smallest one and `more`.
fn config(more: Value) -> Config {
    let mut all = json!({
        "url": "http://127.0.0.1:9/send",
        "body": "{\"to\":{{ to|json }},\"text\":{{ text|json }},\"id\":{{ id|json }}}",
    });
    for (key, value) in more.as_object().unwrap() {
        all[key] = value.clone();
    }
    serde_json::from_value(all).unwrap()
}
