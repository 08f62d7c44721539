//! Records, pages, sessions, errors.

use rejoin_plugin_api::{ErrorClass, Plugin, Progress};
use serde_json::{Value, json};

use super::fake::Fake;
use super::{Reader, plugin};
use crate::{Config, Erp};

fn erp(fake: &Fake, more: Value) -> Erp {
    plugin(&fake.url, "admin", "secret", more)
}

/// `count` parties made in one transaction: all with the same date.
fn with_parties(count: i64) -> Fake {
    let fake = Fake::start();
    for id in 1..=count {
        let party = json!({"name": format!("P{id}"), "active": true});
        fake.world.lock().unwrap().put("party.party", id, party, 0);
    }
    fake
}

fn expected(ids: std::ops::RangeInclusive<i64>) -> Vec<String> {
    ids.map(|id| format!("party/{id}")).collect()
}

#[test]
fn parties_as_tryton_writes_them() {
    let fake = Fake::start();
    let read = json!({
        "code": "17", "name": "李雷", "active": 1, "lang.": {"id": 3, "code": "zh_CN"},
        "addresses.": [
            {"street": "Main 1", "postal_code": "60200", "city": "Brno", "country.": {"id": 1, "code": "CZ"}, "active": 1},
            {"street": "Old 9", "postal_code": null, "city": null, "country.": null, "active": 0},
        ],
        "contact_mechanisms.": [
            {"type": "email", "value": "li@example.com", "active": true},
            {"type": "mobile", "value": "+8613800138000", "active": true},
            {"type": "phone", "value": "0571 1", "active": true},
            {"type": "phone", "value": "0571 2", "active": false},
            {"type": "website", "value": "https://li.example", "active": true},
        ],
        "identifiers.": [{"id": 5, "type": "eu_vat", "code": "CZ12345678"}],
    });
    fake.world.lock().unwrap().put("party.party", 12, read, 0);
    let lines = Reader::new("parties").until_caught_up(&mut erp(&fake, json!({})), 10).unwrap();
    let expected = json!({"op": "u", "key": "party/12", "v": {
        "id": 12, "code": "17", "name": "李雷", "lang": "zh_CN", "active": true,
        "addresses": [{"street": "Main 1", "postal_code": "60200", "city": "Brno", "country": "CZ"}],
        "emails": ["li@example.com"], "phones": ["+8613800138000", "0571 1"],
        "other": [{"type": "website", "value": "https://li.example"}],
        "identifiers": [{"type": "eu_vat", "code": "CZ12345678"}],
        "create_date": "2023-11-14T22:13:20.000000Z",
    }});
    assert_eq!(lines, [expected]);
}

#[test]
fn sales_as_tryton_writes_them() {
    let fake = Fake::start();
    let amount = json!({"__class__": "Decimal", "decimal": "37.80"});
    let read = json!({
        "number": "S1", "reference": "WEB-1", "state": "processing", "party": 12,
        "sale_date": {"__class__": "date", "year": 2026, "month": 10, "day": 7},
        "currency.": {"id": 1, "code": "EUR"}, "total_amount": amount,
        "lines.": [
            {"type": "title", "product.": null, "description": "For you", "quantity": null, "unit_price": null, "amount": null},
            {"type": "line", "product.": {"id": 1, "rec_name": "Coffee", "code": "C1"}, "description": null,
             "quantity": 2.0, "unit_price": {"__class__": "Decimal", "decimal": "18.90"}, "amount": amount},
            {"type": "line", "product.": null, "description": "Postage", "quantity": 1.0, "unit_price": null, "amount": null},
        ],
    });
    fake.world.lock().unwrap().put("sale.sale", 34, read, 0);
    let lines = Reader::new("sales").until_caught_up(&mut erp(&fake, json!({})), 10).unwrap();
    assert_eq!(lines[0]["key"], "sale/34");
    let v = &lines[0]["v"];
    assert_eq!((&v["party"], &v["party_key"]), (&json!(12), &json!("party/12")));
    assert_eq!(
        (&v["sale_date"], &v["total_amount"], &v["currency"]),
        (&json!("2026-10-07"), &json!("37.80"), &json!("EUR"))
    );
    let coffee = json!({"product": "Coffee", "product_code": "C1", "quantity": 2.0, "unit_price": "18.90", "amount": "37.80"});
    assert_eq!(v["lines"], json!([coffee, {"product": "Postage", "quantity": 1.0}]));
}

/// A record of a form nobody expected goes to quarantine, and the others come.
#[test]
fn one_odd_record_harms_no_other() {
    let fake = with_parties(3);
    fake.world.lock().unwrap().put("party.party", 2, json!({"active": "perhaps"}), 0);
    let lines = Reader::new("parties").until_caught_up(&mut erp(&fake, json!({})), 10).unwrap();
    let ops: Vec<&str> = lines.iter().map(|line| line["op"].as_str().unwrap()).collect();
    assert_eq!(ops, ["u", "q", "u"]);
    assert_eq!(lines[1]["at"], "party/2");
    assert!(lines[1]["raw"].as_str().unwrap().contains("perhaps"));
}

