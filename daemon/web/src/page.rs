//! The few pages a person may see, in English and Chinese, without a script and without anything from elsewhere.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};

/// The languages the pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Chinese,
}

impl Language {
    fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    fn of_tag(tag: &str) -> Option<Self> {
        match tag.trim().split(['-', '_', ';']).next()?.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::Chinese),
            "en" => Some(Self::English),
            _ => None,
        }
    }
}

/// The first language of `Accept-Language` that we have, else the site's.
pub(crate) fn language(headers: &HeaderMap, site: &str) -> Language {
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let asked = asked.split(',').find_map(Language::of_tag);
    asked.or_else(|| Language::of_tag(site)).unwrap_or(Language::English)
}

/// The text for `language` among texts by tag.
pub(crate) fn in_language(texts: &BTreeMap<String, String>, language: Language) -> Option<&str> {
    texts.iter().find(|(tag, _)| Language::of_tag(tag) == Some(language)).map(|(_, text)| text.as_str())
}

pub(crate) fn thanks(language: Language, site: &str, text: Option<&str>) -> Response {
    let (title, default) = match language {
        Language::English => ("Thank you", "We have received what you sent and will be in touch."),
        Language::Chinese => ("谢谢", "我们已收到您提交的内容，会尽快与您联系。"),
    };
    whole(language, site, title, &format!("<p>{}</p>", escaped(text.unwrap_or(default))))
}

pub(crate) fn ask(language: Language, site: &str, address: &str) -> Response {
    let (title, question, button, note) = match language {
        Language::English => (
            "Unsubscribe",
            format!("Stop messages from {site} to {address}?"),
            "Unsubscribe",
            "Nothing changes until you press the button.",
        ),
        Language::Chinese => (
            "退订",
            format!("不再接收 {site} 发往 {address} 的消息？"),
            "确认退订",
            "按下按钮之前不会有任何改变。",
        ),
    };
    let body = format!(
        "<p>{}</p><form method=\"post\"><input type=\"hidden\" name=\"List-Unsubscribe\" value=\"One-Click\">\
         <button>{button}</button></form><p class=\"note\">{note}</p>",
        escaped(&question)
    );
    whole(language, site, title, &body)
}

pub(crate) fn unsubscribed(language: Language, site: &str, address: &str) -> Response {
    let (title, text) = match language {
        Language::English => {
            ("You are unsubscribed", format!("{address} will get no further messages from {site}."))
        }
        Language::Chinese => ("退订成功", format!("{address} 将不再收到 {site} 的消息。")),
    };
    whole(language, site, title, &format!("<p>{}</p>", escaped(&text)))
}

fn whole(language: Language, site: &str, title: &str, body: &str) -> Response {
    let (tag, site) = (language.tag(), escaped(site));
    Html(format!(
        "<!doctype html><html lang=\"{tag}\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title} · {site}</title>\
         <style>{STYLE}</style><main><h1>{title}</h1>{body}<footer>{site}</footer></main></html>"
    ))
    .into_response()
}

const STYLE: &str = "body{margin:0;background:#f4f5f7;color:#1c2430;font:17px/1.6 system-ui,\"Noto Sans SC\",\
    \"Noto Sans CJK SC\",\"PingFang SC\",\"Microsoft YaHei\",sans-serif}\
    main{max-width:30rem;margin:12vh auto;padding:2.2rem 2.4rem;background:#fff;border-radius:12px;\
    box-shadow:0 1px 4px #0002}h1{margin:0 0 .6rem;font-size:1.5rem}button{margin:.6rem 0;padding:.7rem 1.4rem;\
    border:0;border-radius:8px;background:#1f5fbf;color:#fff;font:inherit;cursor:pointer}\
    button:focus-visible{outline:3px solid #9cc2ff}.note,footer{color:#5c6675;font-size:.9rem}\
    footer{margin-top:1.6rem;border-top:1px solid #e6e9ee;padding-top:.8rem}";

fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
        safe
    })
}

/// The headers every answer carries: nothing is loaded from elsewhere, framed, sniffed or kept by a cache.
pub(crate) async fn secure(mut response: Response) -> Response {
    const HEADERS: [(&str, &str); 6] = [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_chooses_the_language_and_the_site_the_default() {
        let mut headers = HeaderMap::new();
        assert_eq!(language(&headers, "zh"), Language::Chinese);
        headers.insert(header::ACCEPT_LANGUAGE, "fr-FR,zh-CN;q=0.8,en;q=0.5".parse().unwrap());
        assert_eq!(language(&headers, "en"), Language::Chinese);
    }

    #[test]
    fn nothing_a_person_typed_becomes_markup() {
        assert_eq!(escaped("<b a=\"1\">&'"), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;");
    }
}
