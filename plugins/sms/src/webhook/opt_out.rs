//! Whether a reply asks not to be written to again, in Chinese and English.
//!
//! The whole reply must be one of the words, after case, width, spaces and punctuation are taken away, or a short
//! Chinese text must contain a word that has no other use. When in doubt it is an opt-out: writing to somebody who
//! said no costs more than losing an address.

/// Whole replies.
const WORDS: [&str; 47] = [
    "T",
    "TD",
    "R",
    "N",
    "TDTD",
    "退",
    "退订",
    "退訂",
    "回T退订",
    "回TD退订",
    "TD退订",
    "T退订",
    "R退订",
    "N退订",
    "退订T",
    "退订TD",
    "退订R",
    "退订N",
    "取消",
    "取消订阅",
    "停止",
    "停",
    "拒收",
    "拒绝",
    "不要",
    "不需要",
    "别发了",
    "STOP",
    "STOPALL",
    "STOPPLEASE",
    "PLEASESTOP",
    "STOPIT",
    "STOPTEXTING",
    "STOPTEXTINGME",
    "STOPTEXTS",
    "QUIT",
    "END",
    "REVOKE",
    "OPTOUT",
    "OPTMEOUT",
    "CANCEL",
    "UNSUBSCRIBE",
    "UNSUBSCRIBEME",
    "UNSUB",
    "REMOVE",
    "REMOVEME",
    "NO",
];
/// Words that mean it inside a short text too.
const WITHIN: [&str; 11] = [
    "退订",
    "退訂",
    "拒收",
    "取消订阅",
    "别再发",
    "不要再发",
    "别给我发",
    "不要给我发",
    "停止发送",
    "请勿再发",
    "UNSUBSCRIBE",
];
/// Said of the opposite.
const EXCEPT: [&str; 6] = ["不退订", "没退订", "不想退订", "误退订", "不要退订", "别退订"];
const SHORT_CHARS_MAX: usize = 24;

pub(super) fn is_opt_out(text: &str, more: &[String]) -> bool {
    let bare = bare(text);
    if WORDS.contains(&bare.as_str()) || more.iter().any(|word| self::bare(word) == bare && !bare.is_empty())
    {
        return true;
    }
    bare.chars().count() <= SHORT_CHARS_MAX
        && WITHIN.iter().any(|word| bare.contains(word))
        && !EXCEPT.iter().any(|word| bare.contains(word))
}

/// Letters and digits only, in half width and upper case.
fn bare(text: &str) -> String {
    text.chars().map(half_width).filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// Full-width ASCII (ＴＤ, ＋８６) as ordinary ASCII.
pub(super) fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        other => other,
    }
}
