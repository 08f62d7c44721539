//! kill -9, at every commit and at random moments under load: nothing lost, nothing doubled, nothing invented, in the
//! store and on the wire.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{self, Site, http, sink::Sink, wait_for};

/// Random moments at which the daemon dies.
const KILLS: u32 = 50;
/// A run of the daemon that outlives this many commits has done all there was to do.
const COMMITS_MAX: u32 = 400;
const FORM: &str = "application/x-www-form-urlencoded";

fn site(sink: &Sink) -> Site {
    let (host, port) = (sink.address.ip(), sink.address.port());
    Site::new(
        &include_str!("fixtures/crash.toml")
            .replace("@HOST@", &host.to_string())
            .replace("@PORT@", &port.to_string()),
    )
}

/// What the outside world knows: which posts it tried, and which were answered 2xx.
#[derive(Default)]
struct Told {
    tried: BTreeSet<String>,
    acknowledged: BTreeSet<String>,
}

impl Told {
    fn post(told: &Mutex<Self>, address: SocketAddr, number: u32) {
        let id = format!("f{number:05}");
        told.lock().unwrap().tried.insert(id.clone());
        let body = format!("name=Person+{number:05}&email=p{number:05}%40people.test");
        let head = http::post_head("/in/form", FORM, body.as_bytes(), &format!("webhook-id: {id}\r\n"));
        if http::attempt(address, &head, body.as_bytes()).is_some_and(|answer| answer.status == 200) {
            told.lock().unwrap().acknowledged.insert(id);
        }
    }
}

#[test]
fn killed_at_random_moments_under_load() {
    let sink = Sink::start();
    let site = site(&sink);
    let told = Arc::new(Mutex::new(Told::default()));
    // A fixed sequence of waits: a failure can be looked at again.
    let mut chance: u64 = 0x5EED;
    for round in 0..KILLS {
        let daemon = site.start();
        let stop = Arc::new(AtomicBool::new(false));
        let posting = {
            let (told, stop, address) = (Arc::clone(&told), Arc::clone(&stop), daemon.address);
            std::thread::spawn(move || {
                let numbers = (0..40).take_while(|_| !stop.load(Ordering::Relaxed));
                numbers.for_each(|i| Told::post(&told, address, round * 100 + i));
            })
        };
        if round % 5 == 0 {
            site.ok(&["campaign", "run", "blast", "--now"]);
        }
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_millis(20 + (chance >> 33) % 400));
        daemon.kill();
        stop.store(true, Ordering::Relaxed);
        posting.join().unwrap();
    }
    settle_and_count(&site, &sink, &told.lock().unwrap());
}

/// The n-th fsync of the daemon is its last act, for n = 1, 2, 3 … until a run outlives its n.
#[test]
fn killed_at_every_commit() {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        panic!("strace is missing: run the tests with tests/run");
    }
    let sink = Sink::start();
    let site = site(&sink);
    let told = Mutex::new(Told::default());
    let survived = (1..=COMMITS_MAX).find(|n| !killed_at_fsync(&site, *n, &told));
    let kills = survived.expect("the daemon never ran out of commits") - 1;
    assert!(kills >= 10, "only {kills} commits were met: there was no work between the kills");
    println!("killed at each of {kills} commits");
    settle_and_count(&site, &sink, &told.lock().unwrap());
}

/// One life of the daemon with work to do; whether it was killed.
fn killed_at_fsync(site: &Site, n: u32, told: &Mutex<Told>) -> bool {
    let mut daemon = Traced::start(site, n);
    let Some(address) = daemon.address() else { return daemon.killed() };
    for i in 0..3 {
        Told::post(told, address, n * 100 + i);
    }
    drop(site.rejoin(&["campaign", "run", "blast", "--now"]));
    while !daemon.ended() && !settled(site) {
        std::thread::sleep(Duration::from_millis(30));
    }
    daemon.killed()
}

/// `rejoin run` under strace, which kills it at its n-th fsync.
struct Traced {
    strace: Child,
    said: Option<String>,
}

