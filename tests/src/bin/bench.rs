//! Benchmarks that print numbers, on the release build:
//!
//! ```text
//! cargo build --release --workspace && ./target/release/bench import|campaign|intake|idle [N]
//! ```
//!
//! Each makes a scratch site, drives the real binary, and prints one line for each figure. None asserts anything:
//! machines differ, so compare runs of one machine.

use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let mut args = std::env::args().skip(1);
    let what = args.next().unwrap_or_default();
    let number: Option<u64> = args.next().map(|n| n.parse()).transpose()?;
    match what.as_str() {
        "import" => import(number.unwrap_or(1_000_000)),
        "campaign" => campaign(number.unwrap_or(100_000)),
        "intake" => intake(number.unwrap_or(60_000)),
        "idle" => idle(),
        _ => Err("usage: bench import|campaign|intake|idle [N]".into()),
    }
}

/// `rejoin import` of CSV rows: rate, rate at the end against the rate at 100,000, peak memory of daemon and child.
fn import(rows: u64) -> Outcome {
    let site = Site::new(SHEET)?;
    site.people(rows)?;
    let began = Instant::now();
    let mut child = site.command(&["import", "sheet", "people.csv"]).stderr(Stdio::piped()).spawn()?;
    let peak = watch_memory(child.id());
    let mut marks: Vec<(f64, u64)> = Vec::new();
    let progress = BufReader::new(child.stderr.take().ok_or("no stderr")?);
    for line in progress.lines() {
        let line = line?;
        if let Some(stored) = line.split(' ').next().and_then(|n| n.parse().ok()) {
            marks.push((began.elapsed().as_secs_f64(), stored));
        } else {
            println!("{line}");
        }
    }
    if !child.wait()?.success() {
        return Err("the import failed".into());
    }
    let took = began.elapsed().as_secs_f64();
    println!(
        "import: {rows} rows in {took:.1} s: {:.0} rows/s, read to resolved and durable",
        rows as f64 / took
    );
    println!("import: peak memory of all processes {} MB", peak.stop() / 1024 / 1024);
    let at = |count: u64| marks.iter().find(|(_, n)| *n >= count).map(|(t, n)| (*t, *n as f64));
    if let (Some((t1, n1)), Some((t8, n8)), Some((t9, n9))) =
        (at(rows / 10), at(rows * 8 / 10), marks.last().map(|(t, n)| (*t, *n as f64)))
    {
        let (early, late) = (n1 / t1, (n9 - n8) / (t9 - t8).max(0.001));
        println!(
            "import: resolved {early:.0} rows/s up to {n1:.0}, {late:.0} rows/s from {n8:.0} on: ratio {:.2}",
            late / early
        );
    }
    Ok(())
}

/// A campaign through SMTP on loopback into smtp-sink.
fn campaign(people: u64) -> Outcome {
    let port = free_port()?;
    let sink = Command::new("smtp-sink")
        .args(["-u", "nobody", &format!("127.0.0.1:{port}"), "512"])
        .stdin(Stdio::null())
        .spawn();
    let _sink = Ended(sink.map_err(|e| format!("smtp-sink (Debian package postfix): {e}"))?);
    let site = Site::new(&format!("{SHEET}{}", BLAST.replace("@PORT@", &port.to_string())))?;
    // One row in ten is somebody who was there before.
    site.people(people * 10 / 9)?;
    site.run(&["import", "sheet", "people.csv"])?;
    let began = Instant::now();
    let out = site.run(&["campaign", "run", "blast", "--now", "--wait"])?;
    let took = began.elapsed().as_secs_f64();
    println!("{}", out.trim());
    let sent: f64 = out.split("sent ").nth(1).and_then(|s| s.split(' ').next()?.parse().ok()).unwrap_or(0.0);
    println!(
        "campaign: {sent} messages in {took:.1} s: {:.0} messages/s, planned, delivered and durable",
        sent / took
    );
    Ok(())
}

