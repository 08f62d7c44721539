//! Phone numbers to E.164.
//!
//! The commonest written forms are read here in well under a microsecond; the rest goes to the `phonenumber` crate,
//! which takes 5 to 13. It refuses numbers too short, too long or of one repeated digit, and does not ask whether a
//! number is in service.

use phonenumber::country::Id;

/// National numbers shorter than this are internal extensions or service numbers, not a party's own.
const NATIONAL_DIGITS_MIN: usize = 6;
const E164_DIGITS_MAX: usize = 15;

/// Country codes whose numbers are told by their length and first digit: code, lengths, first digits.
const PLANS: &[(&str, &[usize], &str)] = &[
    ("1", &[10], "23456789"),
    ("33", &[9], "123456789"),
    ("34", &[9], "6789"),
    ("36", &[9], "23567"),
    ("420", &[9], "23456789"),
    ("421", &[9], "23456789"),
    ("44", &[10], "123789"),
    ("48", &[9], "123456789"),
    ("61", &[9], "23478"),
    ("65", &[8], "3689"),
    ("82", &[9, 10], "1"),
    ("852", &[8], "235679"),
    ("853", &[8], "268"),
    ("886", &[9], "9"),
    ("91", &[10], "6789"),
];

/// Reads one number; `region` is the country of numbers written without a country code.
pub fn phone(raw: &str, region: &str) -> Option<String> {
    let (plus, digits) = strip(raw)?;
    if digits.len() < NATIONAL_DIGITS_MIN || all_same(&digits) {
        return None;
    }
    if let Some(mobile) = chinese_mobile(&digits, plus, region) {
        return Some(format!("+86{mobile}"));
    }
    if plus && by_plan(&digits) {
        return Some(format!("+{digits}"));
    }
    general(plus, &digits, region)
}

/// Digits without what people put between them; whether an international prefix was written. `None` when letters or
/// symbols say it is something else.
fn strip(raw: &str) -> Option<(bool, String)> {
    let raw = without_extension(raw.trim());
    // A spreadsheet that took the number for a number.
    let raw = raw.strip_suffix(".0").unwrap_or(raw);
    let mut digits = String::with_capacity(E164_DIGITS_MAX);
    let mut plus = false;
    let mut trunk_open = false;
    for c in raw.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '０'..='９' => digits.push(char::from(b'0' + (c as u32 - '０' as u32) as u8)),
            '+' | '＋' if digits.is_empty() => plus = true,
            // `+44 (0)20 …`: the zero in brackets is not dialled from abroad.
            '(' | '（' => trunk_open = true,
            ')' | '）' => {
                if trunk_open && plus && digits.ends_with('0') && digits.len() <= 4 {
                    digits.pop();
                }
                trunk_open = false;
            }
            '-'
            | '.'
            | ' '
            | '\u{a0}'
            | '\u{3000}'
            | '－'
            | '–'
            | '—'
            | '·'
            | '\t'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' => {}
            _ => return None,
        }
    }
    if !plus && let Some(rest) = digits.strip_prefix("00") {
        digits = rest.to_owned();
        plus = true;
    }
    Some((plus, digits))
}

fn without_extension(raw: &str) -> &str {
    const MARKS: [&str; 8] = ["转", "轉", "分机", "ext", "Ext", "EXT", "x", "#"];
    let digits_before =
        |at: usize| raw[..at].bytes().filter(u8::is_ascii_digit).count() >= NATIONAL_DIGITS_MIN;
    let cut = MARKS.iter().filter_map(|mark| raw.find(mark)).filter(|&at| digits_before(at)).min();
    cut.map_or(raw, |at| raw[..at].trim_end())
}

fn all_same(digits: &str) -> bool {
    let mut bytes = digits.bytes();
    let first = bytes.next();
    bytes.all(|b| Some(b) == first)
}

/// Eleven digits that begin 13 to 19, with 86 before them or at home.
fn chinese_mobile<'a>(digits: &'a str, plus: bool, region: &str) -> Option<&'a str> {
    let mobile = |d: &&str| d.len() == 11 && d.starts_with('1') && matches!(d.as_bytes()[1], b'3'..=b'9');
    let abroad = digits.strip_prefix("86").filter(mobile);
    let at_home = || Some(digits).filter(|d| !plus && region.eq_ignore_ascii_case("CN") && mobile(d));
    abroad.filter(|_| plus || digits.len() == 13).or_else(at_home)
}

fn by_plan(digits: &str) -> bool {
    PLANS.iter().any(|(code, lengths, firsts)| {
        digits
            .strip_prefix(code)
            .is_some_and(|national| lengths.contains(&national.len()) && firsts.contains(&national[..1]))
    })
}

fn general(plus: bool, digits: &str, region: &str) -> Option<String> {
    let region: Option<Id> = region.to_ascii_uppercase().parse().ok();
    let text = if plus { format!("+{digits}") } else { digits.to_owned() };
    let number = phonenumber::parse(region, &text).ok()?;
    if !phonenumber::is_valid(&number) {
        return None;
    }
    let written = number.format().mode(phonenumber::Mode::E164).to_string();
    (written.len() <= E164_DIGITS_MAX + 1).then_some(written)
}
