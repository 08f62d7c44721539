//! What the journeys are told with: a site in a scratch folder, the real binary, the real servers.

pub mod http;
pub mod mail;
pub mod sink;

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Nothing a test waits for takes this long; when it does, it will not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A site in a folder that goes away with it.
pub struct Site {
    dir: tempfile::TempDir,
}

impl Site {
    /// Writes `rejoin.toml` from `text`, under a preamble every site shares.
    pub fn new(text: &str) -> Self {
        let site = Self { dir: tempfile::Builder::new().prefix("rejoin-test-").tempdir().unwrap() };
        site.configure(text);
        site
    }

    pub fn configure(&self, text: &str) {
        let preamble = format!(
            "[site]\nname = \"Test Shop\"\npostal_address = \"1 Quay Street, Brno\"\nzone = \"UTC\"\nregion = \"CZ\"\n\
             currency = \"EUR\"\n[store]\nurl = \"sqlite:rejoin.db\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
             public_url = \"https://shop.test\"\n[plugins]\npath = [{:?}]\n",
            target_dir()
        );
        self.write("rejoin.toml", format!("{preamble}\n{text}"));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs a command of the real binary on this site.
    pub fn rejoin(&self, args: &[&str]) -> Output {
        command(args).env("REJOIN_CONFIG", self.path("rejoin.toml")).output().unwrap()
    }

    /// The same, which must succeed; its standard output.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.rejoin(args);
        let (out, err) = texts(&output);
        assert!(output.status.success(), "rejoin {args:?}: {}\n{out}\n{err}", output.status);
        out
    }

    /// A JSON listing.
    pub fn json(&self, args: &[&str]) -> Vec<serde_json::Value> {
        let mut all = args.to_vec();
        all.extend(["--format", "json"]);
        serde_json::from_str(&self.ok(&all)).unwrap()
    }

    pub fn start(&self) -> Daemon {
        Daemon::start(self, &[])
    }

    /// Links as (connector, key, customer).
    pub fn links(&self) -> Vec<(String, String, String)> {
        let text = self.ok(&["export", "links", "--format", "csv"]);
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("connector,key,customer_id"));
        lines
            .map(|line| {
                let mut cells = line.split(',').map(str::to_owned);
                (cells.next().unwrap(), cells.next().unwrap(), cells.next().unwrap())
            })
            .collect()
    }
}

/// `rejoin run` on a site; killed when dropped.
pub struct Daemon {
    pub child: Child,
    pub address: SocketAddr,
    log: mpsc::Receiver<String>,
}

impl Daemon {
    pub fn start(site: &Site, env: &[(&str, &str)]) -> Self {
        let mut command = command(&["run"]);
        command.env("REJOIN_CONFIG", site.path("rejoin.toml")).envs(env.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (told, log) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).for_each(|line| drop(told.send(line)))
        });
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut first).unwrap();
        // Kept open, so that the daemon never writes into a closed pipe.
        std::thread::spawn(move || drop(stdout.read_to_end(&mut Vec::new())));
        let address = first.trim().rsplit("http://").next().and_then(|a| a.parse().ok());
        let mut daemon = Self { child, address: ([127, 0, 0, 1], 1).into(), log };
        daemon.address =
            address.unwrap_or_else(|| panic!("the daemon did not come up: {first}{}", daemon.said()));
        daemon
    }

    /// What it has logged since the last look.
    pub fn said(&self) -> String {
        std::thread::sleep(Duration::from_millis(50));
        self.log.try_iter().fold(String::new(), |all, line| all + &line + "\n")
    }

    pub fn signal(&self, signal: libc::c_int) {
        signal_process(self.child.id() as libc::pid_t, signal);
    }

    /// SIGTERM, and the exit code.
    pub fn stop(mut self) -> Option<i32> {
        self.signal(libc::SIGTERM);
        self.child.wait().unwrap().code()
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.signal(libc::SIGKILL);
        self.child.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Signals a process of ours.
pub fn signal_process(pid: libc::pid_t, signal: libc::c_int) {
    // SAFETY: kill(2) takes no pointer, and a wrong pid is an error, not undefined.
    #[allow(unsafe_code)]
    let sent = unsafe { libc::kill(pid, signal) };
    assert_eq!(sent, 0);
}

/// Looks until `done` gives something.
pub fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = done() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Where the build put binaries and plugins.
pub fn target_dir() -> PathBuf {
    // .../target/debug/deps/all-hash → .../target/debug
    let exe = std::env::current_exe().unwrap();
    exe.parent().and_then(Path::parent).unwrap().to_path_buf()
}

pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(target_dir().join("rejoin"));
    command.args(args).env_remove("REJOIN_CONFIG").stdin(Stdio::null());
    command
}

pub fn texts(output: &Output) -> (String, String) {
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// An address or a password of the real servers, which `tests/run` starts and exports.
pub fn server(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests with tests/run"))
}
