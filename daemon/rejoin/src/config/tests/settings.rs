//! Good configurations and what they mean.

use std::path::Path;

use rejoin_model::campaign::{Channel, ChannelChoice, QuietHours};

use super::{outside, read, read_named};
use crate::config::{Draft, Rate, Role, Settings};

const SITE: &str = r#"
include = ["more/*.toml"]

[site]
name = "港湾咖啡"
zone = "Asia/Shanghai"
sms_signature = "【港湾咖啡】"
values.hotline = "400-800"

[[connector]]
name = "erp-file"
plugin = "csv"
poll = "1m"
unique = true
config = { paths = ["in/a.csv"], login = { user = "u", password = "env:SMTP_PASSWORD" }, rename = { a = "b" } }

[[connector]]
name = "mail"
plugin = "email"
roles = ["channel"]
config.password = "file:key.txt"

[[connector]]
name = "form"
plugin = "webform"
[connector.intake]
rate_limit = "30/1m"
signature_secret = "env:HOOK"
thanks = { zh = "谢谢", en = "Thank you" }
[[connector.map]]
party.email = ["email", "email2"]

[[segment]]
name = "all"
where = ""
"#;

const CAMPAIGN: &str = r#"
[[campaign]]
name = "back"
segment = "all"
channels = ["mail"]
schedule = "30 9 * * 1-5"
quiet = false
[campaign.content.zh]
subject = "好久不见"
text = "您好 {{ customer.name }}"
[campaign.content.en]
subject = "Long time no see"
text = "Hello"
"#;

fn site() -> (tempfile::TempDir, Settings) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("more")).unwrap();
    std::fs::write(dir.path().join("more/b.toml"), format!("\u{feff}{}", CAMPAIGN.replace('\n', "\r\n")))
        .unwrap();
    std::fs::write(dir.path().join("more/.hidden.toml"), "not toml").unwrap();
    let path = dir.path().join("rejoin.toml");
    std::fs::write(&path, SITE).unwrap();
    let settings = read_named(&path, None).unwrap_or_else(|e| panic!("{e}"));
    (dir, settings)
}

#[test]
fn a_whole_site_is_read() {
    let (dir, settings) = site();
    assert_eq!(settings.files.len(), 2);
    assert_eq!(settings.site.sms_signature.as_deref(), Some("港湾咖啡"));
    assert_eq!(settings.site.sender().values["hotline"], "400-800");
    let csv = settings.connector("erp-file").unwrap();
    assert_eq!((csv.poll_ms, csv.unique, &csv.roles[..]), (60_000, true, &[Role::Source][..]));
    let expected = serde_json::json!({
        "paths": [dir.path().join("in/a.csv")], "encoding": "utf-8", "header_lines": 1,
        "login": {"user": "u", "password": "hunter2\"\n"}, "rename": {"a": "b"}
    });
    assert_eq!(csv.config, expected, "paths absolute, defaults filled in, secrets resolved");
    let mail = settings.connector("mail").unwrap();
    assert_eq!((&mail.roles[..], &mail.config["password"]), (&[Role::Channel][..], &"from a file".into()));
    let form = settings.connector("form").unwrap();
    assert_eq!(form.intake.rate, Some(Rate { count: 30, window_ms: 60_000 }));
    assert_eq!(form.intake.signature_secrets[0].len(), 24);
    assert_eq!(form.maps.maps[0].party.as_ref().unwrap().fields[0].1.len(), 2);
    assert_eq!(csv.maps.maps.len(), 1, "a connector without a map gets the one by name");
}

#[test]
fn a_campaign_has_its_defaults() {
    let (_dir, settings) = site();
    let campaign = &settings.campaign("back").unwrap().campaign;
    assert_eq!(campaign.zone, "Asia/Shanghai");
    assert_eq!((campaign.holdout, campaign.cap, campaign.quiet), (0.1, None, None));
    assert_eq!(campaign.topic, "marketing");
    assert_eq!((campaign.late_ms_max, campaign.lifetime_ms), (6 * 3_600_000, 3 * 86_400_000));
    assert_eq!(campaign.channels, [ChannelChoice { connector: "mail".to_owned(), channel: Channel::Email }]);
    let languages: Vec<_> = campaign.content.iter().map(|(language, _)| language.as_str()).collect();
    assert_eq!(languages, ["zh", "en"], "in the order they are written: the first is the fallback");
    let on =
        read(&format!("{SITE}{}", CAMPAIGN.replace("quiet = false\n", "")).replace("include", "# include"))
            .unwrap();
    assert_eq!(on.campaigns[0].campaign.quiet, Some(QuietHours { from_min: 1260, to_min: 480 }));
}

