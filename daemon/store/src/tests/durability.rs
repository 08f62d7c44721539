//! Files, locks, schema versions, full disks and group commit.

use super::*;
use crate::{Accepted, Error, IntakeRequest};

fn request(id: &str) -> IntakeRequest {
    IntakeRequest { id: id.into(), connector: "form".into(), body: vec![7; 300], ..IntakeRequest::default() }
}

#[tokio::test]
async fn a_second_daemon_is_refused_until_the_first_lets_go() {
    let fixture = fresh().await;
    let lock = fixture.lock_daemon().unwrap();
    let other = Store::open("sqlite:rejoin.db", fixture.folder.path()).await.unwrap();
    let refused = other.lock_daemon().unwrap_err();
    assert!(matches!(refused, Error::Locked(_)));
    assert_eq!((refused.code(), refused.is_transient()), ("RJ-STORE-LOCKED", true));
    drop(lock);
    other.lock_daemon().unwrap();
}

#[tokio::test]
async fn urls_that_are_no_store_are_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("postgres://db/x", "no PostgreSQL backend yet"),
        ("postgresql://db/x", "no PostgreSQL backend yet"),
        ("rejoin.db", "is not a store"),
        ("sqlite:", "is not a store"),
    ];
    for (url, sentence) in cases {
        let error = Store::open(url, folder.path()).await.err().unwrap();
        assert!(matches!(&error, Error::Unsupported(text) if text.contains(sentence)), "{url}: {error}");
    }
}

#[tokio::test]
async fn a_newer_store_is_refused_and_left_alone() {
    let Fixture { store, folder } = fresh().await;
    drop(store);
    let file = folder.path().join("rejoin.db");
    let raw = rusqlite::Connection::open(&file).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    drop(raw);
    let error = Store::open("sqlite:rejoin.db", folder.path()).await.err().unwrap();
    assert!(matches!(error, Error::Newer { found: 99, .. }), "{error}");
}

#[tokio::test]
async fn a_database_of_somebody_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rejoin.db");
    let raw = rusqlite::Connection::open(&file).unwrap();
    raw.execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    let error = Store::open("sqlite:rejoin.db", folder.path()).await.err().unwrap();
    assert!(matches!(error, Error::Unsupported(_)), "{error}");
    let tables: i64 = raw.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn a_migration_that_fails_half_way_leaves_the_older_schema() {
    let mut conn = rusqlite::Connection::open_in_memory().unwrap();
    let good = "CREATE TABLE one (id INTEGER PRIMARY KEY)";
    let half = "CREATE TABLE two (id INTEGER PRIMARY KEY); CREATE TABLE one (id INTEGER PRIMARY KEY)";
    assert!(crate::migrate::apply(&mut conn, &[good, half]).is_err());
    let version: i64 = conn.pragma_query_value(None, "user_version", |r| r.get(0)).unwrap();
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0)).unwrap();
    assert_eq!((version, tables), (1, 1));
    let mended = "CREATE TABLE two (id INTEGER PRIMARY KEY)";
    crate::migrate::apply(&mut conn, &[good, mended]).unwrap();
    crate::migrate::apply(&mut conn, &[good, mended]).unwrap();
    assert!(crate::migrate::apply(&mut conn, &[good]).is_err(), "an older program");
}

#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = fresh().await;
    people(&fixture, &["anna"]).await;
    for name in ["rejoin.db", "rejoin.db-wal"] {
        let mode = std::fs::metadata(fixture.folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}

#[tokio::test]
async fn a_job_that_fails_or_panics_harms_no_other_of_its_group() {
    let store = fresh().await;
    let mut good = Vec::new();
    let mut bad = Vec::new();
    for n in 0..200 {
        let one = store.store.clone();
        if n % 3 == 0 {
            bad.push(tokio::spawn(async move {
                one.write::<(), _>(move |db| {
                    db.execute("INSERT INTO connector (name) VALUES (?1)", [format!("bad {n}")])?;
                    assert!(n % 2 == 0, "on purpose");
                    Err(Error::internal("on purpose"))
                })
                .await
            }));
        } else {
            good.push(tokio::spawn(async move { one.accept_request(request(&format!("{n}"))).await }));
        }
    }
    for one in good {
        assert_eq!(one.await.unwrap().unwrap(), Accepted::Stored);
    }
    for one in bad {
        assert!(matches!(one.await.unwrap(), Err(Error::Internal(_))));
    }
    let sql = "SELECT count(*) FROM connector WHERE name LIKE 'bad%'";
    let left: i64 = store.read(|db| Ok(db.query_row(sql, [], |r| r.get(0))?)).await.unwrap();
    assert_eq!(left, 0);
    assert_eq!(store.counts().await.unwrap().waiting_requests, 133);
}

/// SQLite's own limit on the size of its file gives the error a full disk gives, at the same places.
async fn fill(store: &Store) -> (Vec<String>, Error) {
    store
        .write(|db| {
            let pages: i64 = db.pragma_query_value(None, "page_count", |r| r.get(0))?;
            db.pragma_update_and_check(None, "max_page_count", pages + 20, |_| Ok(()))?;
            Ok(())
        })
        .await
        .unwrap();
    let mut stored = Vec::new();
    for n in 0..100_000 {
        let id = format!("r{n}");
        match store.accept_request(request(&id)).await {
            Ok(_) => stored.push(id),
            Err(error) => return (stored, error),
        }
    }
    panic!("the store never filled up");
}

#[tokio::test]
async fn a_full_disk_is_said_loses_nothing_and_passes() {
    let store = fresh().await;
    let (mut stored, error) = fill(&store).await;
    assert_eq!(error, Error::Full);
    assert!(error.is_transient());
    assert!(stored.len() > 20);
    // The connection that met the error was thrown away, and with it the limit: there is room again.
    assert_eq!(store.accept_request(request("after")).await.unwrap(), Accepted::Stored);
    stored.push("after".into());
    let mut found: Vec<String> =
        store.waiting_requests("form", 99_999).await.unwrap().into_iter().map(|r| r.id).collect();
    found.sort();
    stored.sort();
    assert_eq!(found, stored, "exactly what was acknowledged");
    let whole: String =
        store.read(|db| Ok(db.pragma_query_value(None, "integrity_check", |r| r.get(0))?)).await.unwrap();
    assert_eq!(whole, "ok");
}

#[tokio::test]
async fn a_reader_sees_one_moment_and_cannot_write() {
    let store = fresh().await;
    let refused = store.read(|db| Ok(db.execute("DELETE FROM tally", [])?)).await;
    assert_eq!(refused.unwrap_err(), Error::ReadOnly);
    people(&store, &["anna"]).await;
    assert_eq!(store.counts().await.unwrap().customers, 1, "the pool goes on");
}

#[tokio::test]
async fn another_process_holding_the_store_is_waited_for() {
    let fixture = fresh().await;
    let other = rusqlite::Connection::open(fixture.folder.path().join("rejoin.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let store = fixture.store.clone();
    let waiting = tokio::spawn(async move { store.accept_request(request("a")).await });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Accepted::Stored);
}
