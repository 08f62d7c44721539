//! Against a real Tryton, when the environment names one. Others may use it meanwhile, so only records made here are
//! looked at; they are deleted again.

use std::collections::HashSet;
use std::env;

use rejoin_plugin_api::{ErrorClass, Plugin};
use serde_json::{Value, json};

use super::{Reader, plugin};
use crate::Erp;

/// Address, user and password; `None`, said aloud, where there is no Tryton.
fn live(more: Value) -> Option<Erp> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let Some(url) = variable("REJOIN_TEST_TRYTON") else {
        eprintln!("skipped: REJOIN_TEST_TRYTON names no Tryton");
        return None;
    };
    let user = variable("REJOIN_TEST_TRYTON_USER").unwrap();
    let password = variable("REJOIN_TEST_TRYTON_PASSWORD").unwrap();
    Some(plugin(&url, &user, &password, more))
}

fn call(erp: &mut Erp, method: &str, params: &[Value]) -> Value {
    erp.client
        .call::<Option<Value>>(&format!("model.{method}"), params)
        .map(Option::unwrap_or_default)
        .unwrap()
}

fn write(erp: &mut Erp, model: &str, ids: &Value, values: Value) {
    // `write` answers null, which is no result.
    let error =
        erp.client.call::<Value>(&format!("model.{model}.write"), &[ids.clone(), values]).unwrap_err();
    assert!(error.message.contains("is empty"), "{error}");
}

fn of(lines: &[Value], key: &str) -> Vec<Value> {
    lines.iter().filter(|line| line["key"] == key).map(|line| line["v"].clone()).collect()
}

#[test]
fn a_party_from_its_making_to_its_end() {
    let Some(mut erp) = live(json!({"page": 20, "overlap": "1s"})) else { return };
    assert!(erp.check().unwrap().starts_with("Tryton at "));
    let mut reader = Reader::new("parties");
    let all = reader.until_caught_up(&mut erp, 1000).unwrap();
    let keys: HashSet<&str> = all.iter().map(|line| line["key"].as_str().unwrap()).collect();
    assert!(keys.len() >= 50, "seeded parties: {}", keys.len());
    let seeded = all.iter().find(|line| line["v"]["name"] == "Customer 007").unwrap();
    assert_eq!(seeded["v"]["emails"], json!(["c007@customer.test"]));
    assert_eq!(seeded["v"]["phones"], json!(["+420700000007"]));
    assert_eq!(seeded["v"]["addresses"][0]["city"], "Brno");

    let made = json!([{"name": "韩梅梅", "addresses": [["create", [{"city": "杭州"}]]],
        "contact_mechanisms": [["create", [{"type": "email", "value": "old@example.com"}]]]}]);
    let ids = call(&mut erp, "party.party.create", &[made]);
    let key = format!("party/{}", ids[0]);
    let seen = of(&reader.until_caught_up(&mut erp, 7).unwrap(), &key);
    assert_eq!(seen[0]["addresses"][0]["city"], "杭州");

    // Each change alone, where only its own table's dates tell of it.
    let own = json!([["party", "=", ids[0]]]);
    let search = [own, json!(0), Value::Null, Value::Null];
    let mechanisms = call(&mut erp, "party.contact_mechanism.search", &search);
    write(&mut erp, "party.contact_mechanism", &mechanisms, json!({"value": "new@example.com"}));
    let seen = of(&reader.until_caught_up(&mut erp, 7).unwrap(), &key);
    assert_eq!(seen.last().unwrap()["emails"], json!(["new@example.com"]));
    let addresses = call(&mut erp, "party.address.search", &search);
    write(&mut erp, "party.address", &addresses, json!({"city": "上海"}));
    let seen = of(&reader.until_caught_up(&mut erp, 7).unwrap(), &key);
    assert_eq!(seen.last().unwrap()["addresses"][0]["city"], "上海");

    write(&mut erp, "party.party", &ids, json!({"active": false}));
    let seen = of(&reader.until_caught_up(&mut erp, 7).unwrap(), &key);
    assert_eq!(seen.last().unwrap()["active"], false);
    assert!(Reader::sweep("parties").keys(&mut erp, 33).contains(&key), "switched off is not deleted");
    let error = erp.client.call::<Value>("model.party.party.delete", &[ids]).unwrap_err();
    assert!(error.message.contains("is empty"), "{error}");
    assert!(!Reader::sweep("parties").keys(&mut erp, 33).contains(&key));
}

#[test]
fn sales_with_lines_and_parties() {
    let Some(mut erp) = live(json!({"page": 30})) else { return };
    let lines = Reader::new("sales").until_caught_up(&mut erp, 1000).unwrap();
    let keys: HashSet<&str> = lines.iter().map(|line| line["key"].as_str().unwrap()).collect();
    assert!(keys.len() >= 100, "seeded sales: {}", keys.len());
    let parties: HashSet<String> = Reader::sweep("parties").keys(&mut erp, 1000).into_iter().collect();
    for line in
        lines.iter().filter(|line| line["v"]["reference"].as_str().is_some_and(|r| r.starts_with("WEB-")))
    {
        let sale = &line["v"];
        assert!(parties.contains(sale["party_key"].as_str().unwrap()), "{sale}");
        assert_eq!(sale["currency"], "EUR");
        let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
        let sum: f64 = sale["lines"].as_array().unwrap().iter().map(|line| number(&line["amount"])).sum();
        assert!((sum - number(&sale["total_amount"])).abs() < 0.01, "{sale}");
    }
    assert_eq!(Reader::sweep("sales").keys(&mut erp, 1000).len(), keys.len());
}

#[test]
fn a_wrong_password_is_said() {
    let Some(erp) = live(json!({})) else { return };
    let mut wrong = plugin(&erp.settings.url, "admin", "not it", json!({}));
    assert_eq!(wrong.check().unwrap_err().class, ErrorClass::Auth);
}
