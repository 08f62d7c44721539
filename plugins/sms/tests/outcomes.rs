//! The channel against a real HTTP server that misbehaves in every way gateways do, and counts what it was given.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, reason = "a test program")]

mod server;

use std::{collections::HashMap, net::TcpListener};

use rejoin_plugin_api::{Channel, ErrorClass, Host, Message, Outcome, Outcomes, Plugin};
use rejoin_sms::Sms;
use serde_json::{Value, json};
use server::{Act, Server};

fn sms(url: &str, more: Value) -> Sms {
    let mut config = json!({
        "url": format!("{url}/send"),
        "body": "{\"to\":{{ to|json }},\"text\":{{ text|json }},\"id\":{{ id|json }}}",
        "headers": {"Authorization": "Bearer {{ secret.token }}", "Idempotency-Key": "{{ id }}"},
        "secrets": {"token": "s3cret"},
        "accepted": {"at": "/code", "values": ["0"]},
        "provider_id": "/id",
        "error": {"code": "/code", "text": "/msg", "retry": ["17"], "bad_address": ["21"]},
        "timeout_s": 2,
        "connect_timeout_s": 1,
        "connections": 1,
    });
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    let config = serde_json::from_value(config).unwrap();
    assert_eq!(Sms::validate(&config), []);
    Sms::open(config, Host::detached()).unwrap()
}

fn messages(count: usize) -> Vec<Message> {
    let message = |at| Message {
        idempotency_key: format!("k{at}"),
        to: format!("+8613800{at:06}"),
        text: Some("您好 \"A\"".into()),
        ..Message::default()
    };
    (0..count).map(message).collect()
}

/// The outcomes in the order of the messages, exactly one each.
fn send(sms: &mut Sms, messages: &[Message]) -> (Vec<Outcome>, Result<(), rejoin_plugin_api::Error>) {
    let mut reported: HashMap<u32, Outcome> = HashMap::new();
    let mut report = |index: u32, outcome: &Outcome| {
        assert!(reported.insert(index, outcome.clone()).is_none(), "message {index} reported twice");
    };
    let result = sms.send(messages, &mut Outcomes::new(&mut report));
    let all = (0..messages.len() as u32).map(|at| reported.remove(&at).expect("an outcome for each message"));
    (all.collect(), result)
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::Rejected { bad_address: true, .. } => "bad",
        Outcome::Rejected { .. } => "rejected",
        Outcome::Deferred { .. } => "deferred",
        Outcome::Unknown { .. } => "unknown",
    }
}

