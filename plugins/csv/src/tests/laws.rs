//! What must hold for any file: reading on from any cursor gives exactly the rest, whatever the sizes of batches.

use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16LE};
use proptest::prelude::*;
use serde_json::json;

use super::{Site, Taken, take};

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z0-9 ]{0,6}",
        2 => "[中文客户张伟。，]{1,4}",
        1 => "\"[a-z,;\n]{0,5}\"",
        1 => "\"[张,\r\n]{1,4}\"",
        1 => Just("\"".to_string()),
        1 => "[|\t;]{1,2}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    let end = prop_oneof![6 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r"), 1 => Just("\n\n")];
    let line = (prop::collection::vec(cell(), 2..5), end).prop_map(|(cells, end)| cells.join(",") + end);
    (prop::collection::vec(line, 0..25), any::<bool>()).prop_map(|(lines, ended)| {
        let mut text = format!("id,name,note\n{}", lines.concat());
        if !ended {
            while text.ends_with(['\n', '\r']) {
                text.pop();
            }
        }
        text
    })
}

fn encode(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    if encoding == UTF_16LE {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    } else {
        encoding.encode(text).0.into_owned()
    }
}

/// Everything but where the batches ended.
type Content = (Vec<serde_json::Value>, Vec<String>, Vec<(String, String, String)>);

fn content(taken: &Taken) -> Content {
    (taken.rows.clone(), taken.keys.clone(), taken.refused.clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn any_cursor_gives_exactly_the_rest(
        text in text(),
        encoding in prop_oneof![Just(UTF_8), Just(GB18030), Just(UTF_16LE)],
        max in 1u32..6,
        bad_byte in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = encode(&text, encoding);
        if let (Some(index), true) = (bad_byte, encoding != UTF_16LE) {
            // Not in the header: a file without one gives nothing.
            let at = 13 + index.index(bytes.len() - 11);
            bytes.insert(at.min(bytes.len()), 0xFF);
        }
        let site = Site::with("a.csv", &bytes);
        site.write("b.csv", "id,name,note\n1,2,3\n");
        let config = json!({"encoding": encoding.name(), "delimiter": ","});
        let whole = take(&mut site.plugin(config.clone()), None, 100_000).unwrap();
        let small = take(&mut site.plugin(config.clone()), None, max).unwrap();
        prop_assert_eq!(content(&whole), content(&small));
        for (seen, cursor) in &small.cursors {
            let rest = take(&mut site.plugin(config.clone()), Some(cursor), 3).unwrap();
            prop_assert_eq!(seen + rest.rows.len() + rest.refused.len(), whole.rows.len() + whole.refused.len());
            prop_assert!(whole.rows.ends_with(&rest.rows));
            prop_assert!(whole.refused.ends_with(&rest.refused));
        }
    }

    /// A file that grows by whole lines, looked at after every one, gives what it gives when read at once.
    #[test]
    fn growth_loses_and_repeats_nothing(
        lines in prop::collection::vec("[0-9]{1,3},[a-z中]{0,4},[x-z]{0,3}\r?\n", 1..12),
        cuts in prop::collection::vec(1usize..4, 1..12),
    ) {
        let site = Site::with("a.csv", "id,name,note\n");
        let (mut seen, mut cursor, mut rest) = (Vec::new(), None, lines.as_slice());
        let mut plugin = site.plugin(json!({}));
        for cut in cuts.iter().chain([&100]) {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            site.append("a.csv", now.concat());
            rest = later;
            let taken = take(&mut plugin, cursor.as_deref(), 2).unwrap();
            seen.extend(taken.rows);
            cursor = taken.cursors.last().map(|(_, cursor)| cursor.clone());
        }
        prop_assert_eq!(seen, site.read().rows, "{:?} {}", lines, site.log());
    }

    /// No bytes make it panic, stop or repeat itself.
    #[test]
    fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..400), max in 1u32..4) {
        let site = Site::with("a.csv", &bytes);
        let whole = take(&mut site.plugin(json!({})), None, 1000).unwrap();
        let small = take(&mut site.plugin(json!({})), None, max).unwrap();
        prop_assert_eq!(content(&whole), content(&small));
    }
}
