//! Measures the store: `cargo run --release -p rejoin-store --example bulk -- [RECORDS] [FOLDER]`.
//!
//! Loads RECORDS (a million) in batches of 50,000 as ingest and resolve would, with one customer each and two or three
//! identity keys, then webhook requests from 64 callers, then an audience, then an outbox. Only the store's own calls
//! are timed. It prints what it saw and judges nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rejoin_model::campaign::Channel;
use rejoin_model::customer::{Golden, IdentityKey, KeyKind};
use rejoin_model::outbox::OutboxMessage;
use rejoin_model::record::{PartyKind, SourceRecord};
use rejoin_model::segment::{CompareOp, Condition, Field, Value};
use rejoin_model::{
    CampaignClass, ConsentFact, Customer, CustomerId, Link, LinkReason, OutboxId, OutboxState, Party,
    Resolution, Timestamp,
};
use rejoin_store::{IngestBatch, IntakeRequest, NewRecord, Settlement, Store, Verdict};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const BATCH: usize = 50_000;
const CALLERS: usize = 64;
const REQUESTS: usize = 400;
const PAGE: usize = 1_000;
/// 2026-01-05T09:00:00Z; the store takes the time as an argument, and a measurement needs no other.
const NOW: Timestamp = Timestamp(1_767_603_600_000);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let records: usize = args.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let folder = args.next().map_or_else(std::env::temp_dir, PathBuf::from).join("rejoin-bulk");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let store = Store::open("sqlite:bulk.db", &folder).await?;
    load(&store, records, &folder).await?;
    requests(&store).await?;
    audience(&store).await?;
    outbox(&store).await?;
    drop(store);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

async fn load(store: &Store, records: usize, folder: &Path) -> Outcome<()> {
    println!(
        "records  ingest s  resolve s  rows/s (batch)  rows/s (all)  CPU us/row  read s  anon MB  file MB"
    );
    let (mut spent, mut done) = (Duration::ZERO, 0);
    while done < records {
        let count = BATCH.min(records - done);
        let batch = batch(done, count);
        let (start, cpu) = (Instant::now(), cpu_ticks()?);
        store.ingest(batch, NOW).await?;
        let (ingest, mut ticks) = (start.elapsed(), cpu_ticks()? - cpu);
        let start = Instant::now();
        let unresolved = store.unresolved(count).await?;
        let read = start.elapsed();
        let resolution = resolution(store, unresolved);
        let (start, cpu) = (Instant::now(), cpu_ticks()?);
        store.apply_resolution(resolution, NOW).await?;
        let resolve = start.elapsed();
        ticks += cpu_ticks()? - cpu;
        spent += ingest + resolve;
        done += count;
        println!(
            "{done:>8} {:>8.2} {:>9.2} {:>14.0} {:>13.0} {:>11.1} {:>8.2} {:>8} {:>8}",
            ingest.as_secs_f64(),
            resolve.as_secs_f64(),
            count as f64 / (ingest + resolve).as_secs_f64(),
            done as f64 / spent.as_secs_f64(),
            ticks as f64 * 10_000.0 / count as f64,
            read.as_secs_f64(),
            anonymous_mb()?,
            size_mb(folder)?,
        );
    }
    Ok(())
}

/// A number spread over its whole range, so that keys come in no order.
fn spread(n: usize) -> u64 {
    (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66
}

fn batch(first: usize, count: usize) -> IngestBatch {
    let records = (first..first + count).map(|n| {
        let (key, name) = (format!("c-{:016x}", spread(n)), format!("Person {:x}", spread(n) >> 40));
        let email = format!("{:x}@mail{}.example", spread(n), n % 50);
        let phone = format!("+86138{:08}", spread(n) % 100_000_000);
        let raw = format!(
            "{{\"id\":\"{key}\",\"name\":\"{name}\",\"email\":\"{email}\",\"phone\":\"{phone}\",\
             \"city\":\"Győr\",\"note\":\"{:-<120}\"}}",
            n
        );
        let party = Party {
            name: Some(name),
            emails: vec![email],
            phones: vec![phone],
            city: Some("Győr".into()),
            ..Party::default()
        };
        NewRecord { key, stream: "parties".into(), raw, party: Some(party), deleted: false }
    });
    let mut batch =
        IngestBatch { connector: Arc::from("erp"), records: records.collect(), ..IngestBatch::default() };
    batch.consents = batch.records.iter().step_by(5).map(|r| consent(&r.key)).collect();
    batch
}

fn consent(party: &str) -> ConsentFact {
    ConsentFact {
        party_key: party.into(),
        channel: "email".into(),
        topic: "news".into(),
        granted: true,
        at: NOW,
        proof: "form".into(),
    }
}

fn resolution(store: &Store, records: Vec<SourceRecord>) -> Resolution {
    let mut resolution = Resolution::default();
    for (n, record) in records.into_iter().enumerate() {
        let customer = CustomerId(store.next_id(NOW));
        let golden = |text: &String| Golden { value: text.clone(), from: record.id };
        let key = |kind, value: &String| IdentityKey { kind, value: value.clone() };
        let mut keys: Vec<_> = record.party.emails.iter().map(|e| key(KeyKind::Email, e)).collect();
        keys.extend(record.party.phones.iter().map(|p| key(KeyKind::Phone, p)));
        if n % 2 == 0 {
            keys.push(key(KeyKind::External, &record.key.key));
        }
        resolution.resolved.push((record.id, record.version));
        resolution.links.push(Link { record: record.id, customer, reason: LinkReason::First });
        resolution.keys.push((record.id, keys));
        resolution.customers.push(Customer {
            id: customer,
            kind: PartyKind::Person,
            name: record.party.name.as_ref().map(golden),
            given_name: None,
            family_name: None,
            company: None,
            emails: record.party.emails.iter().map(golden).collect(),
            phones: record.party.phones.iter().map(golden).collect(),
            street: None,
            city: record.party.city.as_ref().map(golden),
            postcode: None,
            country: None,
            language: None,
            zone: None,
            birth_date: None,
            tags: vec!["import".into()],
            records: 1,
        });
    }
    resolution
}

async fn requests(store: &Store) -> Outcome<()> {
    let start = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let store = store.clone();
        callers.spawn(async move {
            for n in 0..REQUESTS {
                let request = IntakeRequest {
                    id: format!("{caller}-{n}"),
                    connector: "form".into(),
                    received_at: NOW,
                    body: vec![b'x'; 400],
                    ..IntakeRequest::default()
                };
                store.accept_request(request).await?;
            }
            Ok::<(), rejoin_store::Error>(())
        });
    }
    while let Some(outcome) = callers.join_next().await {
        outcome??;
    }
    let rate = (CALLERS * REQUESTS) as f64 / start.elapsed().as_secs_f64();
    println!("requests accepted by {CALLERS} callers: {rate:.0}/s");
    Ok(())
}

