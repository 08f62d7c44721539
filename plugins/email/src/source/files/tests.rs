//! Mailbox files through the whole reader: every mail once, whatever the page size, and again only when it must be.

use std::{fs, path::Path};

use rejoin_plugin_api::{Batch, Host, Progress, ReadRequest};

use super::Files;
use crate::config::MailboxFiles;

fn files(paths: &[&Path]) -> Files {
    let paths = paths.iter().map(|p| p.to_path_buf()).collect();
    Files::new(&MailboxFiles { paths, max_bytes: 2000 }, "shop.test".into())
}

/// Reads on from `cursor` until caught up, `page` records at a time: the keys and reasons in order, and the cursor.
fn drain(files: &Files, mut cursor: Option<String>, page: u32) -> (Vec<String>, Option<String>) {
    let mut seen = Vec::new();
    for _ in 0..1000 {
        let request = ReadRequest {
            stream: "inbox".into(),
            cursor: cursor.clone(),
            max_records: page,
            ..ReadRequest::default()
        };
        let mut batch = Batch::new(page, 1 << 20);
        let progress = files.read(&request, &mut batch, &Host::detached()).unwrap();
        let (lines, _, next) = batch.into_parts();
        for line in lines.split(|&b| b == b'\n').filter(|l| !l.is_empty()) {
            let line: serde_json::Value = serde_json::from_slice(line).unwrap();
            let what = line["key"].as_str().or(line["reason"].as_str()).unwrap();
            seen.push(what.to_owned());
        }
        cursor = next;
        if progress == Progress::CaughtUp {
            return (seen, cursor);
        }
    }
    panic!("never caught up");
}

fn mbox(ids: &[&str]) -> String {
    ids.iter().map(|id| format!("From x Mon\nFrom: a@b.test\nMessage-ID: <{id}>\n\nhello {id}\n\n")).collect()
}

#[test]
fn an_mbox_is_read_once_and_on_from_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("export.mbox");
    fs::write(&path, mbox(&["1", "2", "3"])).unwrap();
    for page in [1, 2, 100] {
        assert_eq!(drain(&files(&[&path]), None, page).0, ["mail/1", "mail/2", "mail/3"], "page {page}");
    }
    let (_, cursor) = drain(&files(&[&path]), None, 100);
    assert!(drain(&files(&[&path]), cursor.clone(), 100).0.is_empty());

    fs::write(&path, mbox(&["1", "2", "3", "4"])).unwrap();
    let (seen, cursor) = drain(&files(&[&path]), cursor, 100);
    assert_eq!(seen, ["mail/4"], "a grown file is read on");

    fs::write(&path, mbox(&["9"])).unwrap();
    assert_eq!(drain(&files(&[&path]), cursor, 100).0, ["mail/9"], "a replaced file is read from its start");
}

#[test]
fn folders_files_and_refusals_together() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("Maildir");
    fs::create_dir_all(folder.join("cur")).unwrap();
    fs::create_dir_all(folder.join("new")).unwrap();
    fs::write(folder.join("new/1.a"), "From: a@b.test\nMessage-ID: <d1>\n\nx").unwrap();
    fs::write(folder.join("cur/2.a:2,S"), "From: a@b.test\nMessage-ID: <d2>\n\nx").unwrap();
    fs::write(folder.join("new/3.a"), format!("From: a@b.test\nMessage-ID: <d3>\n\n{}", "x".repeat(3000)))
        .unwrap();
    let message = dir.path().join("one.eml");
    fs::write(&message, "From: a@b.test\nMessage-ID: <m>\n\nx").unwrap();
    let both = files(&[&folder, &message]);
    for page in [1, 100] {
        let (seen, cursor) = drain(&both, None, page);
        assert_eq!(seen.len(), 4, "{seen:?}");
        assert_eq!((seen[0].as_str(), seen[1].as_str(), seen[3].as_str()), ("mail/d1", "mail/d2", "mail/m"));
        assert!(seen[2].contains("max_bytes"), "{seen:?}");
        assert!(drain(&both, cursor, page).0.is_empty());
    }
}

#[test]
fn what_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("gone.mbox");
    let request = ReadRequest { stream: "inbox".into(), max_records: 1, ..ReadRequest::default() };
    for path in [missing.as_path(), dir.path()] {
        let error = files(&[path]).read(&request, &mut Batch::new(1, 100), &Host::detached()).unwrap_err();
        assert!(error.message.contains(&path.display().to_string()), "{error}");
    }
}
