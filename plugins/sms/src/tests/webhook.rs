use rejoin_plugin_api::{Batch, WebhookRequest};
use serde_json::{Value, json};

use super::config;
use crate::webhook::handle;

/// 2026-01-02T03:04:05Z.
const RECEIVED_MS: i64 = 1_767_323_045_000;

fn rules() -> Value {
    json!({
        "country_code": "86",
        "receipts": {"provider_id": "/sid", "status": "/stat", "reason": "err", "at": "time", "utc_offset": "+08:00",
            "statuses": {"MOBILE_OFF": "pending", "EMPTY_NUMBER": "bad_address"}, "bad_address": ["MK:0001"]},
        "replies": {"from": "from", "text": "text", "at": "time", "id": "mo_id", "utc_offset": "+08:00", "numbers": "national"},
    })
}

fn lines(more: &Value, target: &str, content_type: &str, body: &[u8]) -> Vec<Value> {
    let request = WebhookRequest {
        id: "r1".into(),
        received_at_ms: RECEIVED_MS,
        method: "POST".into(),
        target: target.into(),
        headers: vec![("content-type".into(), content_type.into())],
        remote: "127.0.0.1".into(),
        body: body.to_vec(),
    };
    let mut out = Batch::new(1000, 1 << 20);
    handle(&config(more.clone()), &request, &mut out).unwrap();
    let (lines, _, _) = out.into_parts();
    lines
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect()
}

