//! The command line as people type it and scripts read it.

use crate::support::{Site, command, texts, wait_for};

const SHEET: &str = r#"
[[connector]]
name = "sheet"
plugin = "csv"
config = { paths = ["none"], key = ["id"] }

[[connector.map]]

[connector.map.party]
name = "name"
email = "email"
phone = "phone"
"#;

#[test]
fn a_schedule_is_exact_around_daylight_saving_time() {
    let output = command(&[
        "schedule",
        "next",
        "30 9 * * 1-5",
        "--zone",
        "Europe/Prague",
        "--from",
        "2026-03-27T00:00:00Z",
        "--count",
        "3",
    ]);
    assert_eq!(
        run(output),
        "2026-03-27T09:30:00+01:00\n2026-03-30T09:30:00+02:00\n2026-03-31T09:30:00+02:00\n"
    );
    let gap = [
        "schedule",
        "next",
        "30 2 * * *",
        "--zone",
        "Europe/Prague",
        "--from",
        "2026-03-28T12:00:00Z",
        "--count",
        "2",
    ];
    assert_eq!(run(command(&gap)), "2026-03-29T03:00:00+02:00\n2026-03-30T02:30:00+02:00\n");
    let six = command(&["schedule", "next", "0 30 9 * * 1-5"]).output().unwrap();
    let (_, err) = texts(&six);
    assert!(!six.status.success() && err.contains("five"), "{err}");
}

fn run(mut command: std::process::Command) -> String {
    let output = command.output().unwrap();
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{err}");
    out
}

/// Everything that is wrong is said at once, each with its place; the exit code is EX_CONFIG.
#[test]
fn configuration_errors_come_all_at_once() {
    let site = Site::new(
        "[[connector]]\nname = \"a\"\nplugin = \"csv\"\npol = \"5m\"\nconfig = { paths = \"x\", delimitr = \";\" }\n\n\
         [[connector]]\nname = \"b\"\nplugin = \"no-such\"\n\n\
         [[segment]]\nname = \"s\"\nwhere = \"ordes > 3\"\n\n\
         [[campaign]]\nname = \"c\"\nclass = \"marketing\"\ntopic = \"t\"\nsegment = \"s\"\nchannels = [\"a\"]\nschedule = \"61 * * * *\"\n\
         [campaign.content.en]\nsubject = \"{{ custmer.name }}\"\ntext = \"x\"\n",
    );
    let output = site.rejoin(&["check"]);
    let (_, err) = texts(&output);
    assert_eq!(output.status.code(), Some(78), "{err}");
    for said in ["pol", "did you mean", "delimitr", "no-such", "ordes", "61", "custmer", "rejoin.toml:", "^"]
    {
        assert!(err.contains(said), "{said:?} is missing in\n{err}");
    }
    assert!(err.matches("error[RJ-").count() >= 6, "{err}");
}

#[test]
fn importing_twice_changes_nothing_and_loses_no_bad_line() {
    let site = Site::new(SHEET);
    let mut csv =
        "id,name,email,phone\n1,Alice Nováková,alice@x.test,+420777000001\n2,A. Nováková,ALICE@X.test,\n"
            .as_bytes()
            .to_vec();
    csv.extend(b"3,only two\n4,\xff\xfe broken bytes,b@x.test,\n5,Bob,bob@x.test,+420777000002\n");
    site.write("people.csv", csv);
    let file = site.path("people.csv");
    let import = ["import", "sheet", file.to_str().unwrap()];
    let first = site.ok(&import);
    assert!(first.contains("3 new") && first.contains("2 quarantined"), "{first}");
    let links = site.links();
    assert_eq!(links.len(), 3);
    assert_eq!(links[0].2, links[1].2, "both are Alice");
    assert_ne!(links[0].2, links[2].2);
    let second = site.ok(&import);
    assert!(second.contains("0 new") && second.contains("3 unchanged"), "{second}");
    assert_eq!(site.links(), links, "ids are stable");
    let items = site.json(&["quarantine", "list", "--connector", "sheet"]);
    assert_eq!(items.len(), 2, "a line is set aside once");
    assert!(items.iter().any(|i| i["where"].as_str().unwrap().ends_with("people.csv:4")), "{items:?}");
}

