//! As much of a Tryton server as the plugin meets: login, preferences, `search`, `search_read`, `search_count` over
//! tables in memory, with a clock that only the test moves and transactions that commit late.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::wire::Stamp;

/// 2023-11-14 22:13:20.
const START: i64 = 1_700_000_000;

#[derive(Default)]
pub(super) struct World {
    /// Seconds since 1970.
    pub(super) now: i64,
    tables: BTreeMap<String, BTreeMap<i64, Value>>,
    /// When it commits, table, id, the row after that.
    pending: Vec<(i64, String, i64, Value)>,
    pub(super) calls: Vec<String>,
    session: u32,
    pub(super) logins: u32,
    /// Answered once, in place of the next answer: status and body.
    pub(super) next_answer: Option<(u16, String)>,
    pub(super) refuse_sessions: bool,
}

impl World {
    pub(super) fn forget_sessions(&mut self) {
        self.session += 1;
    }

    pub(super) fn is_locked(&self, model: &str, id: i64) -> bool {
        self.pending.iter().any(|(_, m, i, _)| m == model && *i == id)
    }

    pub(super) fn row(&self, model: &str, id: i64) -> Option<&Value> {
        self.tables.get(model)?.get(&id)
    }

    pub(super) fn delete(&mut self, model: &str, id: i64) {
        self.tables.entry(model.into()).or_default().remove(&id);
    }

    /// Writes now, visible `delay` seconds later. A new row has no `write_date`.
    pub(super) fn put(&mut self, model: &str, id: i64, fields: Value, delay: i64) {
        let stamp = Stamp(self.now * 1_000_000).to_wire();
        let mut row = self
            .row(model, id)
            .cloned()
            .unwrap_or_else(|| json!({"id": id, "create_date": stamp, "write_date": null}));
        if self.row(model, id).is_some() {
            row["write_date"] = stamp;
        }
        row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.pending.push((self.now + delay, model.into(), id, row));
        self.commit();
    }

    pub(super) fn commit(&mut self) {
        let now = self.now;
        let (due, later) = self.pending.drain(..).partition(|(at, ..)| *at <= now);
        self.pending = later;
        for (_, model, id, row) in due {
            self.tables.entry(model).or_default().insert(id, row);
        }
    }

    fn answer(&mut self, method: &str, params: &[Value]) -> Value {
        if method == "model.res.user.get_preferences" {
            return json!({"result": {"company": 1, "language": "en"}});
        }
        let Some((model, function)) = method.strip_prefix("model.").and_then(|m| m.rsplit_once('.')) else {
            return json!({"error": [format!("'{method}'"), ""]});
        };
        assert_eq!(params.last().unwrap()["active_test"], json!(false), "records switched off are asked for");
        assert_eq!(params.last().unwrap()["company"], json!(1), "the user's preferences are the context");
        let Some(table) = self.tables.get(model) else {
            return json!({"error": [format!("'{model}'"), ""]});
        };
        let mut rows: Vec<&Value> = table.values().filter(|row| matches(row, &params[0])).collect();
        if function == "search_count" {
            return json!({"result": rows.len()});
        }
        for order in params[3].as_array().unwrap().iter().rev() {
            assert_eq!(order[1], "ASC");
            rows.sort_by_key(|row| comparable(&row[order[0].as_str().unwrap()]));
        }
        rows.truncate(params[2].as_u64().map_or(usize::MAX, |limit| limit as usize));
        match function {
            "search" => json!({"result": rows.iter().map(|row| &row["id"]).collect::<Vec<_>>()}),
            _ => json!({"result": rows}),
        }
    }
}

/// A domain: a list of clauses, all of which must hold, or after "OR" one of them.
fn matches(row: &Value, domain: &Value) -> bool {
    let clauses = domain.as_array().unwrap();
    match clauses.as_slice() {
        [Value::String(or), rest @ ..] if or == "OR" => rest.iter().any(|d| matches(row, d)),
        [Value::String(field), Value::String(operator), value] => {
            let have = &row[field.as_str()];
            match operator.as_str() {
                "=" => have == value,
                "!=" => have != value,
                ">" => !have.is_null() && comparable(have) > comparable(value),
                "in" => value.as_array().unwrap().contains(have),
                other => panic!("unknown operator {other}"),
            }
        }
        all => all.iter().all(|d| matches(row, d)),
    }
}

fn comparable(value: &Value) -> i64 {
    match value {
        Value::Number(number) => number.as_i64().unwrap(),
        Value::Object(_) => serde_json::from_value::<Stamp>(value.clone()).unwrap().0,
        _ => i64::MIN,
    }
}

/// Listens until the test process ends.
pub(super) struct Fake {
    pub(super) url: String,
    pub(super) world: Arc<Mutex<World>>,
}

impl Fake {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/shop", listener.local_addr().unwrap());
        let mut world = World { now: START, ..World::default() };
        for model in ["party.party", "party.address", "party.contact_mechanism", "sale.sale", "sale.line"] {
            world.tables.insert(model.into(), BTreeMap::new());
        }
        let world = Arc::new(Mutex::new(world));
        let shared = world.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                stream.set_nodelay(true).unwrap();
                let world = shared.clone();
                std::thread::spawn(move || while serve(&stream, &world).is_some() {});
            }
        });
        Self { url, world }
    }
}

/// One request; `None` when the connection is done with.
fn serve(mut stream: &TcpStream, world: &Mutex<World>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|&n| n > 0)?;
    assert_eq!(line.trim_end(), "POST /shop/rpc/ HTTP/1.1");
    let (mut length, mut authorization) = (0, String::new());
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => authorization = value.into(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let request: Value = serde_json::from_slice(&body).unwrap();
    let mut world = world.lock().unwrap();
    let (status, body) = respond(&mut world, &request, &authorization);
    let date = chrono::DateTime::from_timestamp(world.now, 0).unwrap().format("%a, %d %b %Y %H:%M:%S GMT");
    // In one write: two would wait for each other's acknowledgement.
    let length = body.len();
    let answer = format!("HTTP/1.1 {status} X\r\nDate: {date}\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).ok()
}

fn respond(world: &mut World, request: &Value, authorization: &str) -> (u16, String) {
    let method = request["method"].as_str().unwrap();
    let params = request["params"].as_array().unwrap();
    world.calls.push(method.into());
    if let Some(answer) = world.next_answer.take() {
        return answer;
    }
    world.commit();
    if method == "common.db.login" {
        if params[0] != "admin" || params[1]["password"] != "secret" {
            return (401, String::new());
        }
        world.logins += 1;
        return (200, json!({"id": 0, "result": [1, format!("t{}", world.session), null]}).to_string());
    }
    use base64::{Engine, engine::general_purpose::STANDARD};
    let expected = format!("Session {}", STANDARD.encode(format!("admin:1:t{}", world.session)));
    if authorization != expected || world.refuse_sessions {
        return (401, String::new());
    }
    let mut answer = world.answer(method, params);
    answer["id"] = json!(0);
    (200, answer.to_string())
}
