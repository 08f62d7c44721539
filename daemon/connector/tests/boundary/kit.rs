//! Connectors of the zoo, and a neighbour that must never notice.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rejoin_connector::{Catalog, Connector, Limits, Message, ReadRequest, Role, Spec};
use serde_json::json;

/// Cargo puts the zoo's library beside this test program, because it is a dependency of the package.
fn zoo_dir() -> PathBuf {
    let dir = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    assert!(dir.join("librejoin_zoo.so").exists(), "the zoo is not built in {}", dir.display());
    dir
}

pub(crate) fn catalog_of(dirs: Vec<PathBuf>) -> Arc<Catalog> {
    Arc::new(Catalog::new(dirs, PathBuf::from(env!("CARGO_BIN_EXE_connector-host"))))
}

pub(crate) fn zoo_catalog() -> Arc<Catalog> {
    catalog_of(vec![zoo_dir()])
}

/// Deadlines that only a plugin that hangs ever reaches, but short enough to wait for.
pub(crate) fn limits() -> Limits {
    Limits {
        call_deadline: Duration::from_secs(60),
        grace: Duration::from_secs(5),
        memory_bytes_max: 512 << 20,
        backoff_min: Duration::from_millis(1),
        backoff_max: Duration::from_millis(4),
        restarts_max: 100,
        ..Limits::default()
    }
}

/// For plugins that are known to hang.
pub(crate) fn impatient() -> Limits {
    Limits { call_deadline: Duration::from_millis(200), grace: Duration::from_millis(100), ..limits() }
}

pub(crate) fn zoo(role: Role, mode: &str, count: usize, limits: Limits) -> Connector {
    connector("zoo", "animals", role, json!({ "mode": mode, "count": count }), limits, zoo_catalog())
}

pub(crate) fn connector(
    plugin: &str,
    name: &str,
    role: Role,
    config: serde_json::Value,
    limits: Limits,
    catalog: Arc<Catalog>,
) -> Connector {
    let spec = Spec { name: name.into(), plugin: plugin.to_owned(), role, config, limits };
    Connector::new(catalog, spec)
}

pub(crate) fn rows(cursor: Option<&str>) -> ReadRequest {
    ReadRequest {
        stream: "rows".to_owned(),
        cursor: cursor.map(str::to_owned),
        max_records: 1000,
        max_bytes: 1 << 20,
        keys_only: false,
    }
}

pub(crate) fn messages(count: usize) -> Vec<Message> {
    let message = |i| Message {
        idempotency_key: format!("k{i}"),
        to: format!("{i}@example.org"),
        text: Some("Grüße\r\n你好".to_owned()),
        ..Message::default()
    };
    (0..count).map(message).collect()
}

/// A connector that does its work before, during and after somebody else's misfortune.
pub(crate) struct Neighbour(Connector, String);

impl Neighbour {
    pub(crate) async fn at_work() -> Self {
        let connector = zoo(Role::Source, "good", 3, limits());
        let report = connector.check().await.unwrap();
        Self(connector, report)
    }

    /// The report names its process: the same one as at the start.
    pub(crate) async fn noticed_nothing(&self) {
        assert_eq!(self.0.check().await.unwrap(), self.1);
        assert_eq!(self.0.health().restarts, 0);
        self.0.stop().await;
    }
}

/// Waits for something that will come, however loaded the machine is.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never came: {what}");
}

pub(crate) fn is_running(pid: u32) -> bool {
    // A zombie has ended, whoever has yet to reap it.
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or_default().starts_with('Z'))
}

/// The number in `process 123`.
pub(crate) fn pid_of(report: &str) -> u32 {
    report.strip_prefix("process ").unwrap().parse().unwrap()
}
