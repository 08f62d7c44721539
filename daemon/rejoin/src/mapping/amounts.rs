//! Amounts as people and machines write them, to hundredths, exactly: no floating point comes near money.

/// The widest amount taken: far beyond any order, far below overflow.
const DIGITS_MAX: usize = 15;

/// `¥1,234.50`, `1.234,50 €`, `12`, `(3.20)`, `１２．５０元`, `1e3` → hundredths.
///
/// One comma followed by exactly three digits separates thousands, any other single comma is a decimal comma; a single
/// point is always decimal. More than two decimals are taken only when the rest are zeros: rounding money is for the
/// person who writes the map.
pub fn parse_cents(text: &str) -> Result<i64, &'static str> {
    let (negative, digits, exponent) = strip(text)?;
    let (whole, fraction) = split_decimals(&digits)?;
    let (whole, fraction) = shift(whole, fraction, exponent)?;
    let cents = cents(&whole, &fraction)?;
    Ok(if negative { -cents } else { cents })
}

/// The sign, the digits with their separators, and the exponent of a machine's `1.5E+2`.
fn strip(text: &str) -> Result<(bool, String, i32), &'static str> {
    let text: String = text.chars().map(narrow).filter(|c| !c.is_whitespace()).collect();
    let (mut negative, text) = match text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        Some(inner) => (true, inner.to_owned()),
        None => (false, text),
    };
    let first =
        text.find(|c: char| c.is_ascii_digit() || c == '.' || c == ',').ok_or("there is no digit in it")?;
    let last = text.rfind(|c: char| c.is_ascii_digit()).ok_or("there is no digit in it")?;
    let (before, rest) = text.split_at(first);
    let (number, after) = rest.split_at(last + 1 - first.min(last + 1));
    for mark in [before, after] {
        let mark = mark.trim_end_matches('.');
        let (minus, mark) = (mark.matches('-').count(), mark.replace(['-', '+'], ""));
        negative ^= minus == 1;
        if minus > 1 || !is_currency(&mark) {
            return Err("there is something in it that is neither a digit nor a currency");
        }
    }
    match number.split_once(['e', 'E']) {
        Some((digits, exponent)) => {
            let exponent = exponent.parse().map_err(|_| "its exponent is not a number")?;
            Ok((negative, digits.to_owned(), exponent))
        }
        None => Ok((negative, number.to_owned(), 0)),
    }
}

/// Full-width digits and signs are what a Chinese input method types.
fn narrow(c: char) -> char {
    match c {
        '０'..='９' | '．' | '，' | '－' | '＋' | '（' | '）' => {
            char::from_u32(c as u32 - 0xFEE0).unwrap_or(c)
        }
        '￥' => '¥',
        '−' => '-',
        '\u{a0}' | '\u{202f}' | '\u{2009}' => ' ',
        _ => c,
    }
}

fn is_currency(mark: &str) -> bool {
    let letters = matches!(mark.len(), 0 | 3) && mark.chars().all(|c| c.is_ascii_alphabetic());
    let known =
        ["元", "圆", "块", "人民币", "人民币元", "US$", "HK$", "NT$", "A$", "C$", "Kč", "kr", "zł", "Ft"];
    let sign = mark.chars().count() == 1 && mark.chars().all(|c| "¥$€£₩₹₽₫₺₴฿".contains(c));
    letters || sign || known.contains(&mark)
}

fn split_decimals(number: &str) -> Result<(String, String), &'static str> {
    let number = number.replace(['\'', '’', '_'], "");
    let (points, commas) = (number.matches('.').count(), number.matches(',').count());
    let decimal = match (points, commas) {
        (0, 0) => None,
        (_, 0) if points == 1 => number.find('.'),
        (0, 1) if !is_thousands(&number, ',') => number.find(','),
        (_, 0) | (0, _) => None,
        _ => number.rfind(['.', ',']),
    };
    let (whole, fraction) = match decimal {
        Some(at) => (&number[..at], &number[at + 1..]),
        None => (number.as_str(), ""),
    };
    let separator = if whole.contains('.') { '.' } else { ',' };
    if whole.contains(separator) && !is_thousands(whole, separator) {
        return Err("its separators do not make sense as thousands or decimals");
    }
    let whole = whole.replace(separator, "");
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return Err("its separators do not make sense as thousands or decimals");
    }
    Ok((whole, fraction.to_owned()))
}

