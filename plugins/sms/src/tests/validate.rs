use rejoin_plugin_api::Plugin;
use serde_json::{Value, json};

use super::config;
use crate::Sms;

fn pointers(more: Value) -> Vec<String> {
    Sms::validate(&config(more)).into_iter().map(|d| d.pointer).collect()
}

#[test]
fn each_fault_is_found_where_it_stands() {
    for (more, pointer) in [
        (json!({"method": "PO ST"}), "/method"),
        (json!({"rate": 0.0}), "/rate"),
        (json!({"burst": 0}), "/burst"),
        (json!({"connections": 0}), "/connections"),
        (json!({"connections": 65}), "/connections"),
        (json!({"timeout_s": 5, "connect_timeout_s": 5}), "/connect_timeout_s"),
        (json!({"timeout_s": 61}), "/timeout_s"),
        (json!({"country_code": "+86"}), "/country_code"),
        (json!({"parts_max": 0}), "/parts_max"),
        (json!({"signature": "一"}), "/signature"),
        (json!({"signature": "【青禾】"}), "/signature"),
        (json!({"appends_signature": true}), "/appends_signature"),
        (json!({"opt_out": "回T退订", "appends_opt_out": "回T退订"}), "/opt_out"),
        (json!({"accepted": {"values": ["0"]}}), "/accepted/values"),
        (json!({"accepted": {"status": [20]}}), "/accepted/status"),
        (json!({"error": {"retry": ["17"]}}), "/error/retry"),
        (json!({"error": {"bad_address": ["http:422", "21"]}}), "/error/bad_address"),
        (json!({"receipts": {"provider_id": "id"}}), "/receipts/status"),
        (
            json!({"receipts": {"provider_id": "id", "status": "s", "utc_offset": "8"}}),
            "/receipts/utc_offset",
        ),
        (
            json!({"receipts": {"provider_id": "id", "status": "s", "bad_address": ["1"]}}),
            "/receipts/bad_address",
        ),
        (
            json!({"receipts": {"provider_id": "id", "status": "s", "numbers": "national"}}),
            "/receipts/numbers",
        ),
        (json!({"replies": {"from": "f"}}), "/replies/text"),
        (json!({"replies": {"from": "f", "text": "t", "numbers": "national"}}), "/replies/numbers"),
        (json!({"body": "{{ text"}), "/body"),
        (json!({"body": "{{ txet|json }}"}), "/body"),
        (json!({"body": "{{ text|jsno }}"}), "/body"),
        (json!({"body": "{\"t\":\"{{ text }}\"}"}), "/body"),
        (json!({"body": "{{ secret.key|json }}"}), "/body"),
        (json!({"body": "{{ to_national|json }}"}), "/body"),
        (json!({"content_type": "application/x-www-form-urlencoded", "body": "t={{ text }}"}), "/body"),
        (json!({"url": "gw/send"}), "/url"),
        (json!({"url": "ftp://gw/send"}), "/url"),
        (json!({"url": "http://gw/{{ who }}"}), "/url"),
        (json!({"headers": {"X Y": "1"}}), "/headers/X Y"),
        (json!({"headers": {"X": "{{ text }}"}}), "/headers/X"),
    ] {
        assert_eq!(pointers(more.clone()), [pointer], "{more}");
    }
}

#[test]
fn sound_configurations_pass() {
    for more in [
        json!({}),
        json!({"error": {"retry": ["http:503"], "final": ["http:422"]}}),
        json!({"content_type": "application/x-www-form-urlencoded", "body": "t={{ text|form }}&to={{ to|form }}"}),
        json!({"method": "get", "url": "http://gw/?t={{ text|form }}", "body": ""}),
        json!({"secrets": {"k": "v"}, "headers": {"Authorization": "Bearer {{ secret.k }}"}}),
        json!({"country_code": "86", "body": "{{ to_national|json }}"}),
    ] {
        assert_eq!(pointers(more.clone()), Vec::<String>::new(), "{more}");
    }
}

#[test]
fn all_faults_come_at_once() {
    assert_eq!(
        pointers(json!({"rate": -1.0, "parts_max": 0, "body": "{{ text"})),
        ["/rate", "/parts_max", "/body"]
    );
}

/// Every key of the manifest is read, and every key that is read is in the manifest.
#[test]
fn manifest_and_readme_know_the_same_keys() {
    let manifest: Value = serde_json::from_str(Sms::MANIFEST).unwrap();
    assert_eq!(manifest["capabilities"], json!(["channel", "webhook"]));
    let readme = include_str!("../../README.md");
    let source = include_str!("../config.rs");
    let mut keys = Vec::new();
    collect(&manifest["config"], &mut keys);
    for key in &keys {
        assert!(readme.contains(&format!("`{key}`")), "README lacks {key}");
        assert!(source.contains(&format!(" {key}: ")) || key == "final", "config.rs lacks {key}");
    }
    let fields = source.lines().filter(|line| line.trim_start().starts_with("pub(crate) "));
    for field in fields.filter_map(|line| line.trim().strip_prefix("pub(crate) ")?.split_once(": ")) {
        assert!(keys.iter().any(|k| k == field.0.trim_end_matches('_')), "manifest lacks {}", field.0);
    }
}

fn collect(schema: &Value, keys: &mut Vec<String>) {
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        keys.push(key.clone());
        collect(inner, keys);
    }
}