/// What the mapping refused is taken once the mapping is mended, into the stream it came from.
#[test]
fn a_mended_mapping_takes_what_it_refused() {
    let with_time = |at: &str| {
        let map = "[[connector.map]]\nstream = \"rows\"";
        let orders = format!(
            "\n[[connector.map.activity]]\nkind = \"order\"\nkey = \"id\"\nat = \"{at}\"\namount = \"amount\"\n"
        );
        SHEET.replace("[[connector.map]]", map) + &orders
    };
    let site = Site::new(&with_time("amount"));
    site.write("p.csv", "id,name,email,amount\n1,Ann,ann@x.test,9.90\n");
    let first = site.ok(&["import", "sheet", site.path("p.csv").to_str().unwrap()]);
    assert!(first.contains("0 new") && first.contains("1 quarantined"), "{first}");
    site.configure(&with_time("received_at"));
    let replayed = site.ok(&["quarantine", "replay", "--connector", "sheet"]);
    assert!(replayed.contains("1 taken, 0 still"), "{replayed}");
    assert!(site.json(&["quarantine", "list"]).is_empty());
    let daemon = site.start();
    wait_for("the record", || (site.links().len() == 1).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_person_may_overrule_the_machine_and_take_it_back() {
    let site = Site::new(SHEET);
    site.write("p.csv", "id,name,email,phone\n1,Ann Lee,ann@x.test,\n2,Ann Lee,lee@y.test,\n");
    site.ok(&["import", "sheet", site.path("p.csv").to_str().unwrap()]);
    let before = site.links();
    assert_ne!(before[0].2, before[1].2);
    site.ok(&["customer", "merge", &before[0].2, &before[1].2, "--note", "same person, she called"]);
    let merged = site.links();
    assert_eq!(merged[0].2, merged[1].2);
    assert_eq!(merged[0].2, before[0].2, "the older survives");
    let shown = site.ok(&["customer", "show", &before[1].2]);
    assert!(shown.contains("was merged into"), "{shown}");
    let record =
        shown.lines().find(|l| l.contains("sheet 2")).unwrap().split_whitespace().next().unwrap().to_owned();
    site.ok(&["customer", "split", &before[0].2, &record]);
    let apart = site.links();
    assert_ne!(apart[0].2, apart[1].2);
    assert_eq!(apart[0].2, before[0].2, "the part with the oldest record keeps the id");
    let audit = site.ok(&["audit"]);
    assert!(audit.contains("customer merge") && audit.contains("customer split"), "{audit}");
}

/// Text that looks like a template, and line ends in a name, are data to the last.
#[test]
fn data_is_never_code() {
    let mail = r#"
[[connector]]
name = "mail"
plugin = "email"

[connector.config]
from = "care@shop.test"
domain = "shop.test"
transport = "maildir"
maildir = { folder = "out" }

[[segment]]
name = "all"
where = "email is not null"

[[campaign]]
name = "hello"
class = "care"
topic = "service"
segment = "all"
channels = ["mail"]
holdout = 0
quiet = false

[campaign.content.en]
subject = "Dear {{ customer.name }}"
text = "Dear {{ customer.name }}"
html = "<p>{{ customer.name }}</p>"
"#;
    let site = Site::new(&format!("{SHEET}{mail}"));
    site.write(
        "p.csv",
        "id,name,email\n1,{{7*7}} Smith,a@x.test\n2,\"Eve\r\nBcc: victim\",b@x.test\n3,<script>alert(1)</script> Jones,c@x.test\n",
    );
    site.ok(&["import", "sheet", site.path("p.csv").to_str().unwrap()]);
    let line = site.ok(&["campaign", "run", "hello", "--now", "--wait"]);
    assert!(line.contains("audience 3 = sent 3 "), "{line}");
    let messages = messages_below(&site.path("out"));
    assert_eq!(messages.len(), 3);
    let all = messages.join("\n");
    assert!(all.contains("Dear {{7*7}}") && !all.contains("Dear 49"), "{all}");
    assert!(all.contains("<p>&lt;script&gt;"), "{all}");
    assert!(!all.contains("<p><script>"), "{all}");
    for message in &messages {
        let head = message.split("\n\n").next().unwrap().split("\r\n\r\n").next().unwrap();
        assert!(!head.lines().any(|l| l.starts_with("Bcc:")), "{head}");
    }
}

fn messages_below(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(messages_below(&path));
        } else {
            found.push(std::fs::read_to_string(path).unwrap());
        }
    }
    found
}

