//! What becomes of rows, good and bad, and of files that grow, change and vanish.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rejoin_plugin_api::{ErrorClass, Plugin, Progress, ReadRequest, Source};
use serde_json::{Value, json};

use super::{Site, Taken, one_batch, take};
use crate::{Config, Csv};

/// Reads `text`; gives rows, and the refused as (line, reason).
fn check(text: impl AsRef<[u8]>, rows: Value, refused: &[(u64, &str)]) {
    let taken = Site::with("a.csv", &text).read();
    let name = String::from_utf8_lossy(text.as_ref()).chars().take(80).collect::<String>();
    assert_eq!(Value::Array(taken.rows), rows, "{name:?}");
    let got: Vec<(String, &str)> =
        taken.refused.iter().map(|(at, why, _)| (at.clone(), why.as_str())).collect();
    let want: Vec<(String, &str)> = refused.iter().map(|(n, why)| (format!("a.csv:{n}"), *why)).collect();
    assert_eq!(got, want, "{name:?}");
}

#[test]
fn rows() {
    check("a,b\n1,2\n", json!([{"a":"1","b":"2"}]), &[]);
    check("a,b\r\n1,2\r\n\r\n3,4\r\n", json!([{"a":"1","b":"2"},{"a":"3","b":"4"}]), &[]);
    check("a,b\r1,2\r3,4\r", json!([{"a":"1","b":"2"},{"a":"3","b":"4"}]), &[]);
    check("a,b\n1,2", json!([{"a":"1","b":"2"}]), &[]);
    check("\u{feff}a,b\n1,2\n", json!([{"a":"1","b":"2"}]), &[]);
    check("a,b\n1,\n,\n , \n,2\n", json!([{"a":"1"},{"a":" ","b":" "},{"b":"2"}]), &[]);
    check("a,b\n\"x\ny\",\"say \"\"hi\"\"\"\n", json!([{"a":"x\ny","b":"say \"hi\""}]), &[]);
    check("a,b\n\"x\r\ny\",\"z\r\"\n", json!([{"a":"x\r\ny","b":"z\r"}]), &[]);
    check(" a ,a,,a_2\n1,2,3,4\n", json!([{"a":"1","a_3":"2","column_3":"3","a_2":"4"}]), &[]);
    check("a,b\n1,2,,\n", json!([{"a":"1","b":"2"}]), &[]);
    check("", json!([]), &[]);
    check("a,b\n", json!([]), &[]);
    check("a,b", json!([]), &[]);
}

#[test]
fn bad_lines_cost_themselves_only() {
    let good = json!([{"a":"1","b":"2"},{"a":"5","b":"6"}]);
    check("a,b\n1,2\n3\n5,6\n", good.clone(), &[(3, "1 columns where 2 belong")]);
    check("a,b\n1,2\n3,4,x\n5,6\n", good.clone(), &[(3, "3 columns where 2 belong")]);
    check("a,b\n1,2\n3,\0\n5,6\n", good.clone(), &[(3, "a NUL character")]);
    check("a,b\n1,2\n3,\"4\n5,6\n", good.clone(), &[(3, "a quote opens here and is not closed")]);
    let long = format!("a,b\n1,2\n3,{}\n5,6\n", "x".repeat(3 << 20));
    check(long, good.clone(), &[(3, "longer than 1048576 bytes; only its beginning is kept")]);
    // A stray quote that another one closes far below swallows whole rows: they are given back.
    let stray = "a,b\n1,2\n3,\"4\n5,6\n7,8\"\n";
    let reason = "1 columns where 2 belong, after a quote that opens here and closes lines later";
    let taken = Site::with("a.csv", stray).read();
    assert_eq!(taken.refused, [], "a quote closed at the end of a later line is a cell of many lines");
    check("a,b\n1,2\n\"3,4\n5,6\nx\"\n", good, &[(3, reason), (5, "1 columns where 2 belong")]);
}

#[test]
fn an_unclosed_quote_is_given_up_after_a_megabyte() {
    let mut text = "a,b\n1,\"open\n".to_string();
    while text.len() < 3 << 20 {
        text.push_str("some,row\n");
    }
    let taken = Site::with("a.csv", &text).read();
    assert_eq!(taken.refused.len(), 1);
    assert_eq!(taken.rows.len(), text.lines().count() - 2);
}

#[test]
fn refused_lines_are_kept_whole() {
    let taken = Site::with("a.csv", "a,b\n1,2,3,\"4\n5\"\r\n").read();
    assert_eq!(taken.refused[0].2, "1,2,3,\"4\n");
    assert_eq!(taken.refused[1].2, "5\"\r\n");
}

#[test]
fn keys() {
    let site = Site::with("a.csv", "id,shop,name\n7,a/b,x\n,b,y\n,,z\n");
    let taken = take(&mut site.plugin(json!({"key": ["shop", "id"]})), None, 10).unwrap();
    assert_eq!(taken.keys, ["a%2Fb/7", "b/"]);
    assert_eq!(taken.refused[0].1, "the key is empty: shop, id");
    let taken = take(&mut site.plugin(json!({"key": ["shop"]})), None, 10).unwrap();
    assert_eq!(taken.keys, ["a/b", "b"]);
    assert_eq!(site.read().keys, ["", "", ""]);
}

