//! Conditions as parameterised SQL. No text of a user becomes SQL: names come from this file, values are parameters.
//!
//! A comparison with a value that is not there (no order, no e-mail) is false, and is made false before `not` sees
//! it, so `not (…)` is exactly everybody else. `days_since_last_order > 90` leaves out who never ordered;
//! `not (days_since_last_order > 90)` has them. Text compares exactly; LIKE ignores the case of A to Z, and `\`
//! before `%`, `_` or `\` takes that character's meaning away. A customer without a profile counts as one that never
//! ordered.

use rejoin_model::Timestamp;
use rejoin_model::segment::{CompareOp, Condition, Field, FieldType, Value};
use rejoin_model::time::DAY_MS;
use rusqlite::types::Value as Param;

use crate::Error;
use crate::golden::TAG_MARK;

/// SQL over `customer c LEFT JOIN profile p`, and its parameters in order.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) sql: String,
    pub(crate) params: Vec<Param>,
}

pub(crate) fn compile(condition: &Condition, now: Timestamp) -> Result<Compiled, Error> {
    let mut out = Compiled { sql: String::new(), params: Vec::new() };
    out.condition(condition, now)?;
    Ok(out)
}

impl Compiled {
    /// Every condition becomes an expression in parentheses that is true or false, never null.
    fn condition(&mut self, condition: &Condition, now: Timestamp) -> Result<(), Error> {
        match condition {
            Condition::All => self.sql.push_str("TRUE"),
            Condition::And(parts) => self.joined(parts, " AND ", "TRUE", now)?,
            Condition::Or(parts) => self.joined(parts, " OR ", "FALSE", now)?,
            Condition::Not(inner) => {
                self.sql.push_str("(NOT ");
                self.condition(inner, now)?;
                self.sql.push(')');
            }
            Condition::Compare { field, op, value } => self.compare(field, *op, value, now)?,
            Condition::In { field, values } => self.is_in(field, values, now)?,
            Condition::Like { field, pattern } => {
                self.sql.push_str("COALESCE(");
                self.column(field, now)?;
                self.param(" LIKE ?", Param::Text(whole_escapes(pattern)));
                self.sql.push_str(" ESCAPE '\\', FALSE)");
            }
            Condition::IsNull { field } => {
                self.sql.push('(');
                self.column(field, now)?;
                self.sql.push_str(" IS NULL)");
            }
        }
        Ok(())
    }

    fn joined(&mut self, parts: &[Condition], word: &str, empty: &str, now: Timestamp) -> Result<(), Error> {
        if parts.is_empty() {
            self.sql.push_str(empty);
            return Ok(());
        }
        self.sql.push('(');
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                self.sql.push_str(word);
            }
            self.condition(part, now)?;
        }
        self.sql.push(')');
        Ok(())
    }

    fn compare(&mut self, field: &Field, op: CompareOp, value: &Value, now: Timestamp) -> Result<(), Error> {
        if field.kind == FieldType::Set {
            return self.tag(field, op, value);
        }
        let operator = match op {
            CompareOp::Eq => " = ?",
            CompareOp::Ne => " <> ?",
            CompareOp::Lt => " < ?",
            CompareOp::Le => " <= ?",
            CompareOp::Gt => " > ?",
            CompareOp::Ge => " >= ?",
        };
        let value = param(field, value)?;
        self.sql.push_str("COALESCE(");
        self.column(field, now)?;
        self.param(operator, value);
        self.sql.push_str(", FALSE)");
        Ok(())
    }

    fn is_in(&mut self, field: &Field, values: &[Value], now: Timestamp) -> Result<(), Error> {
        if field.kind == FieldType::Set {
            self.sql.push('(');
            for value in values {
                self.tag(field, CompareOp::Eq, value)?;
                self.sql.push_str(" OR ");
            }
            self.sql.push_str("FALSE)");
            return Ok(());
        }
        if values.is_empty() {
            self.sql.push_str("FALSE");
            return Ok(());
        }
        let values = values.iter().map(|value| param(field, value)).collect::<Result<Vec<_>, _>>()?;
        self.sql.push_str("COALESCE(");
        self.column(field, now)?;
        for (place, value) in values.into_iter().enumerate() {
            self.param(if place == 0 { " IN (?" } else { ", ?" }, value);
        }
        self.sql.push_str("), FALSE)");
        Ok(())
    }

    /// Membership: the column holds each word between two marks.
    fn tag(&mut self, field: &Field, op: CompareOp, value: &Value) -> Result<(), Error> {
        let Param::Text(word) = param(field, value)? else { return Err(mismatch(field)) };
        let test = match op {
            CompareOp::Eq => ") > 0)",
            CompareOp::Ne => ") = 0)",
            _ => return Err(mismatch(field)),
        };
        self.sql.push_str("(INSTR(COALESCE(c.tags, ''), ");
        self.param("?", Param::Text(format!("{TAG_MARK}{word}{TAG_MARK}")));
        self.sql.push_str(test);
        Ok(())
    }

    fn param(&mut self, sql: &str, value: Param) {
        self.sql.push_str(sql);
        self.params.push(value);
    }

    fn column(&mut self, field: &Field, now: Timestamp) -> Result<(), Error> {
        let sql = match field.name {
            "kind" => "c.kind",
            "name" => "c.name",
            "company" => "c.company",
            "email" => "c.email",
            "phone" => "c.phone",
            "city" => "c.city",
            "country" => "c.country",
            "language" => "c.language",
            "tags" => "c.tags",
            "records" => "c.records",
            "orders" => "COALESCE(p.orders, 0)",
            "total" => "(COALESCE(p.total_cents, 0) / 100.0)",
            "recency" => "COALESCE(p.recency, 0)",
            "frequency" => "COALESCE(p.frequency, 0)",
            "monetary" => "COALESCE(p.monetary, 0)",
            "stage" => "COALESCE(p.stage, 'prospect')",
            "open_complaint" => "COALESCE(p.open_complaint, 0)",
            "days_since_first_order" => return self.days("p.first_order_at", now),
            "days_since_last_order" => return self.days("p.last_order_at", now),
            "days_since_last_contact" => return self.days("p.last_contact_at", now),
            other => return Err(Error::Internal(format!("segments have no column for the field {other:?}"))),
        };
        self.sql.push_str(sql);
        Ok(())
    }

    /// Whole days; integer division rounds towards zero, as `Timestamp::days_since` does.
    fn days(&mut self, column: &str, now: Timestamp) -> Result<(), Error> {
        self.sql.push('(');
        self.param("(? - ", Param::Integer(now.0));
        self.sql.push_str(column);
        self.param(") / ?)", Param::Integer(DAY_MS));
        Ok(())
    }
}

fn param(field: &Field, value: &Value) -> Result<Param, Error> {
    match (field.kind, value) {
        (FieldType::Text | FieldType::Set, Value::Text(text)) => Ok(Param::Text(text.clone())),
        (FieldType::Number, Value::Number(number)) => Ok(Param::Real(*number)),
        (FieldType::Bool, Value::Bool(truth)) => Ok(Param::Integer(i64::from(*truth))),
        _ => Err(mismatch(field)),
    }
}

fn mismatch(field: &Field) -> Error {
    Error::Internal(format!("a condition compares {} with what it cannot be compared with", field.name))
}

/// A lone `\` at the end would be an error in one engine and match nothing in another: it means itself.
fn whole_escapes(pattern: &str) -> String {
    let trailing = pattern.chars().rev().take_while(|c| *c == '\\').count();
    let mut pattern = pattern.to_owned();
    if trailing % 2 == 1 {
        pattern.push('\\');
    }
    pattern
}
