use proptest::prelude::*;

use crate::{
    Encoding::{Gsm7, Ucs2},
    measure, split,
};

#[test]
fn counts() {
    for (text, encoding, units, parts) in [
        (String::new(), Gsm7, 0, 1),
        ("a".repeat(160), Gsm7, 160, 1),
        ("a".repeat(161), Gsm7, 161, 2),
        ("a".repeat(306), Gsm7, 306, 2),
        ("a".repeat(307), Gsm7, 307, 3),
        ("€".repeat(80), Gsm7, 160, 1),
        ("€".repeat(81), Gsm7, 162, 2),
        // 76 escape pairs fill 152 of 153 septets: the pair that would straddle goes to the next part.
        ("€".repeat(153), Gsm7, 306, 3),
        ("^{}\\[~]|\u{c}".to_owned(), Gsm7, 18, 1),
        ("Ünïcode".to_owned(), Ucs2, 7, 1),
        ("Grüße, ΔΩ ñ @£$¥\r\n".to_owned(), Gsm7, 18, 1),
        // Capital Ç is in the alphabet and small ç is not.
        ("Ç".to_owned(), Gsm7, 1, 1),
        ("ç".to_owned(), Ucs2, 1, 1),
        ("`".to_owned(), Ucs2, 1, 1),
        ("\u{1b}".to_owned(), Ucs2, 1, 1),
        ("中".repeat(70), Ucs2, 70, 1),
        ("中".repeat(71), Ucs2, 71, 2),
        ("中".repeat(134), Ucs2, 134, 2),
        ("中".repeat(135), Ucs2, 135, 3),
        ("😀".repeat(35), Ucs2, 70, 1),
        // 33 pairs fill 66 of 67 units.
        ("😀".repeat(67), Ucs2, 134, 3),
    ] {
        let length = measure(&text);
        assert_eq!((length.encoding, length.units, length.parts), (encoding, units, parts), "{text:?}");
    }
}

#[test]
fn the_basic_table_has_every_place_but_the_escape() {
    let gsm = (0..0x3000).filter_map(char::from_u32).filter(|c| measure(&c.to_string()).encoding == Gsm7);
    let (basic, extended): (Vec<_>, Vec<_>) = gsm.partition(|c| measure(&c.to_string()).units == 1);
    assert_eq!((basic.len(), extended.len()), (127, 10));
}

fn text() -> impl Strategy<Value = String> {
    let gsm =
        proptest::collection::vec(prop_oneof!["[ -Z]", Just("€".to_owned()), Just("[".to_owned())], 0..700);
    let any = proptest::collection::vec(prop_oneof!["[a-z]", "[一-龥]", Just("😀".to_owned())], 0..300);
    prop_oneof![gsm, any].prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Nothing is lost, no part is too long or empty, and no part could have taken the next character.
    #[test]
    fn parts_are_full_and_whole(text in text()) {
        let length = measure(&text);
        let parts = split(&text);
        prop_assert_eq!(parts.concat(), text.clone());
        prop_assert_eq!(parts.len(), length.parts);
        let cost = |t: &str| match length.encoding {
            Gsm7 => measure(t).units,
            Ucs2 => t.encode_utf16().count(),
        };
        prop_assert_eq!(parts.iter().map(|p| cost(p)).sum::<usize>(), length.units);
        let room = if parts.len() == 1 { length.encoding.units_alone() } else { length.encoding.units_joined() };
        for (at, part) in parts.iter().enumerate() {
            prop_assert!(cost(part) <= room);
            prop_assert!(!part.is_empty() || text.is_empty());
            if let Some(next) = parts.get(at + 1).and_then(|p| p.chars().next()) {
                prop_assert!(cost(part) + cost(&next.to_string()) > room);
            }
        }
        prop_assert!((parts.len() == 1) == (length.units <= length.encoding.units_alone()));
    }
}
