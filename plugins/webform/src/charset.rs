//! Bytes to text in the encoding the form declares, strictly: a byte that does not fit is an error, never a `�`.

use encoding_rs::{Encoding, UTF_8};

/// The encoding of a `charset=` parameter; UTF-8 when there is none.
pub(crate) fn of_content_type(content_type: &str) -> Result<&'static Encoding, String> {
    match parameter(content_type, "charset") {
        None => Ok(UTF_8),
        Some(label) => named(&label),
    }
}

/// The encoding of that name, by the labels browsers know.
pub(crate) fn named(label: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(label.trim().as_bytes())
        .ok_or_else(|| format!("the declared charset {:?} is not known", shown(label)))
}

pub(crate) fn decode(bytes: &[u8], encoding: &'static Encoding, what: &str) -> Result<String, String> {
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(std::borrow::Cow::into_owned)
        .ok_or_else(|| format!("{what} is not {}", encoding.name()))
}

/// A parameter of a header such as `text/html; charset="utf-8"`.
fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn shown(label: &str) -> String {
    label.chars().take(40).collect()
}
