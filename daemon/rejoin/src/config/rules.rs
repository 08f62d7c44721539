//! Where the configuration asks the campaign rules: is this a schedule, a condition, a template? Mistakes they find
//! inside a text are placed in the TOML file.

use std::ops::Range;

use rejoin_campaign::schedule::{Schedule, Subject};
use rejoin_model::segment::Condition;

use super::reader::Context;
use super::strings;
use super::tree::Node;

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
