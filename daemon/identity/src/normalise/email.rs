//! E-mail addresses: one to write to, and one to compare by.
//!
//! It refuses what no mail server would take, and asks no server. It drops dots and tags only where the provider is
//! known to ignore them, because elsewhere `a.b@` and `ab@` may be two people.

use super::text::squeeze;

/// An address in its two forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// Lower case, otherwise as its owner writes it.
    pub address: String,
    /// Equal for addresses that reach one mailbox.
    pub key: String,
}

/// RFC 5321, 4.5.3.1.
const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 255;

/// Providers that deliver `name+anything@` to `name@`, and whether they also ignore dots.
const TAGS_IGNORED: &[(&str, bool)] = &[
    ("gmail.com", true),
    ("googlemail.com", true),
    ("fastmail.com", false),
    ("hotmail.com", false),
    ("icloud.com", false),
    ("live.com", false),
    ("me.com", false),
    ("outlook.com", false),
    ("pm.me", false),
    ("proton.me", false),
    ("protonmail.com", false),
];

/// Reads one address: bare, `mailto:`, or `Name <address>`.
pub fn email(raw: &str) -> Option<Email> {
    let bare = match (raw.find('<'), raw.rfind('>')) {
        (Some(open), Some(close)) if open < close => &raw[open + 1..close],
        _ => raw,
    };
    let mut address = squeeze(bare);
    if address.contains('。') {
        address = address.replace('。', ".");
    }
    let address = address.strip_prefix("mailto:").unwrap_or(&address).trim_end_matches('.');
    let (local, domain) = address.rsplit_once('@')?;
    if !is_local(local) || !is_domain(domain) {
        return None;
    }
    Some(Email { address: address.to_owned(), key: key(local, domain) })
}

fn key(local: &str, domain: &str) -> String {
    let domain = if domain == "googlemail.com" { "gmail.com" } else { domain };
    let Some((_, dots_ignored)) = TAGS_IGNORED.iter().find(|(name, _)| *name == domain) else {
        return format!("{local}@{domain}");
    };
    let mailbox = local.split_once('+').map_or(local, |(mailbox, _)| mailbox);
    match mailbox {
        "" => format!("{local}@{domain}"),
        _ if *dots_ignored => format!("{}@{domain}", mailbox.replace('.', "")),
        _ => format!("{mailbox}@{domain}"),
    }
}

fn is_local(local: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "@<>()[]\\,;:\"".contains(c);
    (1..=LOCAL_BYTES_MAX).contains(&local.len())
        && !local.contains(odd)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
}

fn is_domain(domain: &str) -> bool {
    let label = |l: &str| {
        !l.is_empty()
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.chars().all(|c| c.is_alphanumeric() || c == '-' || (!c.is_ascii() && !c.is_whitespace()))
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    domain.len() <= DOMAIN_BYTES_MAX
        && domain.contains('.')
        && domain.split('.').all(label)
        && last.chars().count() >= 2
        && !last.bytes().all(|b| b.is_ascii_digit())
}
