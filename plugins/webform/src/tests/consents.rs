use rejoin_plugin_api::Plugin;
use serde_json::{Value, json};

use super::{FORM, JSON, reason, record};
use crate::Webform;

fn config() -> Value {
    json!({"consents": [
        {"field": "news", "channel": "email", "topic": "news", "text": "是的，请给我发送新品邮件"},
        {"field": "texts", "channel": "sms", "topic": "offers", "text_field": "texts_label"},
    ]})
}

#[test]
fn yes_no_and_silence() {
    for (value, granted) in [
        ("on", true),
        ("ON", true),
        ("1", true),
        ("yes", true),
        ("true", true),
        ("同意", true),
        (" 是 ", true),
        ("0", false),
        ("off", false),
        ("No", false),
        ("不同意", false),
        ("否", false),
    ] {
        let body = json!({"news": value}).to_string();
        let given = record(&config(), JSON, body.as_bytes())["consents"].clone();
        assert_eq!(
            given,
            json!([{"field": "news", "channel": "email", "topic": "news", "granted": granted, "text": "是的，请给我发送新品邮件",
                "at": "2026-01-02T03:04:05Z"}]),
            "{value}"
        );
    }
    // An unticked box is not posted: it gives nothing, and takes nothing back.
    for body in ["name=Li", "name=Li&news="] {
        assert_eq!(record(&config(), FORM, body.as_bytes())["consents"], json!([]));
    }
    assert_eq!(record(&config(), JSON, br#"{"news":true}"#)["consents"][0]["granted"], true);
    // The hidden 0 before a ticked box.
    assert_eq!(record(&config(), FORM, b"news=0&news=1")["consents"][0]["granted"], true);
    assert_eq!(record(&config(), FORM, b"news=0")["consents"][0]["granted"], false);
}

#[test]
fn consent_needs_a_clear_answer_and_its_words() {
    assert!(reason(&config(), FORM, b"news=maybe").contains("\"news\" holds neither yes nor no"));
    for body in ["texts=on", "texts=on&texts_label=+"] {
        assert!(
            reason(&config(), FORM, body.as_bytes()).contains("without the words that were shown"),
            "{body}"
        );
    }
    let v = record(&config(), FORM, b"texts=on&texts_label=Send+me+texts");
    assert_eq!(v["consents"][0]["text"], "Send me texts");
    // Mapped by field: its place in the list depends on what else was posted.
    assert_eq!(v["consent_of"]["texts"], v["consents"][0]);
    assert!(v["consent_of"].get("news").is_none());
}

fn pointers(config: Value) -> Vec<String> {
    Webform::validate(&serde_json::from_value(config).unwrap()).into_iter().map(|d| d.pointer).collect()
}

#[test]
fn validation() {
    let consent = |more: Value| {
        let mut consent = json!({"field": "f", "channel": "email", "topic": "t"});
        consent.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"consents": [consent]})
    };
    assert_eq!(pointers(consent(json!({}))), ["/consents/0"]);
    assert_eq!(pointers(consent(json!({"text": "a", "text_field": "b"}))), ["/consents/0"]);
    assert_eq!(pointers(consent(json!({"text": "a"}))), Vec::<String>::new());
    assert_eq!(pointers(json!({"fields": {"a": "x", "b": "x"}})), ["/fields/b"]);
    assert_eq!(pointers(json!({"honeypot": "h", "required": ["h"]})), ["/honeypot"]);
}

/// Every key of the manifest is explained in the README and read by the plugin.
#[test]
fn manifest_and_readme_know_the_same_keys() {
    let manifest: Value = serde_json::from_str(Webform::MANIFEST).unwrap();
    let (readme, source) = (include_str!("../../README.md"), include_str!("../config.rs"));
    let mut keys: Vec<_> = manifest["config"]["properties"].as_object().unwrap().keys().collect();
    keys.extend(
        manifest["config"]["properties"]["consents"]["items"]["properties"].as_object().unwrap().keys(),
    );
    for key in keys {
        assert!(readme.contains(&format!("`{key}`")), "README lacks {key}");
        assert!(source.contains(&format!("pub(crate) {key}: ")), "config.rs lacks {key}");
    }
    let default: crate::Config = serde_json::from_value(json!({})).unwrap();
    let properties = &manifest["config"]["properties"];
    assert_eq!(properties["fields_max"]["default"], default.fields_max);
    assert_eq!(properties["field_bytes_max"]["default"], default.field_bytes_max);
    assert_eq!(properties["pass_through"]["default"], default.pass_through);
}
