//! The files of `config/`: the commented `rejoin.toml` names every key at its default, the samples are taken by the
//! plugins' own schemas, and the reference leaves nothing out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rejoin_connector::{Capability, Manifest, StreamInfo};
use rejoin_model::campaign::Channel;
use toml::{Table, Value};

use super::super::keys::{SECTIONS, Section};
use super::{Draft, Manifests, Outside, read};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// `# key = value` and `# [table]` lines without their mark; indented ones are prose.
fn uncommented() -> Table {
    let is_toml = |line: &&str| {
        let key = line.split(" = ").next().unwrap_or_default();
        line.starts_with('[')
            || (line.contains(" = ") && key.bytes().all(|b| b.is_ascii_lowercase() || b"_.".contains(&b)))
    };
    let text = text("config/rejoin.toml");
    let lines: Vec<&str> = text.lines().map(|l| l.strip_prefix("# ").unwrap_or(l)).filter(is_toml).collect();
    lines.join("\n").parse().unwrap_or_else(|e| panic!("uncommented: {e}"))
}

/// The tables of a section: of `[[x]]` each, of `content` each language.
fn tables<'a>(top: &'a Table, path: &str) -> Vec<&'a Table> {
    let mut found = vec![top];
    for name in path.split('.').filter(|n| !n.is_empty()) {
        let below = found.iter().filter_map(|t| t.get(name));
        found = below
            .flat_map(|v| match v {
                Value::Array(items) => items.iter().filter_map(Value::as_table).collect(),
                Value::Table(table) if name == "content" => {
                    table.values().filter_map(Value::as_table).collect()
                }
                Value::Table(table) => vec![table],
                _ => Vec::new(),
            })
            .collect();
    }
    found
}

#[test]
fn as_shipped_it_is_the_defaults() {
    let shipped = read(&text("config/rejoin.toml")).unwrap();
    let empty = read("").unwrap();
    assert_eq!(format!("{shipped:?}"), format!("{empty:?}"));
}

#[test]
fn it_names_every_key_at_its_default_and_no_other() {
    let top = uncommented();
    for Section { path, keys } in SECTIONS {
        let tables = tables(&top, path);
        let written: BTreeSet<&str> = tables.iter().flat_map(|t| t.keys().map(String::as_str)).collect();
        let known: BTreeSet<&str> = keys.iter().map(|k| k.name).collect();
        assert_eq!(written, known, "[{path}]");
        for key in keys.iter().filter(|k| !k.default.is_empty()) {
            let default: Table = format!("x = {}", key.default).parse().unwrap();
            let shown = tables.iter().find_map(|t| t.get(key.name)).unwrap();
            // Plugins' settings and texts by language have samples instead.
            if !matches!(key.name, "config" | "thanks") {
                assert_eq!(Some(shown), default.get("x"), "[{path}] {}", key.name);
            }
        }
    }
}

#[test]
fn the_defaults_that_are_shown_are_the_ones_in_force() {
    let shown: String = SECTIONS
        .iter()
        .filter(|s| ["site", "store", "http", "plugins"].contains(&s.path))
        .map(|s| {
            let lines = s.keys.iter().filter(|k| !k.default.is_empty());
            let lines: Vec<_> = lines.map(|k| format!("{} = {}", k.name, k.default)).collect();
            format!("[{}]\n{}\n", s.path, lines.join("\n"))
        })
        .collect();
    assert_eq!(format!("{:?}", read(&shown).unwrap()), format!("{:?}", read("").unwrap()));
}

/// The manifests as the plugins ship them.
fn shipped_manifests() -> Manifests {
    let manifest = |name: &str| {
        let json: serde_json::Value =
            serde_json::from_str(&text(&format!("plugins/{name}/manifest.json"))).unwrap();
        let word = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_owned();
        let manifest = Manifest {
            id: word(&json["id"]),
            version: word(&json["version"]),
            licence: word(&json["licence"]),
            summary: word(&json["summary"]),
            capabilities: Capability::ALL
                .into_iter()
                .filter(|c| json["capabilities"].as_array().unwrap().iter().any(|n| n == c.name()))
                .collect(),
            channel: json["channel"].as_str().and_then(Channel::from_name),
            streams: serde_json::from_value::<Vec<StreamInfo>>(json["streams"].clone()).unwrap(),
            import_pointer: None,
            config: json["config"].clone(),
        };
        (name.to_owned(), Ok(manifest))
    };
    ["csv", "email", "erp", "sms", "webform"].map(manifest).into()
}

#[test]
fn the_samples_are_right() {
    let text = "include = [\"connectors/*.toml\", \"segments/*.toml\", \"campaigns/*.toml\"]\n[site]\nname = \"Shop\"\n";
    let outside = Outside {
        env: &|_| Some("secret".to_owned()),
        file: &|_| Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
    };
    let mut draft = Draft::read_text(&root("config/rejoin.toml"), text, &outside).unwrap();
    draft.check_plugins(&shipped_manifests());
    let settings = draft.finish().unwrap_or_else(|errors| {
        let all: Vec<_> = errors.iter().map(ToString::to_string).collect();
        panic!("{}", all.join("\n\n"))
    });
    assert_eq!((settings.connectors.len(), settings.segments.len(), settings.campaigns.len()), (5, 3, 2));
}

/// The part of the reference under a heading.
fn chapter<'a>(readme: &'a str, heading: &str) -> &'a str {
    let start = readme.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("README has no {heading:?}"));
    let rest = &readme[start + heading.len() + 2..];
    rest.find("\n## ").map_or(rest, |end| &rest[..end])
}

#[test]
fn the_reference_has_every_key() {
    let readme = text("config/README.md");
    for Section { path, keys } in SECTIONS {
        let heading = match *path {
            "" => "## The top of a file".to_owned(),
            "site" | "store" | "http" | "plugins" | "connector.intake" => format!("## `[{path}]`"),
            "campaign.cap" | "campaign.quiet" => "## `[[campaign]]`".to_owned(),
            "campaign.content" => "## `[campaign.content.LANGUAGE]`".to_owned(),
            _ => format!("## `[[{path}]]`"),
        };
        let chapter = chapter(&readme, &heading);
        for key in *keys {
            assert!(chapter.contains(&format!("`{}`", key.name)), "{heading} leaves out `{}`", key.name);
            let default = key.default.trim_matches('"');
            assert!(default.is_empty() || chapter.contains(default), "{heading}: default of `{}`", key.name);
        }
    }
}

#[test]
fn the_reference_has_every_field_variable_and_filter() {
    let readme = text("config/README.md");
    let has = |heading: &str, names: Vec<&str>| {
        let chapter = chapter(&readme, heading);
        for name in names {
            assert!(chapter.contains(&format!("`{name}`")), "{heading} leaves out `{name}`");
        }
    };
    has("## Fields of a party", rejoin_model::record::PARTY_FIELDS.to_vec());
    has("## Fields of a condition", rejoin_model::segment::FIELDS.iter().map(|f| f.name).collect());
    has("## Variables of a template", rejoin_campaign::compose::VARIABLES.iter().map(|v| v.name).collect());
    has("## Expressions", crate::mapping::FILTERS.to_vec());
}
