//! One expression of a map. Most are a bare field name or a constant: those are read straight from the row; the rest
//! goes through minijinja with exactly the fields it names.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{Error, ErrorKind, Expression};
use rejoin_model::Timestamp;

use super::filters::{ENVIRONMENT, FILTERS};
use super::row::{Cell, Row};

/// Longest expression taken; a longer one belongs in the plugin.
const EXPRESSION_BYTES_MAX: usize = 4096;
const RESERVED: &[&str] =
    &["true", "True", "false", "False", "none", "None", "not", "and", "or", "in", "is", "if", "else"];

/// A compiled expression; cheap to clone.
#[derive(Clone)]
pub struct Expr {
    source: Arc<str>,
    code: Code,
}

#[derive(Clone)]
enum Code {
    Field(Arc<str>),
    Key,
    ReceivedAt,
    Constant(Arc<str>),
    Slow(Arc<Slow>),
}

struct Slow {
    expression: Expression<'static, 'static>,
    /// Variables it mentions, each with its name as the engine wants it; nothing else of the row is converted for it.
    names: Vec<(String, Value)>,
    row: RowUse,
}

/// What an expression that mentions `row` needs of it.
#[derive(Debug, PartialEq)]
enum RowUse {
    /// Only these: every mention is `row.name` or `row['name']`.
    Fields(Vec<String>),
    Whole,
}

/// Why an expression does not compile, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprError {
    pub message: String,
    /// Bytes of the expression.
    pub range: Option<Range<usize>>,
    pub hint: Option<String>,
}

/// What an expression can see.
pub(super) struct Scope<'r, 'a> {
    pub(super) row: &'r Row<'a>,
    pub(super) key: &'a str,
    pub(super) now: Timestamp,
}

/// What an expression gave.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Val<'a> {
    Absent,
    Bool(bool),
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    List(Vec<Cow<'a, str>>),
}

/// Why an expression gave nothing usable.
#[derive(Debug, PartialEq)]
pub(super) enum EvalError {
    Failed(String),
    NotText,
}

impl Expr {
    pub fn compile(source: &str) -> Result<Self, ExprError> {
        if source.len() > EXPRESSION_BYTES_MAX {
            let message = format!("an expression of more than {EXPRESSION_BYTES_MAX} bytes is not taken");
            return Err(ExprError { message, range: None, hint: None });
        }
        let code = match plain(source.trim()) {
            Some(code) => code,
            None => slow(source)?,
        };
        Ok(Self { source: source.into(), code })
    }

    /// The expression as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it is read straight from the row.
    pub fn is_plain(&self) -> bool {
        !matches!(self.code, Code::Slow(_))
    }

    pub(super) fn eval<'a, 's: 'a>(&'s self, scope: &Scope<'_, 'a>) -> Result<Val<'a>, EvalError> {
        match &self.code {
            Code::Field(name) => scope.row.get(name).map_or(Ok(Val::Absent), of_cell),
            Code::Key => Ok(Val::Text(Cow::Borrowed(scope.key))),
            Code::ReceivedAt => Ok(Val::Text(Cow::Owned(rfc3339(scope.now)))),
            Code::Constant(text) => Ok(Val::Text(Cow::Borrowed(text))),
            Code::Slow(slow) => slow.eval(scope),
        }
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.source)
    }
}

impl Val<'_> {
    /// As minijinja counts truth: absent, empty, zero and false are not.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Absent => false,
            Self::Bool(b) => *b,
            Self::Number(n) => n.parse::<f64>().is_ok_and(|n| n != 0.0),
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
        }
    }
}

impl Slow {
    fn eval<'a>(&self, scope: &Scope<'_, 'a>) -> Result<Val<'a>, EvalError> {
        let named =
            self.names.iter().filter_map(|(name, key)| Some((key.clone(), self.lookup(scope, name)?)));
        let context = Value::from_pairs(named);
        let value = self.expression.eval(context).map_err(|e| EvalError::Failed(sentence(&e)))?;
        of_value(&value)
    }

