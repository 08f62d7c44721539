//! The layout holds: who may import whom, what pure crates never see, how long files are, what the SQL may say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Crate → the crates of ours it may import. An edge that is not here fails, whatever its reason.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("rejoin-plugin-api", &[]),
    ("rejoin-plugin-csv", &["rejoin-plugin-api"]),
    ("rejoin-plugin-email", &["rejoin-plugin-api"]),
    ("rejoin-plugin-erp", &["rejoin-plugin-api"]),
    ("rejoin-plugin-sms", &["rejoin-plugin-api"]),
    ("rejoin-plugin-webform", &["rejoin-plugin-api"]),
    ("rejoin-zoo", &["rejoin-plugin-api"]),
    ("rejoin-model", &[]),
    ("rejoin-identity", &["rejoin-model"]),
    ("rejoin-insight", &["rejoin-model"]),
    ("rejoin-campaign", &["rejoin-model"]),
    ("rejoin-store", &["rejoin-model"]),
    ("rejoin-connector", &["rejoin-plugin-api", "rejoin-model"]),
    ("rejoin-web", &["rejoin-model", "rejoin-campaign", "rejoin-insight", "rejoin-store"]),
    (
        "rejoin",
        &[
            "rejoin-plugin-api",
            "rejoin-model",
            "rejoin-identity",
            "rejoin-insight",
            "rejoin-campaign",
            "rejoin-store",
            "rejoin-connector",
            "rejoin-web",
        ],
    ),
    ("rejoin-tests", &[]),
];

/// These decide and touch nothing: none of [`IMPURE`] may be anywhere below them.
const PURE: &[&str] = &["rejoin-model", "rejoin-identity", "rejoin-insight", "rejoin-campaign"];
const IMPURE: &[&str] =
    &["tokio", "rusqlite", "tokio-postgres", "hyper", "axum", "reqwest", "lettre", "libloading"];

/// Folders and files the top level may hold besides dot-files.
const TOP_LEVEL: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "config",
    "daemon",
    "plugin-api",
    "plugins",
    "target",
    "tests",
];

/// Longest source file, tests left out.
const FILE_LINES_MAX: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn metadata() -> Metadata {
    // What other systems would need is not fetched and not asked about.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let options = ["--offline", "--filter-platform", &platform].map(str::to_owned);
    MetadataCommand::new().current_dir(root()).other_options(options).exec().unwrap()
}

#[test]
fn crates_import_only_what_the_table_allows() {
    let metadata = metadata();
    let table: BTreeMap<&str, BTreeSet<&str>> =
        MAY_IMPORT.iter().map(|(name, may)| (*name, may.iter().copied().collect())).collect();
    let ours: BTreeSet<&str> = metadata.workspace_packages().iter().map(|p| p.name.as_str()).collect();
    assert_eq!(
        ours,
        table.keys().copied().collect(),
        "every crate has a row in the table, and every row a crate"
    );
    for package in metadata.workspace_packages() {
        let imports: BTreeSet<&str> = package
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal && ours.contains(d.name.as_str()))
            .map(|d| d.name.as_str())
            .collect();
        let extra: Vec<_> = imports.difference(&table[package.name.as_str()]).collect();
        assert!(extra.is_empty(), "{} must not import {extra:?}", package.name);
    }
}

#[test]
fn pure_crates_have_nothing_impure_below_them() {
    let metadata = metadata();
    let graph = metadata.resolve.as_ref().unwrap();
    let normal: BTreeMap<&PackageId, Vec<&PackageId>> = graph
        .nodes
        .iter()
        .map(|node| {
            let deps =
                node.deps.iter().filter(|d| d.dep_kinds.iter().any(|k| k.kind == DependencyKind::Normal));
            (&node.id, deps.map(|d| &d.pkg).collect())
        })
        .collect();
    for name in PURE {
        let start = metadata.workspace_packages().into_iter().find(|p| p.name.as_str() == *name).unwrap();
        let (mut seen, mut open) = (BTreeSet::new(), vec![&start.id]);
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(&normal[id]);
            }
        }
        for id in seen {
            let below = metadata[id].name.as_str();
            assert!(!IMPURE.contains(&below), "{name} has {below} below it");
        }
    }
}

