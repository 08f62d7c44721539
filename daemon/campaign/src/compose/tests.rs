use proptest::prelude::*;

use super::*;
use crate::testing::{NOON, at, campaign, golden, member, stranger};

const URL: &str = "https://example.org/u/AbC-_1?x=1&y=2";

fn sender() -> Sender {
    Sender {
        name: "Acme & Co".to_owned(),
        postal_address: "1 High St, Brno".to_owned(),
        sms_signature: Some("华美".to_owned()),
        values: [("shop_url".to_owned(), "https://acme.example".to_owned())].into(),
    }
}

fn content(parts: &[(&str, &str)]) -> Content {
    let part = |name: &str| parts.iter().find(|(n, _)| *n == name).map(|(_, text)| (*text).to_owned());
    Content { subject: part("subject"), text: part("text"), html: part("html"), sms: part("sms") }
}

fn templates(parts: &[(&str, &str)]) -> Templates {
    compile(&[("en".to_owned(), content(parts))], &sender()).unwrap()
}

fn context(campaign: &Campaign, channel: Channel) -> ComposeContext<'_> {
    ComposeContext { campaign, channel, unsubscribe_url: Some(URL), now: at(NOON) }
}

fn care() -> Campaign {
    Campaign { class: CampaignClass::Care, ..campaign() }
}

/// The text of a care mail, with nothing added.
fn text(source: &str, member: &Member) -> Result<String, ComposeError> {
    let templates = templates(&[("subject", "s"), ("text", source)]);
    templates.compose(member, &context(&care(), Channel::Email)).map(|m| m.text.unwrap())
}

#[test]
fn every_documented_variable_renders_for_everybody() {
    for variable in VARIABLES {
        let source = format!("[{{{{ {} }}}}]", variable.name);
        text(&source, &member()).unwrap();
        text(&source, &stranger()).unwrap();
    }
    for (source, known, unknown) in [
        ("Dear {{ customer.given_name|default('customer') }}!", "Dear Jana!", "Dear customer!"),
        (
            "{{ customer.name }}/{{ customer.company }}/{{ customer.city }}",
            "Jana Nováková/Nová s.r.o./Brno",
            "//",
        ),
        ("{% if customer.city %}in {{ customer.city }}{% else %}-{% endif %}", "in Brno", "-"),
        ("{{ customer.tags|join(',')|default('none') }}", "vip", "none"),
        ("{% for tag in customer.tags %}<{{ tag }}>{% endfor %}.", "<vip>.", "."),
        (
            "{{ profile.orders }} {{ profile.total }} {{ profile.total|money }} {{ profile.currency }}.",
            "3 1234.5 1234.50 CZK.",
            "0 0 0.00 .",
        ),
        ("{{ profile.last_order_at|date|default('never') }}", "2026-02-02", "never"),
        ("{{ profile.days_since_last_order|default('?') }} {{ profile.stage }}", "100 decline", "? prospect"),
        ("[{{ profile.days_since_last_order }}]", "[100]", "[]"),
        (
            "{{ customer.email }} {{ customer.phone }}",
            "jana@example.org +420602000001",
            "jana@example.org +420602000001",
        ),
        (
            "{{ site.name }} {{ site.shop_url }} {{ campaign.name }}",
            "Acme & Co https://acme.example spring",
            "Acme & Co https://acme.example spring",
        ),
        ("{{ unsubscribe_url }}", URL, URL),
    ] {
        assert_eq!(text(source, &member()).as_deref(), Ok(known), "{source}");
        assert_eq!(text(source, &stranger()).as_deref(), Ok(unknown), "{source}");
    }
}

