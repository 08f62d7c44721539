//! How many parts a text costs on the air: GSM 7-bit when every character is in its tables, UCS-2 otherwise.
//!
//! Pure. Knows nothing of national shift tables: a gateway that uses them only makes texts shorter than said here.

/// Characters of the GSM 03.38 default alphabet, in its order; its 28th place is the escape, no character.
const GSM_BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Characters of its extension table: sent as escape and character, two units that must stay together.
const GSM_EXTENDED: &str = "\u{c}^{}\\[~]|€";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Units are septets.
    Gsm7,
    /// Units are UTF-16 code units.
    Ucs2,
}

impl Encoding {
    pub fn name(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Ucs2 => "ucs2",
        }
    }

    /// Units in a message of one part.
    pub fn units_alone(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// Units in each part of a longer message: the header that joins the parts takes the rest.
    pub fn units_joined(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    pub encoding: Encoding,
    pub units: usize,
    pub parts: usize,
}

pub fn measure(text: &str) -> Length {
    let encoding = encoding(text);
    Length { encoding, units: units(encoding, text), parts: split(text).len() }
}

/// The text cut as the network cuts it. A surrogate pair or a GSM escape pair never straddles two parts, so a part
/// may be one unit short. The empty text is one empty part.
pub fn split(text: &str) -> Vec<&str> {
    let encoding = encoding(text);
    if units(encoding, text) <= encoding.units_alone() {
        return vec![text];
    }
    let mut parts = Vec::new();
    let (mut start, mut filled) = (0, 0);
    for (at, c) in text.char_indices() {
        let cost = cost(encoding, c);
        if filled + cost > encoding.units_joined() {
            parts.push(&text[start..at]);
            (start, filled) = (at, 0);
        }
        filled += cost;
    }
    parts.push(&text[start..]);
    parts
}

fn encoding(text: &str) -> Encoding {
    if text.chars().all(|c| gsm_cost(c).is_some()) { Encoding::Gsm7 } else { Encoding::Ucs2 }
}

fn units(encoding: Encoding, text: &str) -> usize {
    text.chars().map(|c| cost(encoding, c)).sum()
}

fn cost(encoding: Encoding, c: char) -> usize {
    match encoding {
        Encoding::Gsm7 => gsm_cost(c).unwrap_or(1),
        Encoding::Ucs2 => c.len_utf16(),
    }
}

fn gsm_cost(c: char) -> Option<usize> {
    // Nearly every character of a GSM text is one of these, and the tables are searched front to back.
    if c.is_ascii_alphanumeric() || c == ' ' || GSM_BASIC.contains(c) {
        Some(1)
    } else if GSM_EXTENDED.contains(c) {
        Some(2)
    } else {
        None
    }
}