fn one(more: &Value, target: &str, content_type: &str, body: &str) -> Value {
    let mut all = lines(more, target, content_type, body.as_bytes());
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn receipts() {
    for (body, key, delivered, last, bad, reason) in [
        (r#"{"sid":1,"stat":"DELIVRD"}"#, "receipt/1/DELIVRD", true, true, false, "DELIVRD"),
        (r#"{"sid":"1","stat":"delivered"}"#, "receipt/1/delivered", true, true, false, "delivered"),
        (
            r#"{"sid":"1","stat":"UNDELIV","err":"MK:0001"}"#,
            "receipt/1/UNDELIV",
            false,
            true,
            true,
            "MK:0001",
        ),
        (
            r#"{"sid":"1","stat":"UNDELIV","err":"MB:0241"}"#,
            "receipt/1/UNDELIV",
            false,
            true,
            false,
            "MB:0241",
        ),
        (r#"{"sid":"1","stat":"EMPTY_NUMBER"}"#, "receipt/1/EMPTY_NUMBER", false, true, true, "EMPTY_NUMBER"),
        (r#"{"sid":"1","stat":"mobile_off"}"#, "receipt/1/mobile_off", false, false, false, "mobile_off"),
    ] {
        let line = one(&rules(), "", "application/json", body);
        let v = &line["v"];
        assert_eq!(
            (&line["op"], &line["stream"], &line["key"]),
            (&json!("u"), &json!("receipts"), &json!(key))
        );
        assert_eq!(
            (&v["delivered"], &v["final"], &v["bad_address"], &v["reason"], &v["at"]),
            (&json!(delivered), &json!(last), &json!(bad), &json!(reason), &json!("2026-01-02T03:04:05Z")),
            "{body}"
        );
    }
}

#[test]
fn the_recipient_of_a_receipt() {
    let mut more = rules();
    more["receipts"]["to"] = json!("phone");
    more["receipts"]["numbers"] = json!("international");
    let line = one(&more, "", "", "{\"sid\":1,\"stat\":\"DELIVRD\",\"phone\":8613800138000}");
    assert_eq!(line["v"]["to"], "+8613800138000");
    assert!(one(&more, "", "", "{\"sid\":1,\"stat\":\"DELIVRD\"}")["v"].get("to").is_none());
}

#[test]
fn forms_of_request() {
    let item = json!({"sid": "7", "stat": "DELIVRD"});
    for (target, content_type, body) in [
        ("", "application/json", item.to_string()),
        ("", "", format!(" [{item}]")),
        ("?sid=7&stat=DELIVRD", "", String::new()),
        ("", "application/x-www-form-urlencoded", "sid=7&stat=DELIVRD&sid=8".to_owned()),
        ("?sid=7", "application/x-www-form-urlencoded; charset=utf-8", "stat=%44ELIVRD".to_owned()),
    ] {
        let mut more = rules();
        more["receipts"]["provider_id"] = json!("sid");
        assert_eq!(one(&more, target, content_type, &body)["key"], "receipt/7/DELIVRD", "{target} {body}");
    }
}

#[test]
fn an_array_with_one_bad_item_loses_only_that() {
    let body = json!([{"sid": 1, "stat": "DELIVRD"}, {"sid": 2, "stat": "WAT"}, 5, {"from": "13800138000", "text": "好", "mo_id": 9}]);
    let all = lines(&rules(), "", "application/json", body.to_string().as_bytes());
    let ops: Vec<_> = all.iter().map(|l| l["op"].as_str().unwrap()).collect();
    assert_eq!(ops, ["u", "q", "q", "u"]);
    assert!(all[1]["reason"].as_str().unwrap().contains("\"WAT\" is not in receipts.statuses"));
    assert_eq!(all[1]["at"], "request r1, item 2");
    assert!(all[2]["reason"].as_str().unwrap().contains("neither a receipt nor a reply"));
    assert_eq!(all[3]["key"], "reply/9");
}

#[test]
fn paths_and_lists() {
    let mut more = rules();
    more["receipts"]["path"] = json!("/dlr");
    more["receipts"]["list"] = json!("/reports");
    more["replies"]["path"] = json!("mo");
    let body = r#"{"reports":[{"sid":1,"stat":"DELIVRD"},{"sid":2,"stat":"EXPIRED"}]}"#;
    assert_eq!(lines(&more, "/dlr?x=1", "application/json", body.as_bytes()).len(), 2);
    assert_eq!(one(&more, "/mo", "", "from=13800138000&text=hi")["stream"], "replies");
    assert!(one(&more, "/other", "", "from=1&text=hi")["reason"].as_str().unwrap().contains("no path"));
    assert!(one(&more, "/dlr", "", r#"{"report":[]}"#)["reason"].as_str().unwrap().contains("list"));
    assert!(one(&more, "/dlr", "", r#"{"reports":[]}"#)["op"] == "q");
}

#[test]
fn replies() {
    for (from, text, party, opt_out) in [
        ("13800138000", "TD", "tel:+8613800138000", true),
        ("+86 138-0013-8000", "谢谢", "tel:+8613800138000", false),
        ("008613800138000", "ｔｄ", "tel:+8613800138000", true),
        ("１３８００１３８０００", "退订！", "tel:+8613800138000", true),
        ("10690000", "STOP.", "tel:+8610690000", true),
        ("QINGHE", "hello", "tel:QINGHE", false),
    ] {
        let body = json!({"from": from, "text": text, "time": "2026-01-02 11:04:05"}).to_string();
        let line = one(&rules(), "", "application/json", &body);
        let v = &line["v"];
        assert_eq!(line["key"], "reply/r1/1");
        assert_eq!((&v["party_key"], &v["opt_out"]), (&json!(party), &json!(opt_out)), "{from} {text}");
        assert_eq!((&v["text"], &v["at"]), (&json!(text), &json!("2026-01-02T03:04:05Z")));
        assert_eq!(party, format!("tel:{}", v["from"].as_str().unwrap()));
    }
}

#[test]
fn opt_out_words() {
    let is = |text: &str| {
        let body = json!({"from": "1", "text": text}).to_string();
        one(&rules(), "", "application/json", &body)["v"]["opt_out"] == true
    };
    for text in [
        "T",
        "t",
        "Ｔ",
        "TD",
        "td。",
        "R",
        "r ",
        "N",
        "n",
        "退",
        "退订",
        "【退订】",
        "退 订",
        "回复TD退订",
        "我要退订",
        "请帮我退订谢谢",
        "拒收",
        "取消订阅",
        "别再发了",
        "STOP",
        "Stop!",
        "stop all",
        "Please stop",
        "stop texting me",
        "QUIT",
        "end",
        "revoke",
        "opt out",
        "opt-out",
        "OPTOUT",
        "cancel",
        "unsubscribe",
        "please unsubscribe me",
        "ＳＴＯＰ",
        "remove me",
    ] {
        assert!(is(text), "{text}");
    }
    for text in [
        "好的",
        "Thanks",
        "我不退订",
        "刚才误退订了",
        "Stop by tomorrow?",
        "the end of the month",
        "TT",
        "Really?",
        "你们的茶很好，我之前在淘宝买过，请问退订单怎么操作，物流还没到呢",
        "不客气",
        "Right",
    ] {
        assert!(!is(text), "{text}");
    }
    let mut more = rules();
    more["replies"]["opt_out_words"] = json!(["hör auf"]);
    assert_eq!(one(&more, "", "", "from=1&text=H%C3%96R+AUF!")["v"]["opt_out"], true);
}

#[test]
fn times() {
    for (said, at, unread) in [
        ("2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05Z", None),
        ("Fri, 02 Jan 2026 03:04:05 GMT", "2026-01-02T03:04:05Z", None),
        ("2026-01-02 11:04:05", "2026-01-02T03:04:05Z", None),
        ("2026/01/02 11:04:05", "2026-01-02T03:04:05Z", None),
        ("20260102110405", "2026-01-02T03:04:05Z", None),
        ("260102110405", "2026-01-02T03:04:05Z", None),
        ("2601021104", "2026-01-02T03:04:00Z", None),
        ("1767323045", "2026-01-02T03:04:05Z", None),
        ("1767323045678", "2026-01-02T03:04:05.678Z", None),
        ("yesterday", "2026-01-02T03:04:05Z", Some("yesterday")),
        ("20261399000000", "2026-01-02T03:04:05Z", Some("20261399000000")),
    ] {
        let body = json!({"sid": 1, "stat": "DELIVRD", "time": said}).to_string();
        let v = one(&rules(), "", "application/json", &body)["v"].clone();
        assert_eq!((v["at"].as_str(), v["at_unread"].as_str()), (Some(at), unread), "{said}");
    }
}

#[test]
fn what_cannot_be_read_is_kept_whole() {
    for (body, kind, reason) in [
        (&b"{\"sid\":1"[..], "application/json", "not JSON"),
        (b"sid=%zz&stat=1", "", "two hex digits"),
        (b"sid=%ff&stat=1", "", "not UTF-8"),
        (b"\xff\xfe", "", "not UTF-8 (byte 0 of it)"),
        (b"<report/>", "", "XML"),
        (b"", "", "neither a body nor a query string"),
    ] {
        let all = lines(&rules(), "", kind, body);
        assert_eq!(all.len(), 1);
        assert!(all[0]["reason"].as_str().unwrap().contains(reason), "{:?}", all[0]);
        if let Ok(text) = std::str::from_utf8(body) {
            assert_eq!(all[0]["raw"], text);
        }
    }
    let deep = "[".repeat(100_000);
    assert_eq!(one(&rules(), "", "application/json", &deep)["op"], "q");
    assert!(
        one(&json!({}), "", "", "a=b")["reason"].as_str().unwrap().contains("neither receipts nor replies")
    );
}