#[test]
fn columns_from_the_configuration() {
    let site = Site::with("a.csv", "1,2\n3,4\n");
    let taken = take(&mut site.plugin(json!({"header": false, "columns": ["x", "y"]})), None, 10).unwrap();
    assert_eq!(taken.rows, [json!({"x":"1","y":"2"}), json!({"x":"3","y":"4"})]);
    let taken = take(&mut site.plugin(json!({"columns": ["x", "y"]})), None, 10).unwrap();
    assert_eq!(taken.rows, [json!({"x":"3","y":"4"})]);
}

/// A header that does not fit stops its file, not the others, and changing the configuration starts it again.
#[test]
fn an_unusable_header() {
    let site = Site::with("a.csv", "id,name\n1,x\n");
    site.write("b.csv", "nr,name\n2,y\n");
    let taken = take(&mut site.plugin(json!({"key": ["nr"]})), None, 10).unwrap();
    assert_eq!(taken.keys, ["2"]);
    let reason = "header: no column is named \"nr\", which the key needs; there are: id, name";
    assert_eq!(taken.refused, [("a.csv:1".into(), reason.into(), "id,name\n".into())]);
    let cursor = &taken.cursors.last().unwrap().1;
    let again = take(&mut site.plugin(json!({"key": ["nr"]})), Some(cursor), 10).unwrap();
    assert_eq!((again.rows.len(), again.refused.len()), (0, 0));
    let mended = take(&mut site.plugin(json!({"key": ["name"]})), Some(cursor), 10).unwrap();
    assert_eq!(mended.keys, ["x", "y"]);
}

struct Story {
    site: Site,
    plugin: Csv,
    cursor: Option<String>,
}

impl Story {
    fn new(text: &str) -> Self {
        let site = Site::with("a.csv", text);
        let plugin = site.plugin(json!({}));
        Self { site, plugin, cursor: None }
    }

    /// The values of column `a` that the next look brings.
    fn next(&mut self) -> Vec<String> {
        let Taken { rows, cursors, refused, .. } = take(&mut self.plugin, self.cursor.as_deref(), 2).unwrap();
        assert_eq!(refused, []);
        self.cursor = cursors.last().map(|(_, cursor)| cursor.clone());
        rows.iter().map(|row| row["a"].as_str().unwrap_or_default().to_string()).collect()
    }
}

#[test]
fn a_grown_file_goes_on() {
    let mut story = Story::new("a,b\n1,x\n2,x\n");
    assert_eq!(story.next(), ["1", "2"]);
    assert!(story.next().is_empty());
    story.site.append("a.csv", "3,x\n4,x\n5,x\n");
    assert_eq!(story.next(), ["3", "4", "5"]);
    assert!(story.next().is_empty());
}

#[test]
fn an_unended_line_that_grows_is_read_again() {
    let mut story = Story::new("a,b\n1,x\n2,y");
    assert_eq!(story.next(), ["1", "2"]);
    story.site.append("a.csv", "\n3,z\n");
    assert_eq!(story.next(), ["3"], "the end of a line already taken");
    story.site.append("a.csv", "44,z");
    assert_eq!(story.next(), ["44"]);
    story.site.append("a.csv", "zz\n5,z\n");
    assert_eq!(story.next(), ["44", "5"], "more of a line already taken");
}

#[test]
fn a_header_that_grows() {
    let mut story = Story::new("a,");
    assert!(story.next().is_empty());
    story.site.append("a.csv", "b\n1,x\n");
    assert_eq!(story.next(), ["1"]);
}

#[test]
fn an_empty_file_that_fills() {
    let mut story = Story::new("");
    assert!(story.next().is_empty());
    assert!(story.next().is_empty());
    story.site.append("a.csv", "a,b\n1,x\n");
    assert_eq!(story.next(), ["1"]);
}

#[test]
fn a_replaced_file_is_read_from_the_start() {
    let mut story = Story::new("a,b\n1,x\n2,x\n");
    assert_eq!(story.next(), ["1", "2"]);
    story.site.write("a.csv", "a,b\n7,x\n");
    assert_eq!(story.next(), ["7"], "shorter");
    story.site.write("a.csv", "a,b\n8,x\n9,x\n");
    assert_eq!(story.next(), ["8", "9"], "longer, with another beginning");
    story.site.write("new", "a,b\n8,x\n9,x\n10,x\n");
    fs::rename(story.site.path("new"), story.site.path("a.csv")).unwrap();
    assert_eq!(story.next(), ["8", "9", "10"], "another file of the same name");
    assert!(story.site.log().contains("another file has taken its place"), "{}", story.site.log());
}

