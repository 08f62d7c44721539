//! The values templates see. Everything is there for every customer: what is unknown is empty, not undefined.

use minijinja::Value;
use rejoin_model::campaign::Sender;
use rejoin_model::customer::Golden;
use rejoin_model::{Campaign, Member, Timestamp};

use super::ComposeContext;

/// A documented variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    pub name: &'static str,
    pub doc: &'static str,
}

const fn variable(name: &'static str, doc: &'static str) -> Variable {
    Variable { name, doc }
}

/// Every variable a template may use, besides `site.…` for each of the site's own values.
pub static VARIABLES: &[Variable] = &[
    variable("customer.name", "full name"),
    variable("customer.given_name", "given name"),
    variable("customer.family_name", "family name"),
    variable("customer.company", "organisation the person belongs to"),
    variable("customer.email", "first e-mail address"),
    variable("customer.phone", "first phone number, E.164"),
    variable("customer.city", "city as written"),
    variable("customer.country", "ISO 3166-1 alpha-2"),
    variable("customer.language", "language tag, e.g. zh or en"),
    variable("customer.tags", "list of words"),
    variable("profile.orders", "number of orders"),
    variable("profile.total", "orders less refunds, a number; `profile.total|money` has two decimals"),
    variable("profile.currency", "currency of the total, ISO 4217"),
    variable("profile.first_order_at", "RFC 3339 in the customer's zone; `|date` leaves the day"),
    variable("profile.last_order_at", "RFC 3339 in the customer's zone; `|date` leaves the day"),
    variable("profile.days_since_last_order", "whole days; empty without an order"),
    variable("profile.stage", "prospect, exploration, growth, stable or decline"),
    variable("site.name", "who is writing"),
    variable("site.postal_address", "where they are to be found"),
    variable("unsubscribe_url", "link to unsubscribe; empty when there is none"),
    variable("campaign.name", "name of the campaign"),
];

pub(super) fn site(sender: &Sender) -> Value {
    let values = sender.values.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    // The documented two come last, so that a value of the same name does not hide them.
    let own = [("name", sender.name.as_str()), ("postal_address", sender.postal_address.as_str())];
    Value::from_pairs(values.chain(own).collect::<std::collections::BTreeMap<_, _>>())
}

pub(super) fn values(member: &Member, ctx: &ComposeContext<'_>, site: &Value) -> Value {
    Value::from_pairs([
        ("customer", customer(member)),
        ("profile", profile(member, ctx)),
        ("site", site.clone()),
        ("unsubscribe_url", Value::from(ctx.unsubscribe_url.unwrap_or_default())),
        ("campaign", Value::from_pairs([("name", ctx.campaign.name.as_str())])),
    ])
}

fn customer(member: &Member) -> Value {
    let text = |field: Option<&Golden>| Value::from(field.map(|g| g.value.as_str()).unwrap_or_default());
    let customer = &member.customer;
    Value::from_pairs([
        ("name", text(customer.name.as_ref())),
        ("given_name", text(customer.given_name.as_ref())),
        ("family_name", text(customer.family_name.as_ref())),
        ("company", text(customer.company.as_ref())),
        ("email", text(customer.emails.first())),
        ("phone", text(customer.phones.first())),
        ("city", text(customer.city.as_ref())),
        ("country", text(customer.country.as_ref())),
        ("language", text(customer.language.as_ref())),
        ("tags", Value::from_iter(customer.tags.iter().map(String::as_str))),
    ])
}

fn profile(member: &Member, ctx: &ComposeContext<'_>) -> Value {
    let profile = &member.profile;
    let zone = zone(member, ctx.campaign);
    let instant = |at: Option<Timestamp>| {
        Value::from(at.map(|at| crate::schedule::format(at, zone)).unwrap_or_default())
    };
    let days = profile.last_order_at.map(|at| ctx.now.days_since(at).max(0));
    Value::from_pairs([
        ("orders", Value::from(profile.orders)),
        ("total", units(profile.total_cents)),
        ("currency", Value::from(profile.currency.as_deref().unwrap_or_default())),
        ("first_order_at", instant(profile.first_order_at)),
        ("last_order_at", instant(profile.last_order_at)),
        ("days_since_last_order", days.map_or(Value::from(()), Value::from)),
        ("stage", Value::from(profile.stage.name())),
    ])
}

fn zone<'a>(member: &'a Member, campaign: &'a Campaign) -> &'a str {
    let own = member.customer.zone.as_ref().map(|z| z.value.as_str());
    own.filter(|zone| zone.parse::<chrono_tz::Tz>().is_ok()).unwrap_or(&campaign.zone)
}

/// Whole amounts print without a decimal point.
fn units(cents: i64) -> Value {
    if cents % 100 == 0 { Value::from(cents / 100) } else { Value::from(cents as f64 / 100.0) }
}
