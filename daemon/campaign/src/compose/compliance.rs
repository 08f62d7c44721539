//! What a message must carry and must not: address, unsubscribe link, signature, opt-out words; no control characters.

use rejoin_model::campaign::Sender;

use super::ComposeError;
use super::language::is_chinese;

/// One header line, so that nothing a customer typed can begin another one or turn the text around. Whatever is no
/// visible character becomes a space, and spaces are joined.
pub(super) fn header(text: &str) -> String {
    let visible: String = text.chars().map(|c| if is_invisible(c) { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Control characters, line and paragraph separators, and the marks that reverse the direction of writing.
fn is_invisible(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Lines end in `\n`; other control characters are dropped.
pub(super) fn body(text: String) -> String {
    let allowed = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if text.chars().all(allowed) {
        return text;
    }
    text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(|c| allowed(*c)).collect()
}

/// What goes under a marketing mail, unless the template has put it somewhere itself.
pub(super) struct Footer<'a> {
    sender: &'a Sender,
    url: &'a str,
    unsubscribe: &'static str,
}

impl<'a> Footer<'a> {
    pub(super) fn new(sender: &'a Sender, language: &str, url: &'a str) -> Result<Self, ComposeError> {
        let good = (url.starts_with("https://") || url.starts_with("http://"))
            && url.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"' | b'\'' | b'\\'));
        if !good {
            return Err(ComposeError::BadUnsubscribe(url.to_owned()));
        }
        let unsubscribe = if is_chinese(language) { "退订" } else { "Unsubscribe" };
        Ok(Self { sender, url, unsubscribe })
    }

    /// RFC 2369 and RFC 8058: one click in the reader's own mail program.
    pub(super) fn headers(&self) -> Vec<(String, String)> {
        vec![
            ("List-Unsubscribe".to_owned(), format!("<{}>", self.url)),
            ("List-Unsubscribe-Post".to_owned(), "List-Unsubscribe=One-Click".to_owned()),
        ]
    }

    pub(super) fn on_text(&self, mut text: String) -> String {
        let address = self.address_missing(|address| text.contains(address));
        let link = !text.contains(self.url);
        if !address && !link {
            return text;
        }
        text.truncate(text.trim_end().len());
        // The line of two hyphens and a space is how mail programs know what not to quote.
        text.push_str("\n\n-- \n");
        if address {
            for line in [&self.sender.name, &self.sender.postal_address] {
                if !line.is_empty() {
                    text.push_str(line.trim());
                    text.push('\n');
                }
            }
        }
        if link {
            let colon = if self.unsubscribe.is_ascii() { ": " } else { "：" };
            text.push_str(&[self.unsubscribe, colon, self.url, "\n"].concat());
        }
        text
    }

    /// Inside the body, at its end.
    pub(super) fn on_html(&self, mut html: String) -> String {
        let shown = unescape(&html);
        let address = self.address_missing(|address| shown.contains(address));
        let link = !shown.contains(self.url);
        if !address && !link {
            return html;
        }
        let mut lines = Vec::new();
        if address {
            let address = [&self.sender.name, &self.sender.postal_address];
            lines.extend(
                address.into_iter().flat_map(|text| text.lines()).filter(|l| !l.is_empty()).map(escape),
            );
        }
        if link {
            lines.push(format!("<a href=\"{}\">{}</a>", escape(self.url), self.unsubscribe));
        }
        let footer = format!("<p style=\"font-size:12px;color:#666\">{}</p>\n", lines.join("<br>"));
        let end =
            ["</body", "</html"].iter().find_map(|tag| rfind_ignoring_case(&html, tag)).unwrap_or(html.len());
        html.insert_str(end, &footer);
        html
    }

    fn address_missing(&self, contains: impl Fn(&str) -> bool) -> bool {
        let address = self.sender.postal_address.trim();
        !address.is_empty() && !contains(address)
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#x27;")
}

/// Undoes the escaping of values, to look for them.
fn unescape(html: &str) -> std::borrow::Cow<'_, str> {
    if !html.contains('&') {
        return html.into();
    }
    let mut text = html.to_owned();
    for (entity, c) in
        [("&#x2f;", "/"), ("&#x27;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
    {
        if text.contains(entity) {
            text = text.replace(entity, c);
        }
    }
    text.into()
}

/// Where an ASCII tag last stands.
fn rfind_ignoring_case(html: &str, tag: &str) -> Option<usize> {
    let (html, tag) = (html.as_bytes(), tag.as_bytes());
    html.windows(tag.len()).rposition(|window| window.eq_ignore_ascii_case(tag))
}

/// The signature in front (Chinese operators refuse a message without one, or with a second pair of its brackets) and
/// the way out at the end.
pub(super) fn text_message(body: String, sender: &Sender, language: &str, says_opt_out: bool) -> String {
    let mut text = match sender.sms_signature.as_deref().map(str::trim).filter(|s| !s.is_empty()) {
        None => body.trim().to_owned(),
        Some(signature) => {
            let mark = format!("【{signature}】");
            let body = body.trim();
            let bare = body.strip_prefix(&mark).unwrap_or(body);
            format!("{mark}{}", bare.replace('【', "[").replace('】', "]"))
        }
    };
    if says_opt_out {
        return text;
    }
    if is_chinese(language) {
        if text.chars().last().is_some_and(char::is_alphanumeric) {
            text.push('，');
        }
        text.push_str("拒收请回复R");
    } else {
        text.push_str(" Reply STOP to opt out");
    }
    text
}

/// Whether a text message, as its author wrote it, already says how to opt out.
pub(super) fn says_opt_out(text: &str) -> bool {
    let lower = text.to_lowercase();
    const SAYS: [&str; 9] =
        ["退订", "退訂", "拒收", "reply stop", "text stop", "send stop", "opt out", "opt-out", "unsubscribe"];
    SAYS.iter().any(|words| lower.contains(words))
}
