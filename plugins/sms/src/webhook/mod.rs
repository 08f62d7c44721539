//! What the gateway pushes: delivery receipts and people's replies.
//!
//! Anything the mapping does not recognise goes to quarantine whole, so that a corrected mapping can replay it.

mod items;
mod number;
mod opt_out;
mod receipt;
mod reply;
mod times;

use rejoin_plugin_api::{Batch, Error, WebhookRequest};

use self::items::Item;
use crate::Config;

/// A piece of a request that one rule may or may not understand.
enum Taken {
    Yes,
    /// Not of this rule's kind.
    NotMine,
    Refused(String),
}

pub(crate) fn handle(config: &Config, request: &WebhookRequest, out: &mut Batch) -> Result<(), Error> {
    let whole = |reason: &str, out: &mut Batch| {
        let body = if request.body.is_empty() { request.target.as_bytes() } else { &request.body };
        out.refuse(&format!("request {}", request.id), reason, body)
    };
    if config.receipts.is_none() && config.replies.is_none() {
        return whole("this connector has neither receipts nor replies configured", out);
    }
    let content = match items::read(request) {
        Ok(content) => content,
        Err(reason) => return whole(&reason, out),
    };
    let rules = rules(config, request);
    if rules.is_empty() {
        return whole("no path of receipts or replies fits this request", out);
    }
    let mut seen = 0;
    for list in lists(&rules) {
        for item in content.items(list) {
            seen += 1;
            take(&item, list, &rules, request, out)?;
        }
    }
    if seen == 0 { whole("nothing stands where the mapping looks (list)", out) } else { Ok(()) }
}

enum Rule<'c> {
    Receipts(&'c crate::config::Receipts, Option<&'c str>),
    Replies(&'c crate::config::Replies, Option<&'c str>),
}

impl<'c> Rule<'c> {
    fn list(&self) -> Option<&'c str> {
        match self {
            Self::Receipts(rule, _) => rule.list.as_deref(),
            Self::Replies(rule, _) => rule.list.as_deref(),
        }
    }

    fn take(&self, item: &Item<'_>, request: &WebhookRequest, out: &mut Batch) -> Result<Taken, Error> {
        match self {
            Self::Receipts(rule, country_code) => receipt::take(rule, *country_code, item, request, out),
            Self::Replies(rule, country_code) => reply::take(rule, *country_code, item, request, out),
        }
    }
}

/// The rules whose path is the request's; receipts first, because a reply's fields are the more common ones.
fn rules<'c>(config: &'c Config, request: &WebhookRequest) -> Vec<Rule<'c>> {
    let path = request.target.split('?').next().unwrap_or_default().trim_matches('/');
    let here = |wanted: &Option<String>| wanted.as_deref().is_none_or(|w| w.trim_matches('/') == path);
    let country_code = config.country_code.as_deref();
    let receipts =
        config.receipts.as_ref().filter(|r| here(&r.path)).map(|r| Rule::Receipts(r, country_code));
    let replies = config.replies.as_ref().filter(|r| here(&r.path)).map(|r| Rule::Replies(r, country_code));
    receipts.into_iter().chain(replies).collect()
}

/// Every list the rules look in, once.
fn lists<'c>(rules: &[Rule<'c>]) -> Vec<Option<&'c str>> {
    let mut lists: Vec<_> = rules.iter().map(Rule::list).collect();
    lists.dedup();
    lists
}

fn take(
    item: &Item<'_>,
    list: Option<&str>,
    rules: &[Rule<'_>],
    request: &WebhookRequest,
    out: &mut Batch,
) -> Result<(), Error> {
    let mut reason = "it has the fields of neither a receipt nor a reply".to_owned();
    for rule in rules.iter().filter(|rule| rule.list() == list) {
        match rule.take(item, request, out)? {
            Taken::Yes => return Ok(()),
            Taken::NotMine => {}
            Taken::Refused(why) => {
                reason = why;
                break;
            }
        }
    }
    out.refuse(&format!("request {}, item {}", request.id, item.number), &reason, item.raw().as_bytes())
}
