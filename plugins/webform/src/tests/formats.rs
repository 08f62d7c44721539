use serde_json::json;

use super::{FORM, JSON, MULTIPART, handle, line, multipart, record};

#[test]
fn the_record_has_what_the_request_tells() {
    let line = line(&json!({}), FORM, b"name=Li+Na");
    assert_eq!((&line["stream"], &line["key"]), (&json!("posts"), &json!("post/r1")));
    assert_eq!(
        line["v"],
        json!({
            "form": "contact", "request_id": "r1", "remote": "192.0.2.7", "user_agent": "Browser/1",
            "submitted_at": "2026-01-02T03:04:05Z", "consents": [], "consent_of": {}, "files": [], "name": "Li Na",
        })
    );
}

#[test]
fn urlencoded() {
    for (content_type, body, name) in [
        (FORM, &b"name=%E6%9D%8E%E5%A8%9C"[..], json!("李娜")),
        (FORM, "name=李娜".as_bytes(), json!("李娜")),
        ("application/x-www-form-urlencoded; charset=GBK", b"name=%C0%EE%C4%C8", json!("李娜")),
        (FORM, b"name=%C0%EE%C4%C8&_charset_=gb18030", json!("李娜")),
        (
            "application/x-www-form-urlencoded; charset=utf-8",
            b"_charset_=GBK&name=%C0%EE%C4%C8",
            json!("李娜"),
        ),
        ("Application/X-WWW-Form-Urlencoded; Charset=\"UTF-8\"", b"name=a%2Bb%26c", json!("a+b&c")),
        (FORM, b"name=a&name=b&name=", json!(["a", "b", ""])),
        (FORM, b"name=a%0D%0Ab&", json!("a\nb")),
        (FORM, b"name", json!("")),
        (FORM, b"name==x=", json!("=x=")),
        ("", b"name=x", json!("x")),
    ] {
        let v = record(&json!({}), content_type, body);
        assert_eq!(v["name"], name, "{}", String::from_utf8_lossy(body));
        assert!(v.get("_charset_").is_none());
    }
}

#[test]
fn a_query_string_alone_is_a_form() {
    let all = handle(&json!({}), "", "/newsletter/signup?mail=a%40b.example", b"");
    assert_eq!((&all[0]["v"]["mail"], &all[0]["v"]["form"]), (&json!("a@b.example"), &json!("signup")));
}

#[test]
fn multipart_forms() {
    for (parts, name) in [
        (vec![("name=\"name\"", "李娜".as_bytes())], json!("李娜")),
        (vec![("name=\"name\"", b"a"), ("name=\"name\"", b"b")], json!(["a", "b"])),
        (
            vec![("name=\"name\"\r\nContent-Type: text/plain; charset=gbk", b"\xc0\xee\xc4\xc8")],
            json!("李娜"),
        ),
        (vec![("name=\"name\"", b"\xc0\xee\xc4\xc8"), ("name=\"_charset_\"", b"GBK")], json!("李娜")),
        (vec![("name=\"name\"", b"--XY\r\n--X")], json!("--XY\n--X")),
        (vec![("name=\"name\"", b"")], json!("")),
    ] {
        assert_eq!(record(&json!({}), MULTIPART, &multipart(&parts))["name"], name, "{parts:?}");
    }
}

#[test]
fn files_are_named_and_not_kept() {
    let body = multipart(&[
        ("name=\"name\"", b"Li"),
        ("name=\"cv\"; filename=\"C:\\docs\\cv.pdf\"\r\nContent-Type: application/pdf", b"%PDF\x00\xff"),
        ("name=\"photo\"; filename=\"\"\r\nContent-Type: application/octet-stream", b""),
    ]);
    let v = record(&json!({}), MULTIPART, &body);
    assert_eq!(v["files"], json!([{"field": "cv", "name": "cv.pdf", "bytes": 6}]));
    assert!(v.get("cv").is_none() && v.get("photo").is_none());
}

#[test]
fn json_objects_and_arrays() {
    let v = record(
        &json!({}),
        "application/json; charset=utf-8",
        br#"{"name":"Li","age":3,"tags":["a",{"b":null}]}"#,
    );
    assert_eq!((&v["name"], &v["age"], &v["tags"]), (&json!("Li"), &json!(3), &json!(["a", {"b": null}])));
    for kind in ["", "text/plain;charset=UTF-8", "application/vnd.form+json"] {
        assert_eq!(record(&json!({}), kind, b"\xef\xbb\xbf {\"name\":\"Li\"}")["name"], "Li", "{kind}");
    }
    let all =
        handle(&json!({"required": ["name"]}), JSON, "/x", br#"[{"name":"a"},5,{"name":" "},{"name":"b"}]"#);
    let seen: Vec<_> =
        all.iter().map(|l| (l["op"].as_str().unwrap(), l["key"].as_str(), l["at"].as_str())).collect();
    assert_eq!(
        seen,
        [
            ("u", Some("post/r1/1"), None),
            ("q", None, Some("request r1, post 2")),
            ("q", None, Some("request r1, post 3")),
            ("u", Some("post/r1/4"), None),
        ]
    );
    assert_eq!((&all[1]["raw"], &all[2]["raw"]), (&json!("5"), &json!("{\"name\":\" \"}")));
}

#[test]
fn renaming_and_leaving_out() {
    let config = json!({"fields": {"your-name": "name"}, "form": "survey"});
    let v = record(&config, FORM, b"your-name=Li&other=1");
    assert_eq!((&v["name"], &v["other"], &v["form"]), (&json!("Li"), &json!("1"), &json!("survey")));
    assert!(v.get("your-name").is_none());
    let config = json!({"fields": {"your-name": "name"}, "pass_through": false});
    assert!(record(&config, FORM, b"your-name=Li&other=1").get("other").is_none());
}

#[test]
fn nobody_posts_our_own_names() {
    let config = json!({"fields": {"c": "consents"}});
    let v = record(&config, FORM, b"request_id=x&remote=10.0.0.1&submitted_at=1970&c=all&posted_remote=y");
    assert_eq!(
        (&v["request_id"], &v["remote"], &v["consents"]),
        (&json!("r1"), &json!("192.0.2.7"), &json!([]))
    );
    assert_eq!((&v["posted_request_id"], &v["posted_consents"]), (&json!("x"), &json!("all")));
    // Two fields for one name: both are kept.
    let both = [&v["posted_remote"], &v["posted_posted_remote"]].map(|v| v.as_str().unwrap().to_owned());
    assert!(both.contains(&"10.0.0.1".to_owned()) && both.contains(&"y".to_owned()));
}