#[test]
fn one_store_has_one_daemon_and_a_bad_reload_changes_nothing() {
    let site = Site::new(SHEET);
    let daemon = site.start();
    let second = site.rejoin(&["run"]);
    let (_, err) = texts(&second);
    assert_eq!(second.status.code(), Some(75), "{err}");

    let good = std::fs::read_to_string(site.path("rejoin.toml")).unwrap();
    site.write("rejoin.toml", format!("{good}\n[[nonsense]]\n"));
    daemon.signal(libc::SIGHUP);
    wait_for("the refusal", || daemon.said().contains("the old one stays in force").then_some(()));
    site.write("rejoin.toml", good.replace("Test Shop", "Renamed Shop"));
    daemon.signal(libc::SIGHUP);
    wait_for("the reload", || daemon.said().contains("the new configuration is in force").then_some(()));
    assert!(site.ok(&["status"]).contains("the daemon is running"));
    assert_eq!(daemon.stop(), Some(0));
    assert!(site.ok(&["status"]).contains("the daemon is not running"));
}

/// One plugin that is missing and one that is no library: named, refused, and no reason to stop the others.
#[test]
fn a_plugin_that_is_refused_stops_nobody_else() {
    let site = Site::new(&format!(
        "{}\n[[connector]]\nname = \"lost\"\nplugin = \"nosuch\"\n[[connector]]\nname = \"odd\"\nplugin = \"odd\"\n",
        SHEET.replace("paths = [\"none\"]", "paths = [\"p.csv\"]")
    ));
    let config = std::fs::read_to_string(site.path("rejoin.toml")).unwrap();
    site.write("rejoin.toml", config.replace("[plugins]\npath = [", "[plugins]\npath = [\"plugins\", "));
    site.write("plugins/librejoin_odd.so", "not a library");
    site.write("p.csv", "id,name,email\n1,Ann,ann@x.test\n");
    let check = site.rejoin(&["check"]);
    let (_, err) = texts(&check);
    assert_eq!(check.status.code(), Some(78), "{err}");
    assert!(err.contains("nosuch") && err.contains("librejoin_odd.so"), "{err}");
    let daemon = site.start();
    wait_for("the connector that is well", || (site.links().len() == 1).then_some(()));
    assert!(daemon.said().contains("rest until this is mended"), "and it says so");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_far_side_that_is_down_is_named_and_holds_up_nobody() {
    let erp = "[[connector]]\nname = \"erp\"\nplugin = \"erp\"\nconfig = { url = \"http://127.0.0.1:9/erp\", user = \"u\", password = \"secret-of-erp\" }\n";
    let site = Site::new(&format!("{SHEET}{erp}").replace("paths = [\"none\"]", "paths = [\"p.csv\"]"));
    site.write("p.csv", "id,name,email\n1,Ann,ann@x.test\n");
    let daemon = site.start();
    wait_for("the file, whatever the ERP does", || (site.links().len() == 1).then_some(()));
    let status = wait_for("the ERP's failure in status", || {
        let text = site.ok(&["status"]);
        text.contains("failing").then_some(text)
    });
    assert!(status.contains("ingest:erp") && status.contains("erp"), "{status}");
    let test = site.rejoin(&["connector", "test", "erp"]);
    let (out, err) = texts(&test);
    assert_eq!(test.status.code(), Some(1), "{out}{err}");
    assert!(
        !format!("{out}{err}{status}{}", daemon.said()).contains("secret-of-erp"),
        "secrets are not told"
    );
}