/// A bulk load gives thousands of rows one date: pages must cut it without losing or repeating any.
#[test]
fn ties_are_paged_by_id() {
    for (page, max) in [(1, 100), (2, 3), (3, 2), (7, 7), (100, 100)] {
        let fake = with_parties(10);
        let mut plugin = erp(&fake, json!({"page": page}));
        assert_eq!(Reader::new("parties").keys(&mut plugin, max), expected(1..=10), "page {page}, max {max}");
    }
}

#[test]
fn calls_grow_with_pages_and_not_with_records() {
    let fake = with_parties(100);
    Reader::new("parties").until_caught_up(&mut erp(&fake, json!({"page": 50})), 1000).unwrap();
    // Login and preferences; per page two lists and the records; at the end lists of the three tables.
    assert!(
        fake.world.lock().unwrap().calls.len() <= 2 + 2 * 3 + 6,
        "{:?}",
        fake.world.lock().unwrap().calls
    );
}

#[test]
fn parts_that_change_bring_their_record() {
    let fake = with_parties(5);
    let mut plugin = erp(&fake, json!({"overlap": "10s"}));
    let mut reader = Reader::new("parties");
    fake.world.lock().unwrap().now += 60;
    assert_eq!(reader.keys(&mut plugin, 100), expected(1..=5));
    assert!(reader.keys(&mut plugin, 100).is_empty(), "nothing changed");
    fake.world.lock().unwrap().put("party.address", 77, json!({"party": 3}), 0);
    assert_eq!(reader.keys(&mut plugin, 100), ["party/3"]);
    fake.world.lock().unwrap().now += 60;
    reader.keys(&mut plugin, 100);
    fake.world.lock().unwrap().put("party.contact_mechanism", 8, json!({"party": 4}), 0);
    fake.world.lock().unwrap().put("party.party", 4, json!({"name": "New"}), 0);
    assert_eq!(reader.keys(&mut plugin, 100), ["party/4"], "once, although two tables say so");
    let mut sales = Reader::new("sales");
    sales.keys(&mut plugin, 100);
    fake.world.lock().unwrap().put("sale.sale", 1, json!({"number": "1"}), 0);
    fake.world.lock().unwrap().now += 60;
    sales.keys(&mut plugin, 100);
    sales.keys(&mut plugin, 100);
    fake.world.lock().unwrap().put("sale.line", 1, json!({"sale": 1}), 0);
    assert_eq!(sales.keys(&mut plugin, 100), ["sale/1"]);
}

/// The reason for the overlap: a transaction that began before the look and committed after it.
#[test]
fn late_commits_are_seen_and_the_window_closes() {
    let fake = with_parties(3);
    let mut plugin = erp(&fake, json!({"overlap": "30s"}));
    let mut reader = Reader::new("parties");
    fake.world.lock().unwrap().now += 100;
    fake.world.lock().unwrap().put("party.party", 1, json!({"name": "late"}), 20);
    fake.world.lock().unwrap().now += 1;
    fake.world.lock().unwrap().put("party.party", 2, json!({"name": "at once"}), 0);
    assert_eq!(reader.keys(&mut plugin, 100), ["party/1", "party/3", "party/2"]);
    fake.world.lock().unwrap().now += 25;
    let keys = reader.keys(&mut plugin, 100);
    assert!(keys.contains(&"party/1".to_string()), "{keys:?}");
    fake.world.lock().unwrap().now += 40;
    reader.keys(&mut plugin, 100);
    assert!(reader.keys(&mut plugin, 100).is_empty(), "a quiet ERP is not read for ever");
}

#[test]
fn sweeps_give_every_key_and_begin_again() {
    let fake = with_parties(25);
    fake.world.lock().unwrap().put("party.party", 9, json!({"active": false}), 0);
    fake.world.lock().unwrap().delete("party.party", 4);
    let mut plugin = erp(&fake, json!({"page": 1}));
    let mut want = expected(1..=25);
    want.remove(3);
    let mut reader = Reader::sweep("parties");
    assert_eq!(reader.keys(&mut plugin, 7), want);
    assert_eq!(reader.keys(&mut plugin, 100), want, "with the cursor the first one ended with");
    let (lines, progress) = Reader::sweep("parties").once(&mut plugin, 1).unwrap();
    assert_eq!((lines, progress), (vec![json!({"op": "k", "key": "party/1"})], Progress::More));
}

#[test]
fn an_expired_session_is_renewed_once() {
    let fake = with_parties(2);
    let mut plugin = erp(&fake, json!({}));
    plugin.check().unwrap();
    fake.world.lock().unwrap().forget_sessions();
    assert_eq!(plugin.check().unwrap(), format!("Tryton at {}: 2 parties, 0 sales", fake.url));
    assert_eq!(fake.world.lock().unwrap().logins, 2);
    fake.world.lock().unwrap().refuse_sessions = true;
    assert_eq!(plugin.check().unwrap_err().class, ErrorClass::Auth);
    assert_eq!(fake.world.lock().unwrap().logins, 3, "no storm of logins");
}

