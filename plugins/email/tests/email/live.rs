//! Against real servers, where the environment names them: Postfix, its smtp-sink, and Dovecot. Without the variables
//! each test says so and passes.

use std::{
    env,
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use crate::support::{open, send, short};
use rejoin_email::Email;
use rejoin_plugin_api::{Batch, ErrorClass, Message, Outcome, Plugin, Progress, ReadRequest, Source};
use serde_json::{Value, json};

/// The values of all these variables, or nothing and a word about it.
fn environment<const N: usize>(names: [&str; N]) -> Option<[String; N]> {
    let values = names.map(|name| env::var(name).unwrap_or_default());
    if let Some(missing) = names.iter().zip(&values).find(|(_, v)| v.is_empty()) {
        println!("skipped: {} is not set", missing.0);
        return None;
    }
    Some(values)
}

fn port(address: &str) -> u16 {
    address.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// Different in every run and call.
fn tag() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    #[allow(clippy::disallowed_methods, reason = "a name no other run has used")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    format!("t{now}-{}", COUNT.fetch_add(1, Ordering::SeqCst))
}

fn smtp(address: &str, tls: &str, more: Value) -> Value {
    let mut smtp = json!({"host": "127.0.0.1", "port": port(address), "tls": tls});
    smtp.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    json!({"from": "小店 <care@shop.test>", "return_path": "bounces@shop.test", "domain": "shop.test", "smtp": smtp})
}

fn imap(address: &str, tls: &str, ca: &str, user: &str, password: &str) -> Value {
    json!({"domain": "shop.test", "imap": {"host": "127.0.0.1", "port": port(address), "tls": tls, "ca": ca,
        "user": user, "password": password}})
}

fn message(tag: &str, to: &str) -> Message {
    Message {
        idempotency_key: tag.to_owned(),
        message_id: tag.to_owned(),
        to: to.to_owned(),
        to_name: Some("李雷".into()),
        subject: Some("您好，我们想念您".into()),
        text: Some(format!("{tag}\n.\n退订请回复 TD\n")),
        html: Some(format!("<p>{tag}</p>")),
        headers: vec![("List-Unsubscribe-Post".into(), "List-Unsubscribe=One-Click".into())],
    }
}

/// All rows from the start, `page` at a time.
fn rows(plugin: &mut Email, page: u32) -> (Vec<Value>, String) {
    let (mut rows, mut cursor) = (Vec::new(), None);
    loop {
        let request =
            ReadRequest { stream: "inbox".into(), cursor, max_records: page, ..ReadRequest::default() };
        let mut batch = Batch::new(page, 4 << 20);
        let progress = plugin.read(&request, &mut batch).unwrap();
        let (lines, records, next) = batch.into_parts();
        assert!(records <= u64::from(page));
        rows.extend(
            lines
                .split(|&b| b == b'\n')
                .filter(|l| !l.is_empty())
                .map(|l| serde_json::from_slice(l).unwrap()),
        );
        cursor = next;
        if progress == Progress::CaughtUp {
            return (rows, cursor.unwrap());
        }
    }
}

/// Reads until a row satisfies `found`; mail takes a moment.
fn wait_for(plugin: &mut Email, found: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..100 {
        if let Some(row) = rows(plugin, 7).0.into_iter().find(|r| found(&r["v"])) {
            return row;
        }
        thread::sleep(Duration::from_millis(200));
    }
    panic!("the mail never came");
}

#[test]
fn mail_goes_through_postfix_and_comes_back_over_imap() {
    let names = ["REJOIN_TEST_SUBMISSION", "REJOIN_TEST_IMAPS", "REJOIN_TEST_IMAP", "REJOIN_TEST_CA"];
    let Some([submission, imaps, plain_imap, ca]) = environment(names) else { return };
    let Some([user, password]) = environment(["REJOIN_TEST_MAIL_USER", "REJOIN_TEST_MAIL_PASSWORD"]) else {
        return;
    };
    let login = json!({"ca": ca, "user": user, "password": password});
    let mut out = open(&smtp(&submission, "starttls", login).to_string());
    let said = out.check().unwrap();
    assert!(said.contains("over TLS") && said.contains(&user), "{said}");

    let tag = tag();
    let all = [message(&tag, "c000@customer.test"), message(&format!("{tag}-x"), "nobody@customer.test")];
    let (outcomes, result) = send(&mut out, &all);
    assert_eq!(result, Ok(()));
    assert!(matches!(&outcomes[0], Some(Outcome::Accepted { provider_id: Some(_) })), "{outcomes:?}");
    assert_eq!(short(&outcomes[1]), "bad address", "{outcomes:?}");

    for (address, tls) in [(&imaps, "wrapper"), (&plain_imap, "none")] {
        let mut inbox = open(&imap(address, tls, &ca, "c000@customer.test", &password).to_string());
        let row = wait_for(&mut inbox, |v| v["message_id"] == format!("{tag}@shop.test"));
        assert_eq!(row["key"], format!("mail/{tag}@shop.test"));
        assert_eq!(row["v"]["subject"], "您好，我们想念您");
        assert_eq!(row["v"]["from_name"], "小店");
        assert_eq!(row["v"]["text"], format!("{tag}\n.\n退订请回复 TD"));
        let said = inbox.check().unwrap();
        assert!(said.contains("INBOX") && said.contains("messages"), "{said}");
    }
}

/// An address that Postfix takes and its next hop refuses: a real RFC 3464 report comes to the return path.
#[test]
fn a_real_bounce_is_understood() {
    let Some([smtp_at, imaps, ca]) = environment(["REJOIN_TEST_SMTP", "REJOIN_TEST_IMAPS", "REJOIN_TEST_CA"])
    else {
        return;
    };
    let Some([password]) = environment(["REJOIN_TEST_MAIL_PASSWORD"]) else { return };
    let tag = tag();
    let mut out = open(&smtp(&smtp_at, "none", json!({})).to_string());
    let (outcomes, _) = send(&mut out, &[message(&tag, "nobody@late.test")]);
    assert_eq!(short(&outcomes[0]), "accepted", "{outcomes:?}");
    let mut inbox = open(&imap(&imaps, "wrapper", &ca, "bounces@shop.test", &password).to_string());
    let row = wait_for(&mut inbox, |v| v["answers"] == format!("{tag}@shop.test"));
    assert_eq!(row["v"]["kind"], "bounce");
    assert_eq!(row["v"]["party_key"], "mailto:nobody@late.test");
    assert!(row["v"]["status"].as_str().unwrap().starts_with("5."), "{row:#}");
}

#[test]
fn imap_pages_agree_and_wrong_settings_are_named() {
    let Some([imaps, ca, password]) =
        environment(["REJOIN_TEST_IMAPS", "REJOIN_TEST_CA", "REJOIN_TEST_MAIL_PASSWORD"])
    else {
        return;
    };
    let good = imap(&imaps, "wrapper", &ca, "bounces@shop.test", &password);
    let keys = |page| {
        let (rows, cursor) = rows(&mut open(&good.to_string()), page);
        (rows.into_iter().map(|r| r["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), cursor)
    };
    let (all, cursor) = keys(100_000);
    let (few, _) = keys(1 + u32::try_from(all.len()).unwrap() / 5);
    assert_eq!(few[..all.len()], all[..]);

    // Another UIDVALIDITY: from the start again.
    let uid: Value = serde_json::from_str(&cursor).unwrap();
    let stale = json!({"validity": 1, "uid": uid["uid"]}).to_string();
    let request =
        ReadRequest { stream: "inbox".into(), cursor: Some(stale), max_records: 5, ..ReadRequest::default() };
    let mut batch = Batch::new(5, 1 << 20);
    open(&good.to_string()).read(&request, &mut batch).unwrap();
    assert_eq!(batch.records(), all.len().min(5) as u64);

    for (key, value, class) in [
        ("password", json!("wrong"), ErrorClass::Auth),
        ("folder", json!("没有"), ErrorClass::Config),
        ("ca", json!(null), ErrorClass::Config),
        ("host", json!("localhost.invalid"), ErrorClass::Transient),
    ] {
        let mut bad = good.clone();
        bad["imap"][key] = value;
        let error = open(&bad.to_string()).check().unwrap_err();
        assert_eq!(error.class, class, "{key}: {error}");
    }
}

#[test]
fn seen_is_set_only_when_asked_and_committed() {
    let names = [
        "REJOIN_TEST_SMTP",
        "REJOIN_TEST_IMAPS",
        "REJOIN_TEST_IMAP",
        "REJOIN_TEST_CA",
        "REJOIN_TEST_MAIL_PASSWORD",
    ];
    let Some([smtp_at, imaps, plain_imap, ca, password]) = environment(names) else { return };
    let tag = tag();
    let user = "c199@customer.test";
    let (outcomes, _) =
        send(&mut open(&smtp(&smtp_at, "none", json!({})).to_string()), &[message(&tag, user)]);
    assert_eq!(short(&outcomes[0]), "accepted");
    let mut config = imap(&imaps, "wrapper", &ca, user, &password);
    wait_for(&mut open(&config.to_string()), |v| v["message_id"] == format!("{tag}@shop.test"));
    for mark_seen in [false, true] {
        config["imap"]["mark_seen"] = json!(mark_seen);
        let mut inbox = open(&config.to_string());
        let (_, cursor) = rows(&mut inbox, 100_000);
        assert!(is_unseen(&plain_imap, user, &password, &tag), "reading marks nothing");
        inbox.committed("inbox", &cursor).unwrap();
        assert_eq!(is_unseen(&plain_imap, user, &password, &tag), !mark_seen);
    }
}

/// Asks the server itself, in its own words.
fn is_unseen(address: &str, user: &str, password: &str, tag: &str) -> bool {
    let mut stream = TcpStream::connect(address).unwrap();
    let commands = format!(
        "a LOGIN {user} {password}\r\nb EXAMINE INBOX\r\nc SEARCH UNSEEN HEADER Message-ID {tag}\r\nd LOGOUT\r\n"
    );
    stream.write_all(commands.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    let found = said.lines().find(|l| l.starts_with("* SEARCH")).unwrap();
    found.trim() != "* SEARCH"
}

#[test]
fn smtp_sink_takes_everything_with_many_connections() {
    let Some([sink]) = environment(["REJOIN_TEST_SMTP_SINK"]) else { return };
    let mut out = open(&smtp(&sink, "none", json!({"messages_per_connection": 30})).to_string());
    let all: Vec<Message> =
        (0..500).map(|n| message(&format!("s{n}"), &format!("c{n}@customer.test"))).collect();
    let (outcomes, result) = send(&mut out, &all);
    assert_eq!(result, Ok(()));
    assert!(outcomes.iter().all(|o| short(o) == "accepted"), "{outcomes:?}");
}

#[test]
fn a_wrong_smtp_login_fails_the_call_and_defers_nothing_wrongly() {
    let Some([submission, ca, user]) =
        environment(["REJOIN_TEST_SUBMISSION", "REJOIN_TEST_CA", "REJOIN_TEST_MAIL_USER"])
    else {
        return;
    };
    let login = json!({"ca": ca, "user": user, "password": "wrong"});
    let (outcomes, result) = send(
        &mut open(&smtp(&submission, "starttls", login).to_string()),
        &[message("never", "c000@customer.test")],
    );
    assert_eq!(result.unwrap_err().class, ErrorClass::Auth);
    assert_eq!(outcomes, [None]);
}