/// Posts over 64 connections kept open; each is durable when it is answered.
fn intake(posts: u64) -> Outcome {
    const CONNECTIONS: u64 = 64;
    let site = Site::new(FORM)?;
    let daemon = site.start()?;
    let times = Arc::new(Mutex::new(Vec::with_capacity(posts as usize)));
    let began = Instant::now();
    let senders: Vec<_> = (0..CONNECTIONS)
        .map(|c| {
            let (times, address) = (Arc::clone(&times), daemon.address);
            std::thread::spawn(move || {
                post_many(address, c, posts / CONNECTIONS, &times).map_err(|e| e.to_string())
            })
        })
        .collect();
    for sender in senders {
        sender.join().map_err(|_| "a sender panicked")??;
    }
    let took = began.elapsed().as_secs_f64();
    let mut times = times.lock().map_err(|_| "a sender panicked")?;
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    println!(
        "intake: {} posts in {took:.1} s: {:.0} posts/s at {CONNECTIONS} connections",
        times.len(),
        times.len() as f64 / took
    );
    println!("intake: p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms", at(0.5), at(0.99), at(1.0));
    Ok(())
}

fn post_many(
    address: SocketAddr,
    connection: u64,
    count: u64,
    times: &Mutex<Vec<Duration>>,
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut mine = Vec::with_capacity(count as usize);
    for i in 0..count {
        let body =
            format!("name=Person+{connection}-{i}&email=p{connection}.{i}%40people.test&message=hello+there");
        let head =
            "POST /in/form HTTP/1.1\r\nhost: bench\r\ncontent-type: application/x-www-form-urlencoded\r\n";
        let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
        let began = Instant::now();
        stream.write_all(request.as_bytes())?;
        let (mut status, mut length) = (String::new(), 0);
        reader.read_line(&mut status)?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.trim().is_empty() {
                break;
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        if !status.contains(" 200 ") {
            return Err(std::io::Error::other(format!("answered {status}")));
        }
        mine.push(began.elapsed());
    }
    times.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(mine);
    Ok(())
}

/// An idle daemon with five connectors: time to be ready, memory of daemon and children, processor time in 20 s.
fn idle() -> Outcome {
    let mailbox = "\n[[connector]]\nname = \"mail\"\nplugin = \"email\"\nconfig = { from = \"a@shop.test\", domain = \"shop.test\", transport = \"maildir\", maildir = { folder = \"out\" }, mailbox = { paths = [\"in.mbox\"] } }\n";
    let texts = "\n[[connector]]\nname = \"texts\"\nplugin = \"sms\"\nconfig = { url = \"http://127.0.0.1:9/send\", content_type = \"application/x-www-form-urlencoded\", body = \"to={{ to|form }}\" }\n";
    let second = SHEET.replace("\"sheet\"", "\"second\"");
    let site = Site::new(&format!("{SHEET}{second}{FORM}{mailbox}{texts}"))?;
    site.people(100)?;
    std::fs::write(site.dir.join("in.mbox"), "")?;
    let began = Instant::now();
    let daemon = site.start()?;
    println!("idle: ready in {:.0} ms", began.elapsed().as_secs_f64() * 1_000.0);
    std::thread::sleep(Duration::from_secs(10));
    let (pids, before) = (family(daemon.child.0.id()), cpu_ms(daemon.child.0.id()));
    std::thread::sleep(Duration::from_secs(20));
    let used = cpu_ms(daemon.child.0.id()).saturating_sub(before);
    println!("idle: {} processes, {} MB in all (PSS)", pids.len(), memory(daemon.child.0.id()) / 1024 / 1024);
    println!("idle: {used} ms of processor time in 20 s");
    Ok(())
}

const SHEET: &str = r#"
[[connector]]
name = "sheet"
plugin = "csv"
config = { paths = ["people.csv"], key = ["id"] }

[[connector.map]]

[connector.map.party]
name = "name"
email = "email"
phone = "phone"
city = "city"
company = "company"
language = "language"
"#;

const FORM: &str = r#"
[[connector]]
name = "form"
plugin = "webform"

[[connector.map]]

[connector.map.party]
name = "name"
email = "email"
"#;

const BLAST: &str = r#"
[[connector]]
name = "mail"
plugin = "email"

[connector.config]
from = "Shop <care@shop.test>"
domain = "shop.test"
smtp = { host = "127.0.0.1", port = @PORT@, tls = "none", connections = 8, messages_per_connection = 1000 }

[[segment]]
name = "everybody"
where = "email is not null"

[[campaign]]
name = "blast"
class = "care"
topic = "service"
segment = "everybody"
channels = ["mail"]
holdout = 0
quiet = false

[campaign.content.en]
subject = "News for {{ customer.name }}"
text = """
Dear {{ customer.name }},

this is a message of about a kilobyte, as such messages are. You have ordered {{ profile.orders }} times, and we
would like to hear how it went. If there is anything we can do better, answer this message and somebody will read it.

We roast every week, we pack by hand, and we send on the day we pack. Your next order is free of delivery.

{{ site.name }}
"""
html = "<p>Dear {{ customer.name }},</p><p>this is a message of about a kilobyte, as such messages are.</p>"
"#;

/// A scratch site.
struct Site {
    dir: PathBuf,
}

impl Site {
    fn new(text: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let dir = std::env::temp_dir().join(format!("rejoin-bench-{}", std::process::id()));
        std::fs::create_dir_all(&dir)?;
        let preamble = format!(
            "[site]\nname = \"Bench\"\npostal_address = \"1 Quay Street\"\nregion = \"CN\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
             public_url = \"https://bench.test\"\n[plugins]\npath = [{:?}]\n",
            target_dir()?
        );
        std::fs::write(dir.join("rejoin.toml"), preamble + text)?;
        Ok(Self { dir })
    }

    /// `people.csv`: a tenth of the rows are people who were there before, written differently.
    fn people(&self, rows: u64) -> std::io::Result<()> {
        let mut out = BufWriter::new(std::fs::File::create(self.dir.join("people.csv"))?);
        writeln!(out, "id,name,email,phone,city,company,language")?;
        for row in 0..rows {
            // Spread by a multiplier, so that keys do not arrive sorted.
            let who = if row % 10 == 9 { (row / 2).wrapping_mul(7_919) % rows.max(1) } else { row };
            let spread = who.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
            let name =
                if row % 10 == 9 { format!("PERSON {spread:x}") } else { format!("Person {spread:x}") };
            writeln!(
                out,
                "{row},{name},p{spread:x}@people.test,1{:010},City {},,en",
                3_000_000_000 + who,
                spread % 500
            )?;
        }
        out.flush()
    }

    fn command(&self, args: &[&str]) -> Command {
        let exe = target_dir().unwrap_or_default().join("rejoin");
        let mut command = Command::new(exe);
        command
            .args(args)
            .env("REJOIN_CONFIG", self.dir.join("rejoin.toml"))
            .current_dir(&self.dir)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
        let output = self.command(args).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("rejoin {args:?} failed").into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn start(&self) -> Result<Daemon, Box<dyn std::error::Error>> {
        let mut child = self.command(&["run"]).stdout(Stdio::piped()).spawn()?;
        let mut first = String::new();
        BufReader::new(child.stdout.take().ok_or("no stdout")?).read_line(&mut first)?;
        let address = first.trim().rsplit("http://").next().unwrap_or_default().parse()?;
        Ok(Daemon { child: Ended(child), address })
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.dir) {
            eprintln!("{} was not removed: {error}", self.dir.display());
        }
    }
}

struct Daemon {
    child: Ended,
    address: SocketAddr,
}

/// A process that ends with its owner.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn target_dir() -> std::io::Result<PathBuf> {
    Ok(std::env::current_exe()?.parent().map(Path::to_path_buf).unwrap_or_default())
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The highest sum of proportional memory (PSS) of a process and everything below it, sampled.
struct Peak {
    stop: Arc<AtomicBool>,
    bytes: Arc<AtomicU64>,
}

impl Peak {
    fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.bytes.load(Ordering::Relaxed)
    }
}

fn watch_memory(pid: u32) -> Peak {
    let peak = Peak { stop: Arc::default(), bytes: Arc::default() };
    let (stop, bytes) = (Arc::clone(&peak.stop), Arc::clone(&peak.bytes));
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            bytes.fetch_max(memory(pid), Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(250));
        }
    });
    peak
}

fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    for task in tasks {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|c| c.parse().ok()) {
            all.extend(family(child));
        }
    }
    all
}

fn memory(pid: u32) -> u64 {
    let pss = |pid: &u32| {
        let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let line = rollup.lines().find_map(|l| l.strip_prefix("Pss:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    family(pid).iter().map(pss).sum()
}

/// User and system time of a process and everything below it (proc(5), fields 14 and 15, ticks of 10 ms).
fn cpu_ms(pid: u32) -> u64 {
    let ticks = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default().to_owned();
        let fields: Vec<u64> =
            after_name.split_whitespace().skip(11).take(2).filter_map(|f| f.parse().ok()).collect();
        fields.iter().sum::<u64>()
    };
    family(pid).iter().map(ticks).sum::<u64>() * 10
}