    /// The names `row`, `key` and `received_at` are ours; a field of the same name is `row["key"]`.
    fn lookup(&self, scope: &Scope<'_, '_>, name: &str) -> Option<Value> {
        match (name, &self.row) {
            ("row", RowUse::Whole) => Some(Value::from_pairs(
                scope.row.fields().iter().map(|(name, cell)| (&**name, value_of(cell))),
            )),
            ("row", RowUse::Fields(names)) => {
                let known =
                    names.iter().filter_map(|name| Some((name.as_str(), value_of(scope.row.get(name)?))));
                Some(Value::from_pairs(known))
            }
            ("key", _) => Some(Value::from(scope.key)),
            ("received_at", _) => Some(Value::from(rfc3339(scope.now))),
            (name, _) => scope.row.get(name).map(value_of),
        }
    }
}

fn rfc3339(at: Timestamp) -> String {
    let at = chrono::DateTime::from_timestamp_millis(at.0).unwrap_or_default();
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn value_of(cell: &Cell<'_>) -> Value {
    match cell {
        Cell::Null => Value::from(()),
        Cell::Bool(b) => Value::from(*b),
        Cell::Text(text) => Value::from(&**text),
        Cell::Number(text) => number(text),
        Cell::Nested(raw) => match serde_json::from_str::<serde_json::Value>(raw.get()) {
            Ok(value) => Value::from(Serde(value)),
            // It was checked as JSON when the line was parsed; only nesting beyond serde's limit ends here.
            Err(_) => Value::from(raw.get()),
        },
    }
}

fn number(text: &str) -> Value {
    if let Ok(whole) = text.parse::<i64>() {
        return Value::from(whole);
    }
    text.parse::<f64>().map_or_else(|_| Value::from(text), Value::from)
}

fn of_cell<'a>(cell: &Cell<'a>) -> Result<Val<'a>, EvalError> {
    Ok(match cell {
        Cell::Null => Val::Absent,
        Cell::Bool(b) => Val::Bool(*b),
        Cell::Number(text) => Val::Number(Cow::Borrowed(text)),
        Cell::Text(text) => Val::Text(text.clone()),
        Cell::Nested(_) => return of_value(&value_of(cell)),
    })
}

fn of_value<'a>(value: &Value) -> Result<Val<'a>, EvalError> {
    Ok(match value.kind() {
        ValueKind::Undefined | ValueKind::None => Val::Absent,
        ValueKind::Bool => Val::Bool(value.is_true()),
        ValueKind::Number => Val::Number(Cow::Owned(value.to_string())),
        ValueKind::String => Val::Text(Cow::Owned(value.to_string())),
        ValueKind::Seq | ValueKind::Iterable => {
            let mut items = Vec::new();
            for item in value.try_iter().map_err(|e| EvalError::Failed(sentence(&e)))? {
                match of_value(&item)? {
                    Val::Absent => {}
                    Val::Bool(b) => items.push(Cow::Owned(b.to_string())),
                    Val::Number(text) | Val::Text(text) => items.push(text),
                    Val::List(_) => return Err(EvalError::NotText),
                }
            }
            Val::List(items)
        }
        _ => return Err(EvalError::NotText),
    })
}

/// A bare word, `row["any header"]`, a quoted constant or a number.
fn plain(source: &str) -> Option<Code> {
    if is_word(source) && !RESERVED.contains(&source) {
        return match source {
            "row" => None,
            "key" => Some(Code::Key),
            "received_at" => Some(Code::ReceivedAt),
            name => Some(Code::Field(name.into())),
        };
    }
    if let Some(name) = source.strip_prefix("row[").and_then(|rest| quoted(rest.strip_suffix(']')?)) {
        return Some(Code::Field(name.into()));
    }
    let is_number = !source.is_empty() && source.bytes().all(|b| b.is_ascii_digit());
    quoted(source).or(is_number.then_some(source)).map(|text| Code::Constant(text.into()))
}

fn is_word(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_')
        && text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
}