#[test]
fn failures_say_what_they_are() {
    for (status, body, class, says) in [
        (500, "", ErrorClass::Transient, "answers 500"),
        (502, "<html>", ErrorClass::Transient, "answers 502"),
        (404, "", ErrorClass::Config, "has no such database"),
        (429, "", ErrorClass::RateLimited, "asks for fewer requests"),
        (301, "", ErrorClass::Config, "has moved to"),
        (400, "", ErrorClass::Permanent, "answers 400"),
        (200, "<html>maintenance</html>", ErrorClass::Transient, "is not Tryton"),
        (200, "{}", ErrorClass::Transient, "is empty"),
        (
            200,
            r#"{"error": ["UserError", ["No access", "to sales", null]]}"#,
            ErrorClass::Permanent,
            "No access: to sales",
        ),
        (
            200,
            r#"{"error": ["LoginException", ["pin", "Your PIN", "char"]]}"#,
            ErrorClass::Auth,
            "more than a password",
        ),
        (200, r#"{"error": ["ConcurrencyException", ["x"]]}"#, ErrorClass::Transient, "could not finish"),
        (200, r#"{"error": ["'sale.sale'", "Traceback"]}"#, ErrorClass::Permanent, "knows no \"sale.sale\""),
        (
            200,
            r#"{"error": ["database is locked", "Traceback"]}"#,
            ErrorClass::Transient,
            "database is locked",
        ),
    ] {
        let fake = with_parties(1);
        let mut plugin = erp(&fake, json!({}));
        plugin.check().unwrap();
        fake.world.lock().unwrap().next_answer = Some((status, body.into()));
        let error = plugin.check().unwrap_err();
        assert_eq!(error.class, class, "{status} {body}: {error}");
        assert!(error.message.contains(says), "{error}");
        assert!(!error.message.contains("secret") && !error.message.contains("Traceback"), "{error}");
        plugin.check().unwrap();
    }
}

#[test]
fn nobody_there_and_wrong_password() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/shop");
    let error = plugin(&url, "admin", "secret", json!({})).check().unwrap_err();
    assert_eq!(error.class, ErrorClass::Transient);
    assert!(error.message.starts_with(&format!("the ERP at {url} does not answer: ")), "{error}");
    let fake = Fake::start();
    let error = plugin(&fake.url, "admin", "wrong", json!({})).check().unwrap_err();
    assert_eq!(error.class, ErrorClass::Auth);
    assert!(error.message.contains("refuses user \"admin\" or the password"), "{error}");
}

#[test]
fn https_is_spoken() {
    // Nothing here speaks TLS: that the handshake is tried and fails is the proof that the client can.
    let fake = Fake::start();
    let error = plugin(&fake.url.replace("http:", "https:"), "a", "b", json!({})).check().unwrap_err();
    assert!(error.message.contains("does not answer: "), "{error}");
}

#[test]
fn what_cannot_be_asked() {
    let fake = with_parties(1);
    let mut plugin = erp(&fake, json!({}));
    let mut class = |mut reader: Reader, cursor: Option<&str>| {
        reader.cursor = cursor.map(str::to_string);
        reader.once(&mut plugin, 1).unwrap_err().class
    };
    assert_eq!(class(Reader::new("rows"), None), ErrorClass::Unsupported);
    assert_eq!(class(Reader::new("parties"), Some("x")), ErrorClass::CursorInvalid);
    assert_eq!(
        class(Reader::new("parties"), Some(r#"{"sweep":{"v":1,"after":3}}"#)),
        ErrorClass::CursorInvalid
    );
    assert_eq!(
        class(Reader::sweep("parties"), Some(r#"{"changes":{"v":1,"lanes":[]}}"#)),
        ErrorClass::CursorInvalid
    );
}

#[test]
fn bad_configurations_are_found_all_at_once() {
    let found = |config: Value| -> Vec<String> {
        let config: Config = serde_json::from_value(config).unwrap();
        Erp::validate(&config).into_iter().map(|d| d.pointer).collect()
    };
    let with_url = |url: &str| found(json!({"url": url, "user": "a", "password": "b"}));
    assert!(with_url("https://erp.example.com/shop").is_empty());
    for url in
        ["ftp://x/shop", "https://x", "https://x/", "no url", "https://u:p@x/shop", "https://x/shop?y=1"]
    {
        assert_eq!(with_url(url), ["/url"], "{url}");
    }
    let many = json!({"url": "x", "user": "a", "password": "b", "overlap": "5 min", "timeout": "0s"});
    assert_eq!(found(many), ["/url", "/overlap", "/timeout"]);
}

#[test]
fn the_manifest_and_the_readme_name_every_setting() {
    let manifest: Value = serde_json::from_str(Erp::MANIFEST).unwrap();
    let settings: Vec<&String> = manifest["config"]["properties"].as_object().unwrap().keys().collect();
    assert_eq!(settings, ["ca", "overlap", "page", "password", "timeout", "url", "user"]);
    let readme = include_str!("../../README.md");
    for name in settings {
        assert!(readme.contains(&format!("`{name}`")), "README.md does not tell of {name}");
    }
}