#[test]
fn the_top_level_holds_only_what_it_should() {
    for entry in std::fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name.starts_with('.') || TOP_LEVEL.contains(&name.as_str()),
            "{name} does not belong at the top"
        );
    }
    for folder in ["daemon", "plugin-api", "plugins", "config", "tests"] {
        assert!(root().join(folder).join("README.md").is_file(), "{folder}/README.md is its manual");
    }
}

#[test]
fn files_are_short_enough_to_be_read() {
    for file in sources() {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines = text.lines().take_while(|l| !l.contains("#[cfg(test)]")).count();
        assert!(lines <= FILE_LINES_MAX, "{} has {lines} lines", file.display());
    }
}

#[test]
fn nothing_is_left_for_later() {
    let marks = ["TO", "FIX", "XX", "HA"].iter().zip(["DO", "ME", "X", "CK"]).map(|(a, b)| format!("{a}{b}"));
    let marks: Vec<String> = marks.collect();
    for file in sources() {
        for (i, line) in std::fs::read_to_string(&file).unwrap().lines().enumerate() {
            let found =
                marks.iter().find(|m| line.split(|c: char| !c.is_alphanumeric()).any(|w| w == m.as_str()));
            assert!(found.is_none(), "{}:{}: {line}", file.display(), i + 1);
        }
    }
}

/// The rules that keep the schema distributable, checked on the SQL as written.
#[test]
fn the_sql_stays_distributable() {
    let banned = [
        ("CREATE TRIGGER", "triggers do not exist on distributed tables"),
        ("REFERENCES ", "foreign keys do not hold across distribution groups"),
        ("FOREIGN KEY", "foreign keys do not hold across distribution groups"),
        ("now()", "times are parameters"),
        ("CURRENT_TIMESTAMP", "times are parameters"),
        ("datetime('now", "times are parameters"),
        ("strftime('%s','now", "times are parameters"),
        ("pg_advisory", "advisory locks are per node"),
        ("LISTEN ", "notifications are per node"),
        ("AUTOINCREMENT", "ids are made by the daemon"),
        ("SET customer_id", "a distribution column is never updated: a merge is insert and delete"),
    ];
    let folders = ["daemon/store/src", "daemon/store/migrations"].map(|f| root().join(f));
    let files: Vec<PathBuf> = folders.iter().flat_map(|f| all_files(f)).collect();
    let sql = files.iter().filter(|f| f.extension().is_some_and(|e| e == "rs" || e == "sql") && !is_test(f));
    let mut looked_at = 0;
    for file in sql {
        let text = std::fs::read_to_string(file).unwrap();
        looked_at += 1;
        // Rust's own monotonic clock is no SQL.
        let text = text.replace("Instant::now()", "");
        for (i, line) in text
            .lines()
            .enumerate()
            .filter(|(_, l)| !l.trim_start().starts_with("//") && !l.trim_start().starts_with("--"))
        {
            // `link` belongs to the record: whose it is may change there.
            let of_link = line.contains("UPDATE link SET") || line.contains("= excluded.customer_id");
            for (phrase, why) in banned {
                assert!(
                    of_link && phrase == "SET customer_id" || !line.contains(phrase),
                    "{}:{}: {phrase:?}: {why}",
                    file.display(),
                    i + 1
                );
            }
        }
    }
    assert!(looked_at > 10, "the store's files were found");
}

/// Rust sources of the product, tests left out.
fn sources() -> Vec<PathBuf> {
    let folders = ["daemon", "plugin-api", "plugins"].map(|f| root().join(f));
    let files = folders.iter().flat_map(|f| all_files(f));
    files.filter(|f| f.extension().is_some_and(|e| e == "rs") && !is_test(f)).collect()
}

fn is_test(file: &Path) -> bool {
    let inside = file.strip_prefix(root()).unwrap();
    inside.components().any(|c| c.as_os_str() == "tests") || inside.ends_with("tests.rs")
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
