//! Tokens → condition, by recursive descent. After a mistake reading goes on at the next `and`, `or` or `)`, so that
//! one run shows them all.

use rejoin_model::segment::{CompareOp, Condition, Field, Value};

use super::check::{self, Literal};
use super::lex::{Kind, Token};
use super::{ERRORS_MAX, ParseError};

/// Nested `(` and `not`: more than a person can read, less than the stack can bear.
const DEPTH_MAX: usize = 64;

const KEYWORDS: [&str; 10] = ["and", "or", "not", "in", "like", "between", "is", "null", "true", "false"];

/// There are tokens. On a mistake the condition is meaningless and `errors` is not empty.
pub(super) fn condition(text: &str, tokens: &[Token], errors: &mut Vec<ParseError>) -> Condition {
    let mut parser = Parser { text, tokens, next: 0, depth: 0, given_up: false, errors };
    let condition = parser.any_of();
    while let Some(token) = parser.peek() {
        // Only a `)` too many ends the outermost level early; anything else was reported where it stood.
        let hint = Some("there is no `(` for it".to_owned());
        parser.report(token.offset, token.len, "this `)` closes nothing".to_owned(), hint);
        parser.next += 1;
        if parser.errors.len() > ERRORS_MAX {
            break;
        }
        if parser.peek().is_some() {
            parser.join();
            parser.any_of();
        }
    }
    condition
}

pub(super) struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    pub(super) next: usize,
    depth: usize,
    /// Too deep: nothing sensible can be said of the rest.
    given_up: bool,
    errors: &'a mut Vec<ParseError>,
}

/// A mistake has been reported; what follows up to the next joint cannot be understood.
pub(super) struct Lost;

impl<'a> Parser<'a> {
    fn any_of(&mut self) -> Condition {
        let mut parts = vec![self.all_of()];
        while self.word("or") {
            parts.push(self.all_of());
        }
        joined(parts, Condition::Or)
    }

    fn all_of(&mut self) -> Condition {
        let mut parts = vec![self.negated_or_lost()];
        while self.word("and") {
            parts.push(self.negated_or_lost());
        }
        joined(parts, Condition::And)
    }

    /// Where reading takes hold again after a mistake.
    fn negated_or_lost(&mut self) -> Condition {
        let read = self.negated();
        let condition = read.unwrap_or_else(|Lost| {
            self.skip_to_joint();
            Condition::All
        });
        self.expect_joint();
        condition
    }

    fn negated(&mut self) -> Result<Condition, Lost> {
        if !self.word("not") {
            return self.primary();
        }
        self.deeper()?;
        let inner = self.negated();
        self.depth -= 1;
        Ok(Condition::Not(Box::new(inner?)))
    }

    fn primary(&mut self) -> Result<Condition, Lost> {
        let Some(open) = self.peek() else {
            return Err(self.lost_at_end("the condition breaks off here", None));
        };
        if open.kind != Kind::Symbol("(") {
            return self.predicate();
        }
        self.next += 1;
        self.deeper()?;
        let inner = self.any_of();
        self.depth -= 1;
        if !self.symbol(")") && !self.given_up {
            self.report(
                open.offset,
                open.len,
                "this `(` is not closed".to_owned(),
                Some("add `)`".to_owned()),
            );
        }
        Ok(inner)
    }

    pub(super) fn literal(&mut self) -> Result<Literal, Lost> {
        let Some(token) = self.peek() else {
            return Err(self.lost_at_end("a value is missing", None));
        };
        let value = match &token.kind {
            Kind::Text(text) => Value::Text(text.clone()),
            Kind::Number(number) => Value::Number(*number),
            Kind::Word(word) if word.eq_ignore_ascii_case("true") => Value::Bool(true),
            Kind::Word(word) if word.eq_ignore_ascii_case("false") => Value::Bool(false),
            Kind::Word(word) if word.eq_ignore_ascii_case("null") => {
                let hint = Some("write `is null` or `is not null`".to_owned());
                return Err(self.lost_here("nothing equals null", hint));
            }
            Kind::Word(word) if !is_keyword(word) => {
                let hint = Some(format!("write text in quotes: `'{word}'`"));
                return Err(self.lost_here("a value is expected", hint));
            }
            _ => return Err(self.lost_here("a value is expected", None)),
        };
        self.next += 1;
        Ok(Literal { value, offset: token.offset, len: token.len })
    }

