//! Conditions mean the same in SQL as in a plain reading of them.

use proptest::prelude::*;
use rejoin_model::segment::{CompareOp, Condition, FIELDS, Field, FieldType, Value};
use rejoin_model::{Profile, Stage};

use super::*;

#[derive(Debug, Clone)]
struct Person {
    customer: Customer,
    profile: Option<Profile>,
}

/// What a field holds; `None` is null.
fn value_of(field: &Field, person: &Person) -> Option<Value> {
    let profile = person.profile.clone().unwrap_or_default();
    let text = |g: &Option<Golden>| g.as_ref().map(|g| Value::Text(g.value.clone()));
    let number = |n: u32| Some(Value::Number(f64::from(n)));
    let days = |at: Option<Timestamp>| at.map(|at| Value::Number(NOW.days_since(at) as f64));
    let c = &person.customer;
    match field.name {
        "kind" => Some(Value::Text(crate::golden::kind_name(c.kind).into())),
        "name" => text(&c.name),
        "company" => text(&c.company),
        "email" => text(&c.emails.first().cloned()),
        "phone" => text(&c.phones.first().cloned()),
        "city" => text(&c.city),
        "country" => text(&c.country),
        "language" => text(&c.language),
        "records" => number(c.records),
        "orders" => number(profile.orders),
        "total" => Some(Value::Number(profile.total_cents as f64 / 100.0)),
        "recency" => number(profile.rfm[0].into()),
        "frequency" => number(profile.rfm[1].into()),
        "monetary" => number(profile.rfm[2].into()),
        "stage" => Some(Value::Text(profile.stage.name().into())),
        "open_complaint" => Some(Value::Bool(profile.open_complaint)),
        "days_since_first_order" => days(profile.first_order_at),
        "days_since_last_order" => days(profile.last_order_at),
        "days_since_last_contact" => days(profile.last_contact_at),
        other => panic!("the reference does not know {other}"),
    }
}

fn holds(condition: &Condition, person: &Person) -> bool {
    match condition {
        Condition::All => true,
        Condition::And(parts) => parts.iter().all(|part| holds(part, person)),
        Condition::Or(parts) => parts.iter().any(|part| holds(part, person)),
        Condition::Not(inner) => !holds(inner, person),
        Condition::Compare { field, op, value } if field.kind == FieldType::Set => {
            let Value::Text(word) = value else { return false };
            person.customer.tags.contains(word) == (*op == CompareOp::Eq)
        }
        Condition::Compare { field, op, value } => {
            value_of(field, person).is_some_and(|held| compare(&held, *op, value))
        }
        Condition::In { field, values } if field.kind == FieldType::Set => {
            values.iter().any(|v| matches!(v, Value::Text(word) if person.customer.tags.contains(word)))
        }
        Condition::In { field, values } => value_of(field, person)
            .is_some_and(|held| values.iter().any(|v| compare(&held, CompareOp::Eq, v))),
        Condition::Like { field, pattern } => match value_of(field, person) {
            Some(Value::Text(text)) => like(&fold(&text), &fold(pattern)),
            _ => false,
        },
        Condition::IsNull { field } if field.kind == FieldType::Set => person.customer.tags.is_empty(),
        Condition::IsNull { field } => value_of(field, person).is_none(),
    }
}

fn compare(held: &Value, op: CompareOp, value: &Value) -> bool {
    let order = match (held, value) {
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Number(a), Value::Number(b)) => a.total_cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => return false,
    };
    match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::Ne => order.is_ne(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::Le => order.is_le(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::Ge => order.is_ge(),
    }
}

fn fold(text: &str) -> Vec<char> {
    text.chars().map(|c| c.to_ascii_lowercase()).collect()
}

fn like(text: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|skip| like(&text[skip..], rest)),
        ['_', rest @ ..] => !text.is_empty() && like(&text[1..], rest),
        ['\\', literal, rest @ ..] => text.first() == Some(literal) && like(&text[1..], rest),
        [literal, rest @ ..] => text.first() == Some(literal) && like(&text[1..], rest),
    }
}

/// Few letters, so that values meet; with everything that has a meaning in SQL, in LIKE or in our own columns.
fn word() -> impl Strategy<Value = String> {
    "[aAb王é%_'\\\\ ]{0,3}"
}

fn person() -> impl Strategy<Value = Person> {
    let texts = proptest::collection::vec(proptest::option::of(word()), 7);
    let tags = proptest::collection::vec("[ab%']{1,2}", 0..3);
    (texts, tags, 0..3_u32, proptest::option::of(profile())).prop_map(|(texts, tags, records, profile)| {
        let mut texts =
            texts.into_iter().map(|t| t.map(|value| Golden { value, from: RecordId(1) })).collect::<Vec<_>>();
        let mut customer = golden(CustomerId(1), "x", RecordId(1));
        customer.name = texts[0].take();
        customer.company = texts[1].take();
        customer.emails = texts[2].take().into_iter().collect();
        customer.phones = texts[3].take().into_iter().collect();
        customer.city = texts[4].take();
        customer.country = texts[5].take();
        customer.language = texts[6].take();
        customer.tags = tags;
        customer.records = records;
        Person { customer, profile }
    })
}

fn profile() -> impl Strategy<Value = Profile> {
    let time =
        || proptest::option::of((-2..4_i64).prop_map(|hours| days_ago(2).plus_ms(hours * HOUR_MS * 9)));
    (1..4_u32, time(), time(), time(), -3..4_i64, 0..6_u8, any::<bool>(), 0..Stage::ALL.len()).prop_map(
        |(orders, first, last, contact, euros, score, open_complaint, stage)| Profile {
            orders,
            first_order_at: first,
            last_order_at: last,
            total_cents: euros * 50,
            rfm: [score, 5 - score, score / 2],
            stage: Stage::ALL[stage].1,
            last_contact_at: contact,
            open_complaint,
            ..Profile::default()
        },
    )
}

