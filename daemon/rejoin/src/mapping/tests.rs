//! The laws and tables of mapping.

use std::sync::Arc;

use rejoin_model::consent::SuppressionReason;
use rejoin_model::record::{PARTY_FIELDS, PartyKind};
use rejoin_model::{ActivityKind, Timestamp};

use super::*;

const NOW: Timestamp = Timestamp(1_774_661_400_000);

fn site() -> SiteDefaults {
    SiteDefaults { zone: chrono_tz::Asia::Shanghai, currency: "CNY".to_owned(), region: "CN".to_owned() }
}

fn expr(source: &str) -> Expr {
    Expr::compile(source).unwrap_or_else(|e| panic!("{source}: {e:?}"))
}

fn party(fields: &[(&str, &str)]) -> Map {
    let fields = fields.iter().map(|(name, e)| (PartyField::named(name).unwrap(), vec![expr(e)])).collect();
    Map { party: Some(PartyMap { fields, ..PartyMap::default() }), ..Map::default() }
}

fn maps(maps: Vec<Map>) -> Maps {
    Maps { connector: "crm".into(), site: site(), maps }
}

fn activity(kind: ActivityKind) -> ActivityMap {
    let kind = Word::Fixed(kind);
    let none = || None;
    ActivityMap {
        kind,
        when: none(),
        key: none(),
        at: none(),
        of: none(),
        amount: none(),
        currency: None,
        text: none(),
        answers: none(),
    }
}

