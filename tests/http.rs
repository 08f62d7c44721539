//! The listener: nothing is taken that is not durable, nothing hostile costs more than an answer.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::support::{Daemon, Site, http, wait_for};

const FORM: &str = "application/x-www-form-urlencoded";
const SITE: &str = r#"
[[connector]]
name = "form"
plugin = "webform"
config = { honeypot = "website" }

[connector.intake]
thanks = { zh = "谢谢！", en = "Thanks a lot." }

[[connector.map]]

[connector.map.party]
name = "name"
email = "email"
"#;

fn records(site: &Site) -> usize {
    site.links().len()
}

/// The daemon's own memory, kilobytes.
fn rss_kb(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_replay_is_answered_and_counted_once() {
    let site = Site::new(SITE);
    let daemon = site.start();
    for _ in 0..20 {
        let answer =
            http::post(daemon.address, "/in/form", FORM, b"name=A&email=a%40x.test", "webhook-id: one\r\n");
        assert_eq!(answer.status, 200);
    }
    http::post(daemon.address, "/in/form", FORM, b"name=B&email=b%40x.test", "webhook-id: two\r\n");
    wait_for("both posts", || (records(&site) == 2).then_some(()));
    assert_eq!(http::post(daemon.address, "/in/nobody", FORM, b"", "").status, 404);
}

#[test]
fn a_browser_is_thanked_in_its_language() {
    let site = Site::new(SITE);
    let daemon = site.start();
    let thanked = |language: &str| {
        let headers = format!("accept: text/html\r\naccept-language: {language}\r\n");
        http::post(daemon.address, "/in/form", FORM, b"name=A", &headers)
    };
    let chinese = thanked("zh-CN,zh;q=0.9");
    assert!(chinese.body.contains("谢谢！") && chinese.body.contains("lang=\"zh\""), "{}", chinese.body);
    assert!(thanked("en-GB").body.contains("Thanks a lot."));
    assert!(chinese.head.to_ascii_lowercase().contains("content-security-policy: default-src 'none'"));
}

/// A gigabyte, announced and not announced: refused, and no more memory than the limit.
#[test]
fn a_gigabyte_is_refused_in_flat_memory() {
    let site = Site::new(SITE);
    let daemon = site.start();
    let before = rss_kb(&daemon);
    let head = "POST /in/form HTTP/1.1\r\nhost: x\r\ncontent-length: 1073741824\r\n\r\n";
    assert_eq!(http::request(daemon.address, head, b"x").status, 413);

    let mut stream = TcpStream::connect(daemon.address).unwrap();
    stream.write_all(b"POST /in/form HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    let chunk = [b"100000\r\n".as_slice(), &[b'x'; 1 << 20], b"\r\n"].concat();
    // It stops listening long before the end, which is the point.
    let sent = (0..1024).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    let mut answer = String::new();
    drop(stream.read_to_string(&mut answer));
    assert!(sent < 1024, "all of it was swallowed");
    assert!(answer.is_empty() || answer.contains(" 413 "), "{answer}");
    let grown = rss_kb(&daemon).saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} kB more than before");
    assert_eq!(http::get(daemon.address, "/healthz").status, 200);
}

#[test]
fn what_is_not_understood_is_kept_in_quarantine() {
    let site = Site::new(SITE);
    let daemon = site.start();
    let posts: [(&str, &[u8]); 4] = [
        ("application/json", b"{\"name\": \"cut"),
        ("application/json", b"{\"name\": \"\xff\xfe\"}"),
        ("multipart/form-data; boundary=x", b"--y\r\nno such boundary"),
        (FORM, b"name=Robot&website=http%3A%2F%2Fspam"),
    ];
    for (content_type, body) in posts {
        assert_eq!(
            http::post(daemon.address, "/in/form", content_type, body, "").status,
            200,
            "stored all the same"
        );
    }
    http::post(daemon.address, "/in/form", FORM, b"name=Good&email=good%40x.test", "");
    let items = wait_for("four items in quarantine", || {
        let items = site.json(&["quarantine", "list"]);
        (items.len() == 4 && records(&site) == 1).then_some(items)
    });
    for item in items {
        assert!(
            !item["reason"].as_str().unwrap().is_empty() && !item["code"].as_str().unwrap().is_empty(),
            "{item}"
        );
    }
}

#[test]
fn only_what_our_secret_signed_is_taken() {
    let key = b"a secret of twenty-four bytes or more";
    let secret = format!("whsec_{}", STANDARD.encode(key));
    let signed =
        SITE.replace("[connector.intake]", &format!("[connector.intake]\nsignature_secret = {secret:?}"));
    let site = Site::new(&signed);
    let daemon = site.start();
    let body = b"name=A&email=a%40x.test";
    let header = |id: &str, at: i64, key: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(format!("{id}.{at}.").as_bytes());
        mac.update(body);
        let tag = STANDARD.encode(mac.finalize().into_bytes());
        format!("webhook-id: {id}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: v1,{tag}\r\n")
    };
    let now = now_s();
    let table = [
        ("unsigned", String::new(), 401),
        ("another's key", header("1", now, b"another key of twenty-four bytes"), 401),
        ("too old", header("2", now - 301, key), 401),
        ("ours", header("3", now, key), 200),
        ("ours again", header("3", now, key), 200),
    ];
    for (what, headers, status) in table {
        assert_eq!(http::post(daemon.address, "/in/form", FORM, body, &headers).status, status, "{what}");
    }
    wait_for("the one that is ours", || (records(&site) == 1).then_some(()));
}

