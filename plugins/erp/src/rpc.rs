//! A session with Tryton: logs in, calls, logs in once more when the session has expired, and says of every failure
//! what it means. Knows no model. Retries nothing else: that is the host's part.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::DateTime;
use rejoin_plugin_api::{Error, ErrorClass};
use reqwest::blocking::{Client as Http, Response};
use reqwest::{StatusCode, header, redirect};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::config::Settings;
use crate::wire::Stamp;

/// A page of 1,000 sales with 50 lines each is under 20 MB.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct Client {
    http: Http,
    url: String,
    user: String,
    password: String,
    session: Option<Session>,
    asked_at: Stamp,
}

struct Session {
    authorization: String,
    /// The user's preferences, which Tryton's own clients send as the context: company and language among them.
    context: Value,
}

#[derive(Deserialize)]
struct Reply<T> {
    result: Option<T>,
    error: Option<Vec<Value>>,
}

/// Why a call failed.
enum Refusal {
    /// The session is not, or no longer, valid.
    LoggedOut,
    Other(Error),
}

impl Client {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        let http = Http::builder()
            .user_agent(concat!("Rejoin/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls(settings.ca.as_deref())?)
            .redirect(redirect::Policy::none())
            .timeout(settings.timeout)
            .connect_timeout(settings.timeout.min(CONNECT_TIMEOUT))
            // Only what is configured counts: a proxy from the environment would surprise.
            .no_proxy()
            .build()
            .map_err(|e| Error::config(format!("no HTTP client can be made: {}", cause(&e))))?;
        Ok(Self {
            http,
            url: settings.url.clone(),
            user: settings.user.clone(),
            password: settings.password.clone(),
            session: None,
            asked_at: Stamp(0),
        })
    }

    /// Calls a model's method; the context is added. Logs in when there is no session.
    pub(crate) fn call<T: DeserializeOwned>(&mut self, method: &str, params: &[Value]) -> Result<T, Error> {
        let fresh = self.session.is_none();
        self.log_in()?;
        match self.call_once(method, params) {
            Err(Refusal::LoggedOut) if !fresh => {
                self.session = None;
                self.log_in()?;
                self.call_once(method, params)
            }
            other => other,
        }
        .map_err(|refusal| match refusal {
            Refusal::LoggedOut => {
                self.session = None;
                self.refused()
            }
            Refusal::Other(e) => e,
        })
    }

    /// When, by the ERP's clock, the last call was made. What it did not give then was not committed then.
    pub(crate) fn asked_at(&self) -> Stamp {
        self.asked_at
    }

    pub(crate) fn log_in(&mut self) -> Result<(), Error> {
        if self.session.is_some() {
            return Ok(());
        }
        let login = [json!(self.user), json!({ "password": self.password })];
        let (user_id, token): (i64, String) = self
            .post::<Vec<Value>>("common.db.login", &login, None)
            .and_then(|answer| match answer.as_slice() {
                [Value::Number(id), Value::String(token), ..] => {
                    Ok((id.as_i64().unwrap_or_default(), token.clone()))
                }
                _ => Err(Refusal::Other(self.not_tryton("its login gives no session"))),
            })
            .map_err(|refusal| match refusal {
                Refusal::LoggedOut => self.refused(),
                Refusal::Other(e) => e,
            })?;
        let authorization =
            format!("Session {}", STANDARD.encode(format!("{}:{user_id}:{token}", self.user)));
        self.session = Some(Session { authorization, context: json!({}) });
        let preferences = self.call_once::<Value>("model.res.user.get_preferences", &[json!(true)]);
        let mut context = match preferences {
            Ok(context) => context,
            Err(refusal) => {
                self.session = None;
                return Err(match refusal {
                    Refusal::LoggedOut => self.refused(),
                    Refusal::Other(e) => e,
                });
            }
        };
        // Records that are switched off are wanted too: that they are is what changed.
        if let Some(context) = context.as_object_mut() {
            context.insert("active_test".into(), json!(false));
        }
        if let Some(session) = &mut self.session {
            session.context = context;
        }
        Ok(())
    }

    fn call_once<T: DeserializeOwned>(&mut self, method: &str, params: &[Value]) -> Result<T, Refusal> {
        let Some(session) = &self.session else { return Err(Refusal::LoggedOut) };
        let authorization = session.authorization.clone();
        let mut params = params.to_vec();
        params.push(session.context.clone());
        self.post(method, &params, Some(&authorization))
    }

    fn post<T: DeserializeOwned>(
        &mut self,
        method: &str,
        params: &[Value],
        authorization: Option<&str>,
    ) -> Result<T, Refusal> {
        let begun = Instant::now();
        let mut request = self
            .http
            .post(format!("{}/rpc/", self.url))
            .json(&json!({ "id": 0, "method": method, "params": params }));
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let response = request.send().map_err(|e| Refusal::Other(self.silent(&cause(&e))))?;
        self.asked_at = dated(&response).before(begun.elapsed());
        self.judge_status(&response)?;
        let mut body = Vec::new();
        let got = response.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut body);
        got.map_err(|e| Refusal::Other(self.silent(&cause(&e))))?;
        if body.len() as u64 > ANSWER_BYTES_MAX {
            let message = format!("the ERP at {} answers more than {ANSWER_BYTES_MAX} bytes", self.url);
            return Err(Refusal::Other(Error::permanent(message).with_hint("make `page` smaller")));
        }
        let reply: Reply<T> = serde_json::from_slice(&body).map_err(|e| {
            Refusal::Other(self.not_tryton(&format!("its answer to {method} is another: {e}")))
        })?;
        match reply {
            Reply { error: Some(error), .. } => Err(self.judge_error(method, &error)),
            Reply { result: Some(result), .. } => Ok(result),
            Reply { .. } => Err(Refusal::Other(self.not_tryton(&format!("its answer to {method} is empty")))),
        }
    }

