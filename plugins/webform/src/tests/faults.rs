use serde_json::json;

use super::{FORM, JSON, MULTIPART, handle, line, multipart, reason, record};

#[test]
fn what_cannot_be_read_is_kept_whole() {
    for (content_type, body, expected) in [
        (FORM, &b"name=%zz"[..], "two hex digits"),
        (FORM, b"name=%4", "two hex digits"),
        (FORM, b"name=%ff%fe", "the field \"name\" is not UTF-8"),
        (FORM, b"%ff=1", "a field's name is not UTF-8"),
        (FORM, b"name=\xc0\xee", "is not UTF-8"),
        (FORM, b"name=a%00b", "NUL"),
        (FORM, b"&&", "no fields"),
        ("application/x-www-form-urlencoded; charset=klingon", b"a=b", "\"klingon\" is not known"),
        (FORM, b"a=b&_charset_=klingon", "\"klingon\" is not known"),
        ("application/x-www-form-urlencoded; charset=gbk", b"a=%FF%FF", "is not GBK"),
        ("application/xml", b"<a/>", "this is \"application/xml\""),
        ("text/plain", b"name=Li", "this is \"text/plain\""),
        ("multipart/form-data", b"--XX--", "no boundary"),
        (MULTIPART, b"", "neither a body nor a query string"),
        (MULTIPART, b"garbage", "broken"),
        (MULTIPART, b"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhalf", "broken"),
        (MULTIPART, b"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n", "broken"),
        (JSON, b"{\"a\":", "not JSON"),
        (JSON, b"\"text\"", "must be a JSON object"),
        (JSON, b"[]", "empty array"),
        (JSON, b"{\"a\":\"\xff\"}", "not UTF-8 (byte 6 of it)"),
        (JSON, b"{\"a\":\"\\u0000\"}", "NUL"),
        (JSON, b"{\"a\":\"\\ud800\"}", "not JSON"),
        (JSON, b"{}", "no fields"),
    ] {
        let said = reason(&json!({}), content_type, body);
        assert!(said.contains(expected), "{said} for {}", String::from_utf8_lossy(body));
    }
    for (parts, expected) in [
        (("name=\"a\"", &b"\xff"[..]), "\"a\" is not UTF-8"),
        (("filename=\"\"", b"x"), ""),
        (("name=\"\"", b"x"), "has no name"),
    ] {
        let line = line(&json!({}), MULTIPART, &multipart(&[parts]));
        assert_eq!(line["op"], "q", "{parts:?}");
        assert!(line["reason"].as_str().unwrap().contains(expected), "{line}");
    }
}

#[test]
fn bytes_that_are_no_text_are_kept_as_base64() {
    assert_eq!(line(&json!({}), FORM, b"a=\xff")["raw"], "base64:YT3/");
}

#[test]
fn limits() {
    let config = json!({"fields_max": 3, "field_bytes_max": 16});
    for (content_type, body, expected) in [
        (FORM, &b"a=1&b=2&c=3&d=4"[..], "more than 3 fields"),
        (FORM, b"a=1&a=2&a=3&a=4", "more than 3 fields"),
        (FORM, b"a=12345678901234567", "longer than 16 bytes"),
        (JSON, br#"{"a":[1,2,3]}"#, "more than 3 fields"),
        (JSON, br#"{"a":"12345678901234567"}"#, "longer than 16 bytes"),
    ] {
        assert!(reason(&config, content_type, body).contains(expected));
    }
    let parts: Vec<(&str, &[u8])> = vec![("name=\"a\"", b"1"); 4];
    assert!(reason(&config, MULTIPART, &multipart(&parts)).contains("more than 3 fields"));
    record(&config, FORM, b"a=1&b=2&c=1234567890123456");

    let nested = |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
    record(&json!({}), JSON, nested(7).as_bytes());
    assert!(reason(&json!({}), JSON, nested(8).as_bytes()).contains("nests deeper than 8"));
    assert!(reason(&json!({}), JSON, nested(100_000).as_bytes()).contains("not JSON"));
    let many = format!("[{}]", vec!["{\"a\":1}"; 1001].join(","));
    assert!(reason(&json!({}), JSON, many.as_bytes()).contains("more than 1000 posts"));
}

#[test]
fn honeypot_and_required_fields() {
    let config = json!({"honeypot": "website", "required": ["mail", "name"], "fields": {"mail": "email"}});
    let said = reason(&config, FORM, b"mail=a%40b&name=Li&website=http%3A%2F%2Fspam");
    assert!(said.starts_with("honeypot"), "{said}");
    // A bot is told apart before anything else is looked at.
    assert!(reason(&config, FORM, b"website=x").starts_with("honeypot"));
    let v = record(&config, FORM, b"mail=a%40b&name=Li&website=");
    assert_eq!(v["email"], "a@b");
    assert!(v.get("website").is_none());
    assert_eq!(reason(&config, FORM, b"name=Li&mail=+"), "required fields are missing or blank: mail");
    assert_eq!(reason(&config, FORM, b"other=1"), "required fields are missing or blank: mail, name");
    record(&json!({"required": ["who"]}), JSON, br#"{"who":{"name":"Li"}}"#);
    assert!(reason(&json!({"required": ["who"]}), JSON, br#"{"who":null}"#).contains("missing"));
}

#[test]
fn replays_give_the_same_keys() {
    for body in [&b"{\"a\":1}"[..], b"[{\"a\":1},{\"a\":2}]"] {
        assert_eq!(handle(&json!({}), JSON, "/", body), handle(&json!({}), JSON, "/", body));
    }
}