/// Each case: the template, line and column, a part of the message, a part of the hint.
#[test]
fn mistakes_are_found_at_check_time_with_their_place() {
    for (source, place, says, hints) in [
        ("Hi {{ customer.nme }}", (1, 7), "`customer.nme`", "`customer.name`"),
        ("customer.nme\n\n 你好{{customer.nme}}", (3, 6), "`customer.nme`", "`customer.name`"),
        ("{{ name }}", (1, 4), "`name`", "`c"),
        ("{{ nobody }}", (1, 4), "`nobody`", "site.values"),
        ("{{ site.shopurl }}", (1, 4), "`site.shopurl`", "`site.shop_url`"),
        ("{% if false %}{{ customer.nme }}{% endif %}", (1, 18), "`customer.nme`", "name"),
        ("{{ customer.nme|default('x') }}", (1, 4), "`customer.nme`", "name"),
        ("{{ customer.name.first }}", (1, 4), "has no parts", "|upper"),
        ("{% set c = customer %}{{ c.nme }}", (1, 26), "undefined", ""),
        ("{{ customer['nme'] }}", (1, 4), "undefined", ""),
        ("a\n{{ customer.name", (2, 13), "syntax error", "prints"),
        ("{% if customer.name %}x", (1, 23), "syntax error", "endif"),
        ("{{ customer.name|shout }}", (1, 18), "unknown filter", "upper"),
        ("{{ profile.days_since_last_order + 1 }}", (1, 4), "", "nothing is known"),
        ("{% include 'x' %}", (1, 4), "", "include"),
    ] {
        let contents = [("zh".to_owned(), content(&[("subject", "s"), ("text", source)]))];
        let errors = compile(&contents, &sender()).expect_err(source);
        assert_eq!(errors.len(), 1, "{source}: {errors:?}");
        let error = &errors[0];
        assert_eq!((error.language.as_str(), error.part), ("zh", "text"), "{source}");
        assert_eq!((error.line, error.column), place, "{source}: {error:?}");
        assert!(error.message.contains(says), "{source}: {error:?}");
        assert!(error.hint.as_deref().unwrap_or_default().contains(hints), "{source}: {error:?}");
    }
}

#[test]
fn all_mistakes_come_at_once() {
    let contents = [
        ("en".to_owned(), content(&[("subject", "{{ a }}"), ("html", "{{ b }} {{ c }}")])),
        ("zh".to_owned(), content(&[("text", "{% if %}"), ("sms", "{{ d }}")])),
        ("ZH".to_owned(), content(&[])),
    ];
    let errors = compile(&contents, &sender()).unwrap_err();
    let places: Vec<_> = errors.iter().map(|e| (e.language.as_str(), e.part)).collect();
    let expected = [
        ("en", "subject"),
        ("en", "html"),
        ("en", "html"),
        ("zh", "text"),
        ("zh", "sms"),
        ("zh", "subject"),
        ("ZH", "text"),
        ("ZH", "text"),
    ];
    assert_eq!(places, expected, "{errors:?}");
    assert!(compile(&[], &sender()).is_err());
}

#[test]
fn customer_data_is_only_ever_a_value() {
    let nasty = "{{ site.name }}{% for x in range(9) %}x{% endfor %}<script>alert('1')</script>";
    let mut member = member();
    member.customer.name = golden(nasty);
    let templates = templates(&[
        ("subject", "{{ customer.name }}"),
        ("text", "{{ customer.name }}"),
        ("html", "<b title=\"{{ customer.name }}\">{{ customer.name }}</b>"),
    ]);
    let mail = templates.compose(&member, &context(&care(), Channel::Email)).unwrap();
    assert_eq!(mail.subject.as_deref(), Some(nasty));
    assert_eq!(mail.text.as_deref(), Some(nasty));
    let html = mail.html.unwrap();
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");
    assert!(html.contains("{{ site.name }}"), "{html}");
}

