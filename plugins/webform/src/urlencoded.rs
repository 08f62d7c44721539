//! `application/x-www-form-urlencoded`, and query strings.

use encoding_rs::Encoding;

use crate::{
    charset::{decode, named},
    post::{Limits, Post},
};

/// The field with which a browser says what encoding a form was posted in (HTML, "naming form controls").
pub(crate) const CHARSET_FIELD: &str = "_charset_";

/// `encoding` is the header's; a `_charset_` field in the form outranks it, because the browser wrote that one.
pub(crate) fn parse(body: &[u8], encoding: &'static Encoding, limits: Limits) -> Result<Post, String> {
    let mut pairs = Vec::new();
    for pair in body.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
        if pairs.len() == limits.fields_max {
            return Err(format!("the form has more than {} fields (fields_max)", limits.fields_max));
        }
        let mut halves = pair.splitn(2, |b| *b == b'=');
        let name = unescape(halves.next().unwrap_or_default())?;
        pairs.push((name, unescape(halves.next().unwrap_or_default())?));
    }
    let declared = pairs.iter().find(|(name, value)| name == CHARSET_FIELD.as_bytes() && !value.is_empty());
    let encoding = match declared {
        Some((_, label)) => named(&String::from_utf8_lossy(label))?,
        None => encoding,
    };
    let mut post = Post::default();
    for (name, value) in &pairs {
        if name == CHARSET_FIELD.as_bytes() {
            continue;
        }
        let name = decode(name, encoding, "a field's name")?;
        let value = decode(value, encoding, &format!("the field {name:?}"))?;
        // HTML posts line ends as CR LF.
        post.add(name, value.replace("\r\n", "\n"), limits)?;
    }
    Ok(post)
}

/// Strict: a `%` without two hex digits is refused; browsers never write one.
fn unescape(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => {
                hex(rest.next(), rest.next()).ok_or("a % in the form is not followed by two hex digits")?
            }
            other => other,
        });
    }
    Ok(plain)
}

fn hex(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(high?)? * 16 + digit(low?)?).ok()
}
