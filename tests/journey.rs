//! The main job, told once from end to end: Tryton, a mailbox, a form and a spreadsheet become the right customers; a
//! scheduled campaign reaches them through Postfix into Dovecot; a reply, an opt-out and an unsubscribe come back and
//! change what is sent next; killing the daemon changes none of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{Daemon, Site, http, mail, server, wait_for};

/// Customers c010 to c019 of the ERP are written to.
const FIRST: usize = 10;
const LAST: usize = 19;

#[test]
fn scattered_records_become_customers_who_are_written_to_once() {
    let mark = mark();
    mail::empty_inbox("care@shop.test");
    let site = Site::new(&config(&mark));
    site.write(
        "sheet/people.csv",
        "id,name,email\n1,\"Customer 010\",C010@Customer.test\n2,Somebody Else,else@customer.test\n",
    );
    let mut daemon = site.start();
    post_forms(&daemon);
    they_become_the_right_customers(&site);
    orders_became_profiles(&site);

    // The schedule fires every minute; the cap lets one message through, whatever the number of runs.
    wait_for("the scheduled run", || (delivered(&mark, FIRST + 5) == 1).then_some(()));
    wait_for("everybody's message", || (FIRST..=LAST).all(|n| delivered(&mark, n) == 1).then_some(()));
    for n in FIRST..=LAST {
        let message = one_message(&mark, n);
        assert!(
            message.contains(&format!("Dear Customer {n:03}, ")),
            "c{n:03} got somebody else's:\n{message}"
        );
    }
    daemon.kill();
    daemon = site.start();

    let message = one_message(&mark, FIRST);
    assert_eq!(
        mail::header(&message, "List-Unsubscribe-Post").as_deref(),
        Some("List-Unsubscribe=One-Click")
    );
    unsubscribe(&daemon, &message);
    reply(&one_message(&mark, FIRST + 1), FIRST + 1, "Thank you, please call me.");
    reply(&one_message(&mark, FIRST + 2), FIRST + 2, "STOP");
    the_answers_are_understood(&site);
    daemon.kill();
    daemon = site.start();

    // What is sent next: another campaign, to the same people.
    let line = site.ok(&["campaign", "run", "news", "--now", "--wait"]);
    let line = line.lines().last().unwrap();
    assert!(line.starts_with("audience 10 = sent 8 + failed 0 + suppressed 2 "), "{line}");
    assert!(line.ends_with("unknown 0 + pending 0"), "{line}");
    let news = format!("{mark} news");
    for n in FIRST..=LAST {
        let expected = if n == FIRST || n == FIRST + 2 { 0 } else { 1 };
        wait_for("the second campaign", || (delivered(&news, n) == expected).then_some(()));
    }
    let preview = site.ok(&["campaign", "preview", "news"]);
    assert!(preview.contains("unsubscribed") && preview.contains("opt"), "{preview}");
    for n in FIRST..=LAST {
        assert_eq!(
            delivered(&format!("{mark} hello"), n),
            1,
            "c{n:03} was written to once by the scheduled campaign"
        );
    }
    assert_eq!(daemon.stop(), Some(0));
}

/// Names this run of the test among the messages of earlier ones.
#[allow(clippy::disallowed_methods, reason = "a test has no clock to be handed")]
fn mark() -> String {
    format!("J{:x}", SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos())
}

fn config(mark: &str) -> String {
    let split = |name: &str| {
        let address = server(name);
        let (host, port) = address.rsplit_once(':').unwrap();
        format!("host = {host:?}, port = {port}")
    };
    include_str!("fixtures/journey.toml")
        .replace("@TRYTON@", &server("REJOIN_TEST_TRYTON"))
        .replace("@TRYTON_PASSWORD@", &server("REJOIN_TEST_TRYTON_PASSWORD"))
        .replace("@SMTP@", &split("REJOIN_TEST_SMTP"))
        .replace("@IMAP@", &split("REJOIN_TEST_IMAP"))
        .replace("@MAIL_PASSWORD@", &server("REJOIN_TEST_MAIL_PASSWORD"))
        .replace("@MARK@", mark)
}

