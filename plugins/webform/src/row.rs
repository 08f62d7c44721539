//! A post checked and turned into the record the mapping reads.

use rejoin_plugin_api::WebhookRequest;
use serde_json::{Map, Value, json};

use crate::{Config, consent, post::Post};

/// The record, or the reason why the post goes to quarantine.
pub(crate) fn row(
    config: &Config,
    post: &Post,
    request: &WebhookRequest,
    submitted_at: &str,
) -> Result<Map<String, Value>, String> {
    if let Some(trap) = &config.honeypot
        && post.text(trap).is_some()
    {
        return Err(format!("honeypot: the field {trap:?}, which people cannot see, is filled"));
    }
    let missing: Vec<_> = config.required.iter().filter(|name| is_blank(post, name)).collect();
    if !missing.is_empty() {
        let names = missing.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(format!("required fields are missing or blank: {names}"));
    }
    if post.fields.is_empty() {
        return Err("the form has no fields".to_owned());
    }
    let consents = consent::read(&config.consents, post, submitted_at)?;
    // A list cannot be mapped by place, because fields left blank are not in it.
    let consent_of: Map<_, _> = consents.iter().map(|given| (given.field.clone(), json!(given))).collect();
    let ours = json!({
        "form": form_name(config, request),
        "request_id": request.id,
        "remote": request.remote,
        "user_agent": request.header("user-agent").unwrap_or_default(),
        "submitted_at": submitted_at,
        "consents": consents,
        "consent_of": consent_of,
        "files": post.files,
    });
    let Value::Object(mut row) = ours else { return Ok(Map::new()) };
    for (field, value) in &post.fields {
        if let Some(name) = name_of(config, field) {
            insert(&mut row, name, value.clone());
        }
    }
    Ok(row)
}

/// A list or an object counts as filled.
fn is_blank(post: &Post, name: &str) -> bool {
    let nested = matches!(post.fields.get(name), Some(Value::Object(o)) if !o.is_empty())
        || matches!(post.fields.get(name), Some(Value::Array(a)) if a.iter().any(Value::is_object));
    !nested && post.text(name).is_none()
}

/// The field's name in the record; `None` when it is not wanted.
fn name_of<'a>(config: &'a Config, field: &'a str) -> Option<&'a str> {
    if config.honeypot.as_deref() == Some(field) {
        return None;
    }
    match config.fields.get(field) {
        Some(name) => Some(name),
        None => config.pass_through.then_some(field),
    }
}

/// Nobody can post a `request_id` or a `consents` of his own: a name that is taken gets `posted_` in front.
fn insert(row: &mut Map<String, Value>, name: &str, value: Value) {
    let mut name = name.to_owned();
    while row.contains_key(&name) {
        name.insert_str(0, "posted_");
    }
    row.insert(name, value);
}

/// The configured name, else the last piece of the path below `/in/CONNECTOR`.
fn form_name(config: &Config, request: &WebhookRequest) -> String {
    let path = request.target.split('?').next().unwrap_or_default().trim_matches('/');
    let piece = || path.rsplit('/').next().unwrap_or_default().to_owned();
    config.form.clone().unwrap_or_else(piece)
}