const OK: Act = Act::Answer(200, "", r#"{"code":0,"id":"p1"}"#);

#[test]
fn one_message_and_one_answer() {
    for (act, expected, idempotent) in [
        (OK, "accepted", "accepted"),
        (Act::Answer(200, "", r#"{"code":17}"#), "deferred", "deferred"),
        (Act::Answer(200, "", r#"{"code":21}"#), "bad", "bad"),
        (Act::Answer(400, "", r#"{"code":99}"#), "rejected", "rejected"),
        (Act::Answer(500, "", "oops"), "unknown", "deferred"),
        (Act::Answer(503, "Retry-After: 3\r\n", ""), "deferred", "deferred"),
        (Act::CutHeader, "unknown", "deferred"),
        (Act::CutBody, "unknown", "deferred"),
        (Act::CloseUnanswered, "unknown", "deferred"),
        (Act::Reset, "unknown", "deferred"),
    ] {
        for (honoured, expected) in [(false, expected), (true, idempotent)] {
            let server = Server::start(vec![act]);
            let mut sms = sms(&server.url, json!({"idempotent": honoured}));
            let (outcomes, result) = send(&mut sms, &messages(1));
            assert_eq!((word(&outcomes[0]), result), (expected, Ok(())), "{act:?}: {outcomes:?}");
            assert_eq!(server.posted(), ["k0"], "{act:?} posted once and only once");
        }
    }
}

#[test]
fn the_request_is_what_the_configuration_says() {
    let server = Server::start(vec![OK]);
    let (outcomes, _) = send(&mut sms(&server.url, json!({"basic_auth": null})), &messages(1));
    assert_eq!(outcomes, [Outcome::Accepted { provider_id: Some("p1".into()) }]);
    let request = server.requests().remove(0);
    assert!(request.head.starts_with("POST /send HTTP/1.1\r\n"), "{}", request.head);
    let head = request.head.to_ascii_lowercase();
    for line in [
        "authorization: bearer s3cret",
        "idempotency-key: k0",
        "content-type: application/json; charset=utf-8",
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body, json!({"to": "+8613800000000", "text": "您好 \"A\"", "id": "k0"}));
}

#[test]
fn no_connection_is_certainly_not_sent() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let (outcomes, result) = send(&mut sms(&url, json!({})), &messages(3));
    assert_eq!((outcomes.iter().map(word).collect::<Vec<_>>(), result), (vec!["deferred"; 3], Ok(())));
}

#[test]
fn no_answer_in_time_is_unknown_and_not_posted_again() {
    let server = Server::start(vec![Act::Hang, OK]);
    let (outcomes, _) = send(&mut sms(&server.url, json!({})), &messages(2));
    assert_eq!(outcomes.iter().map(word).collect::<Vec<_>>(), ["unknown", "accepted"]);
    assert_eq!(server.posted(), ["k0", "k1"]);
}

#[test]
fn a_wish_for_a_pause_stops_the_batch() {
    let server = Server::start(vec![OK, Act::Answer(429, "Retry-After: 7\r\n", ""), OK]);
    let (outcomes, result) = send(&mut sms(&server.url, json!({})), &messages(5));
    assert_eq!(result, Ok(()));
    assert_eq!(word(&outcomes[0]), "accepted");
    for outcome in &outcomes[1..] {
        assert!(matches!(outcome, Outcome::Deferred { after_ms: Some(7000), .. }), "{outcome:?}");
    }
    assert_eq!(server.posted(), ["k0", "k1"]);
}

#[test]
fn refused_credentials_stop_the_batch_with_an_error() {
    let server = Server::start(vec![Act::Answer(401, "", "no")]);
    let (outcomes, result) = send(&mut sms(&server.url, json!({})), &messages(4));
    assert_eq!(result.unwrap_err().class, ErrorClass::Auth);
    assert_eq!(outcomes.iter().map(word).collect::<Vec<_>>(), ["deferred"; 4]);
    assert_eq!(server.posted(), ["k0"]);
}

/// Nobody who answers in plain text to a TLS greeting has seen a message.
#[test]
fn a_failed_tls_handshake_is_certainly_not_sent() {
    let server = Server::start(vec![OK]);
    let (outcomes, _) = send(&mut sms(&server.url.replace("http:", "https:"), json!({})), &messages(1));
    assert_eq!(outcomes.iter().map(word).collect::<Vec<_>>(), ["deferred"]);
    assert!(server.posted().is_empty());
}

#[test]
fn redirects_are_not_followed() {
    for status in [302, 307, 308] {
        let server = Server::start(vec![Act::Answer(status, "Location: /other\r\n", ""), OK]);
        let (outcomes, result) = send(&mut sms(&server.url, json!({})), &messages(1));
        assert_eq!((word(&outcomes[0]), result.unwrap_err().class), ("deferred", ErrorClass::Config));
        assert_eq!(server.posted(), ["k0"]);
    }
}

#[test]
fn what_cannot_be_sent_never_reaches_the_gateway() {
    let server = Server::start(vec![OK]);
    let mut all = messages(4);
    all[0].to = "13800138000".into();
    all[1].text = None;
    all[2].text = Some("茶".repeat(700));
    let (outcomes, _) = send(&mut sms(&server.url, json!({})), &all);
    assert_eq!(outcomes.iter().map(word).collect::<Vec<_>>(), ["bad", "rejected", "rejected", "accepted"]);
    assert_eq!(server.posted(), ["k3"]);
}

/// Many connections, every kind of fault, kept-alive connections closed under the client's hands: each message has
/// one outcome, none is posted twice, and what is called deferred or accepted is true.
#[test]
fn under_faults_nothing_is_posted_twice() {
    let script = [
        OK,
        Act::Answer(200, "", r#"{"code":17}"#),
        Act::AnswerAndClose,
        Act::Answer(200, "", r#"{"code":99}"#),
        Act::CutBody,
        OK,
        Act::AnswerAndClose,
        Act::Answer(500, "", ""),
        Act::Reset,
        OK,
        Act::CloseUnanswered,
    ];
    let server = Server::start(script.to_vec());
    let all = messages(400);
    let (outcomes, result) = send(&mut sms(&server.url, json!({"connections": 8})), &all);
    assert_eq!(result, Ok(()));
    let mut posts: HashMap<String, (usize, Act)> = HashMap::new();
    for request in server.requests() {
        posts.entry(request.id()).or_insert((0, request.act)).0 += 1;
    }
    for (message, outcome) in all.iter().zip(&outcomes) {
        let id = &message.idempotency_key;
        match (word(outcome), posts.get(id)) {
            ("accepted", Some((1, Act::AnswerAndClose | Act::Answer(200, _, _)))) => {}
            ("rejected", Some((1, Act::Answer(200, _, r#"{"code":99}"#)))) => {}
            ("deferred", None | Some((1, Act::Answer(200, _, r#"{"code":17}"#)))) => {}
            ("unknown", None | Some((1, _))) => {}
            (word, posted) => panic!("{id} is {word} and was posted {posted:?}"),
        }
    }
    let accepted = outcomes.iter().filter(|o| word(o) == "accepted").count();
    assert!(accepted > 100, "the faults are the exception: {accepted}");
}

#[test]
fn messages_whose_turn_is_far_away_are_handed_back_with_the_time_of_it() {
    let server = Server::start(vec![OK]);
    let (outcomes, _) = send(&mut sms(&server.url, json!({"rate": 0.01})), &messages(3));
    assert_eq!(word(&outcomes[0]), "accepted");
    for (outcome, turn_ms) in outcomes[1..].iter().zip([100_000, 200_000]) {
        let Outcome::Deferred { after_ms: Some(after_ms), .. } = outcome else { panic!("{outcome:?}") };
        assert!((turn_ms - 60_000..=turn_ms).contains(after_ms), "{after_ms}");
    }
    assert_eq!(server.posted(), ["k0"]);
}

#[test]
fn a_host_that_stops_gets_the_rest_back_unsent() {
    let server = Server::start(vec![OK]);
    let config = json!({"url": server.url, "body": "{{ id|json }}"});
    let mut sms = Sms::open(serde_json::from_value(config).unwrap(), Host::new(|_, _| {}, || true)).unwrap();
    let (outcomes, _) = send(&mut sms, &messages(3));
    assert_eq!(outcomes.iter().map(word).collect::<Vec<_>>(), ["deferred"; 3]);
    assert!(server.posted().is_empty());
}

#[test]
fn check_sends_no_message() {
    let server = Server::start(vec![OK]);
    let found = sms(&server.url, json!({})).check().unwrap();
    assert!(found.contains("accepts connections"), "{found}");
    assert!(server.requests().is_empty());

    let probe = json!({"probe_url": format!("{}/balance", server.url)});
    assert!(sms(&server.url, probe.clone()).check().unwrap().contains("200"));
    assert!(server.requests()[0].head.starts_with("GET /balance"));

    let server = Server::start(vec![Act::Answer(401, "", "")]);
    let probe = json!({"probe_url": format!("{}/balance", server.url)});
    assert_eq!(sms(&server.url, probe).check().unwrap_err().class, ErrorClass::Auth);
}
