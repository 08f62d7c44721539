//! Measurements, run by hand in release: `cargo test --release -p rejoin-connector -- --ignored --nocapture`.

use std::time::Instant;

use rejoin_connector::{Outcome, ReadRequest, Role};

use crate::kit::*;

const BATCH_BYTES: u64 = 8 << 20;

#[tokio::test]
#[ignore = "a measurement"]
async fn bytes_read_a_second() {
    const TOTAL: usize = 2 << 30;
    let source = zoo(Role::Source, "bulk", TOTAL, limits());
    let (mut cursor, mut bytes) = (None, 0);
    let child = pid_of(&source.check().await.unwrap());
    let began = Instant::now();
    loop {
        let request = ReadRequest { cursor, max_records: u32::MAX, max_bytes: BATCH_BYTES, ..rows(None) };
        let batch = source.read(&request).await.unwrap();
        bytes += batch.lines.len();
        cursor = batch.cursor;
        if !batch.more {
            break;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let megabytes = bytes as f64 / 1e6;
    println!("read: {:.0} MB/s by the clock", megabytes / seconds);
    // On a machine that is busy with other things the clock says little.
    for (who, pid) in [("daemon", std::process::id()), ("child", child)] {
        println!("read: {who} {:.0} MB in a second of its CPU", megabytes / cpu_seconds(pid));
    }
}

#[tokio::test]
#[ignore = "a measurement"]
async fn messages_sent_a_second() {
    const ROUNDS: usize = 200;
    let channel = zoo(Role::Channel, "good", 1, limits());
    let batch = messages(500);
    channel.send(&batch[..1]).await;
    let began = Instant::now();
    for _ in 0..ROUNDS {
        let outcomes = channel.send(&batch).await;
        assert!(outcomes.iter().all(|o| matches!(o, Outcome::Accepted { .. })));
    }
    println!("send: {:.0} messages/s", (ROUNDS * batch.len()) as f64 / began.elapsed().as_secs_f64());
}

#[tokio::test]
#[ignore = "a measurement"]
async fn memory_and_start_of_an_idle_child() {
    let mut starts = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        let source = zoo(Role::Source, "good", 1, limits());
        let pid = pid_of(&source.check().await.unwrap());
        starts.push(began.elapsed());
        if starts.len() == 20 {
            let smaps = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
            println!("idle child: {}", smaps.lines().find(|l| l.starts_with("Pss:")).unwrap());
        }
        source.stop().await;
    }
    starts.sort();
    println!("start, load, open, check: median {:?}", starts[10]);
}

fn cpu_seconds(pid: u32) -> f64 {
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: f64 = fields[11..13].iter().map(|f| f.parse::<f64>().unwrap()).sum();
    ticks / TICKS_A_SECOND
}
