use rejoin_plugin_api::{ErrorClass, Outcome};
use serde_json::{Value, json};

use super::config;
use crate::verdict::{Answer, Rules, Stop, Verdict, public};

fn rules() -> Value {
    json!({
        "accepted": {"at": "/code", "values": ["0"]},
        "provider_id": "/id",
        "error": {"code": "/code", "text": "/msg", "retry": ["17", "http:502"], "final": ["22", "http:418"], "bad_address": ["21"]},
    })
}

fn judge(more: Value, status: u16, headers: [&str; 2], body: &str) -> Verdict {
    let header = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let answer = Answer {
        status,
        retry_after: header(headers[0]),
        date: header(headers[1]),
        body: body.to_owned(),
        complete: true,
    };
    Rules::new(&config(more)).judge(&answer)
}

/// `accepted`, `rejected`, `bad`, `deferred`, `unknown`; `!` behind it when the batch stops.
fn word(verdict: &Verdict) -> String {
    let word = match &verdict.outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::Rejected { bad_address: true, .. } => "bad",
        Outcome::Rejected { .. } => "rejected",
        Outcome::Deferred { .. } => "deferred",
        Outcome::Unknown { .. } => "unknown",
    };
    format!("{word}{}", if verdict.stop.is_some() { "!" } else { "" })
}

#[test]
fn every_kind_of_answer() {
    for (status, retry_after, body, expected, idempotent) in [
        (200, "", r#"{"code":0,"id":7}"#, "accepted", "accepted"),
        (202, "", r#"{"code":"0"}"#, "accepted", "accepted"),
        (200, "", r#"{"code":17}"#, "deferred", "deferred"),
        (200, "", r#"{"code":21}"#, "bad", "bad"),
        (200, "", r#"{"code":22}"#, "rejected", "rejected"),
        (200, "", r#"{"code":99}"#, "rejected", "rejected"),
        (400, "", r#"{"code":17}"#, "deferred", "deferred"),
        (400, "", "", "rejected", "rejected"),
        (403, "", r#"{"code":22}"#, "rejected", "rejected"),
        (404, "", r#"{"code":99}"#, "rejected", "rejected"),
        (418, "", "teapot", "rejected", "rejected"),
        // A code of success under a status of failure settles nothing.
        (500, "", r#"{"code":0}"#, "unknown", "deferred"),
        (500, "", r#"{"code":21}"#, "bad", "bad"),
        (500, "", r#"{"code":99}"#, "unknown", "deferred"),
        (500, "", "oops", "unknown", "deferred"),
        (502, "", "oops", "deferred", "deferred"),
        (503, "", "", "unknown", "deferred"),
        (503, "9", "", "deferred!", "deferred!"),
        (504, "", "", "unknown", "deferred"),
        (429, "", "", "deferred!", "deferred!"),
        (408, "", "", "deferred", "deferred"),
        (401, "", "", "deferred!", "deferred!"),
        (403, "", "", "deferred!", "deferred!"),
        (404, "", "<html>", "deferred!", "deferred!"),
        (302, "", "", "deferred!", "deferred!"),
        // A captive portal, a login page, a new version of the gateway: who knows.
        (200, "", "<html>Welcome</html>", "unknown", "deferred"),
        (200, "", "", "unknown", "deferred"),
    ] {
        let mut more = rules();
        assert_eq!(word(&judge(more.clone(), status, [retry_after, ""], body)), expected, "{status} {body}");
        more["idempotent"] = json!(true);
        assert_eq!(word(&judge(more, status, [retry_after, ""], body)), idempotent, "{status} {body}");
    }
}

#[test]
fn unlisted_codes_follow_otherwise() {
    let mut more = rules();
    more["error"]["otherwise"] = json!("retry");
    assert_eq!(word(&judge(more.clone(), 200, ["", ""], r#"{"code":99}"#)), "deferred");
    assert_eq!(word(&judge(more, 500, ["", ""], r#"{"code":99}"#)), "unknown");
}

#[test]
fn provider_ids() {
    for (more, body, id) in [
        (rules(), r#"{"code":0,"id":123456789012}"#, Some("123456789012")),
        (rules(), r#"{"code":0}"#, None),
        (json!({"accepted": {"at": "OK:"}, "provider_id": "OK:"}), "OK: 77-a\n", Some("77-a")),
        (json!({}), "", None),
    ] {
        let expected = Outcome::Accepted { provider_id: id.map(str::to_owned) };
        assert_eq!(judge(more, 200, ["", ""], body).outcome, expected);
    }
}

#[test]
fn retry_after_in_seconds_and_dates() {
    let date = "Wed, 21 Oct 2026 07:28:00 GMT";
    for (retry_after, date, after) in [
        ("30", "", Some(30_000)),
        ("Wed, 21 Oct 2026 07:29:30 GMT", date, Some(90_000)),
        ("Wed, 21 Oct 2026 07:00:00 GMT", date, Some(0)),
        ("Wed, 21 Oct 2026 07:29:30 GMT", "", None),
        ("soon", date, None),
        ("99999999999999999999", "", None),
        ("9999999999", "", Some(86_400_000)),
    ] {
        let verdict = judge(json!({}), 429, [retry_after, date], "");
        let Outcome::Deferred { after_ms, .. } = verdict.outcome else { panic!("{verdict:?}") };
        assert_eq!(after_ms, after, "{retry_after}");
        assert!(matches!(verdict.stop, Some(Stop::Pause { after_ms, .. }) if after_ms == after));
    }
}

#[test]
fn refusal_of_who_we_are_is_an_error_of_its_class() {
    for (status, class) in [
        (401, ErrorClass::Auth),
        (403, ErrorClass::Auth),
        (404, ErrorClass::Config),
        (301, ErrorClass::Config),
    ] {
        let verdict = judge(rules(), status, ["", ""], "");
        assert!(
            matches!(&verdict.stop, Some(Stop::Broken(e)) if e.class == class && e.hint.is_some()),
            "{status}"
        );
    }
}

#[test]
fn an_answer_cut_short_settles_nothing() {
    let answer = Answer { status: 200, body: r#"{"code":0}"#.into(), complete: false, ..Answer::default() };
    assert_eq!(word(&Rules::new(&config(rules())).judge(&answer)), "unknown");
}

#[test]
fn reasons_hold_no_numbers_and_no_line_ends() {
    assert_eq!(public("bad number 8613800138000\r\n(code 30007)"), "bad number …  (code 30007)");
    assert_eq!(public(&"长".repeat(500)).chars().count(), 161);
    let verdict = judge(rules(), 200, ["", ""], r#"{"code":22,"msg":"+8613800138000 blocked"}"#);
    let Outcome::Rejected { reason, .. } = verdict.outcome else { panic!() };
    assert_eq!(reason, "the gateway answered with status 200, code 22: +… blocked");
}
