//! Folding of text: width, case, diacritics. What is equal after folding was written by hands, not meant differently.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Compatibility forms, case and diacritics removed: `ＭÜＬＬＥＲ` → `muller`.
pub(crate) fn fold(raw: &str) -> String {
    if raw.is_ascii() {
        return raw.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(raw.len());
    for letter in raw.nfkd().filter(|&c| !is_combining_mark(c)).flat_map(char::to_lowercase) {
        match without_stroke(letter) {
            Some(plain) => folded.push_str(plain),
            None => folded.push(letter),
        }
    }
    // Hangul was taken apart above; put it together again.
    if folded.is_ascii() { folded } else { folded.nfc().collect() }
}

/// Letters whose mark is part of the shape, so that decomposition leaves them alone.
fn without_stroke(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ı' => "i",
        'ħ' => "h",
        'ŧ' => "t",
        _ => return None,
    })
}

/// Compatibility forms and case folded, invisible characters dropped, ends trimmed; diacritics stay.
pub(crate) fn squeeze(raw: &str) -> String {
    let raw = raw.trim();
    if raw.is_ascii() {
        return raw.to_ascii_lowercase();
    }
    let visible = raw.nfkc().filter(|&c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}' | '\u{ad}'));
    visible.flat_map(char::to_lowercase).collect::<String>().trim().to_owned()
}