async fn audience(store: &Store) -> Outcome<()> {
    let field = Field::named("city").ok_or("no such field")?;
    let condition = Condition::Compare { field, op: CompareOp::Eq, value: Value::Text("Győr".into()) };
    let start = Instant::now();
    let count = store.audience_count(&condition, NOW).await?;
    println!("audience counted: {count} in {:.2} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let (mut after, mut members) = (None, 0);
    while members < 200_000 {
        let page = store.audience(&condition, after, PAGE, NOW).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.customer.id);
        members += page.len();
    }
    println!(
        "audience read in pages of {PAGE}: {:.0} members/s",
        members as f64 / start.elapsed().as_secs_f64()
    );
    Ok(())
}

async fn outbox(store: &Store) -> Outcome<()> {
    let run = store.start_run("spring", CampaignClass::Marketing, NOW, NOW).await?.ok_or("ran before")?;
    let (mut plan, mut due, mut claim, mut settle) = Default::default();
    let (mut after, mut rows) = (None, 0_u32);
    while rows < 120_000 {
        let page = store.audience(&Condition::All, after, PAGE, NOW).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.customer.id);
        rows += page.len() as u32;
        let messages: Vec<_> = page.iter().map(|m| message(store, run, m.customer.id)).collect();
        timed(&mut plan, store.plan_page(run, messages, after, false, NOW)).await?;
        let waiting = timed(&mut due, store.due("mail", NOW, PAGE)).await?;
        let verdicts = waiting.iter().map(|(m, _)| (m.id, m.customer, Verdict::Send)).collect();
        timed(&mut claim, store.claim(verdicts, NOW)).await?;
        let settled = waiting.iter().map(|(m, _)| (m.id, m.customer, sent(m.id))).collect();
        timed(&mut settle, store.settle(settled, Vec::new(), NOW)).await?;
    }
    let pages = rows.div_ceil(PAGE as u32).max(1);
    println!(
        "outbox, mean of {pages} pages of {PAGE}: plan {:?}, due {:?}, claim {:?}, settle {:?}",
        plan / pages,
        due / pages,
        claim / pages,
        settle / pages
    );
    let (mut none, mut line) = Default::default();
    timed(&mut none, store.due("mail", NOW, PAGE)).await?;
    let counted = timed(&mut line, store.conservation(run)).await?;
    println!("with {rows} final rows: due {none:?}, conservation {line:?}: {counted}");
    Ok(())
}

fn message(store: &Store, run: rejoin_model::RunId, customer: CustomerId) -> OutboxMessage {
    OutboxMessage {
        id: OutboxId(store.next_id(NOW)),
        run,
        customer,
        connector: Some("mail".into()),
        channel: Some(Channel::Email),
        address: Some("someone@mail.example".into()),
        state: OutboxState::Pending,
        reason: String::new(),
        due_at: NOW,
        attempts: 0,
    }
}

fn sent(id: OutboxId) -> Settlement {
    let provider_id = Some(format!("p-{id}"));
    Settlement { state: OutboxState::Sent, reason: String::new(), provider_id, due_at: None }
}

async fn timed<T>(spent: &mut Duration, call: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let value = call.await;
    *spent += start.elapsed();
    value
}

/// Processor time of all threads, in hundredths of a second: on a busy machine it says more than the clock.
fn cpu_ticks() -> Outcome<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(") ").ok_or("no stat")?;
    let field = |n: usize| fields.split_whitespace().nth(n).ok_or("no such field");
    Ok(field(11)?.parse::<u64>()? + field(12)?.parse::<u64>()?)
}

/// Memory of this process that is not a mapped file: the caches, and the batch that is being made.
fn anonymous_mb() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).ok_or("no RssAnon")?;
    let kib: u64 = line.split_whitespace().nth(1).ok_or("no value")?.parse()?;
    Ok(kib / 1024)
}

fn size_mb(folder: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for file in std::fs::read_dir(folder)? {
        bytes += file?.metadata()?.len();
    }
    Ok(bytes >> 20)
}
