//! The plugin as the host sees it: a stored request in, posts out.

use chrono::{DateTime, SecondsFormat};
use rejoin_plugin_api::{Batch, Diagnostic, Error, Host, Plugin, Webhook, WebhookRequest};

use crate::{
    Config, charset,
    config::validate,
    json, multipart,
    post::{Limits, Post, Posts, Refused},
    row::row,
    urlencoded,
};

pub struct Webform {
    config: Config,
}

impl Plugin for Webform {
    const MANIFEST: &'static str = include_str!("../manifest.json");
    type Config = Config;

    fn validate(config: &Config) -> Vec<Diagnostic> {
        validate(config)
    }

    fn open(config: Config, _host: Host) -> Result<Self, Error> {
        Ok(Self { config })
    }

    fn check(&mut self) -> Result<String, Error> {
        Ok("ready for posts; there is nothing to connect to".to_owned())
    }
}

impl Webhook for Webform {
    fn handle(&mut self, request: &WebhookRequest, out: &mut Batch) -> Result<(), Error> {
        let posts = match posts(&self.config, request) {
            Ok(posts) => posts,
            Err(reason) => {
                let raw = if request.body.is_empty() { request.target.as_bytes() } else { &request.body };
                return out.refuse(&format!("request {}", request.id), &reason, raw);
            }
        };
        let alone = posts.len() == 1;
        for (at, post) in posts.into_iter().enumerate() {
            let number = (!alone).then_some(at + 1);
            self.take(post, number, request, out)?;
        }
        Ok(())
    }
}

impl Webform {
    /// One post to a record or to quarantine; `number` counts from 1 in a request of several.
    fn take(
        &self,
        post: Result<Post, Refused>,
        number: Option<usize>,
        request: &WebhookRequest,
        out: &mut Batch,
    ) -> Result<(), Error> {
        let (key, at) = match number {
            None => (format!("post/{}", request.id), format!("request {}", request.id)),
            Some(n) => (format!("post/{}/{n}", request.id), format!("request {}, post {n}", request.id)),
        };
        let submitted_at = DateTime::from_timestamp_millis(request.received_at_ms)
            .map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            .unwrap_or_default();
        let row = post.and_then(|post| {
            row(&self.config, &post, request, &submitted_at)
                .map_err(|reason| Refused { reason, raw: post.raw() })
        });
        match row {
            Ok(row) => out.upsert_in("posts", &key, &row),
            // The whole body where there is one post only, so that not a byte of it is lost.
            Err(Refused { reason, .. }) if number.is_none() && !request.body.is_empty() => {
                out.refuse(&at, &reason, &request.body)
            }
            Err(Refused { reason, raw }) => out.refuse(&at, &reason, raw.as_bytes()),
        }
    }
}

fn posts(config: &Config, request: &WebhookRequest) -> Result<Posts, String> {
    let limits = Limits { fields_max: config.fields_max, field_bytes_max: config.field_bytes_max };
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    if request.body.is_empty() {
        if query.is_empty() {
            return Err("the request has neither a body nor a query string".to_owned());
        }
        return urlencoded::parse(query.as_bytes(), encoding_rs::UTF_8, limits).map(|post| vec![Ok(post)]);
    }
    let content_type = request.header("content-type").unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "multipart/form-data" => {
            multipart::parse(&request.body, content_type, limits).map(|post| vec![Ok(post)])
        }
        "application/x-www-form-urlencoded" => form(request, content_type, limits),
        kind if kind == "application/json" || kind.ends_with("+json") => json::parse(&request.body, limits),
        // Scripts often forget the type, and fetch() of a text calls it text/plain.
        "" | "text/plain" if starts_like_json(&request.body) => json::parse(&request.body, limits),
        "" => form(request, content_type, limits),
        other => Err(format!(
            "forms come as urlencoded, multipart/form-data or JSON, and this is {:?}",
            other.chars().take(60).collect::<String>()
        )),
    }
}

fn form(request: &WebhookRequest, content_type: &str, limits: Limits) -> Result<Posts, String> {
    let encoding = charset::of_content_type(content_type)?;
    urlencoded::parse(&request.body, encoding, limits).map(|post| vec![Ok(post)])
}

fn starts_like_json(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    matches!(body.iter().find(|b| !b.is_ascii_whitespace()), Some(b'{' | b'['))
}
