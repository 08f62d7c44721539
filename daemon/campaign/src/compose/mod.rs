//! Templates and a member of the audience → the message.
//!
//! [`compile`] is done once per campaign and finds every mistake with its place: an unknown variable is one, also in a
//! branch nobody has reached yet, and so is a template that only works for customers of whom everything is known.
//! [`Templates::compose`] is done once per message. The variables are listed in [`VARIABLES`]; a field that is empty
//! for a customer renders as nothing and works with `default`.
//!
//! Customer data is only ever a value: never compiled, escaped in HTML, without control characters in a header. What
//! the law wants on a message (address, unsubscribe link, signature, opt-out words) is added where the template has
//! not put it.

mod check;
mod compliance;
mod context;
mod language;
#[cfg(test)]
mod tests;

use minijinja::Environment;
use rejoin_model::campaign::{Channel, Content, Sender};
use rejoin_model::{Campaign, CampaignClass, Member, Timestamp};

pub use context::{VARIABLES, Variable};

/// One mistake in a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// Tag of the content it stands in.
    pub language: String,
    /// `subject`, `text`, `html` or `sms`.
    pub part: &'static str,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub message: String,
    pub hint: Option<String>,
}

/// Why one message could not be made. The others of the run are not concerned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    #[error("the campaign has no {0} content; add it to [campaign.content]")]
    NoContent(Channel),
    #[error("a marketing mail needs an unsubscribe link; set http.public_url")]
    NoUnsubscribe,
    #[error("{0:?} cannot be an unsubscribe link; check http.public_url")]
    BadUnsubscribe(String),
    #[error("the {part} template ({language}), line {line}: {message}; give the value a default")]
    Render { language: String, part: &'static str, line: usize, message: String },
    #[error("the {part} ({language}) came out empty; give its values a default")]
    Empty { language: String, part: &'static str },
}

/// The compiled content of a campaign.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    contents: Vec<Compiled>,
    sender: Sender,
    site: minijinja::Value,
}

/// One language: the names of its templates in the environment.
#[derive(Debug)]
struct Compiled {
    tag: String,
    subject: Option<String>,
    text: Option<String>,
    html: Option<String>,
    sms: Option<String>,
    /// The text message says itself how to opt out.
    sms_says_opt_out: bool,
}

impl Compiled {
    fn serves(&self, channel: Channel) -> bool {
        match channel {
            Channel::Email => self.subject.is_some() && (self.text.is_some() || self.html.is_some()),
            Channel::Sms => self.sms.is_some(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct ComposeContext<'a> {
    pub campaign: &'a Campaign,
    pub channel: Channel,
    /// The whole link with its token; without one marketing mail is refused.
    pub unsubscribe_url: Option<&'a str>,
    pub now: Timestamp,
}

/// A message ready for a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    pub subject: Option<String>,
    /// The plain part of a mail, or the whole text message.
    pub text: Option<String>,
    pub html: Option<String>,
    /// Further headers, in order; mail only.
    pub headers: Vec<(String, String)>,
    /// Tag of the content that was used.
    pub language: String,
}

/// Checks and compiles the content of a campaign; all mistakes at once.
pub fn compile(content: &[(String, Content)], sender: &Sender) -> Result<Templates, Vec<TemplateError>> {
    let site = context::site(sender);
    let (environment, contents, errors) = check::compile(content, sender, &site);
    if errors.is_empty() {
        Ok(Templates { environment, contents, sender: sender.clone(), site })
    } else {
        Err(errors)
    }
}

impl Templates {
    /// Tags of the languages that can be sent on this channel, the fallback first.
    pub fn languages(&self, channel: Channel) -> Vec<&str> {
        self.contents.iter().filter(|c| c.serves(channel)).map(|c| c.tag.as_str()).collect()
    }

    pub fn compose(&self, member: &Member, ctx: &ComposeContext<'_>) -> Result<Composed, ComposeError> {
        let content = self.choose(member, ctx.channel)?;
        let values = context::values(member, ctx, &self.site);
        match ctx.channel {
            Channel::Email => self.mail(content, ctx, values),
            Channel::Sms => self.text_message(content, ctx, values),
        }
    }

    fn choose(&self, member: &Member, channel: Channel) -> Result<&Compiled, ComposeError> {
        let serving: Vec<&Compiled> = self.contents.iter().filter(|c| c.serves(channel)).collect();
        let tags: Vec<&str> = serving.iter().map(|c| c.tag.as_str()).collect();
        let index = language::choose(member.customer.language.as_ref(), &tags);
        serving.get(index).copied().ok_or(ComposeError::NoContent(channel))
    }

    fn mail(
        &self,
        content: &Compiled,
        ctx: &ComposeContext<'_>,
        values: minijinja::Value,
    ) -> Result<Composed, ComposeError> {
        let marketing = ctx.campaign.class == CampaignClass::Marketing;
        let footer = match (marketing, ctx.unsubscribe_url) {
            (false, _) => None,
            (true, None) => return Err(ComposeError::NoUnsubscribe),
            (true, Some(url)) => Some(compliance::Footer::new(&self.sender, &content.tag, url)?),
        };
        let subject = self.part(content, "subject", &content.subject, &values)?;
        let mut text = self.part(content, "text", &content.text, &values)?;
        let mut html = self.part(content, "html", &content.html, &values)?;
        let mut headers = Vec::new();
        if let Some(footer) = footer {
            text = text.map(|text| footer.on_text(text));
            html = html.map(|html| footer.on_html(html));
            headers = footer.headers();
        }
        Ok(Composed { subject, text, html, headers, language: content.tag.clone() })
    }

    fn text_message(
        &self,
        content: &Compiled,
        ctx: &ComposeContext<'_>,
        values: minijinja::Value,
    ) -> Result<Composed, ComposeError> {
        let body = self.part(content, "sms", &content.sms, &values)?;
        let marketing = ctx.campaign.class == CampaignClass::Marketing;
        let says_opt_out = content.sms_says_opt_out || !marketing;
        let text = body.map(|body| compliance::text_message(body, &self.sender, &content.tag, says_opt_out));
        Ok(Composed { subject: None, text, html: None, headers: Vec::new(), language: content.tag.clone() })
    }

    /// Renders one part; nothing when the content has no such part, an error when nothing comes out.
    fn part(
        &self,
        content: &Compiled,
        part: &'static str,
        template: &Option<String>,
        values: &minijinja::Value,
    ) -> Result<Option<String>, ComposeError> {
        let Some(template) = template else { return Ok(None) };
        let language = || content.tag.clone();
        let rendered = self
            .environment
            .get_template(template)
            .and_then(|template| template.render(values.clone()))
            .map_err(|e| ComposeError::Render {
                language: language(),
                part,
                line: e.line().unwrap_or(1),
                message: check::sentence(&e),
            })?;
        let clean =
            if part == "subject" { compliance::header(&rendered) } else { compliance::body(rendered) };
        if clean.trim().is_empty() {
            return Err(ComposeError::Empty { language: language(), part });
        }
        Ok(Some(clean))
    }
}
