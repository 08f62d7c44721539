//! `/in/{connector}`: checked, stored, and only then answered.
//!
//! What has to be decided before the answer is decided here, for every connector alike: size, rate per address,
//! signature. What the request means is the plugin's business, later.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use rejoin_model::Timestamp;
use rejoin_store::{Accepted, IntakeRequest};

use crate::{HttpError, Web, page, signature};

/// Addresses remembered before those long quiet are forgotten.
const ADDRESSES_MAX: usize = 10_000;
/// Longest id a caller may give its request.
const ID_MAX: usize = 200;

/// At most `count` requests from one address in any `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub count: u32,
    pub window: Duration,
}

/// The rules of one webhook connector.
pub struct Intake {
    /// Secrets of Standard Webhooks 1.0; any of them may have signed. Empty: signatures are not asked for.
    secrets: Vec<Vec<u8>>,
    /// Where a browser is sent after a post.
    redirect: Option<String>,
    /// Thank-you text by language tag.
    thanks: BTreeMap<String, String>,
    limiter: Option<DefaultKeyedRateLimiter<IpAddr>>,
}

impl Intake {
    pub fn new(
        rate: Option<Rate>,
        secrets: Vec<Vec<u8>>,
        redirect: Option<String>,
        thanks: BTreeMap<String, String>,
    ) -> Self {
        let quota = rate.and_then(|r| {
            let period = r.window.checked_div(r.count)?;
            Some(Quota::with_period(period)?.allow_burst(NonZeroU32::new(r.count)?))
        });
        Self { secrets, redirect, thanks, limiter: quota.map(RateLimiter::keyed) }
    }

    /// Seconds to wait when `address` has been too fast.
    fn too_fast(&self, address: IpAddr) -> Option<u64> {
        let limiter = self.limiter.as_ref()?;
        if limiter.len() > ADDRESSES_MAX {
            limiter.retain_recent();
        }
        let until = limiter.check_key(&address).err()?;
        Some(until.wait_time_from(DefaultClock::default().now()).as_secs().max(1))
    }
}

/// A GET tells a person who tries the address in a browser what it is for.
pub(crate) async fn probe(State(web): State<Web>, Path(connector): Path<String>) -> Response {
    if !web.rules().intakes.contains_key(&connector) {
        return HttpError::unknown_connector(&connector).into_response();
    }
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST, PUT")], "RJ-W405 Send a POST to this address.\n")
        .into_response()
}

pub(crate) async fn take(
    State(web): State<Web>,
    Path(connector): Path<String>,
    ConnectInfo(remote): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Result<Response, HttpError> {
    accept(&web, &connector, remote, request).await
}

pub(crate) async fn take_below(
    State(web): State<Web>,
    Path((connector, _)): Path<(String, String)>,
    ConnectInfo(remote): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Result<Response, HttpError> {
    accept(&web, &connector, remote, request).await
}

async fn accept(
    web: &Web,
    connector: &str,
    remote: SocketAddr,
    request: Request<Body>,
) -> Result<Response, HttpError> {
    let rules = web.rules();
    let Some(intake) = rules.intakes.get(connector) else {
        return Err(HttpError::unknown_connector(connector));
    };
    if let Some(seconds) = intake.too_fast(remote.ip()) {
        return Err(HttpError::too_many(seconds));
    }
    let (parts, body) = request.into_parts();
    let body = whole(&parts.headers, body, rules.body_bytes_max).await?;
    let now = web.now();
    if !intake.secrets.is_empty() {
        signature::verify(&parts.headers, &body, &intake.secrets, now)
            .map_err(|e| HttpError::bad_signature(&e))?;
    }
    let stored = IntakeRequest {
        id: request_id(web, &parts.headers, now),
        connector: connector.to_owned(),
        received_at: now,
        method: method_name(&parts.method),
        target: target_below(&parts.uri, connector),
        headers: kept_headers(&parts.headers),
        remote: remote.ip().to_string(),
        body,
    };
    let id = stored.id.clone();
    match web.store.accept_request(stored).await.map_err(|e| HttpError::unavailable(&e))? {
        Accepted::Stored => web.request_stored(),
        // A replay: the first one is stored, so the caller may have the same answer again.
        Accepted::Duplicate => {}
    }
    Ok(answer(intake, &parts.headers, &rules.language, &rules.site_name, &id))
}

/// The body, read only as far as the limit, so a gigabyte costs no more memory than the limit.
async fn whole(headers: &HeaderMap, body: Body, limit: u64) -> Result<Vec<u8>, HttpError> {
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    if announced.is_some_and(|length: u64| length > limit) {
        return Err(HttpError::too_large(limit));
    }
    let limited = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
    match limited.collect().await {
        Ok(collected) => Ok(collected.to_bytes().to_vec()),
        Err(e) if e.is::<LengthLimitError>() => Err(HttpError::too_large(limit)),
        Err(_) => Err(HttpError::cut_off()),
    }
}

/// The caller's own id, which makes a replay a replay, or a new one.
fn request_id(web: &Web, headers: &HeaderMap, now: Timestamp) -> String {
    ["webhook-id", "idempotency-key"]
        .iter()
        .filter_map(|name| headers.get(*name)?.to_str().ok())
        .find(|id| !id.is_empty() && id.len() <= ID_MAX)
        .map_or_else(|| rejoin_model::id::encode(web.store.next_id(now)), str::to_owned)
}

fn method_name(method: &Method) -> String {
    method.as_str().to_owned()
}

fn target_below(uri: &Uri, connector: &str) -> String {
    let target = uri.path_and_query().map_or("/", |t| t.as_str());
    let below = target.strip_prefix("/in/").and_then(|t| t.strip_prefix(connector));
    below.unwrap_or(target).to_owned()
}

/// Every header but those that carry secrets of the caller's session with somebody else.
fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| {
            !matches!(**name, header::COOKIE | header::AUTHORIZATION | header::PROXY_AUTHORIZATION)
        })
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect()
}

/// A browser is thanked or sent on; a machine gets the id.
fn answer(intake: &Intake, headers: &HeaderMap, language: &str, site: &str, id: &str) -> Response {
    if let Some(to) = &intake.redirect {
        return (StatusCode::SEE_OTHER, [(header::LOCATION, to.clone())]).into_response();
    }
    let accepts = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") {
        let language = page::language(headers, language);
        let text = page::in_language(&intake.thanks, language);
        return page::thanks(language, site, text).into_response();
    }
    ([(header::CONTENT_TYPE, "application/json")], format!("{{\"stored\":{}}}\n", quoted(id))).into_response()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
