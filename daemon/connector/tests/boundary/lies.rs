//! A source whose cursor goes nowhere, and one whose promise is not kept.

use rejoin_connector::{Error, ReadRequest, Role};

use crate::kit::*;

/// Reads on as the ingest task would; the error after at most `count` good batches.
async fn read_on(mode: &str, count: usize) -> Option<Error> {
    let source = zoo(Role::Source, mode, count, limits());
    let mut cursor = None;
    for _ in 0..=count {
        match source.read(&ReadRequest { cursor, ..rows(None) }).await {
            Ok(batch) if !batch.more => return None,
            Ok(batch) => cursor = batch.cursor,
            Err(error) => return Some(error),
        }
    }
    panic!("{mode} would never have ended");
}

#[tokio::test]
async fn a_source_that_says_more_for_ever_is_found_out() {
    assert!(read_on("good", 5).await.is_none());
    for (mode, expected) in [
        ("cursor_stuck", "its cursor did not move"),
        ("cursor_back", "its cursor went back to where it had been before"),
        ("cursor_lost", "gives no cursor to go on from"),
    ] {
        let error = read_on(mode, 5).await.unwrap();
        assert_eq!(error.code(), "RJ-P07");
        assert!(error.to_string().contains(expected), "{mode}: {error}");
    }
}

#[tokio::test]
async fn a_sweep_and_the_same_cursor_again_are_no_lies() {
    let source = zoo(Role::Source, "good", 9, limits());
    for (cursor, keys_only) in
        [(None, false), (Some("1"), false), (Some("1"), false), (None, true), (Some("1"), true)]
    {
        let batch = source.read(&ReadRequest { keys_only, ..rows(cursor) }).await.unwrap();
        assert!(String::from_utf8(batch.lines).unwrap().contains(&format!("\"keys_only\":{keys_only}")));
    }
}
