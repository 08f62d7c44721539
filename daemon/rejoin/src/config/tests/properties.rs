//! Laws over any text.

use proptest::prelude::*;

use super::read;

/// Something like our TOML: real keys and odd values in any order.
fn document() -> impl Strategy<Value = String> {
    let header = prop::sample::select(vec![
        "[site]",
        "[http]",
        "[[connector]]",
        "[connector.config]",
        "[connector.intake]",
        "[[connector.map]]",
        "[connector.map.party]",
        "[[connector.map.activity]]",
        "[[segment]]",
        "[[campaign]]",
        "[campaign.content.zh]",
        "[store]",
        "[plugins]",
    ]);
    let key = prop::sample::select(vec![
        "name", "plugin", "where", "paths", "include", "zone", "party", "when", "kind", "channels", "quiet",
        "cap", "schedule", "segment", "text", "url", "listen", "roles", "config", "map", "values", "content",
        "\"键\"",
    ]);
    let value = prop_oneof![
        "\"\\PC{0,12}\"",
        "-?[0-9]{1,20}",
        Just("true".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("[[1], {a = 'b'}]".to_owned()),
        Just("\"env:SMTP_PASSWORD\"".to_owned()),
        Just("1979-05-27T07:32:00Z".to_owned()),
        Just("'''\r\na|b\n'''".to_owned()),
        Just("nan".to_owned()),
        Just("\"csv\"".to_owned()),
        Just("\"email\"".to_owned()),
    ];
    let line = prop_oneof![
        header.prop_map(str::to_owned),
        (key, value).prop_map(|(key, value)| format!("{key} = {value}")),
        "\\PC{0,20}",
    ];
    prop::collection::vec(line, 0..14).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic_and_every_mistake_has_a_place(text in document()) {
        if let Err(rendered) = read(&text) {
            for first in rendered.split("\n\n").filter(|e| e.starts_with("error[")) {
                prop_assert!(first.contains("--> rejoin.toml:"), "{first}");
            }
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(text in "[\\[\\]={}\"'\\\\#,.\\n\\r\\t \\u{0}-\\u{7f}é中\u{feff}]{0,60}") {
        drop(read(&text));
    }

    /// The password of the environment has no way into a message.
    #[test]
    fn secrets_are_not_printed(text in document()) {
        if let Err(rendered) = read(&text) {
            prop_assert!(!rendered.contains("hunter2"), "{rendered}");
        }
    }
}
