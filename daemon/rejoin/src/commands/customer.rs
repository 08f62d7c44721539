//! `rejoin customer`: find, show, explain, merge, split.

use clap::Subcommand;
use rejoin_identity::normalise::Defaults;
use rejoin_identity::{Candidate, why};
use rejoin_model::customer::{Decision, LinkReason, Verdict};
use rejoin_model::{Customer, CustomerId, RecordId, Timestamp};

use super::{customer_named, open, shown, when};
use crate::cli::{ConfigArg, FormatArg};
use crate::clock;
use crate::failure::Failure;
use crate::output::Table;
use crate::site::Site;
use crate::tasks::resolve::{Closure, resolve_once};

const FOUND_MAX: usize = 50;
const HISTORY_MAX: usize = 20;

#[derive(Debug, Subcommand)]
pub enum CustomerCommand {
    /// Find customers by name, e-mail address, phone number or id
    Find {
        text: String,
        #[command(flatten)]
        format: FormatArg,
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Show a customer: golden record, where each value comes from, records, profile, history
    Show {
        customer: String,
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Explain why records are one customer, or why two customers are not
    Why {
        customer: String,
        /// Compare with this customer instead
        other: Option<String>,
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Say that two customers are the same party
    Merge {
        customer: String,
        other: String,
        /// Why, for the record
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Say that a source record is not this customer's; leaves a cannot-link behind
    Split {
        customer: String,
        /// Source records to take out, as `customer show` lists them
        #[arg(required = true)]
        records: Vec<String>,
        /// Why, for the record
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        config: ConfigArg,
    },
}

pub async fn customer(command: CustomerCommand) -> Result<(), Failure> {
    match command {
        CustomerCommand::Find { text, format, config } => {
            find(&*open(&config.config).await?, &text, &format).await
        }
        CustomerCommand::Show { customer, config } => show(&*open(&config.config).await?, &customer).await,
        CustomerCommand::Why { customer, other, config } => {
            explain(&*open(&config.config).await?, &customer, other.as_deref()).await
        }
        CustomerCommand::Merge { customer, other, note, config } => {
            merge(&*open(&config.config).await?, &customer, &other, note).await
        }
        CustomerCommand::Split { customer, records, note, config } => {
            split(&*open(&config.config).await?, &customer, &records, &note).await
        }
    }
}

async fn find(site: &Site, text: &str, format: &FormatArg) -> Result<(), Failure> {
    let mut table = Table::new(&["customer", "name", "email", "phone", "city", "records"]);
    for c in site.store.find_customers(text, FOUND_MAX).await? {
        table.row([
            c.id.to_string(),
            shown(c.name.as_ref()),
            shown(c.emails.first()),
            shown(c.phones.first()),
            shown(c.city.as_ref()),
            c.records.to_string(),
        ]);
    }
    if table.is_empty() {
        eprintln!("nobody found for {text:?}");
    }
    Ok(table.print(format.format)?)
}

async fn show(site: &Site, id: &str) -> Result<(), Failure> {
    let customer = customer_named(site, id).await?;
    if customer.id.to_string() != id {
        println!("{id} was merged into {}\n", customer.id);
    }
    print_golden(&customer);
    print_records(site, customer.id).await?;
    print_profile(site, customer.id).await?;
    print_history(site, customer.id).await
}

fn print_golden(customer: &Customer) {
    println!("customer {}", customer.id);
    let c = customer;
    let single = [
        ("name", &c.name),
        ("given name", &c.given_name),
        ("family name", &c.family_name),
        ("company", &c.company),
        ("street", &c.street),
        ("city", &c.city),
        ("postcode", &c.postcode),
        ("country", &c.country),
        ("language", &c.language),
        ("zone", &c.zone),
        ("birth date", &c.birth_date),
    ];
    let single = single.into_iter().filter_map(|(name, golden)| Some((name, golden.as_ref()?)));
    let several = c.emails.iter().map(|g| ("e-mail", g)).chain(c.phones.iter().map(|g| ("phone", g)));
    for (name, golden) in single.chain(several) {
        println!("  {name:<12} {}   (from record {})", golden.value, golden.from);
    }
    if !c.tags.is_empty() {
        println!("  {:<12} {}", "tags", c.tags.join(", "));
    }
}

async fn print_records(site: &Site, id: CustomerId) -> Result<(), Failure> {
    println!("\nsource records");
    for (record, _, reason) in site.store.records_of(id).await? {
        println!(
            "  {}  {} {}  {}",
            record.id,
            record.key.connector,
            record.key.key,
            reason_in_words(&reason)
        );
    }
    Ok(())
}

/// The reason of a link as a clause.
pub fn reason_in_words(reason: &LinkReason) -> String {
    match reason {
        LinkReason::First => "first record of this customer".to_owned(),
        LinkReason::SharedKey { kind, value, with, names } => {
            let names = match names {
                rejoin_model::customer::NameVerdict::Same => "same name",
                rejoin_model::customer::NameVerdict::Similar => "similar name",
                rejoin_model::customer::NameVerdict::Missing => "no name to compare",
                rejoin_model::customer::NameVerdict::OtherScript => "names in different scripts",
                rejoin_model::customer::NameVerdict::Different => "different names",
            };
            format!("shares {kind} {value} with record {with}; {names}")
        }
        LinkReason::Decision { decision, with } => {
            format!("tied to record {with} by a person (decision {decision})")
        }
    }
}

async fn print_profile(site: &Site, id: CustomerId) -> Result<(), Failure> {
    let p = site.store.profile_of(id).await?.unwrap_or_default();
    let currency = p.currency.as_deref().unwrap_or("");
    let total = format!("{}.{:02} {currency}", p.total_cents / 100, (p.total_cents % 100).abs());
    println!("\nprofile");
    println!("  stage {}, {} orders, {total}, RFM {}{}{}", p.stage, p.orders, p.rfm[0], p.rfm[1], p.rfm[2]);
    for (what, at) in [
        ("first order", p.first_order_at),
        ("last order", p.last_order_at),
        ("last contact", p.last_contact_at),
    ] {
        if let Some(at) = at {
            println!("  {what} {}", when(site, at));
        }
    }
    if p.open_complaint {
        println!("  a complaint is open: promotion is paused");
    }
    Ok(())
}

async fn print_history(site: &Site, id: CustomerId) -> Result<(), Failure> {
    let activities = site.store.activities_of(id, HISTORY_MAX).await?;
    if activities.is_empty() {
        return Ok(());
    }
    println!("\nhistory, newest first");
    for (activity, connector) in activities {
        let money = activity.money.map(|m| format!(" {}.{:02} {}", m.cents / 100, m.cents % 100, m.currency));
        let text = activity.text.map(|t| format!("  {}", one_line(&t)));
        println!(
            "  {}  {connector} {}{}{}",
            when(site, activity.at),
            activity.kind,
            money.unwrap_or_default(),
            text.unwrap_or_default()
        );
    }
    Ok(())
}

fn one_line(text: &str) -> String {
    const SHOWN: usize = 60;
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() > SHOWN { flat.chars().take(SHOWN).chain(['…']).collect() } else { flat }
}

async fn explain(site: &Site, id: &str, other: Option<&str>) -> Result<(), Failure> {
    let customer = customer_named(site, id).await?;
    let mut ids = record_ids(site, customer.id).await?;
    let of_other = match other {
        Some(other) => record_ids(site, customer_named(site, other).await?.id).await?,
        None => Vec::new(),
    };
    ids.extend(&of_other);
    let defaults = Defaults { region: site.settings().site.region.clone() };
    let closure = Closure::widen(&site.store, &defaults, site.store.records(&ids).await?).await?;
    let mut pairs = Vec::new();
    for (i, a) in ids.iter().enumerate() {
        for b in &ids[i + 1..] {
            // With another customer named, only pairs across the two say why they are apart.
            if of_other.is_empty() || of_other.contains(a) != of_other.contains(b) {
                pairs.push((*a, *b));
            }
        }
    }
    if pairs.is_empty() {
        println!("customer {} stands on one source record: there is nothing to compare", customer.id);
    }
    for (a, b) in pairs {
        let (Some(a), Some(b)) = (closure.candidates.get(&a), closure.candidates.get(&b)) else { continue };
        print_pair(a, b, &closure);
    }
    Ok(())
}

fn print_pair(a: &Candidate, b: &Candidate, closure: &Closure) {
    let explanation = why::explain(a, b, &closure.decisions, &closure.generic);
    let name = |c: &Candidate| format!("{} {}", c.record.key.connector, c.record.key.key);
    println!(
        "{} ({}) and {} ({}): {}",
        a.record.id,
        name(a),
        b.record.id,
        name(b),
        pair_in_words(explanation.verdict)
    );
    for e in &explanation.evidence {
        println!("    {:<12} {:<28} {:<28} {}  {}", e.field, e.a, e.b, field_in_words(e.verdict), e.note);
    }
    if let Some(guard) = &explanation.guard {
        println!("    held apart: {guard}");
    }
    if let Some(flip) = &explanation.flip {
        println!("    this would change it: {flip}");
    }
}

fn pair_in_words(verdict: why::PairVerdict) -> &'static str {
    match verdict {
        why::PairVerdict::Decided => "one, because a person said so",
        why::PairVerdict::Tied => "tied",
        why::PairVerdict::Barred => "kept apart",
        why::PairVerdict::Unrelated => "nothing ties them directly",
    }
}

fn field_in_words(verdict: why::FieldVerdict) -> &'static str {
    match verdict {
        why::FieldVerdict::Agrees => "agree",
        why::FieldVerdict::Similar => "similar",
        why::FieldVerdict::Silent => "says nothing",
        why::FieldVerdict::Differs => "differ",
        why::FieldVerdict::Generic => "shared by too many to count",
    }
}

async fn record_ids(site: &Site, id: CustomerId) -> Result<Vec<RecordId>, Failure> {
    Ok(site.store.records_of(id).await?.into_iter().map(|(record, _, _)| record.id).collect())
}

async fn merge(site: &Site, a: &str, b: &str, note: String) -> Result<(), Failure> {
    let (a, b) = (customer_named(site, a).await?, customer_named(site, b).await?);
    if a.id == b.id {
        return Err(Failure::new("RJ-X006", format!("both are customer {} already", a.id)));
    }
    let (of_a, of_b) = (record_ids(site, a.id).await?, record_ids(site, b.id).await?);
    let (Some(first_a), Some(first_b)) = (of_a.iter().min(), of_b.iter().min()) else {
        return Err(Failure::new("RJ-X006", "one of the two has no source record any more"));
    };
    decide(site, Verdict::MustLink, *first_a, *first_b, &note).await?;
    settle(site).await?;
    let survivor = customer_named(site, &a.id.to_string()).await?;
    site.audit("customer merge", &survivor.id.to_string(), &format!("{} and {}: {note}", a.id, b.id)).await;
    println!("{} and {} are one customer: {}", a.id, b.id, survivor.id);
    Ok(())
}

async fn split(site: &Site, id: &str, records: &[String], note: &str) -> Result<(), Failure> {
    let customer = customer_named(site, id).await?;
    let all = record_ids(site, customer.id).await?;
    let out = records.iter().map(|text| record_of(text, &all, &customer)).collect::<Result<Vec<_>, _>>()?;
    let stay: Vec<RecordId> = all.iter().filter(|r| !out.contains(r)).copied().collect();
    if stay.is_empty() {
        return Err(Failure::new("RJ-X006", "these are all the records it has; leave at least one"));
    }
    for leaving in &out {
        for staying in &stay {
            decide(site, Verdict::CannotLink, *leaving, *staying, note).await?;
        }
    }
    settle(site).await?;
    site.audit("customer split", &customer.id.to_string(), &format!("{}: {note}", records.join(" "))).await;
    for link in out.iter().zip(site.store.links_of(&out).await?) {
        let now = link.1.map_or_else(|| "no customer".to_owned(), |c| format!("customer {c}"));
        println!("record {} belongs to {now}", link.0);
    }
    Ok(())
}

fn record_of(text: &str, all: &[RecordId], customer: &Customer) -> Result<RecordId, Failure> {
    let id: RecordId = text.parse().map_err(|e| Failure::new("RJ-X002", format!("{e}")))?;
    if all.contains(&id) {
        return Ok(id);
    }
    let sentence = format!("customer {} has no source record {id}", customer.id);
    Err(Failure::new("RJ-X002", sentence).hint(format!("rejoin customer show {} lists them", customer.id)))
}

async fn decide(site: &Site, verdict: Verdict, a: RecordId, b: RecordId, note: &str) -> Result<(), Failure> {
    let at: Timestamp = clock::now();
    let who = std::env::var("USER").unwrap_or_else(|_| "cli".to_owned());
    let decision = Decision { id: site.store.next_id(at), verdict, a, b, who, at, note: note.to_owned() };
    Ok(site.store.add_decision(decision).await?)
}

/// Has the decision take effect: by ourselves, or by the daemon that holds the store.
async fn settle(site: &Site) -> Result<(), Failure> {
    super::with_store_or_daemon(
        site,
        async || Ok(resolve_once(site, 1_000).await? == 0),
        async || Ok(site.store.counts().await?.unresolved == 0),
    )
    .await
}
