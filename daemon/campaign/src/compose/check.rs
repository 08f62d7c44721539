//! Compiles content and finds its mistakes: syntax, unknown variables, and what only shows when rendered for somebody
//! of whom everything, or nothing, is known.

use std::collections::BTreeSet;

use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, escape_formatter};
use rejoin_model::campaign::{Content, Sender};

use super::context::VARIABLES;
use super::{Compiled, TemplateError, compliance};
use crate::suggest;

/// Contents with their languages, compiled as far as they could be, and everything that is wrong with them.
pub(super) fn compile(
    contents: &[(String, Content)],
    sender: &Sender,
    site: &Value,
) -> (Environment<'static>, Vec<Compiled>, Vec<TemplateError>) {
    let mut environment = environment();
    // Only debug mode keeps the place of a mistake within its line.
    environment.set_debug(true);
    let mut checker = Checker {
        known: known(sender),
        full: sample(site, true),
        empty: sample(site, false),
        errors: vec![],
    };
    let compiled: Vec<Compiled> = contents
        .iter()
        .enumerate()
        .map(|(number, (tag, content))| checker.content(&mut environment, number, tag, content))
        .collect();
    if contents.is_empty() {
        checker.report("", "text", (1, 1), "the campaign has no content", Some("add [campaign.content.en]"));
    }
    checker.twice(contents);
    environment.set_debug(false);
    (environment, compiled, checker.errors)
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| match name.ends_with(".html") {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    environment.set_formatter(|out, state, value| match value.is_none() {
        true => Ok(()),
        false => escape_formatter(out, state, value),
    });
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_filter("money", money);
    environment.add_filter("date", date);
    // It would print everything there is about a customer.
    environment.remove_global("debug");
    environment
}

/// Unlike Jinja's, also replaces what is empty: for a template an unknown name and no name are the same.
fn default(value: Value, other: Option<Value>, _also_falsy: Option<bool>) -> Value {
    let empty =
        value.is_undefined() || value.is_none() || value.as_str() == Some("") || value.len() == Some(0);
    if empty { other.unwrap_or_else(|| Value::from("")) } else { value }
}

fn money(value: Value) -> Result<String, Error> {
    if value.is_none() {
        return Ok(String::new());
    }
    let amount = f64::try_from(value)?;
    Ok(format!("{amount:.2}"))
}

/// The day of an RFC 3339 instant.
fn date(value: Value) -> String {
    let text = value.to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// Every name a template may use: `customer`, `customer.name`, ….
fn known(sender: &Sender) -> BTreeSet<String> {
    let documented = VARIABLES.iter().map(|v| v.name.to_owned());
    let own = sender.values.keys().map(|name| format!("site.{name}"));
    let leaves: Vec<String> = documented.chain(own).collect();
    let roots = leaves.iter().filter_map(|name| Some(name.split_once('.')?.0.to_owned())).collect::<Vec<_>>();
    leaves.into_iter().chain(roots).collect()
}

/// Somebody of whom everything is known, or nothing.
fn sample(site: &Value, full: bool) -> Value {
    let value = |name: &str| match (name, full) {
        ("customer.tags", true) => Value::from_iter(["vip"]),
        ("customer.tags", false) => Value::from_iter(std::iter::empty::<&str>()),
        ("profile.orders", _) => Value::from(u32::from(full) * 3),
        ("profile.total", _) => Value::from(f64::from(u8::from(full)) * 99.5),
        ("profile.days_since_last_order", true) => Value::from(42),
        ("profile.days_since_last_order", false) => Value::from(()),
        ("profile.first_order_at" | "profile.last_order_at", true) => {
            Value::from("2026-05-13T12:00:00+02:00")
        }
        ("profile.stage", _) => Value::from(if full { "stable" } else { "prospect" }),
        ("unsubscribe_url", _) => Value::from("https://example.org/u/token"),
        ("campaign.name", _) => Value::from("campaign"),
        (_, true) => Value::from("sample"),
        (_, false) => Value::from(""),
    };
    let group = |root: &str| {
        Value::from_pairs(VARIABLES.iter().filter_map(|v| {
            let (first, field) = v.name.split_once('.')?;
            (first == root).then(|| (field, value(v.name)))
        }))
    };
    Value::from_pairs([
        ("customer", group("customer")),
        ("profile", group("profile")),
        ("site", site.clone()),
        ("campaign", group("campaign")),
        ("unsubscribe_url", value("unsubscribe_url")),
    ])
}

struct Checker {
    known: BTreeSet<String>,
    full: Value,
    empty: Value,
    errors: Vec<TemplateError>,
}

impl Checker {
    fn content(
        &mut self,
        environment: &mut Environment<'static>,
        number: usize,
        tag: &str,
        content: &Content,
    ) -> Compiled {
        let mut part = |part: &'static str, source: &Option<String>| {
            let source = source.as_ref()?;
            let name = format!("{number}.{part}");
            self.template(environment, tag, part, name.clone(), source).then_some(name)
        };
        let compiled = Compiled {
            tag: tag.to_owned(),
            subject: part("subject", &content.subject),
            text: part("text", &content.text),
            html: part("html", &content.html),
            sms: part("sms", &content.sms),
            sms_says_opt_out: false,
        };
        self.completeness(tag, content);
        // Asked of what the author wrote, not of what a customer's name happens to contain.
        let without_customer = compiled
            .sms
            .as_ref()
            .and_then(|name| environment.get_template(name).ok()?.render(self.empty.clone()).ok());
        Compiled {
            sms_says_opt_out: without_customer.is_some_and(|t| compliance::says_opt_out(&t)),
            ..compiled
        }
    }

    fn completeness(&mut self, tag: &str, content: &Content) {
        let Content { subject, text, html, sms } = content;
        let body = text.is_some() || html.is_some();
        if subject.is_some() && !body {
            self.report(
                tag,
                "text",
                (1, 1),
                "there is a subject, but no mail to go with it",
                Some("add text or html"),
            );
        }
        if body && subject.is_none() {
            self.report(tag, "subject", (1, 1), "the mail has no subject", Some("add a subject"));
        }
        if subject.is_none() && !body && sms.is_none() {
            self.report(
                tag,
                "text",
                (1, 1),
                "this language has no content",
                Some("add subject and text, or sms"),
            );
        }
    }

    fn twice(&mut self, contents: &[(String, Content)]) {
        let mut seen = BTreeSet::new();
        for (tag, _) in contents {
            if !seen.insert(tag.to_lowercase().replace('_', "-")) {
                self.report(tag, "text", (1, 1), "this language is given twice", Some("keep one of the two"));
            }
        }
    }

    /// Whether the template compiled; it may have other mistakes.
    fn template(
        &mut self,
        environment: &mut Environment<'static>,
        tag: &str,
        part: &'static str,
        name: String,
        source: &str,
    ) -> bool {
        if let Err(error) = environment.add_template_owned(name.clone(), source.to_owned()) {
            self.engine(tag, part, source, &error, None);
            return false;
        }
        let Ok(template) = environment.get_template(&name) else { return false };
        let mut names: Vec<String> = template.undeclared_variables(true).into_iter().collect();
        names.sort();
        let globals: BTreeSet<&str> = environment.globals().map(|(name, _)| name).collect();
        let before = self.errors.len();
        for name in names.iter().filter(|name| !globals.contains(name.as_str())) {
            self.variable(tag, part, source, name);
        }
        if self.errors.len() > before {
            return true;
        }
        if let Err(error) = template.render(self.full.clone()) {
            self.engine(tag, part, source, &error, None);
        } else if let Err(error) = template.render(self.empty.clone()) {
            let hint =
                "this fails for a customer of whom nothing is known: use `|default(…)` or `{% if … %}`";
            self.engine(tag, part, source, &error, Some(hint));
        }
        true
    }

    fn variable(&mut self, tag: &str, part: &'static str, source: &str, name: &str) {
        if self.known.contains(name) {
            return;
        }
        let place = place(source, find_in_tags(source, name).unwrap_or(0));
        let inside =
            self.known.iter().find(|known| known.contains('.') && name.starts_with(&format!("{known}.")));
        if let Some(inside) = inside.cloned() {
            let message = format!("`{inside}` has no parts, so `{name}` is not a variable");
            return self.report(
                tag,
                part,
                place,
                &message,
                Some("filters are written with `|`, e.g. `|upper`"),
            );
        }
        let same_field = self.known.iter().find(|known| known.rsplit('.').next() == Some(name));
        let hint = match same_field {
            Some(known) => Some(format!("did you mean `{known}`?")),
            None => suggest::did_you_mean(name, self.known.iter().map(String::as_str)),
        };
        let hint = hint
            .unwrap_or_else(|| "values of your own go into [site.values] and are `site.…` here".to_owned());
        self.report(tag, part, place, &format!("`{name}` is not a variable"), Some(&hint));
    }

    fn engine(&mut self, tag: &str, part: &'static str, source: &str, error: &Error, hint: Option<&str>) {
        let at = match (error.range(), error.line()) {
            (Some(range), _) if source.is_char_boundary(range.start) => place(source, range.start),
            (_, line) => (line.unwrap_or(1), 1),
        };
        let hint = hint.or(match error.kind() {
            ErrorKind::SyntaxError => Some("`{{ value }}` prints, `{% if … %}` … `{% endif %}` decides"),
            ErrorKind::UnknownFilter => {
                Some("filters are e.g. default, upper, lower, title, round, join, money, date")
            }
            ErrorKind::TemplateNotFound => Some("a template cannot include another"),
            _ => None,
        });
        self.report(tag, part, at, &sentence(error), hint);
    }

    fn report(
        &mut self,
        tag: &str,
        part: &'static str,
        (line, column): (usize, usize),
        message: &str,
        hint: Option<&str>,
    ) {
        self.errors.push(TemplateError {
            language: tag.to_owned(),
            part,
            line,
            column,
            message: message.to_owned(),
            hint: hint.map(str::to_owned),
        });
    }
}

/// What the engine says, without the place, which is given apart.
pub(super) fn sentence(error: &Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

/// Line and column, both from 1, the column in characters.
fn place(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Where a name stands inside `{{ … }}` or `{% … %}`, as a whole name.
fn find_in_tags(source: &str, name: &str) -> Option<usize> {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    source.match_indices(name).map(|(at, _)| at).find(|&at| {
        let (before, after) = (&source[..at], &source[at + name.len()..]);
        let opened = before.rfind("{{").max(before.rfind("{%"));
        let closed = before.rfind("}}").max(before.rfind("%}"));
        opened > closed && !before.ends_with(part_of_name) && !after.starts_with(part_of_name)
    })
}
