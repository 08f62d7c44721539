use crate::place::{Body, Place};

#[test]
fn places() {
    let json = r#"{"code":0,"ok":true,"none":null,"data":[{"id":"a-1","n":12}],"a/b":"x"}"#;
    for (body, place, value) in [
        (json, "/code", Some("0")),
        (json, "/ok", Some("true")),
        (json, "/data/0/id", Some("a-1")),
        (json, "/data/0/n", Some("12")),
        (json, "/a~1b", Some("x")),
        (json, "/none", None),
        (json, "/data", None),
        (json, "/missing", None),
        ("<html>", "/code", None),
        ("OK: 12345", "OK:", Some("12345")),
        ("OK", "OK", None),
        ("result=0&id=77&x=1", "id=", Some("77")),
        ("valid=9&id=77", "id=", Some("77")),
        ("NOTOK 5", "OK", None),
        ("<id>5</id>", "<id>", Some("5")),
        ("状态：成功 id", "状态：", Some("成功")),
    ] {
        assert_eq!(Place::parse(place).read(&Body::new(body)).as_deref(), value, "{place} in {body}");
    }
}
