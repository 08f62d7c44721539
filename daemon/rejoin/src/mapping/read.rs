//! What an expression gives, in the form a field wants.

use super::expr::{EvalError, Scope, Val};
use super::party::{self, VALUE_BYTES_MAX, too_long};
use super::{Expr, MapError};

pub(super) fn holds<'a>(when: Option<&'a Expr>, scope: &Scope<'_, 'a>) -> Result<bool, MapError> {
    when.map_or(Ok(true), |when| Ok(eval(when, "when", scope)?.is_true()))
}

pub(super) fn eval<'a>(
    expression: &'a Expr,
    field: &str,
    scope: &Scope<'_, 'a>,
) -> Result<Val<'a>, MapError> {
    expression.eval(scope).map_err(|error| match error {
        EvalError::NotText => MapError::NotText { field: field.to_owned() },
        EvalError::Failed(why) => {
            MapError::Expression { field: field.to_owned(), expression: expression.source().to_owned(), why }
        }
    })
}

pub(super) fn text<'a>(
    expression: &'a Expr,
    field: &str,
    scope: &Scope<'_, 'a>,
) -> Result<Option<String>, MapError> {
    party::one(eval(expression, field, scope)?, field)
}

pub(super) fn optional<'a>(
    expression: Option<&'a Expr>,
    field: &str,
    scope: &Scope<'_, 'a>,
) -> Result<Option<String>, MapError> {
    expression.map_or(Ok(None), |expression| text(expression, field, scope))
}

/// Text a person reads: its line breaks stay.
pub(super) fn long_text<'a>(
    expression: Option<&'a Expr>,
    field: &str,
    scope: &Scope<'_, 'a>,
) -> Result<Option<String>, MapError> {
    let Some(expression) = expression else { return Ok(None) };
    let text = match eval(expression, field, scope)? {
        Val::Text(text) => text,
        other => return party::one(other, field),
    };
    if text.len() > VALUE_BYTES_MAX {
        return Err(too_long(field, text.len()));
    }
    let kept: String = text.trim().chars().filter(|c| *c != '\0').collect();
    Ok(Some(kept).filter(|t| !t.is_empty()))
}
