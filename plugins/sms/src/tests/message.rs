use serde_json::{Value, json};

use super::config;
use crate::message::prepare;

fn sent(text: &str, more: Value) -> String {
    prepare(text, &config(more)).unwrap().text
}

fn refused(text: &str, more: Value) -> String {
    prepare(text, &config(more)).unwrap_err()
}

#[test]
fn signature() {
    let start = json!({"signature": "青禾茶业"});
    let end = json!({"signature": "青禾茶业", "signature_at": "end"});
    for (text, config, expected) in [
        ("您好", &start, "【青禾茶业】您好"),
        ("【青禾茶业】您好", &start, "【青禾茶业】您好"),
        ("您好【青禾茶业】", &start, "【青禾茶业】您好"),
        ("您好", &end, "您好【青禾茶业】"),
        ("【青禾茶业】 您好", &end, "您好【青禾茶业】"),
        ("您好", &json!({}), "您好"),
        ("【谁】您好", &json!({}), "【谁】您好"),
    ] {
        assert_eq!(sent(text, config.clone()), expected);
    }
}

#[test]
fn brackets_beside_the_signature_are_refused() {
    for text in ["【别人】您好", "您好【限时】特惠", "【青禾茶业】【青禾茶业】您好", "】"]
    {
        assert!(refused(text, json!({"signature": "青禾茶业"})).contains("【青禾茶业】"), "{text}");
    }
}

#[test]
fn opt_out_words_stand_once() {
    let ours = json!({"opt_out": "，拒收请回复R"});
    for (text, expected) in [
        ("春茶上新", "春茶上新，拒收请回复R"),
        ("春茶上新，拒收请回复R", "春茶上新，拒收请回复R"),
        ("春茶上新 回T退订。", "春茶上新 回T退订。"),
        ("春茶上新，退订回TD", "春茶上新，退订回TD"),
        ("如何退订请看官网", "如何退订请看官网，拒收请回复R"),
    ] {
        assert_eq!(sent(text, ours.clone()), expected);
    }
    let theirs = json!({"appends_opt_out": "，拒收请回复R"});
    for (text, expected) in [
        ("春茶上新", "春茶上新"),
        ("春茶上新，拒收请回复R", "春茶上新"),
        ("春茶上新，回T退订", "春茶上新"),
        ("New tea. Reply STOP to opt out", "New tea. Reply STOP to opt out"),
    ] {
        assert_eq!(sent(text, theirs.clone()), expected);
    }
    let english = json!({"opt_out": " Reply STOP to opt out"});
    assert_eq!(sent("New tea.", english.clone()), "New tea. Reply STOP to opt out");
    assert_eq!(sent("New tea. Reply STOP to opt out.", english), "New tea. Reply STOP to opt out.");
}

#[test]
fn what_the_gateway_appends_is_counted_and_not_sent() {
    let all = json!({"signature": "青禾茶业", "appends_signature": true, "appends_opt_out": "，拒收请回复R"});
    let ready = prepare(&"茶".repeat(70 - 6 - 7), &config(all.clone())).unwrap();
    assert_eq!((ready.text.chars().count(), ready.length.units, ready.length.parts), (57, 70, 1));
    assert_eq!(prepare(&"茶".repeat(58), &config(all)).unwrap().length.parts, 2);
}

#[test]
fn too_long_blank_or_broken() {
    let sentence = refused(&"茶".repeat(135), json!({"parts_max": 2}));
    assert!(
        sentence.contains("3 parts of 67 units (ucs2, 135 units in all) and parts_max is 2"),
        "{sentence}"
    );
    assert_eq!(sent(&"茶".repeat(134), json!({"parts_max": 2})).chars().count(), 134);
    assert!(refused(" \n ", json!({})).contains("no text"));
    assert!(refused("a\0b", json!({})).contains("NUL"));
    assert_eq!(sent("a\r\nb\rc", json!({})), "a\nb\nc");
}
