//! One HTTP exchange, made exactly once.
//!
//! Redirects are not followed and nothing is repeated: a second POST could be a second message. The only thing the
//! HTTP client may do again is open another connection while not a byte of the request has been written.

use std::{io::Read, sync::Arc, time::Duration};

use rejoin_plugin_api::Error;
use reqwest::{
    Method,
    blocking::{Client, RequestBuilder, Response},
    header,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::{Config, request::Rendered, verdict::Answer};

/// Answers of gateways are a few hundred bytes; what is longer is not an answer.
const ANSWER_BYTES_MAX: u64 = 256 * 1024;
/// Kept connections are dropped before the usual server closes them (nginx after 75 s, Node after 5 s): a request
/// written into a closing connection is a message whose fate is unknown.
const IDLE_MAX: Duration = Duration::from_secs(4);

pub(crate) struct Gateway {
    client: Client,
    method: Method,
    content_type: String,
    basic_auth: Option<(String, String)>,
}

/// What became of one exchange.
pub(crate) enum Exchange {
    Answered(Answer),
    /// No connection: certainly not sent.
    NotConnected(String),
    /// The request may have arrived, and no answer came.
    Lost(String),
    /// The rendered request is not a valid one.
    Invalid(String),
}

impl Gateway {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let method = method(&config.method)
            .ok_or_else(|| Error::config(format!("{:?} is not an HTTP method", config.method)))?;
        let mut builder = Client::builder()
            .user_agent(concat!("Rejoin/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls(config)?)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .timeout(Duration::from_secs(config.timeout_s.into()))
            .connect_timeout(Duration::from_secs(config.connect_timeout_s.into()))
            .pool_max_idle_per_host(config.connections as usize)
            .pool_idle_timeout(IDLE_MAX);
        // Only a proxy of the configuration counts: one from the environment would surprise.
        builder = match &config.proxy {
            None => builder.no_proxy(),
            Some(url) => builder.proxy(
                reqwest::Proxy::all(url)
                    .map_err(|e| Error::config(format!("proxy is not a usable url: {}", plain(e))))?,
            ),
        };
        let client = builder
            .build()
            .map_err(|e| Error::config(format!("the HTTP client could not be made: {}", plain(e))))?;
        let basic_auth = config.basic_auth.as_ref().map(|b| (b.user.clone(), b.password.clone()));
        Ok(Self { client, method, content_type: config.content_type.clone(), basic_auth })
    }

    /// Posts one message.
    pub(crate) fn post(&self, rendered: Rendered) -> Exchange {
        let mut request = self.client.request(self.method.clone(), &rendered.url);
        if !rendered.body.is_empty() {
            request = request.header(header::CONTENT_TYPE, &self.content_type);
        }
        exchange(self.authorized(request, rendered.headers).body(rendered.body))
    }

    /// A look that sends no message.
    pub(crate) fn probe(&self, url: &str, headers: Vec<(String, String)>) -> Exchange {
        exchange(self.authorized(self.client.get(url), headers))
    }

    fn authorized(&self, mut request: RequestBuilder, headers: Vec<(String, String)>) -> RequestBuilder {
        for (name, value) in headers {
            request = request.header(name, value);
        }
        match &self.basic_auth {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        }
    }
}

/// TLS with ring and Mozilla's roots, so that it works on a machine without certificates of its own, and those of `ca`.
fn tls(config: &Config) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = &config.ca {
        let unusable = || Error::config("ca holds no usable PEM certificate").with_hint("write file:PATH");
        let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
        let (added, _) = roots.add_parsable_certificates(certificates.map_err(|_| unusable())?);
        if added == 0 {
            return Err(unusable());
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::config(format!("TLS could not be set up: {e}")))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

pub(crate) fn method(name: &str) -> Option<Method> {
    Method::from_bytes(name.to_ascii_uppercase().as_bytes()).ok()
}

fn exchange(request: RequestBuilder) -> Exchange {
    match request.send() {
        Ok(response) => Exchange::Answered(answer(response)),
        Err(error) if error.is_builder() => {
            Exchange::Invalid(format!("the request cannot be made: {}", plain(error)))
        }
        Err(error) if error.is_connect() => {
            Exchange::NotConnected(format!("no connection to the gateway: {}", plain(error)))
        }
        Err(error) if error.is_timeout() => {
            Exchange::Lost("the gateway did not answer in time after it was given the message".to_owned())
        }
        Err(error) => Exchange::Lost(format!(
            "the connection broke after the gateway was given the message: {}",
            plain(error)
        )),
    }
}

fn answer(response: Response) -> Answer {
    let status = response.status().as_u16();
    let text = |name| {
        let value: Option<&header::HeaderValue> = response.headers().get(name);
        value.and_then(|v| v.to_str().ok()).map(str::to_owned)
    };
    let (retry_after, date) = (text(header::RETRY_AFTER), text(header::DATE));
    let mut bytes = Vec::new();
    let read = response.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut bytes);
    Answer {
        status,
        retry_after,
        date,
        body: String::from_utf8_lossy(&bytes).into_owned(),
        complete: read.is_ok() && bytes.len() as u64 <= ANSWER_BYTES_MAX,
    }
}

/// The innermost cause, without the URL: it may hold a password and the recipient.
fn plain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
