//! Telephone numbers as gateways write them. Only what is certain is changed; the mapping does the rest.

use super::opt_out::half_width;
use crate::config::Numbers;

/// The number with `+` in front where that is certain; as it came otherwise.
pub(super) fn number(text: &str, form: Numbers, country_code: Option<&str>) -> String {
    let bare: String = text
        .chars()
        .map(half_width)
        .filter(|c| !c.is_whitespace() && !"-().\u{200e}\u{202a}\u{202c}".contains(*c))
        .collect();
    if bare.starts_with('+') || bare.is_empty() || !bare.bytes().all(|b| b.is_ascii_digit()) {
        return bare;
    }
    if let Some(international) = bare.strip_prefix("00") {
        return format!("+{international}");
    }
    match (form, country_code) {
        (Numbers::International, _) => format!("+{bare}"),
        (Numbers::National, Some(code)) => format!("+{code}{}", bare.strip_prefix('0').unwrap_or(&bare)),
        (Numbers::National, None) | (Numbers::E164, _) => bare,
    }
}
