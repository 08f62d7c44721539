//! The plugin as the host sees it.

use std::{
    net::{TcpStream, ToSocketAddrs},
    sync::Mutex,
    time::{Duration, Instant},
};

use rejoin_plugin_api::{
    Batch, Channel, Diagnostic, Error, Host, Message, Outcomes, Plugin, Webhook, WebhookRequest,
};

use crate::{
    Config,
    gateway::{Exchange, Gateway},
    pace::Pace,
    request::Templates,
    send::{self, Line},
    validate::{sample_message, sample_text, validate},
    webhook,
};

pub struct Sms {
    line: Line,
}

impl Plugin for Sms {
    const MANIFEST: &'static str = include_str!("../manifest.json");
    type Config = Config;

    fn validate(config: &Config) -> Vec<Diagnostic> {
        validate(config)
    }

    fn open(config: Config, host: Host) -> Result<Self, Error> {
        let templates = Templates::new(&config).map_err(|bad| {
            let said = bad.iter().map(|b| format!("{}: {}", b.pointer, b.reason)).collect::<Vec<_>>();
            Error::config(format!("a template does not compile: {}", said.join("; ")))
        })?;
        let gateway = Gateway::new(&config)?;
        let pace = Mutex::new(Pace::new(config.rate, config.burst));
        Ok(Self { line: Line { config, templates, gateway, pace, opened: Instant::now(), host } })
    }

    /// Asks `probe_url`, or without one opens a connection and closes it again. Never posts a message.
    fn check(&mut self) -> Result<String, Error> {
        let rendered = self.line.templates.render(&sample_message(), &sample_text()).map_err(|bad| {
            Error::config(format!("the template at {} failed: {}", bad.pointer, bad.reason))
        })?;
        match &self.line.config.probe_url {
            Some(url) => probed(self.line.gateway.probe(url, rendered.headers)),
            None => connected(&rendered.url, &self.line.config),
        }
    }
}

impl Channel for Sms {
    fn send(&mut self, messages: &[Message], outcomes: &mut Outcomes<'_>) -> Result<(), Error> {
        send::send(&self.line, messages, outcomes)
    }
}

impl Webhook for Sms {
    fn handle(&mut self, request: &WebhookRequest, out: &mut Batch) -> Result<(), Error> {
        webhook::handle(&self.line.config, request, out)
    }
}

fn probed(exchange: Exchange) -> Result<String, Error> {
    match exchange {
        Exchange::Answered(answer) => match answer.status {
            200..300 => Ok(format!("the gateway's probe_url answered with status {}", answer.status)),
            401 | 403 | 407 => {
                Err(Error::auth(format!("the gateway's probe_url answered with status {}", answer.status))
                    .with_hint("check the credentials in headers, secrets or basic_auth"))
            }
            status => Err(Error::transient(format!("the gateway's probe_url answered with status {status}"))),
        },
        Exchange::NotConnected(reason) | Exchange::Lost(reason) => Err(Error::transient(reason)),
        Exchange::Invalid(reason) => Err(Error::config(reason)),
    }
}

fn connected(url: &str, config: &Config) -> Result<String, Error> {
    let url = reqwest::Url::parse(url).map_err(|_| Error::config("url is not a valid url"))?;
    let (Some(name), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(Error::config("url has no host"));
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let addresses = (name, port)
        .to_socket_addrs()
        .map_err(|e| Error::transient(format!("the gateway's name {name} could not be resolved: {e}")))?;
    let patience = Duration::from_secs(config.connect_timeout_s.into());
    let mut last = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(_) => {
                return Ok(format!(
                    "{name}:{port} accepts connections (set probe_url to test credentials too)"
                ));
            }
            Err(error) => last = Some(error),
        }
    }
    let why = last.map_or_else(|| "it has no address".to_owned(), |e| e.to_string());
    Err(Error::transient(format!("no connection to the gateway {name}:{port}: {why}")))
}