fn value(field: &'static Field) -> BoxedStrategy<Value> {
    match field.kind {
        FieldType::Text if field.name == "stage" => {
            prop_oneof!["decline", "prospect", "growth"].prop_map(Value::Text).boxed()
        }
        FieldType::Text => word().prop_map(Value::Text).boxed(),
        FieldType::Set => "[ab%']{1,2}".prop_map(Value::Text).boxed(),
        FieldType::Number => (-4..12_i32).prop_map(|n| Value::Number(f64::from(n) / 2.0)).boxed(),
        FieldType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
    }
}

fn leaf() -> impl Strategy<Value = Condition> {
    (0..FIELDS.len()).prop_flat_map(|place| {
        let field = &FIELDS[place];
        let ops = match field.kind {
            FieldType::Set | FieldType::Bool => vec![CompareOp::Eq, CompareOp::Ne],
            _ => {
                vec![CompareOp::Eq, CompareOp::Ne, CompareOp::Lt, CompareOp::Le, CompareOp::Gt, CompareOp::Ge]
            }
        };
        let compare = (proptest::sample::select(ops), value(field))
            .prop_map(move |(op, value)| Condition::Compare { field, op, value });
        let among = proptest::collection::vec(value(field), 0..3)
            .prop_map(move |values| Condition::In { field, values });
        let null = Just(Condition::IsNull { field });
        if field.kind == FieldType::Text {
            let like = word().prop_map(move |pattern| Condition::Like { field, pattern: whole(pattern) });
            prop_oneof![4 => compare, 2 => among, 1 => null, 3 => like].boxed()
        } else {
            prop_oneof![4 => compare, 2 => among, 1 => null].boxed()
        }
    })
}

/// A lone `\` at the end means itself.
fn whole(pattern: String) -> String {
    let trailing = pattern.chars().rev().take_while(|c| *c == '\\').count();
    if trailing % 2 == 1 { format!("{pattern}\\") } else { pattern }
}

fn condition() -> impl Strategy<Value = Condition> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Condition::And),
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Condition::Or),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

async fn load(store: &Store, people: &mut [Person]) {
    let mut resolution = Resolution::default();
    let mut profiles = Vec::new();
    for person in people.iter_mut() {
        person.customer.id = CustomerId(store.next_id(NOW));
        resolution.customers.push(person.customer.clone());
        profiles.extend(person.profile.clone().map(|p| (person.customer.id, p)));
    }
    store.apply_resolution(resolution, NOW).await.unwrap();
    store.apply_profiles(profiles, NOW).await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn sql_agrees_with_the_reference(
        mut people in proptest::collection::vec(person(), 1..8),
        conditions in proptest::collection::vec(condition(), 60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = fresh().await;
            load(&store, &mut people).await;
            for condition in &conditions {
                let expected: Vec<_> =
                    people.iter().filter(|p| holds(condition, p)).map(|p| p.customer.id).collect();
                let found = store.audience(condition, None, 99, NOW).await.unwrap();
                let found: Vec<_> = found.iter().map(|m| m.customer.id).collect();
                prop_assert_eq!(&found, &expected, "{:?}", condition);
                let count = store.audience_count(condition, NOW).await.unwrap();
                prop_assert_eq!(count, expected.len() as u64);
            }
            Ok(())
        })?;
    }
}

fn named(name: &str) -> &'static Field {
    Field::named(name).unwrap()
}

#[tokio::test]
async fn not_is_exactly_everybody_else() {
    let store = fresh().await;
    people(&store, &["a", "b"]).await;
    let lapsed = Condition::Compare {
        field: named("days_since_last_order"),
        op: CompareOp::Gt,
        value: Value::Number(90.0),
    };
    assert_eq!(store.audience_count(&lapsed, NOW).await.unwrap(), 0, "they never ordered");
    let others = Condition::Not(Box::new(lapsed));
    assert_eq!(store.audience_count(&others, NOW).await.unwrap(), 2);
}

#[tokio::test]
async fn a_lone_backslash_at_the_end_means_itself() {
    let store = fresh().await;
    people(&store, &["a\\"]).await;
    let like = |pattern: &str| Condition::Like { field: named("name"), pattern: pattern.into() };
    assert_eq!(store.audience_count(&like("%\\"), NOW).await.unwrap(), 1);
    assert_eq!(store.audience_count(&like("A_"), NOW).await.unwrap(), 1);
}

#[tokio::test]
async fn values_never_become_sql() {
    let store = fresh().await;
    people(&store, &["a"]).await;
    for evil in ["' OR 1=1 --", "\"; DROP TABLE customer; --", "\0", "?1", "$x", "%' ESCAPE '"] {
        for field in FIELDS.iter().filter(|f| f.kind == FieldType::Text || f.kind == FieldType::Set) {
            let value = Value::Text(evil.into());
            let condition = Condition::Compare { field, op: CompareOp::Eq, value };
            assert_eq!(store.audience_count(&condition, NOW).await.unwrap(), 0, "{evil} in {}", field.name);
        }
    }
    assert_eq!(store.audience_count(&Condition::All, NOW).await.unwrap(), 1);
}

#[tokio::test]
async fn a_condition_of_the_wrong_type_is_refused() {
    let store = fresh().await;
    for (field, value) in [("orders", Value::Text("3".into())), ("name", Value::Number(1.0))] {
        let condition = Condition::Compare { field: named(field), op: CompareOp::Eq, value };
        assert!(store.audience_count(&condition, NOW).await.is_err());
    }
}
