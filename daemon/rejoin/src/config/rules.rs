//! Where the configuration asks the campaign rules: is this a schedule, a condition, a template? Mistakes they find
//! inside a text are placed in the TOML file.

use std::ops::Range;

use rejoin_campaign::compose::{self, TemplateError, Templates};
use rejoin_campaign::parse;
use rejoin_campaign::schedule::{Schedule, Subject};
use rejoin_model::Segment;
use rejoin_model::campaign::{Content, Sender};

use super::reader::Context;
use super::strings;
use super::tree::{Node, Value};

/// Whether the text is a schedule that fires; reported when not.
pub(super) fn schedule(cx: &Context<'_>, node: &Node, text: &str, zone: &str) -> bool {
    match Schedule::parse(text, zone) {
        Ok(_) => true,
        // The zone has been checked where it is written.
        Err(error) if error.subject == Subject::Zone => false,
        Err(error) => {
            let range = error.offset..error.offset + error.len;
            inside(cx, node, text, range, "RJ-C014", error.message, error.hint);
            false
        }
    }
}

/// The condition of a segment; its mistakes are reported.
pub(super) fn segment(cx: &Context<'_>, node: &Node, name: &str, text: &str) -> Option<Segment> {
    let errors = match parse::segment(name, text) {
        Ok(segment) => return Some(segment),
        Err(errors) => errors,
    };
    for error in errors {
        let range = error.offset..error.offset + error.len;
        inside(cx, node, text, range, "RJ-C012", error.message, error.hint);
    }
    None
}

/// The content of a campaign, compiled; `node` is its `content` table.
pub(super) fn templates(
    cx: &Context<'_>,
    node: &Node,
    content: &[(String, Content)],
    sender: &Sender,
) -> Option<Templates> {
    let errors = match compose::compile(content, sender) {
        Ok(templates) => return Some(templates),
        Err(errors) => errors,
    };
    for error in errors {
        template_error(cx, node, error);
    }
    None
}

fn template_error(cx: &Context<'_>, content: &Node, error: TemplateError) {
    let language = below(content, &error.language).unwrap_or(content);
    let message = format!("`{}`: {}", error.part, error.message);
    match below(language, error.part).map(|node| (node, &node.value)) {
        Some((node, Value::Text(text))) if strings::is_exact(cx.files, node, text) => {
            let range = strings::at_position(text, error.line, error.column);
            inside(cx, node, text, range, "RJ-C013", message, error.hint);
        }
        Some((node, _)) => {
            let message = format!("{message} (line {}, column {} of the text)", error.line, error.column);
            cx.error(&node.place, "RJ-C013", message, error.hint);
        }
        None => cx.error(&language.place, "RJ-C013", message, error.hint),
    }
}

fn below<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    match &node.value {
        Value::Table(table) => table.get(key).map(|e| &e.node),
        _ => None,
    }
}

fn inside(
    cx: &Context<'_>,
    node: &Node,
    text: &str,
    range: Range<usize>,
    code: &'static str,
    message: String,
    hint: Option<String>,
) {
    let place = strings::inner(cx.files, node, text, range);
    cx.error(&place, code, message, hint);
}
