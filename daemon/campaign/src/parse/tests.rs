use proptest::prelude::*;
use rejoin_model::segment::{CompareOp, FIELDS, Field, FieldType, Value};

use super::*;

fn parse(text: &str) -> Condition {
    segment("s", text).unwrap_or_else(|e| panic!("{text}: {e:?}")).condition
}

/// The condition with every joint in parentheses.
fn shown(condition: &Condition) -> String {
    let joined = |parts: &[Condition], word: &str| {
        format!("({})", parts.iter().map(shown).collect::<Vec<_>>().join(&format!(" {word} ")))
    };
    match condition {
        Condition::And(parts) => joined(parts, "and"),
        Condition::Or(parts) => joined(parts, "or"),
        Condition::Not(inner) => format!("not {}", shown(inner)),
        Condition::Compare { field, op, value } => {
            let op = match op {
                CompareOp::Eq => "=",
                CompareOp::Ne => "!=",
                CompareOp::Lt => "<",
                CompareOp::Le => "<=",
                CompareOp::Gt => ">",
                CompareOp::Ge => ">=",
            };
            format!("{} {op} {}", field.name, value_shown(value))
        }
        Condition::In { field, values } => {
            format!("{} in ({})", field.name, values.iter().map(value_shown).collect::<Vec<_>>().join(", "))
        }
        Condition::Like { field, pattern } => {
            format!("{} like {}", field.name, value_shown(&Value::Text(pattern.clone())))
        }
        Condition::IsNull { field } => format!("{} is null", field.name),
        Condition::All => String::new(),
    }
}

fn value_shown(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
    }
}

#[test]
fn every_form_is_read() {
    for (text, expected) in [
        ("", ""),
        ("  \n\t ", ""),
        ("orders > 5", "orders > 5"),
        ("ORDERS >= 5 AND City <> 'Brno'", "(orders >= 5 and city != 'Brno')"),
        ("total<=-1.50", "total <= -1.5"),
        ("total == 3", "total = 3"),
        ("city = \"O'Hare \"\"x\"\"\"", "city = 'O''Hare \"x\"'"),
        ("name = 'O''Hare'", "name = 'O''Hare'"),
        ("company = '北京华美有限公司'", "company = '北京华美有限公司'"),
        ("stage in ('decline', 'stable')", "stage in ('decline', 'stable')"),
        ("stage not in ('decline')", "not stage in ('decline')"),
        ("email like '%@qq.com'", "email like '%@qq.com'"),
        ("email not like '%@qq.com'", "not email like '%@qq.com'"),
        ("phone is null or email is not null", "(phone is null or not email is null)"),
        ("recency between 1 and 2 and orders > 1", "((recency >= 1 and recency <= 2) and orders > 1)"),
        ("recency not between 1 and 2", "not (recency >= 1 and recency <= 2)"),
        ("open_complaint", "open_complaint = true"),
        ("not open_complaint and orders > 0", "(not open_complaint = true and orders > 0)"),
        ("open_complaint = FALSE", "open_complaint = false"),
        (
            "tags = 'vip' and tags != 'test' and tags in ('a','b')",
            "(tags = 'vip' and tags != 'test' and tags in ('a', 'b'))",
        ),
        ("orders = 1 or orders = 2 and city = 'a'", "(orders = 1 or (orders = 2 and city = 'a'))"),
        ("(orders = 1 or orders = 2) and city = 'a'", "((orders = 1 or orders = 2) and city = 'a')"),
        ("not not (orders = 1)", "not not orders = 1"),
        ("city > 'M'", "city > 'M'"),
    ] {
        assert_eq!(shown(&parse(text)), expected, "{text}");
    }
    assert_eq!(segment("win-back", "orders > 1").unwrap().source, "orders > 1");
}

