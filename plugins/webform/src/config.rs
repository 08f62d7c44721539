//! The plugin's configuration. The README explains every key.

use std::collections::BTreeMap;

use rejoin_plugin_api::Diagnostic;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(default)]
pub struct Config {
    pub(crate) form: Option<String>,
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) pass_through: bool,
    pub(crate) required: Vec<String>,
    pub(crate) honeypot: Option<String>,
    pub(crate) consents: Vec<Consent>,
    pub(crate) fields_max: usize,
    pub(crate) field_bytes_max: usize,
}

/// A field with which people give or refuse permission.
#[derive(Debug, Deserialize)]
pub(crate) struct Consent {
    pub(crate) field: String,
    pub(crate) channel: String,
    pub(crate) topic: String,
    /// The words shown beside the field.
    pub(crate) text: Option<String>,
    /// The posted field that holds them.
    pub(crate) text_field: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            form: None,
            fields: BTreeMap::new(),
            pass_through: true,
            required: Vec::new(),
            honeypot: None,
            consents: Vec::new(),
            fields_max: 200,
            field_bytes_max: 65_536,
        }
    }
}

pub(crate) fn validate(config: &Config) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut add = |pointer: String, message: &str, hint: &str| {
        found.push(Diagnostic { pointer, message: message.to_owned(), hint: Some(hint.to_owned()) });
    };
    for (at, consent) in config.consents.iter().enumerate() {
        if consent.text.is_some() == consent.text_field.is_some() {
            add(
                format!("/consents/{at}"),
                "needs one of text and text_field: consent without the words that were shown proves nothing",
                "write the words beside the field as text",
            );
        }
    }
    let names: Vec<_> = config.fields.values().collect();
    for (at, (field, name)) in config.fields.iter().enumerate() {
        if names[..at].contains(&name) {
            add(
                format!("/fields/{}", field.replace('~', "~0").replace('/', "~1")),
                "gives two fields one name, and only one of them could be kept",
                "choose another name",
            );
        }
    }
    if let Some(trap) = &config.honeypot
        && (config.required.contains(trap) || config.consents.iter().any(|c| c.field == *trap))
    {
        add(
            "/honeypot".to_owned(),
            "is also required or a consent, so every honest post would be refused",
            "name the field that people cannot see",
        );
    }
    found
}
