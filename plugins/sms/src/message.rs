//! One text made ready for the gateway: signature, opt-out words, and the count of parts.
//!
//! Chinese carriers want a registered `【signature】` at one end and no 【】 anywhere else, and an opt-out
//! instruction at the end of marketing texts; some gateways append one or both by themselves, and twice is refused
//! by the carrier. Whatever ends up on the air is what is counted.

use crate::{
    config::{Config, SignatureAt},
    length::{Length, measure},
};

/// Instructions that a text may already carry at its end.
const OPT_OUT_ENDINGS: [&str; 14] = [
    "拒收请回复R",
    "拒收请回R",
    "拒收回复R",
    "拒收回R",
    "回复TD退订",
    "回TD退订",
    "回复T退订",
    "回T退订",
    "退订请回复TD",
    "退订请回复T",
    "退订回TD",
    "退订回T",
    "退订回N",
    "回N退订",
];
const MARKS: &[char] = &[' ', '\n', '.', ',', '。', '，', '、', ';', '；', '!', '！', '(', ')', '（', '）'];

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    /// What the gateway is given.
    pub(crate) text: String,
    /// What goes over the air, with what the gateway appends.
    pub(crate) length: Length,
}

/// The text to send, or the sentence that says why it cannot be sent.
pub(crate) fn prepare(text: &str, config: &Config) -> Result<Ready, String> {
    let mut body = text.replace("\r\n", "\n").replace('\r', "\n").trim().to_owned();
    if body.is_empty() {
        return Err("the message has no text".to_owned());
    }
    if body.contains('\0') {
        return Err("the text holds a NUL character".to_owned());
    }
    let mark = config.signature.as_ref().map(|s| format!("【{s}】"));
    if let Some(mark) = &mark {
        body = without_signature(&body, mark);
        if body.contains(['【', '】']) {
            return Err(format!(
                "the text holds 【 or 】 besides the signature {mark}, which carriers refuse; write 「」 instead"
            ));
        }
    }
    body = with_opt_out(body, config);
    let on_air = sign(&with_suffix(&body, config.appends_opt_out.as_deref()), mark.as_deref(), config);
    let text = if config.appends_signature { body } else { sign(&body, mark.as_deref(), config) };
    let length = measure(&on_air);
    check_parts(length, config.parts_max)?;
    Ok(Ready { text, length })
}

fn without_signature(body: &str, mark: &str) -> String {
    let rest = body.strip_prefix(mark).or_else(|| body.strip_suffix(mark)).unwrap_or(body);
    rest.trim().to_owned()
}

fn with_opt_out(mut body: String, config: &Config) -> String {
    if let Some(theirs) = &config.appends_opt_out {
        return without_opt_out(&body, theirs);
    }
    if let Some(ours) = &config.opt_out
        && without_opt_out(&body, ours) == body
    {
        body.push_str(ours);
    }
    body
}

/// The text without the opt-out instruction at its end; unchanged when there is none.
fn without_opt_out(body: &str, known: &str) -> String {
    let end = body.trim_end_matches(MARKS);
    let known = std::iter::once(known.trim_matches(MARKS)).filter(|k| !k.is_empty());
    for instruction in known.chain(OPT_OUT_ENDINGS) {
        if let Some(rest) = end.strip_suffix(instruction) {
            return rest.trim_end_matches([' ', '\n', '，', ',', '(', '（']).to_owned();
        }
    }
    body.to_owned()
}

fn with_suffix(body: &str, suffix: Option<&str>) -> String {
    format!("{body}{}", suffix.unwrap_or_default())
}

fn sign(body: &str, mark: Option<&str>, config: &Config) -> String {
    match (mark, config.signature_at) {
        (None, _) => body.to_owned(),
        (Some(mark), SignatureAt::Start) => format!("{mark}{body}"),
        (Some(mark), SignatureAt::End) => format!("{body}{mark}"),
    }
}

fn check_parts(length: Length, parts_max: u32) -> Result<(), String> {
    if length.parts <= parts_max as usize {
        return Ok(());
    }
    Err(format!(
        "the text needs {} parts of {} units ({}, {} units in all) and parts_max is {parts_max}; shorten it or \
         raise parts_max",
        length.parts,
        length.encoding.units_joined(),
        length.encoding.name(),
        length.units
    ))
}