/// `1,234,567`: one to three digits, then groups of exactly three.
fn is_thousands(whole: &str, separator: char) -> bool {
    let mut groups = whole.split(separator);
    let first = groups.next().is_some_and(|g| (1..=3).contains(&g.len()) && g != "0");
    first && groups.all(|g| g.len() == 3)
}

/// Moves the decimal point by the exponent.
fn shift(whole: String, fraction: String, exponent: i32) -> Result<(String, String), &'static str> {
    if exponent == 0 {
        return Ok((whole, fraction));
    }
    if exponent.unsigned_abs() as usize > DIGITS_MAX * 2 {
        return Err("it is too large");
    }
    let places = exponent.unsigned_abs() as usize;
    let point = whole.len();
    let mut digits = whole + &fraction;
    if exponent > 0 {
        while digits.len() < point + places {
            digits.push('0');
        }
        let fraction = digits.split_off(point + places);
        return Ok((digits, fraction));
    }
    let padded = "0".repeat(places) + &digits;
    let (whole, fraction) = padded.split_at(point);
    Ok((whole.to_owned(), fraction.to_owned()))
}

fn cents(whole: &str, fraction: &str) -> Result<i64, &'static str> {
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 2 {
        return Err("it has more than two decimals; round it in the map, `amount|round(2)`");
    }
    if whole.len() > DIGITS_MAX {
        return Err("it is too large");
    }
    format!("{whole}{fraction:0<2}").parse().map_err(|_| "it is too large")
}

#[cfg(test)]
mod tests {
    use super::parse_cents;

    #[test]
    fn amounts_as_they_are_written() {
        for (text, cents) in [
            ("0", 0),
            ("12", 1200),
            ("18.9", 1890),
            ("18.90", 1890),
            ("18.9000", 1890),
            (".5", 50),
            ("5.", 500),
            ("¥1,234.50", 123_450),
            ("￥１２．５０", 1250),
            ("12.5元", 1250),
            ("人民币 30", 3000),
            ("1.234,50 €", 123_450),
            ("1 234,50", 123_450),
            ("1'234.50 CHF", 123_450),
            ("12,50", 1250),
            ("0,500", 50),
            ("1,234", 123_400),
            ("1,234,567", 123_456_700),
            ("1.234.567", 123_456_700),
            ("-3.20", -320),
            ("3.20-", -320),
            ("(3.20)", -320),
            ("-$3", -300),
            ("$-3", -300),
            ("1e3", 100_000),
            ("1.5E+2", 15_000),
            ("125e-2", 125),
            ("5e-2", 5),
            ("US$ 99.99", 9999),
            ("999999999999999.99", 99_999_999_999_999_999),
        ] {
            assert_eq!(parse_cents(text), Ok(cents), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_exact_amount_is_refused() {
        for text in [
            "",
            "abc",
            "¥",
            "1.005",
            "0.1e-2",
            "12,34,56",
            "1.2.3",
            "1,23.4,5",
            "12 apples each 3",
            "--3",
            "1e99",
            "1e",
            "9999999999999999",
            "3.2.1,0",
            "NaN",
            "1-2",
        ] {
            assert!(parse_cents(text).is_err(), "{text} -> {:?}", parse_cents(text));
        }
    }

    proptest::proptest! {
        #[test]
        fn what_has_no_digit_is_no_amount(text in "\\PC{0,24}") {
            let digit = text.chars().any(|c| c.is_ascii_digit() || ('０'..='９').contains(&c));
            proptest::prop_assert!(digit || parse_cents(&text).is_err());
        }

        #[test]
        fn what_we_write_we_read(cents in -10_000_000_000i64..10_000_000_000) {
            let sign = if cents < 0 { "-" } else { "" };
            let written = format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100);
            proptest::prop_assert_eq!(parse_cents(&written), Ok(cents));
        }
    }
}