#[test]
fn files_come_and_go() {
    let mut story = Story::new("a,b\n1,x\n");
    assert_eq!(story.next(), ["1"]);
    story.site.write("b.tsv", "a\tb\n2\tx\n");
    story.site.write("notes.md", "no table\n");
    story.site.write(".hidden.csv", "a,b\n9,x\n");
    assert_eq!(story.next(), ["2"]);
    fs::rename(story.site.path("a.csv"), story.site.path("c.csv")).unwrap();
    assert!(story.next().is_empty(), "a renamed file is the same file");
    fs::remove_file(story.site.path("c.csv")).unwrap();
    assert!(story.next().is_empty());
    assert!(!story.cursor.as_ref().unwrap().contains("c.csv"), "forgotten");
}

/// The others are read first, and what was read stays read.
#[test]
fn a_missing_file_is_named_and_harms_no_other() {
    let site = Site::with("b.csv", "a,b\n1,x\n");
    let mut plugin = site.plugin_on(&[&site.path("a.csv"), &site.path("b.csv")], json!({}));
    let (batch, progress) = one_batch(&mut plugin, None, 10).unwrap();
    assert_eq!(progress, Progress::More);
    let (_, records, cursor) = batch.into_parts();
    assert_eq!(records, 1);
    let error = one_batch(&mut plugin, cursor.as_deref(), 10).unwrap_err();
    assert_eq!(error.class, ErrorClass::Transient);
    assert!(error.message.contains("a.csv cannot be read"), "{error}");
    assert!(plugin.check().unwrap_err().message.contains("a.csv"));
    site.write("a.csv", "a,b\n2,y\n");
    assert_eq!(take(&mut plugin, cursor.as_deref(), 10).unwrap().rows, [json!({"a":"2","b":"y"})]);
}

#[test]
fn an_unreadable_file_is_named() {
    let site = Site::with("a.csv", "a,b\n1,x\n");
    fs::set_permissions(site.path("a.csv"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(site.path("a.csv")).is_ok() {
        return; // Permissions do not bind this user.
    }
    let error = one_batch(&mut site.plugin(json!({})), None, 10).unwrap_err();
    assert!(error.message.contains("a.csv cannot be read"), "{error}");
}

#[test]
fn patterns() {
    let site = Site::with("orders-1.csv", "a,b\n1,x\n");
    site.write("orders-2.csv", "a,b\n2,x\n");
    site.write("other.csv", "a,b\n3,x\n");
    let mut plugin = site.plugin_on(&[&site.path("orders-?.c*")], json!({}));
    assert_eq!(take(&mut plugin, None, 10).unwrap().rows.len(), 2);
    assert!(plugin.check().unwrap().starts_with("2 files"));
    for (pattern, name, fits) in [
        ("*", "", true),
        ("*.csv", "a.csv", true),
        ("*.csv", "a.csv.gz", false),
        ("a*b*c", "axxbxbxc", true),
        ("a?c", "ac", false),
        ("客户?.csv", "客户一.csv", true),
    ] {
        assert_eq!(crate::files::matches(pattern, name), fits, "{pattern} {name}");
    }
}

#[test]
fn what_cannot_be_asked() {
    let site = Site::with("a.csv", "a,b\n1,x\n");
    let mut plugin = site.plugin(json!({}));
    let mut ask = |stream: &str, keys_only: bool, cursor: Option<&str>| {
        let cursor = cursor.map(str::to_string);
        let request = ReadRequest { stream: stream.into(), keys_only, cursor, ..ReadRequest::default() };
        plugin.read(&request, &mut rejoin_plugin_api::Batch::new(1, 1)).unwrap_err().class
    };
    assert_eq!(ask("parties", false, None), ErrorClass::Unsupported);
    assert_eq!(ask("rows", true, None), ErrorClass::Unsupported);
    assert_eq!(ask("rows", false, Some("nonsense")), ErrorClass::CursorInvalid);
}

#[test]
fn bad_configurations_are_found_all_at_once() {
    let config: Config = serde_json::from_value(json!({
        "paths": ["/x*/a.csv"], "encoding": "klingon", "delimiter": ";;", "quote": "|", "header": false,
    }))
    .unwrap();
    let pointers: Vec<String> = Csv::validate(&config).into_iter().map(|d| d.pointer).collect();
    assert_eq!(pointers, ["/paths/0", "/encoding", "/delimiter", "/quote", "/columns"]);
    let config = json!({"paths": ["a"], "columns": ["x"], "key": ["y"]});
    let found = Csv::validate(&serde_json::from_value(config).unwrap());
    assert_eq!(found[0].pointer, "/key/0");
}

#[test]
fn the_manifest_names_every_setting() {
    let manifest: Value = serde_json::from_str(Csv::MANIFEST).unwrap();
    let settings: Vec<&String> = manifest["config"]["properties"].as_object().unwrap().keys().collect();
    assert_eq!(settings, ["columns", "delimiter", "encoding", "header", "key", "paths", "quote"]);
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for name in settings {
        assert!(readme.contains(&format!("`{name}`")), "README.md does not tell of {name}");
    }
}