#[test]
fn secrets_do_not_show_in_debug() {
    let (_dir, settings) = site();
    let shown = format!("{settings:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("from a file"), "{shown}");
    let first = settings.connector("form").unwrap().intake.signature_secrets[0][0];
    assert!(!shown.contains(&format!("[{first}, ")), "the signature secret is not there as bytes");
}

#[test]
fn a_bad_file_of_several_is_named() {
    let (dir, _) = site();
    std::fs::write(dir.path().join("more/a.toml"), "[[segment]]\nname = \"x\"\nwhere = \"ordes > 1\"\n")
        .unwrap();
    std::fs::write(dir.path().join("more/c.toml"), "[site]\n").unwrap();
    std::fs::write(dir.path().join("more/d.toml"), "[[segment]]\nname = 'b\u{e9}'\n").unwrap();
    std::fs::write(dir.path().join("more/e.toml"), b"name = \"\xc4\xe3\xba\xc3\"\n").unwrap();
    let rendered = read_named(&dir.path().join("rejoin.toml"), None).unwrap_err();
    let rendered = rendered.replace(&dir.path().display().to_string(), "/site");
    let expected = [
        "error[RJ-C002]: /site/more/e.toml is not UTF-8: line 1 holds a byte that cannot be\n  --> /site/more/e.toml",
        "error[RJ-C012]: `ordes` is not a field\n  --> /site/more/a.toml:3:10",
        "error[RJ-C004]: unknown key `site` in an included file\n  --> /site/more/c.toml:1:2",
        "error[RJ-C006]: [[segment]] needs `where`, a text\n  --> /site/more/d.toml:1:1",
    ];
    let mut rest = rendered.as_str();
    for part in expected {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part}\nis not, or not here, in\n{rendered}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn files_that_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let missing = read_named(&dir.path().join("no.toml"), None).unwrap_err();
    assert!(
        missing.starts_with("error[RJ-C001]: cannot read ") && missing.contains("--config FILE"),
        "{missing}"
    );
    let huge = dir.path().join("huge.toml");
    std::fs::File::create(&huge).unwrap().set_len(10 * 1024 * 1024 + 1).unwrap();
    let huge = read_named(&huge, None).unwrap_err();
    assert!(huge.starts_with("error[RJ-C001]") && huge.contains("larger than 10 MiB"), "{huge}");
    let folder = read_named(dir.path(), None).unwrap_err();
    assert!(folder.starts_with("error[RJ-C001]"), "{folder}");
}

#[test]
fn a_plugins_own_findings_are_placed() {
    let text = "[[connector]]\nname = \"a\"\nplugin = \"csv\"\nconfig = { paths = [\"x\", \"y\"] }\n";
    let mut draft = Draft::read_text(Path::new("rejoin.toml"), text, &outside()).unwrap();
    draft.check_plugins(&super::manifests());
    assert_eq!(draft.plugin_configs().len(), 1);
    let finding = |pointer: &str| rejoin_connector::Diagnostic {
        pointer: pointer.to_owned(),
        message: "it is a folder".to_owned(),
        hint: Some("name a file".to_owned()),
    };
    draft.add_diagnostics("a", &[finding("/paths/1"), finding("/nothing/here")]);
    let errors = draft.finish().unwrap_err();
    assert_eq!(
        errors[1].to_string(),
        "error[RJ-C017]: `paths.1`: it is a folder\n  --> rejoin.toml:4:26\n   |\n 4 | config = { paths = [\"x\", \"y\"] }\n   |                          ^^^\nhelp: name a file"
    );
    assert_eq!(
        (errors[0].line, errors[0].column),
        (4, 10),
        "an unknown pointer means the whole configuration"
    );
}
