//! Whether a person's reply says "no more": one word or a very short phrase, in English or Chinese. Only whole lines
//! count: "please stop by on Monday" is no opt-out.

/// The first line of what the sender wrote decides; with nothing written, the subject (as `mailto:` unsubscribe links
/// make it).
pub(super) fn is_opt_out(subject: &str, reply_text: &str) -> bool {
    match reply_text.lines().map(str::trim).find(|line| !line.is_empty()) {
        Some(first) => says_no_more(first) || (says_no_more(subject) && says_no_more(reply_text.trim())),
        None => says_no_more(subject),
    }
}

fn says_no_more(line: &str) -> bool {
    let plain = plain(line);
    WORDS.contains(&plain.as_str())
}

/// Lower case, full-width letters made half-width, punctuation off both ends, single spaces.
fn plain(line: &str) -> String {
    let narrow: String = line.chars().take(60).map(narrow).collect();
    let words: Vec<&str> = narrow.split_whitespace().collect();
    words.join(" ").trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// U+FF01 to U+FF5E are the printable ASCII characters, wide.
fn narrow(c: char) -> char {
    match u32::from(c) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xff01 + 0x21).unwrap_or(c),
        0x3000 => ' ',
        _ => c,
    }
}

const WORDS: [&str; 46] = [
    "stop",
    "stop all",
    "stopall",
    "stop it",
    "please stop",
    "stop please",
    "stop sending",
    "unsubscribe",
    "please unsubscribe",
    "unsubscribe me",
    "please unsubscribe me",
    "unsubscribe please",
    "remove",
    "remove me",
    "please remove me",
    "opt out",
    "opt-out",
    "optout",
    "quit",
    "end",
    "cancel",
    "revoke",
    "no more",
    "no more emails",
    "t",
    "td",
    "r",
    "n",
    "退",
    "退订",
    "退訂",
    "我要退订",
    "请退订",
    "請退訂",
    "退订td",
    "td退订",
    "取消订阅",
    "取消訂閱",
    "拒收",
    "拒绝接收",
    "不要再发",
    "不要再发了",
    "别再发了",
    "请勿打扰",
    "不需要了",
    "停止",
];

#[cfg(test)]
mod tests {
    use super::is_opt_out;

    #[test]
    fn opt_outs() {
        for (subject, text, want) in [
            ("Re: Sale", "STOP", true),
            ("Re: Sale", "\n  Stop.\n\nLi", true),
            ("Re: Sale", "Please unsubscribe me!", true),
            ("Re: 优惠", "退订", true),
            ("Re: 优惠", "【退订】。", true),
            ("Re: 优惠", "ＴＤ", true),
            ("Re: 优惠", "T", true),
            ("Re: 优惠", "请退订，谢谢", false),
            ("Re: Sale", "Please stop by on Monday", false),
            ("Re: Sale", "Thanks\nSTOP", false),
            ("Re: Sale", "Is this the end?", false),
            ("unsubscribe", "", true),
            ("unsubscribe", "Where is my order?", false),
            ("Re: unsubscribe", "", false),
            ("", "", false),
        ] {
            assert_eq!(is_opt_out(subject, text), want, "{subject:?} {text:?}");
        }
    }
}