#[test]
fn nothing_in_a_field_begins_a_header() {
    let mut member = member();
    member.customer.name = golden("Eve\r\nBcc: all@example.org\u{0}\u{85}\u{2028}x\u{202E}y");
    let templates =
        templates(&[("subject", "  {{ customer.name }}\n , hello "), ("text", "{{ customer.name }}")]);
    let mail = templates.compose(&member, &context(&campaign(), Channel::Email)).unwrap();
    assert_eq!(mail.subject.as_deref(), Some("Eve Bcc: all@example.org x y , hello"));
    let text = mail.text.unwrap();
    assert!(text.chars().all(|c| !c.is_control() || c == '\n'), "{text:?}");
    for url in
        ["https://x/\r\nBcc: a", "https://x/> <https://y/", "javascript:alert(1)", "", "/u/1", "https://x/ y"]
    {
        let campaign = campaign();
        let ctx = ComposeContext { unsubscribe_url: Some(url), ..context(&campaign, Channel::Email) };
        let refused = templates.compose(&member, &ctx);
        assert_eq!(refused, Err(ComposeError::BadUnsubscribe(url.to_owned())), "{url}");
    }
}

#[test]
fn marketing_mail_carries_what_the_law_wants() {
    let plain =
        templates(&[("subject", "s"), ("text", "Hello"), ("html", "<html><BODY><p>Hello</p></BODY></html>")]);
    let mail = plain.compose(&member(), &context(&campaign(), Channel::Email)).unwrap();
    assert_eq!(
        mail.headers,
        [
            ("List-Unsubscribe".to_owned(), format!("<{URL}>")),
            ("List-Unsubscribe-Post".to_owned(), "List-Unsubscribe=One-Click".to_owned()),
        ]
    );
    assert_eq!(mail.text.unwrap(), format!("Hello\n\n-- \nAcme & Co\n1 High St, Brno\nUnsubscribe: {URL}\n"));
    assert_eq!(
        mail.html.unwrap(),
        "<html><BODY><p>Hello</p><p style=\"font-size:12px;color:#666\">Acme &amp; Co<br>1 High St, Brno<br>\
         <a href=\"https://example.org/u/AbC-_1?x=1&amp;y=2\">Unsubscribe</a></p>\n</BODY></html>"
    );
    let marketing = campaign();
    let ctx = ComposeContext { unsubscribe_url: None, ..context(&marketing, Channel::Email) };
    assert_eq!(plain.compose(&member(), &ctx), Err(ComposeError::NoUnsubscribe));
    let care = plain.compose(&member(), &context(&care(), Channel::Email)).unwrap();
    assert_eq!((care.text.as_deref(), care.headers.len()), (Some("Hello"), 0));
}

#[test]
fn what_the_template_has_put_is_not_put_again() {
    let own = templates(&[
        ("subject", "s"),
        ("text", "Hello. {{ site.postal_address }} {{ unsubscribe_url }}"),
        ("html", "<p>{{ site.postal_address }} <a href=\"{{ unsubscribe_url }}\">bye</a></p>"),
    ]);
    let mail = own.compose(&member(), &context(&campaign(), Channel::Email)).unwrap();
    assert_eq!(mail.text.unwrap(), format!("Hello. 1 High St, Brno {URL}"));
    let html = mail.html.unwrap();
    assert_eq!(html.matches("href").count(), 1, "{html}");
    assert!(!html.contains("font-size"), "{html}");

    let half = templates(&[("subject", "s"), ("text", "Hello. {{ unsubscribe_url }}")]);
    let mail = half.compose(&member(), &context(&campaign(), Channel::Email)).unwrap();
    assert_eq!(mail.text.unwrap(), format!("Hello. {URL}\n\n-- \nAcme & Co\n1 High St, Brno\n"));
}

