//! Words and numbers a configuration writes as text: durations, rates, languages and the like, each read by one pure
//! function that says what is wrong in half a sentence.

use super::settings::Rate;

/// Longest duration taken: ten years, so that sums of times never overflow.
const DURATION_MS_MAX: i64 = 3_660 * 86_400_000;

/// `90s`, `5m`, `6h`, `3d`, `500ms`, `1h30m` → milliseconds.
pub(super) fn duration_ms(text: &str) -> Result<i64, String> {
    const UNITS: &[(&str, i64)] =
        &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];
    let wrong = || format!("{text:?} is not a duration; write 90s, 5m, 6h, 3d or 1h30m");
    let mut rest = text.trim();
    let mut total: i64 = 0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: i64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = UNITS.iter().find(|(name, _)| *name == &rest[..letters]).ok_or_else(wrong)?.1;
        rest = &rest[letters..];
        total = count.checked_mul(unit).and_then(|ms| total.checked_add(ms)).ok_or_else(wrong)?;
    }
    if total > DURATION_MS_MAX {
        return Err(format!("{text:?} is longer than ten years"));
    }
    Ok(total)
}

/// `30/1m` → at most 30 in any minute.
pub(super) fn rate(text: &str) -> Result<Rate, String> {
    let wrong = || format!("{text:?} is not a rate; write 30/1m: at most 30 in a minute");
    let (count, window) = text.split_once('/').ok_or_else(wrong)?;
    let count: u32 = count.trim().parse().map_err(|_| wrong())?;
    let window = window.trim();
    let window_ms = match window.bytes().next() {
        Some(b) if b.is_ascii_digit() => duration_ms(window)?,
        _ => duration_ms(&format!("1{window}")).map_err(|_| wrong())?,
    };
    if count == 0 || window_ms == 0 {
        return Err(format!("{text:?} lets nothing through; leave the key out for no limit"));
    }
    Ok(Rate { count, window_ms })
}

/// `21:00` → minutes after midnight.
pub(super) fn clock_min(text: &str) -> Result<u16, String> {
    let wrong = || format!("{text:?} is not a time of day; write 21:00");
    let (hour, minute) = text.trim().split_once(':').ok_or_else(wrong)?;
    let number = |t: &str| t.parse::<u16>().ok().filter(|_| matches!(t.len(), 1 | 2));
    match (number(hour), number(minute)) {
        (Some(24), Some(0)) => Ok(24 * 60 - 1),
        (Some(hour @ 0..24), Some(minute @ 0..60)) => Ok(hour * 60 + minute),
        _ => Err(wrong()),
    }
}

pub(super) fn zone(text: &str) -> Result<chrono_tz::Tz, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not an IANA time zone; write Asia/Shanghai or Europe/Prague"))
}

/// Whether the text has the form of a BCP 47 tag: `zh`, `zh-CN`, `zh-Hant-TW`.
pub fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let primary =
        parts.next().is_some_and(|p| matches!(p.len(), 2 | 3) && p.bytes().all(|b| b.is_ascii_alphabetic()));
    primary && parts.all(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}

pub(super) fn language(text: &str) -> Result<String, String> {
    if is_language(text) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is not a language tag; write zh, en or zh-Hant"))
}

/// ISO 3166-1 alpha-2, by form; the phone parser knows which exist.
pub(super) fn region(text: &str) -> Result<String, String> {
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is not a region; write two capital letters, such as CN or DE"))
}

pub(super) fn currency(text: &str) -> Result<String, String> {
    if text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is not a currency; write three capital letters, such as CNY or EUR"))
}

/// A name people type on a command line and that becomes part of a URL or a file.
pub(super) fn name(text: &str) -> Result<String, String> {
    const NAME_BYTES_MAX: usize = 64;
    let good = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    if !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.chars().all(good) && !text.starts_with('-') {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is not a name; use letters, digits, - and _, at most {NAME_BYTES_MAX} bytes"))
}

/// `http://…` or `https://…`, without the trailing slash.
pub(super) fn http_url(text: &str) -> Result<String, String> {
    let wrong = || format!("{text:?} is not a web address; write https://example.com");
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or_else(wrong)?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(wrong());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// The name most like `written`, as a hint.
pub fn did_you_mean<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    /// Below this, a suggestion would mislead.
    const LIKENESS_MIN: f64 = 0.6;
    let lower = written.to_lowercase();
    let likeness = |name: &str| strsim::normalized_damerau_levenshtein(&lower, &name.to_lowercase());
    known
        .into_iter()
        .map(|name| (likeness(name), name))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, ms) in
            [("90s", 90_000), ("5m", 300_000), ("1h30m", 5_400_000), ("3d", 259_200_000), ("500ms", 500)]
        {
            assert_eq!(duration_ms(text), Ok(ms), "{text}");
        }
        for text in ["", "5", "m", "5 m", "5x", "-5m", "1.5h", "99999999999999w", "4000d"] {
            assert!(duration_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates() {
        assert_eq!(rate("30/1m"), Ok(Rate { count: 30, window_ms: 60_000 }));
        assert_eq!(rate("5/s"), Ok(Rate { count: 5, window_ms: 1_000 }));
        for text in ["30", "0/1m", "30/0m", "a/1m", "30/", "30/x"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn words() {
        assert_eq!(clock_min("21:00"), Ok(1260));
        assert!(clock_min("25:00").is_err() && clock_min("9").is_err() && clock_min("9:60").is_err());
        assert!(is_language("zh-Hant-TW") && !is_language("chinese") && !is_language(""));
        assert_eq!(http_url("https://a.example/"), Ok("https://a.example".to_owned()));
        assert!(http_url("a.example").is_err() && http_url("https://").is_err());
        assert!(name("会员-1").is_ok() && name("a b").is_err() && name("").is_err());
        assert_eq!(did_you_mean("nmae", ["name", "zone"]).as_deref(), Some("did you mean `name`?"));
        assert_eq!(did_you_mean("xyz", ["name", "zone"]), None);
    }
}