/// What one expression gives for one row, as the name of a party.
fn value(source: &str, row: &str) -> Option<String> {
    let line = format!(r#"{{"op":"u","key":"7","v":{row}}}"#);
    let out = maps(vec![party(&[("name", source)])]).apply("s", line.as_bytes(), NOW);
    assert_eq!(out.refused, [], "{source}");
    out.records[0].party.as_ref().unwrap().name.clone()
}

#[test]
fn expressions_read_the_row() {
    for (source, row, gives) in [
        ("name", r#"{"name":" 张三 "}"#, Some("张三")),
        ("name", r#"{"name":null}"#, None),
        ("name", r#"{"name":""}"#, None),
        ("name", r#"{}"#, None),
        ("姓名", r#"{"姓名":"张三"}"#, Some("张三")),
        ("姓名|trim", r#"{"姓名":"张三"}"#, Some("张三")),
        (r#"row["Full Name"]"#, r#"{"Full Name":"Jan"}"#, Some("Jan")),
        ("key", r#"{"key":"mine"}"#, Some("7")),
        (r#"row["key"]"#, r#"{"key":"mine"}"#, Some("mine")),
        ("'fixed'", "{}", Some("fixed")),
        ("12", "{}", Some("12")),
        ("n", r#"{"n":12345678901234567890.10}"#, Some("12345678901234567890.10")),
        ("first ~ ' ' ~ last", r#"{"first":"Jan","last":"Novák"}"#, Some("Jan Novák")),
        ("nick|default(name)", r#"{"name":"Jan"}"#, Some("Jan")),
        ("a.b.c", r#"{"a":{"b":{"c":"deep"}}}"#, Some("deep")),
        ("a.b.c", "{}", None),
        ("list", r#"{"list":["a","b"]}"#, Some("a b")),
        ("list|first", r#"{"list":["a","b"]}"#, Some("a")),
        ("list|join('/')", r#"{"list":["a","b"]}"#, Some("a/b")),
        ("missing|upper|trim", "{}", None),
        ("x|split(';')|last", r#"{"x":"a; b ;"}"#, Some("b")),
        ("x|digits", r#"{"x":"tel. 138-0013 ８０００"}"#, Some("13800138000")),
        ("x|parse_date('%d.%m.%Y')", r#"{"x":"28.03.2026"}"#, Some("2026-03-28")),
        ("'vip' if total|int > 100 else ''", r#"{"total":"250.00"}"#, Some("vip")),
        ("row.a ~ row['b c'] ~ x.row", r#"{"a":"1","b c":"2","x":{"row":"3"}}"#, Some("123")),
        ("row|length ~ row.a", r#"{"a":"1","b":"2"}"#, Some("21")),
        ("row[n]", r#"{"a":"1","n":"a"}"#, Some("1")),
        ("'row' ~ (row['no'] is defined)", "{}", Some("rowFalse")),
        ("received_at", "{}", Some("2026-03-28T01:30:00.000Z")),
        (r#"name"#, r#"{"name":"A\r\nBcc: x"}"#, Some("A  Bcc: x")),
        ("name", r#"{"name":"{{ 7*7 }}{% for %}"}"#, Some("{{ 7*7 }}{% for %}")),
        ("name|trim", r#"{"name":"{{ 7*7 }}"}"#, Some("{{ 7*7 }}")),
        ("name", r#"{"name":"esc \"q\" \u4e2d"}"#, Some("esc \"q\" 中")),
    ] {
        assert_eq!(value(source, row).as_deref(), gives, "{source} over {row}");
    }
}

#[test]
fn expression_mistakes_are_found_before_any_row_is_seen() {
    for (source, message, part) in [
        ("name|uper", "there is no filter `uper`", "uper"),
        ("'x' if false else name|nope", "there is no filter `nope`", "nope"),
        ("name is oddd", "there is no test `oddd`", "oddd"),
        ("nosuch(name)", "there is no function `nosuch`", "nosuch"),
    ] {
        let error = Expr::compile(source).unwrap_err();
        assert_eq!(error.message, message);
        assert_eq!(&source[error.range.unwrap()], part);
    }
    for source in ["", "name |", "a b", "(name", "'open", "{{ name }}", "name ++ x"] {
        let error = Expr::compile(source).unwrap_err();
        assert!(error.message.starts_with("the expression does not parse"), "{source}: {error:?}");
    }
    assert_eq!(Expr::compile("name|uper").unwrap_err().hint.as_deref(), Some("did you mean `upper`?"));
    for fine in ["a.upper", "'|nope'", "x is not none", "x is defined", "range(3)|list", "a['is']"] {
        expr(fine);
    }
}

#[test]
fn plain_expressions_stay_off_the_engine() {
    for source in ["name", "row['名称']", "'x'", "3", "key", "received_at", "姓名"] {
        assert!(expr(source).is_plain(), "{source}");
    }
    for source in ["name|trim", "a ~ b", "row", "a.b", "not x", "true"] {
        assert!(!expr(source).is_plain(), "{source}");
    }
}

#[test]
fn party_fields_take_texts_lists_and_words() {
    let row =
        r#"{"op":"u","key":"1","v":{"kind":"公司","mail":"a@x.cn; b@x.cn","tel":["1","2"],"erp":"erp:9",
        "k":"44","lang":"zh_CN","land":"cn","tz":"Asia/Shanghai","tags":["vip","vip","新"]}}"#
            .replace('\n', " ");
    let map = party(&[
        ("kind", "kind"),
        ("email", "mail"),
        ("phone", "tel"),
        ("external_key", "[erp, k]"),
        ("language", "lang"),
        ("country", "land"),
        ("zone", "tz"),
        ("tags", "tags"),
    ]);
    let out = maps(vec![map]).apply("s", row.as_bytes(), NOW);
    assert_eq!(out.refused, []);
    let made = out.records[0].party.clone().unwrap();
    assert_eq!(made.kind, PartyKind::Organisation);
    assert_eq!(made.emails, ["a@x.cn", "b@x.cn"]);
    assert_eq!(made.phones, ["1", "2"]);
    assert_eq!(made.external_keys, ["erp:9", "crm:44"]);
    assert_eq!(made.language.as_deref(), Some("zh-CN"));
    assert_eq!(made.country.as_deref(), Some("CN"));
    assert_eq!(made.tags, ["vip", "新"]);
}

#[test]
fn every_documented_field_can_be_set() {
    for name in PARTY_FIELDS {
        let text = match *name {
            "kind" => "person",
            "zone" => "UTC",
            "language" => "zh",
            _ => "x",
        };
        let line = format!(r#"{{"op":"u","key":"1","v":{{"{name}":"{text}"}}}}"#);
        let out = Maps::by_name("crm", site()).apply("s", line.as_bytes(), NOW);
        assert_ne!(out.records[0].party, Some(Party::default()), "{name}");
    }
}

#[test]
fn orders_refunds_and_answers() {
    let mut order = activity(ActivityKind::Order);
    order.at = Some(expr("day"));
    order.of = Some(expr("party"));
    order.amount = Some(expr("amount"));
    order.when = Some(expr("not back"));
    let mut refund = activity(ActivityKind::Refund);
    refund.amount = Some(expr("amount"));
    refund.currency = Some(Word::Computed(expr("cur")));
    refund.when = Some(expr("back"));
    let mut bounce = activity(ActivityKind::Bounce);
    bounce.answers = Some(expr("mid"));
    bounce.text = Some(expr("why"));
    bounce.when = Some(expr("mid"));
    let maps = maps(vec![Map { activities: vec![order, refund, bounce], ..Map::default() }]);
    let lines = br#"{"op":"u","key":"SO1","v":{"day":"2026-03-28","party":"9","amount":"\u00a51,234.50"}}
{"op":"u","key":"SO2","v":{"amount":-3.5,"cur":"rmb","back":true}}

{"op":"u","key":"B1","v":{"mid":"<a.b@x>","why":"550 no\nsuch user","back":1}}
{"op":"d","key":"SO1"}"#;
    let out = maps.apply("sales", lines, NOW);
    assert_eq!(out.refused, []);
    assert_eq!((out.lines, out.records.len()), (4, 0), "a map without a party makes no record");
    let seen: Vec<_> = out.activities.iter().map(|a| (&*a.activity.key, &*a.activity.party_key)).collect();
    assert_eq!(seen, [("order:SO1", "9"), ("refund:SO2", "SO2"), ("refund:B1", "B1")]);
    let order = &out.activities[0].activity;
    assert_eq!(order.at, Timestamp(1_774_627_200_000), "midnight in the site's zone");
    assert_eq!(order.money.as_ref().map(|m| (m.cents, &*m.currency)), Some((123_450, "CNY")));
    let refund = &out.activities[1].activity;
    assert_eq!(refund.money.as_ref().map(|m| (m.cents, &*m.currency)), Some((350, "CNY")));
    let evidence = MappedEvidence {
        answers_ref: "<a.b@x>".to_owned(),
        delivered: false,
        reason: "550 no\nsuch user".to_owned(),
    };
    assert_eq!(out.evidence, [evidence], "a receipt settles a message and makes nobody a customer");
    assert_eq!(out.deleted_activities, ["order:SO1", "refund:SO1", "bounce:SO1"]);
}

#[test]
fn consents_and_suppressions() {
    let consent = ConsentMap {
        channel: "email".to_owned(),
        topic: "news".to_owned(),
        when: None,
        of: None,
        granted: expr("ok"),
        text: Some(expr("shown")),
        at: None,
    };
    let suppress = SuppressMap {
        channel: Channel::Sms,
        address: expr("tel"),
        reason: SuppressionReason::OptOut,
        when: Some(expr("word == 'TD'")),
    };
    let map = Map { consents: vec![consent], suppressions: vec![suppress], ..Map::default() };
    let lines = r#"{"op":"u","key":"1","v":{"ok":"on","shown":"我同意接收"}}
{"op":"u","key":"2","v":{"ok":"否"}}
{"op":"u","key":"3","v":{"word":"TD","tel":"138 0013 8001"}}
{"op":"u","key":"4","v":{"word":"TD","tel":"no phone"}}
{"op":"u","key":"5","v":{"word":"TD"}}"#;
    let out = maps(vec![map]).apply("s", lines.as_bytes(), NOW);
    let codes: Vec<_> = out.refused.iter().map(|r| &*r.code).collect();
    assert_eq!(codes, ["RJ-M006", "RJ-M011"]);
    let told: Vec<_> = out.consents.iter().map(|c| (&*c.party_key, c.granted, &*c.proof)).collect();
    assert_eq!(told, [("1", true, "我同意接收"), ("2", false, "connector crm, record 2")]);
    assert_eq!(out.suppressions.len(), 1);
    assert_eq!(out.suppressions[0].address, "+8613800138001", "in the form messages are addressed");
}

#[test]
fn what_makes_no_sense_goes_to_quarantine_whole() {
    let mut order = activity(ActivityKind::Order);
    order.at = Some(expr("at"));
    order.amount = Some(expr("amount"));
    let mut map = party(&[("name", "name"), ("kind", "kind"), ("zone", "zone"), ("company", "n + 1")]);
    map.activities = vec![order];
    map.consents = vec![ConsentMap {
        channel: "*".to_owned(),
        topic: "*".to_owned(),
        when: None,
        of: None,
        granted: expr("ok"),
        text: None,
        at: None,
    }];
    let maps = maps(vec![map]);
    let long = format!(r#"{{"op":"u","key":"{}","v":{{}}}}"#, "k".repeat(513));
    for (line, code) in [
        ("not json", "RJ-M001"),
        ("[1]", "RJ-M001"),
        (r#"{"op":"u","key":"1"}"#, "RJ-M001"),
        (r#"{"op":"u","key":"1","v":3}"#, "RJ-M001"),
        (r#"{"op":"zap","key":"1","v":{}}"#, "RJ-M002"),
        (r#"{"op":"u","v":{"n":1}}"#, "RJ-M003"),
        (r#"{"op":"u","key":"1","v":{"at":"soon","n":1}}"#, "RJ-M004"),
        (r#"{"op":"u","key":"1","v":{"amount":"much","n":1}}"#, "RJ-M005"),
        (r#"{"op":"u","key":"1","v":{"amount":"-5","n":1}}"#, "RJ-M005"),
        (r#"{"op":"u","key":"1","v":{"kind":"robot","n":1}}"#, "RJ-M006"),
        (r#"{"op":"u","key":"1","v":{"zone":"Mars","n":1}}"#, "RJ-M006"),
        (r#"{"op":"u","key":"1","v":{"ok":"perhaps","n":1}}"#, "RJ-M006"),
        (r#"{"op":"u","key":"1","v":{"n":"x"}}"#, "RJ-M007"),
        (r#"{"op":"u","key":"1","v":{"name":{"a":1},"n":1}}"#, "RJ-M008"),
        (r#"{"op":"q","at":"a.csv:3","reason":"two fields too many","raw":"a,b"}"#, "RJ-M009"),
        (long.as_str(), "RJ-M010"),
    ] {
        let out = maps.apply("s", line.as_bytes(), NOW);
        let [refused] = &out.refused[..] else { panic!("{line}: {out:?}") };
        assert_eq!(refused.code, code, "{line}: {}", refused.reason);
        assert!(out.records.is_empty() && out.activities.is_empty() && out.consents.is_empty(), "{line}");
        if code != "RJ-M009" {
            assert_eq!(refused.raw.replacen(r#""stream":"s","#, "", 1), line);
            // Taken again from quarantine, nobody says which stream it was of.
            let again = maps.apply("", refused.raw.as_bytes(), NOW);
            assert_eq!(again.refused[0].code, code, "{line}");
        } else {
            assert_eq!(
                (&*refused.at, &*refused.reason, &*refused.raw),
                ("a.csv:3", "two fields too many", "a,b")
            );
        }
    }
}

#[test]
fn bytes_that_are_not_utf8_are_kept() {
    let out = maps(vec![]).apply("s", b"{\"op\":\"u\",\"key\":\"\xff\"}", NOW);
    assert_eq!(out.refused[0].raw, "hex:7b226f70223a2275222c226b6579223a22ff227d");
}

#[test]
fn one_bad_line_harms_one_line() {
    let maps = maps(vec![party(&[("name", "name")])]);
    let out = maps.apply(
        "s",
        b"{\"op\":\"u\",\"key\":\"1\",\"v\":{}}\n{\n{\"op\":\"u\",\"key\":\"2\",\"v\":{}}",
        NOW,
    );
    assert_eq!((out.lines, out.records.len(), out.refused.len()), (3, 2, 1));
}

#[test]
fn streams_conditions_keys_and_sweeps() {
    let mut map = party(&[("name", "name")]);
    map.stream = Some("parties".to_owned());
    map.when = Some(expr("name"));
    map.key = Some(expr("'p' ~ key"));
    let maps = maps(vec![map]);
    let lines = br#"{"op":"u","key":"1","v":{"name":"A"}}
{"op":"u","key":"2","v":{}}
{"op":"u","stream":"sales","key":"3","v":{"name":"B"}}
{"op":"k","key":"4"}
{"op":"d","key":"5"}"#;
    let out = maps.apply("parties", lines, NOW);
    assert_eq!(out.refused, []);
    assert_eq!(out.skipped, 2, "one by `when`, one by its stream");
    assert_eq!(out.seen, ["p4"]);
    let records: Vec<_> = out.records.iter().map(|r| (&*r.key, r.deleted, &*r.raw)).collect();
    assert_eq!(records, [("p1", false, r#"{"name":"A"}"#), ("p5", true, "")]);
}

#[test]
fn maps_can_be_shared_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Arc<Maps>>();
}

proptest::proptest! {
    /// Whatever a plugin emits, every line is a record, skipped or refused, and nothing panics.
    #[test]
    fn no_line_is_lost(lines in proptest::collection::vec("\\PC{0,60}|\\{\"op\":\"[udkq]\",\"key\":\"[a-z]{0,3}\",\"v\":\\{\"name\":\\PC{0,5}\\}\\}", 0..8)) {
        let text = lines.join("\n");
        let out = maps(vec![party(&[("name", "name")])]).apply("s", text.as_bytes(), NOW);
        let accounted = out.records.len() + out.refused.len() + out.seen.len();
        proptest::prop_assert_eq!(out.lines, accounted as u64 + out.skipped);
    }

    #[test]
    fn compiling_never_panics(source in "\\PC{0,40}") {
        if let Ok(expression) = Expr::compile(&source) {
            proptest::prop_assert_eq!(expression.source(), source);
        }
    }
}
