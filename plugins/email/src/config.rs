//! What a person writes under `config = { … }` of an e-mail connector, and what the manifest's schema cannot say
//! about it. Pure: no file is opened and nothing is resolved here.

use std::{path::PathBuf, str::FromStr, time::Duration};

use lettre::{Address, message::Mailbox};
use rejoin_plugin_api::Diagnostic;
use serde::Deserialize;

/// The whole configuration. A connector may be a channel only, a source only, or both.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Config {
    /// `Name <address>` or an address.
    pub from: Option<String>,
    pub reply_to: Option<String>,
    /// Envelope sender: where bounces go. `from`, when absent.
    pub return_path: Option<String>,
    /// Right part of every Message-ID, and the name said in EHLO.
    pub domain: Option<String>,
    pub transport: Transport,
    pub smtp: Option<Smtp>,
    pub maildir: Option<MaildirOut>,
    pub imap: Option<Imap>,
    pub mailbox: Option<MailboxFiles>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    #[default]
    Smtp,
    Maildir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// TLS from the first byte.
    Wrapper,
    /// Plain greeting, then TLS; never goes on without it.
    Starttls,
    /// No TLS: to loopback only, unless `allow_plain`.
    None,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Smtp {
    pub host: String,
    pub port: Option<u16>,
    pub tls: Tls,
    /// PEM file; when set, only what it signs is trusted.
    pub ca: Option<PathBuf>,
    pub user: Option<String>,
    pub password: Option<String>,
    pub allow_plain: bool,
    pub connections: usize,
    pub messages_per_connection: u32,
    /// Seconds to connect, and for each reply but the last.
    pub timeout: u64,
    /// Seconds for the reply to a whole message. Long, because giving up here leaves the outcome unknown.
    pub final_timeout: u64,
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: None,
            tls: Tls::Starttls,
            ca: None,
            user: None,
            password: None,
            allow_plain: false,
            connections: 8,
            messages_per_connection: 100,
            timeout: 60,
            final_timeout: 300,
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct MaildirOut {
    pub folder: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Imap {
    pub host: String,
    pub port: Option<u16>,
    pub tls: Tls,
    pub ca: Option<PathBuf>,
    pub user: String,
    pub password: String,
    pub allow_plain: bool,
    pub folder: String,
    pub max_bytes: u64,
    pub mark_seen: bool,
    pub timeout: u64,
}

impl Default for Imap {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: None,
            tls: Tls::Wrapper,
            ca: None,
            user: String::new(),
            password: String::new(),
            allow_plain: false,
            folder: "INBOX".to_owned(),
            max_bytes: MESSAGE_BYTES_MAX,
            mark_seen: false,
            timeout: 60,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct MailboxFiles {
    /// Maildir folders, mbox files, or files of one message each.
    pub paths: Vec<PathBuf>,
    pub max_bytes: u64,
}

impl Default for MailboxFiles {
    fn default() -> Self {
        Self { paths: Vec::new(), max_bytes: MESSAGE_BYTES_MAX }
    }
}

/// Larger mail is refused unread. It is also roughly the memory one message may cost.
const MESSAGE_BYTES_MAX: u64 = 20 << 20;

/// Where and how to connect: what SMTP and IMAP share.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Tls,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) allow_plain: bool,
    pub(crate) timeout: Duration,
}

impl Smtp {
    pub(crate) fn endpoint(&self) -> Endpoint {
        let usual = match self.tls {
            Tls::Wrapper => 465,
            Tls::Starttls => 587,
            Tls::None => 25,
        };
        Endpoint {
            host: self.host.clone(),
            port: self.port.unwrap_or(usual),
            tls: self.tls,
            ca: self.ca.clone(),
            allow_plain: self.allow_plain,
            timeout: Duration::from_secs(self.timeout.max(1)),
        }
    }
}

impl Imap {
    pub(crate) fn endpoint(&self) -> Endpoint {
        let usual = if self.tls == Tls::Wrapper { 993 } else { 143 };
        Endpoint {
            host: self.host.clone(),
            port: self.port.unwrap_or(usual),
            tls: self.tls,
            ca: self.ca.clone(),
            allow_plain: self.allow_plain,
            timeout: Duration::from_secs(self.timeout.max(1)),
        }
    }
}

impl Config {
    pub(crate) fn sends(&self) -> bool {
        self.smtp.is_some() || self.maildir.is_some()
    }

    pub(crate) fn reads(&self) -> bool {
        self.imap.is_some() || self.mailbox.is_some()
    }
}

/// All findings at once.
pub(crate) fn validate(config: &Config) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if !config.sends() && !config.reads() {
        found.push(finding(
            "",
            "the connector neither sends nor reads",
            "add `smtp`, `maildir`, `imap` or `mailbox`",
        ));
    }
    if config.sends() {
        validate_sender(config, &mut found);
    }
    if let Some(smtp) = &config.smtp {
        validate_smtp(smtp, &mut found);
    }
    if let Some(imap) = &config.imap {
        let both = !imap.user.is_empty() && !imap.password.is_empty();
        if imap.host.is_empty() || !both {
            found.push(finding(
                "/imap",
                "`host`, `user` and `password` are needed to read mail",
                "fill in all three",
            ));
        }
        if config.mailbox.is_some() {
            let hint = "keep one of them; use two connectors for two places";
            found.push(finding("/mailbox", "`imap` and `mailbox` both name a place to read mail from", hint));
        }
    }
    found
}

fn validate_sender(config: &Config, found: &mut Vec<Diagnostic>) {
    match config.from.as_deref().map(Mailbox::from_str) {
        None => found.push(finding("/from", "a sender is needed", "from = \"Our shop <care@example.com>\"")),
        Some(Err(_)) => {
            found.push(finding("/from", "this is no e-mail address", "write `Name <address>` or an address"))
        }
        Some(Ok(_)) => {}
    }
    if let Some(Err(_)) = config.reply_to.as_deref().map(Mailbox::from_str) {
        found.push(finding("/reply_to", "this is no e-mail address", "write `Name <address>` or an address"));
    }
    if let Some(Err(_)) = config.return_path.as_deref().map(Address::from_str) {
        found.push(finding(
            "/return_path",
            "this is no e-mail address",
            "write the bare address bounces go to",
        ));
    }
    match config.domain.as_deref() {
        None | Some("") => {
            found.push(finding(
                "/domain",
                "a domain is needed for Message-IDs",
                "domain = \"example.com\"; use one you own",
            ));
        }
        Some(domain) if idna::domain_to_ascii_strict(domain).is_err() => {
            found.push(finding("/domain", "this is no domain name", "domain = \"example.com\""));
        }
        Some(_) => {}
    }
    match config.transport {
        Transport::Smtp if config.smtp.is_none() => {
            found.push(finding(
                "/smtp",
                "`transport` is smtp and there is no `smtp` part",
                "smtp = { host = \"…\" }",
            ));
        }
        Transport::Maildir if config.maildir.as_ref().is_none_or(|m| m.folder.as_os_str().is_empty()) => {
            let hint = "maildir = { folder = \"…\" }";
            found.push(finding("/maildir", "`transport` is maildir and no folder is named", hint));
        }
        _ => {}
    }
}

fn validate_smtp(smtp: &Smtp, found: &mut Vec<Diagnostic>) {
    if smtp.host.is_empty() {
        found.push(finding("/smtp/host", "a host is needed", "host = \"smtp.example.com\""));
    }
    if smtp.user.is_some() != smtp.password.is_some() {
        found.push(finding("/smtp", "`user` and `password` go together", "set both or neither"));
    }
    if smtp.connections == 0 {
        found.push(finding("/smtp/connections", "at least one connection is needed", "8 is usual"));
    }
    if smtp.messages_per_connection == 0 {
        let hint = "100 is usual";
        found.push(finding(
            "/smtp/messages_per_connection",
            "a connection must carry at least one message",
            hint,
        ));
    }
}

fn finding(pointer: &str, message: &str, hint: &str) -> Diagnostic {
    Diagnostic { pointer: pointer.to_owned(), message: message.to_owned(), hint: Some(hint.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::{Config, validate};

    /// Configuration → pointers of what is found.
    #[test]
    fn findings() {
        for (json, pointers) in [
            (r#"{}"#, vec![""]),
            (r#"{"smtp":{"host":"h"}}"#, vec!["/from", "/domain"]),
            (r#"{"from":"a@b.test","domain":"b.test","smtp":{"host":"h"}}"#, vec![]),
            (
                r#"{"from":"a b","domain":"b test","smtp":{"host":""}}"#,
                vec!["/from", "/domain", "/smtp/host"],
            ),
            (
                r#"{"from":"a@b.test","domain":"b.test","transport":"maildir","smtp":{"host":"h"}}"#,
                vec!["/maildir"],
            ),
            (r#"{"from":"a@b.test","domain":"b.test","maildir":{"folder":"m"}}"#, vec!["/smtp"]),
            (
                r#"{"from":"店 <a@b.test>","domain":"商店.test","smtp":{"host":"h","user":"u"}}"#,
                vec!["/smtp"],
            ),
            (r#"{"imap":{"host":"h","user":"u"}}"#, vec!["/imap"]),
            (r#"{"mailbox":{"paths":["x.mbox"]}}"#, vec![]),
            (
                r#"{"mailbox":{"paths":["x.mbox"]},"imap":{"host":"h","user":"u","password":"p"}}"#,
                vec!["/mailbox"],
            ),
        ] {
            let config: Config = serde_json::from_str(json).unwrap();
            let found: Vec<String> = validate(&config).into_iter().map(|d| d.pointer).collect();
            assert_eq!(found, pointers, "{json}");
        }
    }

    /// The manual names every key the schema knows, and the schema knows nothing the plugin would ignore.
    #[test]
    fn manifest_readme_and_plugin_know_the_same_keys() {
        let manifest: serde_json::Value = serde_json::from_str(include_str!("../manifest.json")).unwrap();
        let readme = include_str!("../README.md");
        let source = include_str!("config.rs");
        let mut objects = vec![&manifest["config"]];
        let mut keys = 0;
        while let Some(object) = objects.pop() {
            for (key, about) in object["properties"].as_object().unwrap() {
                assert!(readme.contains(&format!("`{key}`")), "the README does not say what {key} is");
                assert!(source.contains(&format!("pub {key}: ")), "the plugin does not read {key}");
                assert!(
                    about["description"].is_string() || about["type"] == "object",
                    "{key} has no description"
                );
                objects.extend((about["type"] == "object").then_some(about));
                keys += 1;
            }
        }
        let fields = source.split("#[cfg(test)]").next().unwrap().matches("\n    pub ").count();
        assert_eq!(keys, fields, "a key is missing in the manifest");
    }
}
