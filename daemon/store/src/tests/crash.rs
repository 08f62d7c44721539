//! `kill -9` under load: what was acknowledged is there, once, and nothing else is.
//!
//! The test starts its own binary again as the writer, which runs [`child_writes_until_killed`] alone.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use crate::{Accepted, IntakeRequest};

const FOLDER: &str = "REJOIN_STORE_CRASH_FOLDER";
const KILLS: usize = 12;
/// Writers in the child; so many writes may be done and not yet acknowledged when it dies.
const WRITERS: u64 = 8;

/// Not a test by itself: the process that is killed.
#[test]
#[ignore = "started by a_kill_loses_doubles_and_invents_nothing"]
fn child_writes_until_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open("sqlite:rejoin.db", Path::new(&folder)).await.unwrap();
        let start = store.counts().await.unwrap().waiting_requests + 1000 * WRITERS;
        let writers: Vec<_> =
            (0..WRITERS).map(|writer| tokio::spawn(write_for_ever(store.clone(), writer, start))).collect();
        for writer in writers {
            writer.await.unwrap();
        }
    });
}

async fn write_for_ever(store: Store, writer: u64, start: u64) {
    for n in start.. {
        let id = format!("{writer}-{n}");
        let request = IntakeRequest { id: id.clone(), connector: "form".into(), ..IntakeRequest::default() };
        if store.accept_request(request).await.unwrap() == Accepted::Stored {
            acknowledge(&format!("r {id}"));
        }
        // Records, activities and the cursor of one batch are there together or not at all.
        let mut b = batch(&format!("erp{writer}"));
        b.records = (0..5).map(|m| record(&format!("{id}-{m}"))).collect();
        b.activities = (0..5).map(|m| order(&format!("{id}-{m}"), &format!("{id}-{m}"), NOW, 5)).collect();
        b.cursor = Some(("parties".into(), id.clone()));
        store.ingest(b, NOW).await.unwrap();
        acknowledge(&format!("b {id}"));
    }
}

fn acknowledge(what: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "ack {what}").unwrap();
    out.flush().unwrap();
}

#[tokio::test]
async fn a_kill_loses_doubles_and_invents_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..KILLS {
        let lines = 1 + random() % 400;
        acknowledged.extend(run_and_kill(folder.path(), lines));
        check(folder.path(), &acknowledged, round).await;
    }
    assert!(acknowledged.len() > KILLS);
}

/// Lets the child work until it has acknowledged `lines` writes, then a little more, then kills it.
fn run_and_kill(folder: &Path, lines: u64) -> BTreeSet<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::crash::child_writes_until_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = BTreeSet::new();
    let acks = |line: String| line.split_once("ack ").map(|(_, what)| what.to_owned());
    while (acknowledged.len() as u64) < lines {
        let line = out.next().expect("the child ended by itself").unwrap();
        acknowledged.extend(acks(line));
    }
    std::thread::sleep(std::time::Duration::from_micros(random() % 5_000));
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had said before it died and we had not read; the last line may be cut off.
    let mut rest: Vec<String> = out.map_while(Result::ok).collect();
    rest.pop();
    acknowledged.extend(rest.into_iter().filter_map(acks));
    acknowledged
}

async fn check(folder: &Path, acknowledged: &BTreeSet<String>, round: usize) {
    let store = Store::open("sqlite:rejoin.db", folder).await.unwrap();
    let mut stored = BTreeSet::new();
    for request in store.waiting_requests("form", usize::MAX >> 1).await.unwrap() {
        assert!(stored.insert(format!("r {}", request.id)), "doubled: {}", request.id);
    }
    for (batch, rows) in batches(&store).await {
        assert_eq!(rows, (5, 5), "batch {batch} is there in part");
        assert!(stored.insert(format!("b {batch}")), "doubled: {batch}");
    }
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "round {round}: lost {lost:?}");
    // Each writer had at most one write under way at each kill.
    let unasked = stored.difference(acknowledged).count() as u64;
    assert!(unasked <= WRITERS * (round as u64 + 1) * 2, "round {round}: {unasked} nobody was told of");
    let counts = store.counts().await.unwrap();
    let rows = stored.iter().filter(|s| s.starts_with("b ")).count() as u64 * 5;
    assert_eq!((counts.records, counts.activities), (rows, rows), "round {round}: totals");
    let whole: String =
        store.read(|db| Ok(db.pragma_query_value(None, "integrity_check", |r| r.get(0))?)).await.unwrap();
    assert_eq!(whole, "ok");
}

/// Records and activities of each batch, by the batch's name.
async fn batches(store: &Store) -> Vec<(String, (i64, i64))> {
    store
        .read(|db| {
            let sql = "SELECT substr(r.key, 1, length(r.key) - 2) AS batch, count(*), count(a.key) FROM record r \
                       LEFT JOIN activity a ON a.record_id = r.record_id GROUP BY batch";
            let mut query = db.prepare(sql)?;
            let rows = query.query_map([], |r| Ok((r.get(0)?, (r.get(1)?, r.get(2)?))))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
        .unwrap()
}

fn random() -> u64 {
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