    fn judge_status(&self, response: &Response) -> Result<(), Refusal> {
        let (status, url) = (response.status(), &self.url);
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let error = match status {
            _ if status.is_success() => return Ok(()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(Refusal::LoggedOut),
            StatusCode::NOT_FOUND => Error::config(format!("the ERP at {url} has no such database"))
                .with_hint("the last part of `url` is the name of the database"),
            StatusCode::TOO_MANY_REQUESTS => {
                let seconds = header(header::RETRY_AFTER).and_then(|s| s.parse::<u32>().ok()).unwrap_or(60);
                Error::new(ErrorClass::RateLimited, format!("the ERP at {url} asks for fewer requests"))
                    .with_retry_after(seconds.saturating_mul(1000))
            }
            _ if status.is_redirection() => {
                let to = header(header::LOCATION).unwrap_or("another address");
                Error::config(format!("the ERP at {url} has moved to {to}")).with_hint("put that into `url`")
            }
            _ if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
                Error::transient(format!("the ERP at {url} answers {status}"))
            }
            _ => Error::permanent(format!("the ERP at {url} answers {status}")),
        };
        Err(Refusal::Other(error))
    }

    /// An error inside an answer: its name or text first, then more of it.
    fn judge_error(&self, method: &str, error: &[Value]) -> Refusal {
        let first = error.first().and_then(Value::as_str).unwrap_or("an error without a name");
        let said = match error.get(1) {
            Some(Value::Array(more)) => more.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(": "),
            // A stack trace, when the server is set to send them: not for a person's eyes.
            _ => String::new(),
        };
        let url = &self.url;
        let unknown = first.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        Refusal::Other(match first {
            "NotLogged" | "not logged" => return Refusal::LoggedOut,
            "LoginException" => Error::auth(format!("the ERP at {url} wants more than a password: {said}"))
                .with_hint("use a user who logs in with a password alone"),
            "ConcurrencyException" | "TimeOutException" => {
                Error::transient(format!("the ERP at {url} could not finish {method}: {said}"))
            }
            "RateLimitException" => {
                Error::new(ErrorClass::RateLimited, format!("the ERP at {url} asks for fewer requests"))
            }
            "UserError" | "UserWarning" => {
                Error::permanent(format!("the ERP at {url} refuses {method}: {said}"))
                    .with_hint("see whether the user may read parties and sales")
            }
            _ => match unknown {
                Some(name) => {
                    Error::permanent(format!("the ERP at {url} knows no {name:?}, which {method} needs"))
                        .with_hint("see whether the modules party and sale are activated in this database")
                }
                None => Error::transient(format!("the ERP at {url} failed in {method}: {first}")),
            },
        })
    }

    fn silent(&self, cause: &str) -> Error {
        Error::transient(format!("the ERP at {} does not answer: {cause}", self.url))
            .with_hint("see whether it runs and can be reached from here")
    }

    fn refused(&self) -> Error {
        let (url, user) = (&self.url, &self.user);
        Error::auth(format!("the ERP at {url} refuses user {user:?} or the password"))
            .with_hint("log in with them in Tryton's own client")
    }

    /// Transient, because a proxy's page during maintenance is the likeliest reason.
    fn not_tryton(&self, why: &str) -> Error {
        Error::transient(format!("what answers at {} is not Tryton: {why}", self.url))
            .with_hint("see whether `url` is right")
    }
}

/// The server's clock, or, when it does not tell it, ours.
#[allow(
    clippy::disallowed_methods,
    reason = "a plugin is told no time, and an answer without a date has to have one"
)]
fn dated(response: &Response) -> Stamp {
    let said = response.headers().get(header::DATE).and_then(|date| date.to_str().ok());
    match said.and_then(|date| DateTime::parse_from_rfc2822(date).ok()) {
        Some(date) => Stamp(date.timestamp_micros()),
        None => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            Stamp(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
        }
    }
}

fn tls(ca: Option<&str>) -> Result<rustls::ClientConfig, Error> {
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca {
        let bad = |e: &dyn std::fmt::Display| Error::config(format!("{path} cannot be used as `ca`: {e}"));
        for certificate in CertificateDer::pem_file_iter(path).map_err(|e| bad(&e))? {
            roots.add(certificate.map_err(|e| bad(&e))?).map_err(|e| bad(&e))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::config(format!("TLS cannot be set up: {e}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The innermost reason: the outer ones say "error sending request" and the address again.
fn cause(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
