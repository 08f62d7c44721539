//! The configuration as its users meet it: texts in, settings or rendered mistakes out.

mod mistakes;
mod mistakes_campaigns;
mod properties;
mod settings;
mod shipped;

use std::path::Path;

use rejoin_connector::{Capability, Manifest, StreamInfo};
use rejoin_model::campaign::Channel;
use serde_json::json;

use super::{Draft, Manifests, Outside, PluginProblem, Settings};

/// An environment of two variables, and one file.
fn outside() -> Outside<'static> {
    Outside {
        env: &|name| match name {
            "SMTP_PASSWORD" => Some("hunter2\"\n".to_owned()),
            "HOOK" => Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()),
            _ => None,
        },
        file: &|path| match path.file_name().and_then(|n| n.to_str()) {
            Some("key.txt") => Ok(b"from a file\n".to_vec()),
            _ => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
        },
    }
}

/// Plugins that exist in these tests: a source with a schema of every kind, two channels, a webhook.
fn manifests() -> Manifests {
    let csv = manifest(
        "csv",
        &[Capability::Source],
        None,
        json!({
            "type": "object",
            "required": ["paths"],
            "properties": {
                "paths": {"type": "array", "items": {"type": "string", "format": "path"}, "description": "files or folders"},
                "encoding": {"type": "string", "enum": ["utf-8", "gbk"], "default": "utf-8"},
                "header_lines": {"type": "integer", "minimum": 0, "maximum": 9, "default": 1},
                "rate": {"type": "number"},
                "follow": {"type": "boolean"},
                "login": {"type": "object", "required": ["user"], "properties": {
                    "user": {"type": "string"}, "password": {"type": "string", "secret": true}}},
                "rename": {"type": "object", "additionalProperties": {"type": "string"}}
            }
        }),
    );
    let email = manifest(
        "email",
        &[Capability::Source, Capability::Channel],
        Some(Channel::Email),
        json!({
        "type": "object", "properties": {"password": {"type": "string", "secret": true}}}),
    );
    let sms = manifest("sms", &[Capability::Channel, Capability::Webhook], Some(Channel::Sms), json!({}));
    let web = manifest("webform", &[Capability::Webhook], None, json!({"type": "object", "properties": {}}));
    let broken =
        PluginProblem { message: "plugin `old` was refused: it speaks ABI 0, this daemon 1".to_owned() };
    let mut all: Manifests = [csv, email, sms, web].map(|m| (m.id.clone(), Ok(m))).into();
    all.insert("old".to_owned(), Err(broken));
    all
}

fn manifest(
    id: &str,
    capabilities: &[Capability],
    channel: Option<Channel>,
    config: serde_json::Value,
) -> Manifest {
    let stream = StreamInfo { name: "rows".to_owned(), doc: String::new(), sweep: false };
    Manifest {
        id: id.to_owned(),
        version: "1.0.0".to_owned(),
        licence: "Apache-2.0".to_owned(),
        summary: String::new(),
        capabilities: capabilities.to_vec(),
        channel,
        streams: if capabilities.contains(&Capability::Source) { vec![stream] } else { Vec::new() },
        import_pointer: None,
        config,
    }
}

/// Both steps over one text named `rejoin.toml`.
fn read(text: &str) -> Result<Settings, String> {
    read_named(Path::new("rejoin.toml"), Some(text))
}

/// Both steps; the text is read from the path when none is given.
fn read_named(path: &Path, text: Option<&str>) -> Result<Settings, String> {
    let draft = match text {
        Some(text) => Draft::read_text(path, text, &outside()),
        None => Draft::read(path, &outside()),
    };
    let rendered = |errors: Vec<super::ConfigError>| {
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n")
    };
    let mut draft = draft.map_err(rendered)?;
    draft.check_plugins(&manifests());
    draft.finish().map_err(rendered)
}

/// What is said about a text that is wrong, all of it.
#[track_caller]
fn check(text: &str, said: &str) {
    let rendered = match read(text.trim_start()) {
        Ok(_) => panic!("nothing is wrong with:\n{text}"),
        Err(rendered) => rendered,
    };
    let rendered = rendered.replace(&std::env::current_dir().unwrap().display().to_string(), "/site");
    assert_eq!(rendered, said.trim_start(), "\n--- said:\n{rendered}\n--- about:\n{text}");
}