#[allow(clippy::disallowed_methods, reason = "a test has no clock to be handed")]
fn now_s() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

#[test]
fn one_address_may_not_flood() {
    let site = Site::new(&SITE.replace("[connector.intake]", "[connector.intake]\nrate_limit = \"5/1h\""));
    let daemon = site.start();
    let statuses: Vec<u16> =
        (0..8).map(|_| http::post(daemon.address, "/in/form", FORM, b"name=A", "").status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429, 429]);
}

/// The disk fills, requests are turned away, space comes back, and it goes on by itself with nothing lost.
#[test]
fn a_full_disk_turns_requests_away_and_recovers() {
    let site = Site::new(SITE);
    let disk = Disk::mount(&site, "disk", "6m");
    let text = std::fs::read_to_string(site.path("rejoin.toml")).unwrap();
    site.write("rejoin.toml", text.replace("sqlite:rejoin.db", "sqlite:disk/rejoin.db"));
    let daemon = site.start();
    let ballast = site.path("disk/ballast");
    let mut acknowledged = 0;
    let post = |n: usize| {
        let body = format!("name=P{n}&email=p{n}%40x.test&padding={}", "x".repeat(20_000));
        http::post(daemon.address, "/in/form", FORM, body.as_bytes(), &format!("webhook-id: d{n}\r\n")).status
    };
    drop(std::fs::write(&ballast, vec![0; 3 << 20]));
    let refused = (0..2_000).find(|n| match post(*n) {
        200 => {
            acknowledged += 1;
            false
        }
        status => {
            assert_eq!(status, 503);
            true
        }
    });
    assert!(refused.is_some(), "a disk of 6 MB never filled");
    assert_eq!(http::get(daemon.address, "/healthz").status, 200, "alive");
    assert_eq!(http::get(daemon.address, "/readyz").status, 503, "and not ready");
    std::fs::remove_file(&ballast).unwrap();
    wait_for("it to take posts again", || (post(5_000) == 200).then_some(()));
    let stored =
        wait_for("every acknowledged post", || (records(&site) > acknowledged).then(|| records(&site)));
    assert_eq!(stored, acknowledged + 1, "nothing invented either");
    assert_eq!(daemon.stop(), Some(0));
    drop(disk);
}

/// A small file system of its own.
struct Disk(std::path::PathBuf);

impl Disk {
    fn mount(site: &Site, name: &str, size: &str) -> Self {
        let path = site.path(name);
        std::fs::create_dir_all(&path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(&path)
            .status();
        assert!(mounted.unwrap().success(), "mounting needs root");
        Self(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}
