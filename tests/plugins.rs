//! Plugins that misbehave, under the real daemon: it names the culprit, lives on, and loses nothing.

use crate::support::{Site, http, wait_for};

const SITE: &str = r#"
[[connector]]
name = "form"
plugin = "webform"

[[connector.map]]

[connector.map.party]
name = "name"
email = "email"

[[connector]]
name = "lion"
plugin = "zoo"
roles = ["@ROLE@"]
config = { mode = "@MODE@", count = 2 }

[[segment]]
name = "everybody"
where = "email is not null"

[[campaign]]
name = "hello"
class = "care"
topic = "service"
segment = "everybody"
channels = ["@CHANNEL@"]
holdout = 0
quiet = false

[campaign.content.en]
subject = "Hello"
text = "Hello."

[[connector]]
name = "tame"
plugin = "zoo"
roles = ["channel"]
"#;

fn site(role: &str, mode: &str) -> Site {
    let channel = if role == "channel" { "lion" } else { "tame" };
    Site::new(&SITE.replace("@ROLE@", role).replace("@MODE@", mode).replace("@CHANNEL@", channel))
}

fn five_people(site: &Site, address: std::net::SocketAddr) {
    for n in 0..5 {
        let body = format!("name=Person+{n}&email=p{n}%40x.test");
        let answer =
            http::post(address, "/in/form", "application/x-www-form-urlencoded", body.as_bytes(), "");
        assert_eq!(answer.status, 200);
    }
    wait_for("five customers", || (site.links().len() == 5).then_some(()));
}

/// The source dies in every call, in every way there is; posts are taken all the while.
#[test]
fn a_source_that_dies_is_named_and_holds_up_nobody() {
    for (mode, said) in [("segfault", "SIGSEGV"), ("panic", "lion escaped"), ("exit0", "exit")] {
        let site = site("source", mode);
        let daemon = site.start();
        five_people(&site, daemon.address);
        let status = wait_for("the culprit in status", || {
            let text = site.ok(&["status"]);
            text.contains("failing").then_some(text)
        });
        let line = status.lines().find(|l| l.contains("ingest:lion")).unwrap();
        assert!(line.contains("lion") && line.contains("zoo") && line.contains(said), "{mode}: {line}");
        assert_eq!(daemon.stop(), Some(0));
    }
}

/// Two messages were reported before it died; the others are unknown, and nobody sends them again.
#[test]
fn a_channel_that_dies_half_way_leaves_the_rest_unknown() {
    let site = site("channel", "crash_in_send");
    let daemon = site.start();
    five_people(&site, daemon.address);
    let out = site.ok(&["campaign", "run", "hello", "--now", "--wait"]);
    assert!(out.contains("audience 5 = sent 2 + failed 0 "), "{out}");
    assert!(out.trim_end().ends_with("unknown 3 + pending 0"), "{out}");
    let report = site.ok(&["campaign", "report", "hello"]);
    assert!(report.contains("SIGSEGV"), "{report}");
    assert_eq!(daemon.stop(), Some(0));
}

/// A stored request that kills its plugin every time goes to quarantine whole.
#[test]
fn a_request_that_kills_its_plugin_is_set_aside() {
    let site = site("webhook", "abort");
    let daemon = site.start();
    assert_eq!(http::post(daemon.address, "/in/lion", "text/plain", b"poison", "").status, 200);
    let items = wait_for("the request in quarantine", || {
        let items = site.json(&["quarantine", "list", "--connector", "lion"]);
        (!items.is_empty()).then_some(items)
    });
    let shown = site.ok(&["quarantine", "show", items[0]["id"].as_str().unwrap()]);
    assert!(shown.contains("SIGABRT") && shown.contains("poison"), "{shown}");
    five_people(&site, daemon.address);
    assert_eq!(daemon.stop(), Some(0));
}