/// Each case: the text, and per mistake the piece it points at and a part of what it says.
#[test]
fn mistakes_have_their_place_and_a_way_out() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("oders > 5", &[("oders", "`orders`")]),
        ("xyzzy = 1", &[("xyzzy", "fields are kind, name")]),
        ("orders > 'five'", &[("'five'", "holds a number")]),
        ("orders > '5'", &[("'5'", "without quotes")]),
        ("city = 5", &[("5", "'5'")]),
        ("open_complaint = 'yes'", &[("'yes'", "true or false")]),
        ("orders = true", &[("true", "holds a number")]),
        ("stage = 'declin'", &[("'declin'", "`decline`")]),
        ("stage = 'Decline'", &[("'Decline'", "`decline`")]),
        ("kind in ('person', 'firm')", &[("'firm'", "person, organisation, unknown")]),
        ("stage > 'decline'", &[(">", "no order")]),
        ("tags > 'a'", &[(">", "no order")]),
        ("tags like 'a%'", &[("like", "set of words")]),
        ("tags is null", &[("is", "never null")]),
        ("orders like '5%'", &[("like", "holds a number")]),
        ("city like 5", &[("5", "pattern")]),
        ("city = null", &[("null", "is null")]),
        ("city = Brno", &[("Brno", "'Brno'")]),
        ("orders >", &[("", "missing")]),
        ("orders", &[("", "comparison")]),
        ("orders 5", &[("5", "comparison")]),
        ("city is 'x'", &[("'x'", "not null")]),
        ("city in 'x'", &[("'x'", "list")]),
        ("city in ()", &[(")", "value")]),
        ("city in ('a' 'b')", &[("'b'", "`,`")]),
        ("recency between 5 and 1", &[("1", "smaller")]),
        ("recency between 5", &[("", "two bounds")]),
        ("5 < orders", &[("5", "field first")]),
        ("orders > 5 and", &[("", "breaks off")]),
        ("and orders > 5", &[("and", "before `and`")]),
        ("orders > 5 city = 'a'", &[("city", "`and` or `or`")]),
        ("(orders > 5", &[("(", "not closed")]),
        ("orders > 5) and city = 'a'", &[(")", "closes nothing")]),
        ("city = 'Brno", &[("'Brno", "closing"), ("", "missing")]),
        ("orders > 5x", &[("5x", "not a number"), ("", "missing")]),
        ("orders > 1.2.3", &[("1.2.3", "not a number"), ("", "missing")]),
        ("city ＝ 'a'", &[("＝", "`=`"), ("'a'", "comparison")]),
        ("city = 'a' && orders > 1", &[("&", "`and`"), ("&", "`and`"), ("orders", "`and` or `or`")]),
        (
            "oders > 'x' and stage = 'x' or (tagz = 1 and total > 'y')",
            &[("oders", "`orders`"), ("'x'", "prospect"), ("tagz", "`tags`"), ("'y'", "number")],
        ),
        ("orders = 1; drop table customers", &[(";", "leave it out"), ("drop", "`and` or `or`")]),
    ];
    for (text, expected) in cases {
        let errors = segment("s", text).expect_err(text);
        let found: Vec<_> = errors.iter().map(|e| &text[e.offset..e.offset + e.len]).collect();
        let places: Vec<_> = expected.iter().map(|(place, _)| *place).collect();
        assert_eq!(found, places, "{text}: {errors:?}");
        for (error, (_, says)) in errors.iter().zip(*expected) {
            let said = format!("{} ({})", error.message, error.hint.clone().unwrap_or_default());
            assert!(said.contains(says), "{text}: {said:?} does not say {says:?}");
        }
    }
}

#[test]
fn depth_and_length_are_bounded() {
    for deep in ["(".repeat(60_000), "not ".repeat(15_000), "not(".repeat(16_000)] {
        let errors = segment("s", &deep).unwrap_err();
        assert!(
            errors[0].message.contains("nest") || errors.iter().any(|e| e.message.contains("nest")),
            "{errors:?}"
        );
    }
    let fine = format!("{}orders = 1{}", "(".repeat(60), ")".repeat(60));
    assert_eq!(shown(&parse(&fine)), "orders = 1");
    let long = "orders = 1 or ".repeat(10_000);
    assert!(segment("s", &long).unwrap_err()[0].message.contains("longer"));
    let wide = vec!["orders = 1"; 4_000].join(" or ");
    assert!(matches!(parse(&wide), Condition::Or(parts) if parts.len() == 4_000));
    assert!(segment("s", &") ".repeat(30_000)).unwrap_err().len() <= ERRORS_MAX);
}

fn any_value(field: &'static Field) -> BoxedStrategy<Value> {
    match (field.kind, field.name) {
        (FieldType::Number, _) => (-100_000i64..100_000).prop_map(|n| Value::Number(n as f64 / 8.0)).boxed(),
        (FieldType::Bool, _) => any::<bool>().prop_map(Value::Bool).boxed(),
        (_, "stage") => Just(Value::Text("growth".to_owned())).boxed(),
        (_, "kind") => Just(Value::Text("person".to_owned())).boxed(),
        _ => "\\PC{0,12}".prop_map(Value::Text).boxed(),
    }
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let compare = prop::sample::select(FIELDS.iter().collect::<Vec<_>>()).prop_flat_map(|field| {
        (any_value(field), prop::sample::select(vec![CompareOp::Eq, CompareOp::Ne]))
            .prop_map(move |(value, op)| Condition::Compare { field, op, value })
    });
    let within = prop::sample::select(FIELDS.iter().collect::<Vec<_>>()).prop_flat_map(|field| {
        prop::collection::vec(any_value(field), 1..4).prop_map(move |values| Condition::In { field, values })
    });
    let like = "\\PC{0,8}".prop_map(|pattern| Condition::Like { field: &FIELDS[1], pattern });
    let leaf = prop_oneof![compare, within, like, Just(Condition::IsNull { field: &FIELDS[3] })];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Condition::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Condition::Or),
            inner.prop_map(|c| Condition::Not(Box::new(c))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_out_is_read_back(condition in any_condition()) {
        prop_assert_eq!(parse(&shown(&condition)), condition);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC*") {
        check_places(&text);
    }

    #[test]
    fn no_salad_of_tokens_makes_it_panic(words in prop::collection::vec(
        prop::sample::select(vec![
            "(", ")", ",", "and", "or", "not", "in", "like", "between", "is", "null", "true", "orders", "city", "tags",
            "stage", "nofield", "=", "<", "!=", "5", "-5", "1.2.3", "'a'", "\"b\"", "'", "。", "é",
        ]),
        0..30,
    )) {
        check_places(&words.join(" "));
    }
}

/// Whatever the answer, every place is a piece of the text.
fn check_places(text: &str) {
    if let Err(errors) = segment("s", text) {
        assert!(!errors.is_empty());
        for error in errors {
            assert!(text.get(error.offset..error.offset + error.len).is_some(), "{text:?}: {error:?}");
        }
    }
}