    pub(super) fn checked(&mut self, field: &'static Field, literal: Literal) -> Value {
        self.errors.extend(check::literal(field, &literal));
        literal.value
    }

    pub(super) fn operator(&mut self) -> Option<CompareOp> {
        let op = match self.peek()?.kind {
            Kind::Symbol("=") => CompareOp::Eq,
            Kind::Symbol("!=" | "<>") => CompareOp::Ne,
            Kind::Symbol("<") => CompareOp::Lt,
            Kind::Symbol("<=") => CompareOp::Le,
            Kind::Symbol(">") => CompareOp::Gt,
            Kind::Symbol(">=") => CompareOp::Ge,
            _ => return None,
        };
        self.next += 1;
        Some(op)
    }

    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)
    }

    pub(super) fn symbol(&mut self, symbol: &str) -> bool {
        let found = self.peek().is_some_and(|t| matches!(t.kind, Kind::Symbol(s) if s == symbol));
        self.next += usize::from(found);
        found
    }

    pub(super) fn word(&mut self, keyword: &str) -> bool {
        let found = self.peek().is_some_and(|t| is_word(t, keyword));
        self.next += usize::from(found);
        found
    }

    /// A stray `)` has been passed: an `and` or `or` after it belongs to nothing we read.
    fn join(&mut self) {
        if !self.word("and") {
            self.word("or");
        }
    }

    pub(super) fn at_joint(&self) -> bool {
        self.peek().is_none_or(|t| is_word(t, "and") || is_word(t, "or") || t.kind == Kind::Symbol(")"))
    }

    fn expect_joint(&mut self) {
        if !self.at_joint() {
            let Lost = self.lost_here("`and` or `or` is expected here", None);
            self.skip_to_joint();
        }
    }

    /// Passes over nested parentheses as a whole.
    pub(super) fn skip_to_joint(&mut self) {
        let mut open = 0usize;
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Symbol("(") => open += 1,
                Kind::Symbol(")") if open > 0 => open -= 1,
                _ if open == 0 && self.at_joint() => return,
                _ => (),
            }
            self.next += 1;
        }
    }

    fn deeper(&mut self) -> Result<(), Lost> {
        if self.depth == DEPTH_MAX {
            let hint = Some("split the segment, or write the condition flatter".to_owned());
            let lost = self.lost_here(&format!("conditions nest deeper than {DEPTH_MAX}"), hint);
            self.given_up = true;
            self.next = self.tokens.len();
            return Err(lost);
        }
        self.depth += 1;
        Ok(())
    }

    pub(super) fn report(&mut self, offset: usize, len: usize, message: String, hint: Option<String>) {
        self.errors.push(ParseError { offset, len, message, hint });
    }

    pub(super) fn report_token(&mut self, at: usize, message: String, hint: Option<String>) {
        if let Some(token) = self.tokens.get(at) {
            self.report(token.offset, token.len, message, hint);
        }
    }

    pub(super) fn lost_here(&mut self, message: &str, hint: Option<String>) -> Lost {
        match self.peek() {
            Some(token) => self.report(token.offset, token.len, message.to_owned(), hint),
            None => return self.lost_at_end(message, hint),
        }
        Lost
    }

    pub(super) fn lost_at_end(&mut self, message: &str, hint: Option<String>) -> Lost {
        self.report(self.text.trim_end().len(), 0, message.to_owned(), hint);
        Lost
    }
}

fn joined(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}

fn is_word(token: &Token, keyword: &str) -> bool {
    matches!(&token.kind, Kind::Word(word) if word.eq_ignore_ascii_case(keyword))
}

pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}
