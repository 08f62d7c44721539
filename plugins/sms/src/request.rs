//! The HTTP request of one message, rendered from the configuration's templates.
//!
//! Strict: a variable that does not exist is an error, found by `validate` before anything is sent. Texts are data
//! and never compiled.

use std::collections::BTreeMap;

use base64::Engine;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, value::Serde};
use rejoin_plugin_api::Message;
use serde::Serialize;

use crate::{Config, message::Ready};

/// Every name a template may use.
pub(crate) const VARIABLES: [&str; 11] = [
    "to",
    "to_digits",
    "to_national",
    "to_name",
    "text",
    "id",
    "message_id",
    "sender",
    "parts",
    "encoding",
    "secret",
];

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// The compiled templates of a configuration.
pub(crate) struct Templates {
    environment: Environment<'static>,
    headers: Vec<String>,
    sender: String,
    country_code: Option<String>,
    secrets: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Context<'a> {
    to: &'a str,
    to_digits: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_national: Option<&'a str>,
    to_name: &'a str,
    text: &'a str,
    id: &'a str,
    message_id: &'a str,
    sender: &'a str,
    parts: usize,
    encoding: &'static str,
    secret: &'a BTreeMap<String, String>,
}

/// A template that does not compile: where it stands in the configuration, and why.
#[derive(Debug)]
pub(crate) struct BadTemplate {
    pub(crate) pointer: String,
    pub(crate) reason: String,
}

impl Templates {
    pub(crate) fn new(config: &Config) -> Result<Self, Vec<BadTemplate>> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.add_filter("json", json);
        environment.add_filter("form", form);
        environment.add_filter("base64", base64);
        let mut bad = Vec::new();
        for (pointer, source) in sources(config) {
            if let Err(error) = environment.add_template_owned(pointer.clone(), source.to_owned()) {
                bad.push(BadTemplate { pointer, reason: describe(&error) });
            }
        }
        if !bad.is_empty() {
            return Err(bad);
        }
        Ok(Self {
            environment,
            headers: config.headers.keys().cloned().collect(),
            sender: config.sender.clone(),
            country_code: config.country_code.clone(),
            secrets: config.secrets.clone(),
        })
    }

    pub(crate) fn render(&self, message: &Message, ready: &Ready) -> Result<Rendered, BadTemplate> {
        let context = Value::from(Serde(self.context(message, ready)));
        let headers = self
            .headers
            .iter()
            .map(|name| Ok((name.clone(), self.one(&header_pointer(name), &context)?)))
            .collect::<Result<_, _>>()?;
        Ok(Rendered { url: self.one("/url", &context)?, headers, body: self.one("/body", &context)? })
    }

    fn one(&self, pointer: &str, context: &Value) -> Result<String, BadTemplate> {
        self.environment
            .get_template(pointer)
            .and_then(|template| template.render(context.clone()))
            .map_err(|error| BadTemplate { pointer: pointer.to_owned(), reason: describe(&error) })
    }

    fn context<'a>(&'a self, message: &'a Message, ready: &'a Ready) -> Context<'a> {
        let to_digits = message.to.trim_start_matches('+');
        Context {
            to: &message.to,
            to_digits,
            to_national: self
                .country_code
                .as_ref()
                .map(|code| to_digits.strip_prefix(code.as_str()).unwrap_or(to_digits)),
            to_name: message.to_name.as_deref().unwrap_or_default(),
            text: &ready.text,
            id: &message.idempotency_key,
            message_id: &message.message_id,
            sender: &self.sender,
            parts: ready.length.parts,
            encoding: ready.length.encoding.name(),
            secret: &self.secrets,
        }
    }

    /// Names in a template that no message will ever fill.
    pub(crate) fn unknown_names(&self) -> Vec<(String, String)> {
        let known = |name: &str| {
            VARIABLES.contains(&name) || self.environment.globals().any(|(global, _)| global == name)
        };
        let mut found = Vec::new();
        for (pointer, template) in self.environment.templates() {
            let names = template.undeclared_variables(false);
            let unknown = names.into_iter().filter(|name| !known(name));
            found.extend(unknown.map(|name| (pointer.to_owned(), name)));
        }
        found.sort();
        found
    }
}

pub(crate) fn header_pointer(name: &str) -> String {
    format!("/headers/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn sources(config: &Config) -> Vec<(String, &str)> {
    let mut sources =
        vec![("/url".to_owned(), config.url.as_str()), ("/body".to_owned(), config.body.as_str())];
    sources.extend(config.headers.iter().map(|(name, value)| (header_pointer(name), value.as_str())));
    sources
}

/// minijinja's own message without the template's name, which is ours, and with the line when there is more than one.
fn describe(error: &minijinja::Error) -> String {
    let what = match (error.kind(), error.detail()) {
        (ErrorKind::UndefinedError, None) => "a name in it is not defined".to_owned(),
        (kind, None) => kind.to_string(),
        (_, Some(detail)) => detail.to_owned(),
    };
    match error.line() {
        Some(line) if line > 1 => format!("{what} (line {line} of the template)"),
        _ => what,
    }
}

/// A complete JSON value: texts come with their quotes.
fn json(value: &Value) -> Result<String, minijinja::Error> {
    serde_json::to_string(defined(value)?)
        .map_err(|e| minijinja::Error::new(ErrorKind::BadSerialization, format!("not writable as JSON: {e}")))
}

/// One value of `application/x-www-form-urlencoded`, good in a URL's query as well.
fn form(value: &Value) -> Result<String, minijinja::Error> {
    let text = text_of(defined(value)?);
    let mut coded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
                coded.push(char::from(byte))
            }
            b' ' => coded.push('+'),
            other => coded.push_str(&format!("%{other:02X}")),
        }
    }
    Ok(coded)
}

fn base64(value: &Value) -> Result<String, minijinja::Error> {
    Ok(base64::engine::general_purpose::STANDARD.encode(text_of(defined(value)?)))
}

/// Strict mode lets an undefined value into a filter; a `null` where a token should be would be sent in silence.
fn defined(value: &Value) -> Result<&Value, minijinja::Error> {
    if value.is_undefined() { Err(ErrorKind::UndefinedError.into()) } else { Ok(value) }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
