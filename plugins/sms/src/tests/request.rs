use rejoin_plugin_api::Message;
use serde_json::json;

use super::config;
use crate::{measure, message::Ready, request::Templates};

fn message() -> Message {
    Message {
        idempotency_key: "k1".into(),
        message_id: "m1".into(),
        to: "+8613800138000".into(),
        ..Message::default()
    }
}

fn ready(text: &str) -> Ready {
    Ready { text: text.into(), length: measure(text) }
}

#[test]
fn every_variable_and_filter() {
    let config = config(json!({
        "url": "http://gw/send?to={{ to|form }}&t={{ text|form }}",
        "headers": {"X-Key": "{{ secret.key }}", "X-Id": "{{ id }}", "X-Text": "{{ text|base64 }}"},
        "secrets": {"key": "s3cret"},
        "sender": "青禾",
        "country_code": "86",
        "body": "{{ to_digits }} {{ to_national }} {{ to_name }}|{{ text|json }} {{ sender }} {{ parts }} {{ encoding }} {{ message_id }}",
    }));
    let rendered = Templates::new(&config).ok().unwrap().render(&message(), &ready("a \"&\"\n茶")).unwrap();
    assert_eq!(rendered.url, "http://gw/send?to=%2B8613800138000&t=a+%22%26%22%0A%E8%8C%B6");
    assert_eq!(
        rendered.headers,
        [("X-Id", "k1"), ("X-Key", "s3cret"), ("X-Text", "YSAiJiIK6Iy2")].map(|(n, v)| (n.into(), v.into()))
    );
    assert_eq!(rendered.body, "8613800138000 13800138000 |\"a \\\"&\\\"\\n茶\" 青禾 1 ucs2 m1");
}

#[test]
fn text_is_data_and_never_a_template() {
    let config = config(json!({"body": "{{ text|json }}", "secrets": {"key": "s3cret"}}));
    let text = "{{ secret.key }} {% for x in y %} ${env:HOME}";
    let rendered = Templates::new(&config).ok().unwrap().render(&message(), &ready(text)).unwrap();
    assert_eq!(rendered.body, serde_json::to_string(text).unwrap());
}

#[test]
fn a_missing_secret_is_an_error_at_its_pointer() {
    let config = config(json!({"headers": {"X/Key": "{{ secret.kye }}"}}));
    let bad = Templates::new(&config).ok().unwrap().render(&message(), &ready("a")).unwrap_err();
    assert_eq!(bad.pointer, "/headers/X~1Key");
}
