//! Opt-out and opt-in words, in Chinese and English, as people really send them: `ＴＤ`, `Stop.`, `「退订」`.
//!
//! Only a whole message, or its first line that is not a quotation, counts. A sentence that merely contains
//! such a word (`stop by the shop`, `取消了会议`) does not: that is a reply for a person to read.

/// Answers that withdraw consent. The single letters are those Chinese operators prescribe.
const OPT_OUT: &[&str] = &[
    "stop",
    "stopall",
    "stop all",
    "please stop",
    "stop please",
    "unsubscribe",
    "unsubscribe me",
    "unsub",
    "please unsubscribe",
    "please unsubscribe me",
    "cancel",
    "end",
    "quit",
    "revoke",
    "opt out",
    "opt-out",
    "optout",
    "opt me out",
    "remove",
    "remove me",
    "please remove me",
    "take me off your list",
    "take me off the list",
    "no more",
    "stop texting me",
    "stop emailing me",
    "stop messaging me",
    "do not contact me",
    "don't contact me",
    "t",
    "td",
    "tt",
    "r",
    "n",
    "qx",
    "退",
    "退订",
    "退訂",
    "我要退订",
    "我要退訂",
    "请退订",
    "請退訂",
    "退订短信",
    "退订邮件",
    "回t退订",
    "t退订",
    "td退订",
    "取消订阅",
    "取消訂閱",
    "拒收",
    "拒收短信",
    "我拒收",
    "拒绝接收",
    "不要再发",
    "不要再发了",
    "不要再发短信",
    "别再发",
    "别再发了",
    "别发了",
    "勿扰",
    "停止",
    "停止发送",
    "停止訂閱",
    "停止订阅",
];

/// Answers that give consent again. A bare `yes` is not among them: it answers a question, not our footer.
const OPT_IN: &[&str] = &[
    "start",
    "unstop",
    "subscribe",
    "resubscribe",
    "subscribe me",
    "resume",
    "opt in",
    "opt-in",
    "optin",
    "opt me in",
    "订阅",
    "訂閱",
    "重新订阅",
    "重新訂閱",
    "恢复订阅",
    "恢復訂閱",
    "我要订阅",
    "我要訂閱",
    "恢复接收",
    "开通订阅",
];

/// A longer first line is a letter, not a word; it is not folded at all.
const LINE_CHARS_MAX: usize = 64;

/// The message withdraws consent.
pub fn is_opt_out(text: &str) -> bool {
    matches(text, OPT_OUT)
}

/// The message gives consent again.
pub fn is_opt_in(text: &str) -> bool {
    matches(text, OPT_IN)
}

fn matches(text: &str, words: &[&str]) -> bool {
    let Some(line) = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('>'))
    else {
        return false;
    };
    if line.chars().nth(LINE_CHARS_MAX).is_some() {
        return false;
    }
    let folded = fold(line);
    words.contains(&folded.as_str())
}

/// Lower case, half width, single spaces, without punctuation and symbols around it.
fn fold(line: &str) -> String {
    let half: String = line.chars().map(half_width).flat_map(char::to_lowercase).collect();
    half.trim_matches(|c: char| !c.is_alphanumeric()).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Full-width forms (U+FF01–FF5E) stand 0xFEE0 above ASCII; the curly apostrophe is what telephones type.
fn half_width(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{2019}' => '\'',
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opt_out_words_as_people_send_them() {
        for text in [
            "STOP",
            "stop",
            " Stop. ",
            "\"STOP\"",
            "stop!!!",
            "ＳＴＯＰ",
            "Stop All",
            "UNSUBSCRIBE",
            "Opt-Out",
            "cancel",
            "End",
            "quit",
            "REVOKE",
            "Don’t contact me",
            "t",
            "T",
            "TD",
            "ｔｄ",
            "ＴＤ",
            "Td。",
            "r",
            "N",
            "退订",
            "「退订」",
            "退订！",
            "【退订】",
            "退訂",
            "退",
            "拒收",
            "取消订阅",
            "不要再发了",
            "　退订　",
            "\r\n\r\nSTOP\r\n\r\nOn 3 May you wrote:\r\n> sale",
            "退订\n> 原文",
            "> big sale\nstop",
            "stop 🙏",
        ] {
            assert!(is_opt_out(text), "{text:?}");
            assert!(!is_opt_in(text), "{text:?}");
        }
    }

    #[test]
    fn a_sentence_is_not_an_opt_out() {
        for text in [
            "",
            "   \n",
            "Stop by the shop on Monday",
            "I cannot stop recommending you",
            "取消了会议，改到周一",
            "我想退一件商品",
            "Out of office: I will return Monday",
            "Hello\nSTOP",
            "yes",
            "start",
            "nice",
            "tea",
            "> STOP\nthanks",
            "...",
            "\u{0}",
            "。",
        ] {
            assert!(!is_opt_out(text), "{text:?}");
        }
    }

    #[test]
    fn opt_in_words() {
        for text in ["START", "Unstop", "subscribe", "订阅", "重新订阅。", "ＳＴＡＲＴ"] {
            assert!(is_opt_in(text), "{text:?}");
            assert!(!is_opt_out(text), "{text:?}");
        }
        for text in ["yes", "start the car", "", "unsubscribe"] {
            assert!(!is_opt_in(text), "{text:?}");
        }
    }

    #[test]
    fn every_word_is_written_in_folded_form() {
        for word in OPT_OUT.iter().chain(OPT_IN) {
            assert_eq!(&fold(word), word);
        }
        assert!(OPT_OUT.iter().all(|word| !OPT_IN.contains(word)));
    }
}
