//! Text → tokens with their places. What is no token is reported and left out, so that the rest is still checked.

use super::ParseError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A field name or a keyword, as written.
    Word(String),
    Text(String),
    Number(f64),
    /// `= != <> < <= > >= ( ) ,`
    Symbol(&'static str),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) offset: usize,
    pub(super) len: usize,
}

const SYMBOLS: [&str; 11] = ["!=", "<>", "<=", ">=", "==", "=", "<", ">", "(", ")", ","];
/// What a Chinese keyboard types → what is meant.
const FULL_WIDTH: &[(char, &str)] = &[
    ('（', "("),
    ('）', ")"),
    ('，', ","),
    ('、', ","),
    ('＝', "="),
    ('＜', "<"),
    ('＞', ">"),
    ('≤', "<="),
    ('≥', ">="),
    ('≠', "!="),
    ('“', "\""),
    ('”', "\""),
    ('‘', "'"),
    ('’', "'"),
];

pub(super) fn tokens(text: &str) -> (Vec<Token>, Vec<ParseError>) {
    let (mut tokens, mut errors) = (Vec::new(), Vec::new());
    let mut offset = 0;
    while let Some(first) = text[offset..].chars().next() {
        let rest = &text[offset..];
        let read = match first {
            c if c.is_whitespace() => Ok((None, c.len_utf8())),
            '\'' | '"' => quoted(rest, first).map(|(text, len)| (Some(Kind::Text(text)), len)),
            c if c.is_ascii_digit() || is_signed_number(rest) => number(rest),
            c if c.is_alphabetic() || c == '_' => {
                let len = word_len(rest);
                Ok((Some(Kind::Word(rest[..len].to_owned())), len))
            }
            c => symbol(rest, c),
        };
        let len = match read {
            Ok((kind, len)) => {
                tokens.extend(kind.map(|kind| Token { kind, offset, len }));
                len
            }
            Err((message, hint, len)) => {
                errors.push(ParseError { offset, len, message, hint });
                len
            }
        };
        offset += len;
    }
    (tokens, errors)
}

/// A token and its length, or what is wrong, a hint, and how much to skip.
type Read = Result<(Option<Kind>, usize), (String, Option<String>, usize)>;

fn word_len(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').unwrap_or(rest.len())
}

fn is_signed_number(rest: &str) -> bool {
    let mut bytes = rest.bytes();
    matches!(bytes.next(), Some(b'-' | b'+' | b'.'))
        && bytes.next().is_some_and(|b| b.is_ascii_digit() || b == b'.')
}

fn quoted(rest: &str, quote: char) -> Result<(String, usize), (String, Option<String>, usize)> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            text.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            text.push(quote);
        } else {
            return Ok((text, at + quote.len_utf8()));
        }
    }
    Err((
        format!("the text that begins here has no closing {quote}"),
        Some(format!("close it with {quote}; inside the text write {quote}{quote} for one")),
        rest.len(),
    ))
}

fn number(rest: &str) -> Read {
    let sign = usize::from(matches!(rest.as_bytes()[0], b'-' | b'+'));
    let len = sign
        + rest[sign..]
            .find(|c: char| !c.is_alphanumeric() && c != '.' && c != '_')
            .unwrap_or(rest.len() - sign);
    let written = &rest[..len];
    let plain = written[sign..].bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match written.parse::<f64>() {
        Ok(value) if plain && value.is_finite() => Ok((Some(Kind::Number(value)), len)),
        _ => {
            let hint = match written {
                w if w.starts_with(|c: char| c.is_ascii_digit()) && w.contains(char::is_alphabetic) => {
                    Some("write text in quotes and numbers without units".to_owned())
                }
                _ => Some("write digits with at most one decimal point, e.g. 99.50".to_owned()),
            };
            Err((format!("`{written}` is not a number"), hint, len))
        }
    }
}

fn symbol(rest: &str, first: char) -> Read {
    if let Some(symbol) = SYMBOLS.iter().find(|s| rest.starts_with(**s)) {
        let meant = if *symbol == "==" { "=" } else { symbol };
        return Ok((Some(Kind::Symbol(meant)), symbol.len()));
    }
    let meant = FULL_WIDTH.iter().find(|(wide, _)| *wide == first).map(|(_, meant)| *meant);
    let hint = match (meant, first) {
        (Some(meant), _) => Some(format!("write `{meant}`")),
        (None, '&') => Some("write `and`".to_owned()),
        (None, '|') => Some("write `or`".to_owned()),
        (None, '!') => Some("write `not`, or `!=`".to_owned()),
        (None, '`' | '[' | ']') => Some("field names stand without quotes".to_owned()),
        (None, ';') => Some("leave it out".to_owned()),
        _ => None,
    };
    Err((format!("`{}` means nothing here", first.escape_debug()), hint, first.len_utf8()))
}
