//! Consent with its proof: which permission, given or refused, the words that were shown, when.
//!
//! An unticked box is posted as nothing at all, and says nothing: it neither gives permission nor takes back one
//! given earlier. A value that is neither yes nor no is refused rather than guessed at.

use serde::Serialize;

use crate::{config::Consent, post::Post};

const YES: [&str; 12] = ["on", "yes", "y", "true", "t", "1", "checked", "agree", "是", "同意", "好", "愿意"];
const NO: [&str; 11] =
    ["off", "no", "n", "false", "f", "0", "unchecked", "disagree", "否", "不同意", "不愿意"];

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Given {
    pub(crate) field: String,
    channel: String,
    topic: String,
    granted: bool,
    text: String,
    at: String,
}

pub(crate) fn read(consents: &[Consent], post: &Post, at: &str) -> Result<Vec<Given>, String> {
    consents.iter().filter_map(|consent| one(consent, post, at).transpose()).collect()
}

fn one(consent: &Consent, post: &Post, at: &str) -> Result<Option<Given>, String> {
    let Some(value) = post.text(&consent.field) else { return Ok(None) };
    let value = value.to_lowercase();
    let granted = match (YES.contains(&value.as_str()), NO.contains(&value.as_str())) {
        (true, _) => true,
        (_, true) => false,
        _ => return Err(format!("the consent field {:?} holds neither yes nor no", consent.field)),
    };
    let shown = match (&consent.text, &consent.text_field) {
        (Some(text), _) => Some(text.clone()),
        (None, Some(field)) => post.text(field),
        (None, None) => None,
    };
    let text = shown.ok_or_else(|| {
        format!("the consent field {:?} came without the words that were shown with it", consent.field)
    })?;
    Ok(Some(Given {
        field: consent.field.clone(),
        channel: consent.channel.clone(),
        topic: consent.topic.clone(),
        granted,
        text,
        at: at.to_owned(),
    }))
}
