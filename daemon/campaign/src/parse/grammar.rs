//! Tokens → condition, by recursive descent. After a mistake reading goes on at the next `and`, `or` or `)`, so that
//! one run shows them all.

use rejoin_model::segment::{CompareOp, Condition, FIELDS, Field, FieldType, Value};

use super::check::{self, Literal};
use super::lex::{Kind, Token};
use super::{ERRORS_MAX, ParseError};
use crate::suggest;

/// Nested `(` and `not`: more than a person can read, less than the stack can bear.
const DEPTH_MAX: usize = 64;

const KEYWORDS: [&str; 10] = ["and", "or", "not", "in", "like", "between", "is", "null", "true", "false"];

/// There are tokens. On a mistake the condition is meaningless and `errors` is not empty.
pub(super) fn condition(text: &str, tokens: &[Token], errors: &mut Vec<ParseError>) -> Condition {
    let mut parser = Parser { text, tokens, next: 0, depth: 0, errors };
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

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    next: usize,
    depth: usize,
    errors: &'a mut Vec<ParseError>,
}

/// A mistake has been reported; what follows up to the next joint cannot be understood.
struct Lost;

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
        if !self.symbol(")") {
            self.report(open.offset, open.len, "this `(` is not closed".to_owned(), Some("add `)`".to_owned()));
        }
        Ok(inner)
    }

    fn predicate(&mut self) -> Result<Condition, Lost> {
        let field = self.field()?;
        // The field may be unknown; the rest is read all the same, to find its mistakes.
        let at = self.next;
        if let Some(op) = self.operator() {
            return self.compare(field, op);
        }
        let negative = self.word("not");
        let condition = if self.word("in") {
            self.member(field)?
        } else if self.word("like") {
            self.like(field, at)?
        } else if self.word("between") {
            self.between(field)?
        } else if !negative && self.word("is") {
            return self.null(field, at);
        } else if negative {
            return Err(self.lost_here("after `not` comes `in`, `like` or `between`", None));
        } else {
            return self.alone(field);
        };
        Ok(if negative { Condition::Not(Box::new(condition)) } else { condition })
    }

    /// `None` for a name that is no field, which has then been reported.
    fn field(&mut self) -> Result<Option<&'static Field>, Lost> {
        let Some(token) = self.peek() else {
            return Err(self.lost_at_end("a field name is missing", None));
        };
        let Kind::Word(word) = &token.kind else {
            let hint = "write the field first, e.g. `orders > 5`".to_owned();
            return Err(self.lost_here("a condition begins with a field name", Some(hint)));
        };
        if is_keyword(word) {
            return Err(self.lost_here(&format!("a field name is missing before `{word}`"), None));
        }
        self.next += 1;
        let lower = word.to_ascii_lowercase();
        if let Some(field) = Field::named(&lower) {
            return Ok(Some(field));
        }
        let names = || FIELDS.iter().map(|f| f.name);
        let hint = suggest::did_you_mean(word, names())
            .unwrap_or_else(|| format!("fields are {}", names().collect::<Vec<_>>().join(", ")));
        self.report(token.offset, token.len, format!("`{word}` is not a field"), Some(hint));
        Ok(None)
    }

    fn compare(&mut self, field: Option<&'static Field>, op: CompareOp) -> Result<Condition, Lost> {
        let at = self.next - 1;
        let literal = self.literal()?;
        let Some(field) = field else { return Ok(Condition::All) };
        if matches!(op, CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge) && !check::is_ordered(field) {
            let hint = Some("write `=`, `!=` or `in`".to_owned());
            self.report_token(at, format!("{} has no order to compare by", field.name), hint);
        }
        let value = self.checked(field, literal);
        Ok(Condition::Compare { field, op, value })
    }

    fn member(&mut self, field: Option<&'static Field>) -> Result<Condition, Lost> {
        if !self.symbol("(") {
            return Err(self.lost_here("after `in` comes a list", Some("write `in ('a', 'b')`".to_owned())));
        }
        let mut values = Vec::new();
        loop {
            let literal = self.literal()?;
            if let Some(field) = field {
                values.push(self.checked(field, literal));
            }
            if self.symbol(")") {
                break;
            }
            if !self.symbol(",") {
                return Err(self.lost_here("the list goes on with `,` or ends with `)`", None));
            }
        }
        Ok(field.map_or(Condition::All, |field| Condition::In { field, values }))
    }

    fn like(&mut self, field: Option<&'static Field>, at: usize) -> Result<Condition, Lost> {
        let literal = self.literal()?;
        let Some(field) = field else { return Ok(Condition::All) };
        if field.kind != FieldType::Text {
            self.report_token(at, format!("`like` compares text, and {} {}", field.name, check::holds(field)), None);
        }
        match literal.value {
            Value::Text(pattern) => Ok(Condition::Like { field, pattern }),
            _ => {
                let hint = Some("write the pattern in quotes; `%` is any text, `_` any character".to_owned());
                self.report(literal.offset, literal.len, "a pattern is text".to_owned(), hint);
                Ok(Condition::All)
            }
        }
    }

    fn between(&mut self, field: Option<&'static Field>) -> Result<Condition, Lost> {
        let at = self.next - 1;
        let low = self.literal()?;
        if !self.word("and") {
            return Err(self.lost_here("`between` needs two bounds", Some("write `between 1 and 5`".to_owned())));
        }
        let high = self.literal()?;
        let Some(field) = field else { return Ok(Condition::All) };
        if !check::is_ordered(field) {
            self.report_token(at, format!("{} has no order to compare by", field.name), None);
        }
        if let (Value::Number(low), Value::Number(high_value)) = (&low.value, &high.value)
            && low > high_value
        {
            let hint = Some("write the smaller bound first".to_owned());
            self.report(high.offset, high.len, "no number lies between these bounds".to_owned(), hint);
        }
        let bound = |op, value| Condition::Compare { field, op, value };
        let (low, high) = (self.checked(field, low), self.checked(field, high));
        Ok(Condition::And(vec![bound(CompareOp::Ge, low), bound(CompareOp::Le, high)]))
    }

    fn null(&mut self, field: Option<&'static Field>, at: usize) -> Result<Condition, Lost> {
        let negative = self.word("not");
        if !self.word("null") {
            let hint = Some("to compare with a value write `=`".to_owned());
            return Err(self.lost_here("after `is` comes `null` or `not null`", hint));
        }
        let Some(field) = field else { return Ok(Condition::All) };
        if field.kind == FieldType::Set {
            let hint = Some(format!("write `{} = 'word'`", field.name));
            self.report_token(at, format!("{} is a set of words and never null", field.name), hint);
        }
        let condition = Condition::IsNull { field };
        Ok(if negative { Condition::Not(Box::new(condition)) } else { condition })
    }

    /// A field with nothing after it.
    fn alone(&mut self, field: Option<&'static Field>) -> Result<Condition, Lost> {
        match field {
            Some(field) if field.kind == FieldType::Bool && self.at_joint() => {
                Ok(Condition::Compare { field, op: CompareOp::Eq, value: Value::Bool(true) })
            }
            // An unknown field has been reported; whatever follows it belongs to that mistake.
            None => Err(Lost),
            Some(field) => {
                let hint = Some(check::example(field));
                let message = format!("after {} comes a comparison", field.name);
                Err(if self.peek().is_some() { self.lost_here(&message, hint) } else { self.lost_at_end(&message, hint) })
            }
        }
    }

    fn literal(&mut self) -> Result<Literal, Lost> {
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

    fn checked(&mut self, field: &'static Field, literal: Literal) -> Value {
        self.errors.extend(check::literal(field, &literal));
        literal.value
    }

    fn operator(&mut self) -> Option<CompareOp> {
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

    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let found = self.peek().is_some_and(|t| matches!(t.kind, Kind::Symbol(s) if s == symbol));
        self.next += usize::from(found);
        found
    }

    fn word(&mut self, keyword: &str) -> bool {
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

    fn at_joint(&self) -> bool {
        self.peek().is_none_or(|t| is_word(t, "and") || is_word(t, "or") || t.kind == Kind::Symbol(")"))
    }

    fn expect_joint(&mut self) {
        if !self.at_joint() {
            let Lost = self.lost_here("`and` or `or` is expected here", None);
            self.skip_to_joint();
        }
    }

    /// Passes over nested parentheses as a whole.
    fn skip_to_joint(&mut self) {
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
            // Nothing sensible can be said of what follows.
            self.next = self.tokens.len();
            return Err(lost);
        }
        self.depth += 1;
        Ok(())
    }

    fn report(&mut self, offset: usize, len: usize, message: String, hint: Option<String>) {
        self.errors.push(ParseError { offset, len, message, hint });
    }

    fn report_token(&mut self, at: usize, message: String, hint: Option<String>) {
        if let Some(token) = self.tokens.get(at) {
            self.report(token.offset, token.len, message, hint);
        }
    }

    fn lost_here(&mut self, message: &str, hint: Option<String>) -> Lost {
        match self.peek() {
            Some(token) => self.report(token.offset, token.len, message.to_owned(), hint),
            None => return self.lost_at_end(message, hint),
        }
        Lost
    }

    fn lost_at_end(&mut self, message: &str, hint: Option<String>) -> Lost {
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

fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}
