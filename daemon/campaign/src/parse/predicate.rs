//! One predicate: a field and what is asked of it. The other half of [`Parser`].

use rejoin_model::segment::{CompareOp, Condition, FIELDS, Field, FieldType, Value};

use super::check;
use super::grammar::{Lost, Parser, is_keyword};
use super::lex::Kind;
use crate::suggest;

impl Parser<'_> {
    pub(super) fn predicate(&mut self) -> Result<Condition, Lost> {
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
        if matches!(op, CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge)
            && !check::is_ordered(field)
        {
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
        let values = self.list(field).inspect_err(|Lost| {
            // The rest of the list, so that its `)` is not taken for a stray one.
            self.skip_to_joint();
            self.symbol(")");
        })?;
        Ok(field.map_or(Condition::All, |field| Condition::In { field, values }))
    }

    /// Behind the `(`, up to and with the `)`.
    fn list(&mut self, field: Option<&'static Field>) -> Result<Vec<Value>, Lost> {
        let mut values = Vec::new();
        loop {
            let literal = self.literal()?;
            if let Some(field) = field {
                values.push(self.checked(field, literal));
            }
            if self.symbol(")") {
                return Ok(values);
            }
            if !self.symbol(",") {
                return Err(self.lost_here("the list goes on with `,` or ends with `)`", None));
            }
        }
    }

    fn like(&mut self, field: Option<&'static Field>, at: usize) -> Result<Condition, Lost> {
        let literal = self.literal()?;
        let Some(field) = field else { return Ok(Condition::All) };
        if field.kind != FieldType::Text {
            self.report_token(
                at,
                format!("`like` compares text, and {} {}", field.name, check::holds(field)),
                None,
            );
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
            return Err(
                self.lost_here("`between` needs two bounds", Some("write `between 1 and 5`".to_owned()))
            );
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
                Err(if self.peek().is_some() {
                    self.lost_here(&message, hint)
                } else {
                    self.lost_at_end(&message, hint)
                })
            }
        }
    }
}