impl Traced {
    fn start(site: &Site, n: u32) -> Self {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e"]);
        strace.arg(format!("inject=fdatasync,fsync:signal=SIGKILL:when={n}"));
        strace
            .arg(support::target_dir().join("rejoin"))
            .arg("run")
            .env("REJOIN_CONFIG", site.path("rejoin.toml"));
        let mut strace =
            strace.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut first = String::new();
        let mut stdout = BufReader::new(strace.stdout.take().unwrap());
        stdout.read_line(&mut first).unwrap();
        std::thread::spawn(move || drop(stdout.read_to_end(&mut Vec::new())));
        Self { strace, said: Some(first).filter(|line| !line.is_empty()) }
    }

    /// `None` when it was killed before it came up.
    fn address(&self) -> Option<SocketAddr> {
        self.said.as_ref()?.trim().rsplit("http://").next()?.parse().ok()
    }

    fn ended(&mut self) -> bool {
        self.strace.try_wait().unwrap().is_some()
    }

    /// Stops it when it still runs; whether it was killed, then or before. strace dies of what its child died of.
    fn killed(mut self) -> bool {
        if !self.ended() {
            let strace = self.strace.id();
            let children =
                std::fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).unwrap_or_default();
            for pid in children.split_whitespace().map(|pid| pid.parse().unwrap()) {
                support::signal_process(pid, libc::SIGTERM);
            }
        }
        self.strace.wait().unwrap().signal() == Some(libc::SIGKILL)
    }
}

/// Nothing waits to be resolved, taken, planned or sent.
fn settled(site: &Site) -> bool {
    let output = site.rejoin(&["status"]);
    let (text, _) = support::texts(&output);
    output.status.success()
        && text.contains("(0 waiting to be resolved)")
        && text.contains(" 0 webhook requests waiting")
        && !text.contains("pending")
        && !text.contains("in_flight")
}

fn settle_and_count(site: &Site, sink: &Sink, told: &Told) {
    let daemon = site.start();
    wait_for("everything to settle", || settled(site).then_some(()));
    let keys: Vec<String> = site.links().into_iter().map(|(_, key, _)| key.replace("post/", "")).collect();
    let stored: BTreeSet<String> = keys.iter().cloned().collect();
    let lost = told.acknowledged.difference(&stored).count();
    let doubled = keys.len() - stored.len();
    let invented = stored.difference(&told.tried).count();
    assert_eq!((lost, doubled, invented), (0, 0, 0), "store: lost, doubled, invented of {}", stored.len());
    assert!(!told.acknowledged.is_empty(), "posts were acknowledged between the kills");

    let taken = sink.taken();
    let twice: Vec<_> = taken.iter().filter(|(_, copies)| **copies > 1).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}");
    let lines = conservation_lines(site);
    let sum = |name: &str| lines.iter().map(|line| count(line, name)).sum::<usize>();
    for line in &lines {
        let parts = ["sent", "failed", "suppressed", "capped", "quiet", "held out", "unknown", "pending"];
        assert_eq!(count(line, "audience"), parts.iter().map(|p| count(line, p)).sum::<usize>(), "{line}");
    }
    let (sent, unknown) = (sum("sent"), sum("unknown"));
    assert!(sent <= taken.len(), "{sent} are called sent and the sink has {}", taken.len());
    assert!(
        taken.len() <= sent + unknown,
        "the sink has {} and only {sent} + {unknown} may be there",
        taken.len()
    );
    assert!(sent > 0, "something was sent between the kills");
    println!(
        "{} stored, {} posts acknowledged, {sent} sent, {unknown} unknown, {} in the sink",
        stored.len(),
        told.acknowledged.len(),
        taken.len()
    );
    assert_eq!(daemon.stop(), Some(0));
}

fn conservation_lines(site: &Site) -> Vec<String> {
    let report = site.ok(&["campaign", "report", "blast"]);
    report.lines().filter(|l| l.trim_start().starts_with("audience")).map(str::to_owned).collect()
}

/// The number behind a name in a conservation line.
fn count(line: &str, name: &str) -> usize {
    let behind = line.split(&format!("{name} ")).nth(1).unwrap();
    behind.split(' ').next().unwrap().parse().unwrap()
}
