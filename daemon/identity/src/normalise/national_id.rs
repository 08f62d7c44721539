//! National identity numbers.
//!
//! The Chinese one is checked by its check digit, and its older 15-digit form becomes the 18-digit one. Others are
//! taken as written without punctuation; a later issue adds their check digits.

use super::text::squeeze;

/// Shorter ones are row numbers, not identity numbers.
const LENGTH_MIN: usize = 6;
/// Weights of ISO 7064 MOD 11-2 over the first 17 digits.
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK: &[u8; 11] = b"10X98765432";

/// Upper case, letters and digits only; nothing when it cannot be one.
pub fn national_id(raw: &str) -> Option<String> {
    let id: String =
        squeeze(raw).chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    let digits = id.bytes().filter(u8::is_ascii_digit).count();
    let one_letter = id.bytes().all(|b| Some(b) == id.bytes().next());
    if id.len() < LENGTH_MIN || digits < LENGTH_MIN / 2 || one_letter {
        return None;
    }
    match (id.len(), digits) {
        (18, 17 | 18) => (check_digit(&id[..17])? == *id.as_bytes().last()?).then_some(id),
        (15, 15) if is_chinese_15(&id) => {
            let body = format!("{}19{}", &id[..6], &id[6..]);
            let check = check_digit(&body)?;
            Some(format!("{body}{}", char::from(check)))
        }
        _ => Some(id),
    }
}

/// Region, then a date of birth with a two-digit year.
fn is_chinese_15(id: &str) -> bool {
    let number = |range: std::ops::Range<usize>| id[range].parse::<u32>().unwrap_or_default();
    (11..=82).contains(&number(0..2))
        && (1..=12).contains(&number(8..10))
        && (1..=31).contains(&number(10..12))
}

fn check_digit(body: &str) -> Option<u8> {
    let mut sum = 0;
    for (letter, weight) in body.chars().zip(WEIGHTS) {
        sum += letter.to_digit(10)? * weight;
    }
    CHECK.get((sum % 11) as usize).copied()
}
