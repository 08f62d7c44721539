//! The sections about the daemon itself: `[site]`, `[store]`, `[http]`, `[plugins]`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::keys;
use super::reader::{Context, Section, bad_value};
use super::settings::{Http, Site};
use super::tree::Table;
use super::values;

const BODY_BYTES_MIN: i64 = 1024;
const BODY_BYTES_MAX: i64 = 1 << 30;
const BODY_BYTES_DEFAULT: i64 = 1 << 20;
const STORE_DEFAULT: &str = "sqlite:rejoin.db";

/// Opens a top-level section; an absent one reads like an empty one.
fn open<'a>(top: &Section<'a>, key: &'static str, label: &'static str) -> Option<Section<'a>> {
    let (table, place) = top.section(key)?;
    Some(Section::open(top.cx, table, place, label, &keys::names(key)))
}

pub(super) fn site(top: &Section<'_>) -> Site {
    let section = open(top, "site", "[site]");
    let section = section.as_ref();
    let text = |key: &str| section.and_then(|s| s.text(key)).map(str::to_owned);
    Site {
        name: text("name").unwrap_or_default(),
        language: section
            .and_then(|s| s.parsed("language", values::language))
            .unwrap_or_else(|| "en".to_owned()),
        zone: section.and_then(|s| s.parsed("zone", values::zone)).unwrap_or(chrono_tz::UTC),
        region: section.and_then(|s| s.parsed("region", values::region)).unwrap_or_else(|| "CN".to_owned()),
        currency: section
            .and_then(|s| s.parsed("currency", values::currency))
            .unwrap_or_else(|| "CNY".to_owned()),
        postal_address: text("postal_address").unwrap_or_default(),
        sms_signature: section.and_then(|s| s.parsed("sms_signature", sms_signature)),
        values: section.map_or_else(BTreeMap::new, |s| {
            s.text_map("values")
                .into_iter()
                .map(|(entry, text)| (entry.key.clone(), text.to_owned()))
                .collect()
        }),
    }
}

/// Carriers register signatures of 2 to 16 characters and put the brackets themselves.
fn sms_signature(text: &str) -> Result<String, String> {
    let bare = text.trim().trim_start_matches('【').trim_end_matches('】');
    if (2..=16).contains(&bare.chars().count()) && !bare.contains(['【', '】']) {
        return Ok(bare.to_owned());
    }
    Err(format!("{text:?} is not an SMS signature; write 2 to 16 characters, without 【】"))
}

pub(super) fn store_url(top: &Section<'_>) -> String {
    let url = |text: &str| match text {
        _ if text.starts_with("postgres://") || text.starts_with("postgresql://") => Ok(text.to_owned()),
        _ if text.strip_prefix("sqlite:").is_some_and(|path| !path.is_empty()) => Ok(text.to_owned()),
        _ => Err("it must begin with sqlite: or postgres://".to_owned()),
    };
    open(top, "store", "[store]")
        .and_then(|s| s.parsed("url", url))
        .unwrap_or_else(|| STORE_DEFAULT.to_owned())
}

pub(super) fn http(top: &Section<'_>) -> Http {
    let section = open(top, "http", "[http]");
    let section = section.as_ref();
    let address = |text: &str| -> Result<SocketAddr, String> {
        text.parse()
            .map_err(|_| format!("{text:?} is not an address and port; write 127.0.0.1:8600 or [::1]:8600"))
    };
    let listen = section
        .and_then(|s| s.parsed("listen", address))
        .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8600)));
    let body_bytes_max = section
        .and_then(|s| s.integer("body_bytes_max", BODY_BYTES_MIN, BODY_BYTES_MAX))
        .unwrap_or(BODY_BYTES_DEFAULT);
    let public_url = section
        .and_then(|s| s.parsed("public_url", values::http_url))
        .unwrap_or_else(|| format!("http://{listen}"));
    Http { listen, public_url, body_bytes_max: body_bytes_max.unsigned_abs() }
}

pub(super) fn plugin_dirs(top: &Section<'_>, base: &Path) -> Vec<PathBuf> {
    let listed = open(top, "plugins", "[plugins]").and_then(|s| s.texts("path")).unwrap_or_default();
    listed.into_iter().map(|(text, _)| base.join(text)).collect()
}

/// The `include` list, with the node of each pattern.
pub(super) fn includes(cx: &Context<'_>, table: &Table, base: &Path, found: &mut Vec<PathBuf>) {
    let Some(entry) = table.get("include") else { return };
    let place = &entry.node.place;
    let section = Section { cx, table, place, label: "the main file" };
    for (pattern, node) in section.texts("include").unwrap_or_default() {
        match super::include::files(base, pattern) {
            Ok(files) => files.into_iter().for_each(|file| {
                if !found.contains(&file) {
                    found.push(file);
                }
            }),
            Err(why) => bad_value(cx, node, "include", why, None),
        }
    }
}