/// The inside of `'…'` or `"…"` that holds neither its quote nor an escape.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inner.contains([quote, '\\'])).then_some(inner)
}

fn slow(source: &str) -> Result<Code, ExprError> {
    let expression = ENVIRONMENT.compile_expression_owned(source.to_owned()).map_err(|e| {
        let hint = source.trim().is_empty().then(|| "leave the key out instead".to_owned());
        ExprError {
            message: format!("the expression does not parse: {}", sentence(&e)),
            range: e.range(),
            hint,
        }
    })?;
    check_calls(source)?;
    let names = expression.undeclared_variables(false).into_iter();
    let names = names.map(|name| (name.clone(), Value::from(name))).collect();
    Ok(Code::Slow(Arc::new(Slow { expression, names, row: row_use(source) })))
}

fn sentence(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

/// minijinja looks filters, tests and functions up when it meets them, which for a rare branch may be a year from
/// now: look every one of them up here.
fn check_calls(source: &str) -> Result<(), ExprError> {
    for call in calls(source) {
        let name = &source[call.range.clone()];
        let (probe, unknown, noun) = match call.kind {
            CallKind::Filter => (format!("none|{name}"), ErrorKind::UnknownFilter, "filter"),
            CallKind::Test => (format!("none is {name}"), ErrorKind::UnknownTest, "test"),
            CallKind::Function => (format!("{name}()"), ErrorKind::UnknownFunction, "function"),
        };
        let outcome = ENVIRONMENT.compile_expression(&probe).and_then(|e| e.eval(()));
        if outcome.is_err_and(|e| e.kind() == unknown) {
            let known = if call.kind == CallKind::Filter { FILTERS } else { &[] };
            let hint = crate::config::did_you_mean(name, known.iter().copied());
            return Err(ExprError {
                message: format!("there is no {noun} `{name}`"),
                range: Some(call.range),
                hint,
            });
        }
    }
    Ok(())
}

/// Reads the mentions of `row` in an expression that parses.
fn row_use(source: &str) -> RowUse {
    let tokens: Vec<&str> = tokens(source).into_iter().map(|range| &source[range]).collect();
    let mut fields = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if *token != "row" || (at > 0 && tokens[at - 1] == ".") {
            continue;
        }
        match tokens.get(at + 1..).unwrap_or_default() {
            [".", name, ..] if is_word(name) => fields.push((*name).to_owned()),
            ["[", name, "]", ..] if quoted(name).is_some() => fields.extend(quoted(name).map(str::to_owned)),
            _ => return RowUse::Whole,
        }
    }
    RowUse::Fields(fields)
}

#[derive(Debug, PartialEq)]
struct Call {
    kind: CallKind,
    range: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum CallKind {
    Filter,
    Test,
    Function,
}

/// Names used as filter, test or function in an expression that parses. Strings are skipped.
fn calls(source: &str) -> Vec<Call> {
    let mut found = Vec::new();
    let mut before = "";
    for range in tokens(source) {
        let token = &source[range.clone()];
        if is_word(token) {
            let after = source[range.end..].trim_start();
            let kind = match before {
                "|" => Some(CallKind::Filter),
                "is" if token != "not" => Some(CallKind::Test),
                "." => None,
                _ if after.starts_with('(') && !RESERVED.contains(&token) => Some(CallKind::Function),
                _ => None,
            };
            found.extend(kind.map(|kind| Call { kind, range: range.clone() }));
        }
        // `is not odd` names the test `odd`.
        if !(before == "is" && token == "not") {
            before = token;
        }
    }
    found
}

/// Words, strings and single other characters, without white space.
fn tokens(source: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = source[at..].chars().next() {
        let rest = &source[at..];
        let length = match c {
            '\'' | '"' => string_length(rest, c),
            c if c.is_alphanumeric() || c == '_' => {
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        if !c.is_whitespace() {
            found.push(at..at + length);
        }
        at += length;
    }
    found
}

fn string_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            c if c == quote && !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}