/// Everybody consents; some write their name differently, and one form comes twice.
fn post_forms(daemon: &Daemon) {
    let form = "application/x-www-form-urlencoded";
    for n in FIRST..=LAST {
        let body = format!("name=Customer+{n:03}&email=c{n:03}%40customer.test&newsletter=yes");
        let id = format!("webhook-id: form-{n}\r\n");
        for _ in 0..2 {
            assert_eq!(http::post(daemon.address, "/in/form", form, body.as_bytes(), &id).status, 200);
        }
    }
    let json = br#"{"name": "Nobody New", "phone": "+420 777 123 456", "newsletter": ""}"#;
    assert_eq!(http::post(daemon.address, "/in/form", "application/json", json, "").status, 200);
}

fn they_become_the_right_customers(site: &Site) {
    let links = wait_for("all records to be linked", || {
        let links = site.links();
        let of = |name: &str| links.iter().filter(|(c, _, _)| c == name).count();
        (of("erp") >= 50 && of("form") == 11 && of("sheet") == 2).then_some(links)
    });
    let mut customers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (connector, key, customer) in &links {
        customers.entry(customer.clone()).or_default().insert(format!("{connector} {key}"));
    }
    let of_record = |record: &str| {
        let (connector, key) = record.split_once(' ').unwrap();
        let link = links.iter().find(|(c, k, _)| c == connector && k == key);
        link.unwrap_or_else(|| panic!("no link of {record}")).2.clone()
    };
    let everywhere = &customers[&of_record("sheet 1")];
    assert_eq!(everywhere.len(), 3, "ERP, form and sheet know c010: {everywhere:?}");
    for n in FIRST + 1..=LAST {
        let same = &customers[&of_record(&format!("form post/form-{n}"))];
        assert_eq!(same.len(), 2, "ERP and form know c{n:03}: {same:?}");
    }
    assert_eq!(customers[&of_record("sheet 2")].len(), 1, "nobody else is this person");
    let why = site.ok(&["customer", "why", &of_record("sheet 1")]);
    assert!(why.contains("c010@customer.test"), "{why}");
}

fn orders_became_profiles(site: &Site) {
    let bought = wait_for("profiles", || {
        let people =
            site.json(&["segment", "preview", "--where", "orders > 0 and total > 0", "--limit", "100"]);
        (people.len() > 30).then_some(people)
    });
    let orders: u32 = bought.iter().map(|p| p["orders"].as_str().unwrap().parse::<u32>().unwrap()).sum();
    assert_eq!(orders, 100, "every sale of the ERP is an order of somebody");
}

fn delivered(subject: &str, n: usize) -> usize {
    messages(subject, n).len()
}

fn messages(subject: &str, n: usize) -> Vec<String> {
    let inbox = mail::inbox(&format!("c{n:03}@customer.test"));
    inbox.into_iter().filter(|m| mail::header(m, "Subject").is_some_and(|s| s.contains(subject))).collect()
}

fn one_message(mark: &str, n: usize) -> String {
    let mut found = messages(&format!("{mark} hello"), n);
    assert_eq!(found.len(), 1, "c{n:03}");
    found.remove(0)
}

/// A scanner opens the link first, which must change nothing; then the person's mail provider posts.
fn unsubscribe(daemon: &Daemon, message: &str) {
    let header = mail::header(message, "List-Unsubscribe").unwrap();
    let link = header.split(['<', '>']).find(|part| part.starts_with("https://shop.test/")).unwrap();
    let path = link.strip_prefix("https://shop.test").unwrap();
    assert_eq!(http::get(daemon.address, path).status, 200);
    let one_click = b"List-Unsubscribe=One-Click";
    let answer = http::post(daemon.address, path, "application/x-www-form-urlencoded", one_click, "");
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn reply(message: &str, n: usize, text: &str) {
    let id = mail::header(message, "Message-ID").unwrap();
    let headers =
        format!("Subject: Re: hello\r\nMessage-ID: <reply{}-{id}\r\nIn-Reply-To: {id}\r\n", id.len());
    let headers = headers.replace("-<", "-");
    mail::send(&format!("c{n:03}@customer.test"), "care@shop.test", &headers, text);
}

fn the_answers_are_understood(site: &Site) {
    wait_for("the reply in the customer's history", || {
        let found = site.json(&["customer", "find", &format!("c{:03}@customer.test", FIRST + 1)]);
        let shown = site.ok(&["customer", "show", found[0]["customer"].as_str().unwrap()]);
        shown.contains("please call me").then_some(())
    });
    wait_for("the opt-out", || site.ok(&["campaign", "preview", "news"]).contains("opt").then_some(()));
}
