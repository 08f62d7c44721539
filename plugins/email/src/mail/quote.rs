//! What the sender wrote himself: the text above the quoted mail, without the signature. A guess by custom, so `text`
//! always keeps the whole.

pub(super) fn own_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut kept: Vec<&str> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let line = line.trim_end();
        let start = line.trim_start();
        if line == "--" || line == "-- " || ends_own_words(start, &lines[at + 1..]) {
            break;
        }
        // Answers between the quoted lines are the sender's words too.
        if !start.starts_with('>') {
            kept.push(line);
        }
    }
    let joined = kept.join("\n");
    joined.trim().to_owned()
}

/// This line, or this and the next, introduce the quoted mail and everything after.
fn ends_own_words(line: &str, after: &[&str]) -> bool {
    let lower = line.to_lowercase();
    if lower.starts_with("-----original message") || lower.starts_with("---- replied message") {
        return true;
    }
    let is_rule = |c: char, least: usize| line.chars().count() >= least && line.chars().all(|l| l == c);
    if is_rule('_', 10) && after.iter().take(2).any(|l| is_quoted_header(l)) {
        return true;
    }
    if line.trim_matches(['-', ' ', '—', '–']) != line
        && MARKS.contains(&line.trim_matches(['-', ' ', '—', '–']))
    {
        return true;
    }
    if is_quoted_header(line) && after.iter().take(3).any(|l| is_quoted_header(l)) {
        return true;
    }
    introduces(&lower)
        || after.first().is_some_and(|next| introduces_over_two_lines(&lower, &next.to_lowercase()))
}

/// `-----Original Message-----` in the clients our customers use.
const MARKS: [&str; 8] = [
    "Original Message",
    "Original",
    "原始邮件",
    "原始郵件",
    "回复的原邮件",
    "转发邮件",
    "Ursprüngliche Nachricht",
    "Message d'origine",
];

/// `On Monday, Li wrote:`, `于 2026年1月1日 写道：`.
fn introduces(lower: &str) -> bool {
    let ends = |marks: &[&str]| marks.iter().any(|m| lower.ends_with(m));
    let starts = |marks: &[&str]| marks.iter().any(|m| lower.starts_with(m));
    (starts(&["on "]) && ends(&["wrote:"]))
        || (starts(&["am "]) && ends(&["schrieb:"]))
        || (starts(&["le "]) && ends(&["a écrit :", "a écrit:"]))
        || ends(&["写道：", "写道:", "寫道：", "寫道:"])
}

/// Mail clients break the introduction where the line is full.
fn introduces_over_two_lines(lower: &str, next: &str) -> bool {
    lower.starts_with("on ") && !lower.ends_with('.') && next.trim_end().ends_with("wrote:")
}

/// `From: …`, `发件人：…`: Outlook and Foxmail quote with a block of these.
fn is_quoted_header(line: &str) -> bool {
    let line = line.trim_start_matches(['*', ' ', '"']);
    NAMES.iter().any(|name| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', '：', '*'])))
}

const NAMES: [&str; 15] = [
    "From",
    "Sent",
    "Date",
    "To",
    "Subject",
    "Von",
    "Gesendet",
    "An",
    "发件人",
    "发送时间",
    "发送日期",
    "收件人",
    "主题",
    "寄件者",
    "日期",
];

#[cfg(test)]
mod tests {
    use super::own_words;

    #[test]
    fn quotations_and_signatures_are_left_out() {
        for (text, want) in [
            ("STOP\n\nOn Mon, 2 Feb 2026 at 10:00, Shop <care@shop.test> wrote:\n> Hello", "STOP"),
            ("ok\n\nOn Mon, 2 Feb 2026 at 10:00, Shop\n<care@shop.test> wrote:\n> Hello", "ok"),
            ("退订\n\n在 2026年2月2日，小店 <care@shop.test> 写道：\n> 您好", "退订"),
            ("T\n------------------ 原始邮件 ------------------\n发件人: x\n", "T"),
            ("Yes\n\n-----Original Message-----\nFrom: a\nSent: b\n", "Yes"),
            ("Yes\n\n________________________________\nFrom: a\nSent: b\n", "Yes"),
            ("Yes\n\nFrom: Shop\nSent: Monday\nTo: me\nSubject: x\n\nold", "Yes"),
            ("好的\n\n发件人：小店\n发送时间：今天\n收件人：我\n", "好的"),
            ("Yes\n-- \nLi\nManager", "Yes"),
            ("> question?\nanswer\n> next?\nno", "answer\nno"),
            ("From: is a word I like.\nReally.", "From: is a word I like.\nReally."),
            ("On Monday I will come.\nLi wrote: nothing", "On Monday I will come.\nLi wrote: nothing"),
            ("", ""),
        ] {
            assert_eq!(own_words(text), want, "{text:?}");
        }
    }
}