#[test]
fn text_messages_carry_signature_and_way_out() {
    for (tag, source, class, expected) in [
        ("zh", "春季八折", CampaignClass::Marketing, "【华美】春季八折，拒收请回复R"),
        ("zh", "春季八折！", CampaignClass::Marketing, "【华美】春季八折！拒收请回复R"),
        ("zh-CN", "【华美】春季八折，回T退订", CampaignClass::Marketing, "【华美】春季八折，回T退订"),
        ("zh", "【大】减价", CampaignClass::Marketing, "【华美】[大]减价，拒收请回复R"),
        ("en", "Sale", CampaignClass::Marketing, "【华美】Sale Reply STOP to opt out"),
        ("en", "Sale. Text STOP to end.", CampaignClass::Marketing, "【华美】Sale. Text STOP to end."),
        ("en", "Sorry", CampaignClass::Care, "【华美】Sorry"),
        // A customer's name does not stand for the way out.
        (
            "en",
            "{{ customer.city }} sale",
            CampaignClass::Marketing,
            "【华美】opt out sale Reply STOP to opt out",
        ),
    ] {
        let templates = compile(&[(tag.to_owned(), content(&[("sms", source)]))], &sender()).unwrap();
        let mut member = member();
        member.customer.city = golden("opt out");
        let campaign = Campaign { class, ..campaign() };
        let message = templates.compose(&member, &context(&campaign, Channel::Sms)).unwrap();
        assert_eq!(message.text.as_deref(), Some(expected), "{tag} {source}");
        assert!(message.subject.is_none() && message.html.is_none() && message.headers.is_empty());
    }
    let unsigned = Sender { sms_signature: None, ..sender() };
    let templates = compile(&[("en".to_owned(), content(&[("sms", "Sale")]))], &unsigned).unwrap();
    let message = templates.compose(&member(), &context(&campaign(), Channel::Sms)).unwrap();
    assert_eq!(message.text.as_deref(), Some("Sale Reply STOP to opt out"));
}

#[test]
fn the_language_is_chosen_among_those_with_the_channel() {
    let contents = [
        ("en".to_owned(), content(&[("subject", "s"), ("text", "Hello"), ("sms", "Hello")])),
        ("zh-Hant".to_owned(), content(&[("subject", "s"), ("text", "您好")])),
    ];
    let templates = compile(&contents, &sender()).unwrap();
    assert_eq!(templates.languages(Channel::Email), ["en", "zh-Hant"]);
    assert_eq!(templates.languages(Channel::Sms), ["en"]);
    let mut member = member();
    member.customer.language = golden("zh-TW");
    let campaign = care();
    let mail = templates.compose(&member, &context(&campaign, Channel::Email)).unwrap();
    assert_eq!((mail.language.as_str(), mail.text.as_deref()), ("zh-Hant", Some("您好")));
    let message = templates.compose(&member, &context(&campaign, Channel::Sms)).unwrap();
    assert_eq!(message.language, "en");
    let mail_only = compile(&contents[1..], &sender()).unwrap();
    let refused = mail_only.compose(&member, &context(&campaign, Channel::Sms));
    assert_eq!(refused, Err(ComposeError::NoContent(Channel::Sms)));
}

#[test]
fn what_comes_out_empty_is_not_sent() {
    let templates = templates(&[("subject", "{{ customer.company }}"), ("text", "Hello")]);
    let refused = templates.compose(&stranger(), &context(&care(), Channel::Email));
    assert_eq!(refused, Err(ComposeError::Empty { language: "en".to_owned(), part: "subject" }));
}

proptest! {
    #[test]
    fn no_template_makes_it_panic(source in "(\\PC|\\{\\{|\\}\\}|\\{%|%\\}|customer\\.name|\n){0,40}") {
        let contents = [("en".to_owned(), content(&[("subject", "s"), ("text", &source), ("html", &source)]))];
        if let Ok(templates) = compile(&contents, &sender()) {
            let _answer = templates.compose(&member(), &context(&campaign(), Channel::Email));
        }
    }

    /// Whatever a customer is called, no header can be begun, no tag opened, and the link stays.
    #[test]
    fn whatever_a_customer_is_called(name in "\\PC*|[\\r\\n\\t<>\"'&{%}a]*") {
        let templates = templates(&[("subject", "Hi {{ customer.name }}"), ("html", "<p>{{ customer.name }}</p>")]);
        let mut member = member();
        member.customer.name = golden(&name);
        let mail = templates.compose(&member, &context(&campaign(), Channel::Email)).unwrap();
        prop_assert!(!mail.subject.unwrap().contains(char::is_control));
        let html = mail.html.unwrap();
        prop_assert_eq!(html.matches('<').count(), 8, "{}", html);
        prop_assert!(html.contains("https://example.org/u/AbC-_1?x=1&amp;y=2"));
    }
}
