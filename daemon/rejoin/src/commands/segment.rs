//! `rejoin segment`: who is in it now.

use clap::Subcommand;
use rejoin_model::Segment;

use super::{open, shown};
use crate::cli::{ConfigArg, FormatArg};
use crate::clock;
use crate::failure::Failure;
use crate::output::{Format, Table};

#[derive(Debug, Subcommand)]
pub enum SegmentCommand {
    /// Count a segment's customers and show some of them
    Preview {
        /// Name of a segment, or a condition with --where
        name: Option<String>,
        /// A condition, as in a segment's `where`
        #[arg(
            long = "where",
            value_name = "CONDITION",
            conflicts_with = "name",
            required_unless_present = "name"
        )]
        condition: Option<String>,
        /// How many to show
        #[arg(long, default_value_t = 10)]
        limit: usize,
        #[command(flatten)]
        format: FormatArg,
        #[command(flatten)]
        config: ConfigArg,
    },
}

pub async fn segment(command: SegmentCommand) -> Result<(), Failure> {
    let SegmentCommand::Preview { name, condition, limit, format, config } = command;
    let site = open(&config.config).await?;
    let settings = site.settings();
    let segment = match (&name, &condition) {
        (_, Some(text)) => typed(text)?,
        (name, None) => {
            let name = name.as_deref().unwrap_or_default();
            let known: Vec<&str> = settings.segments.iter().map(|s| s.name.as_str()).collect();
            settings.segment(name).cloned().ok_or_else(|| Failure::no_such("segment", name, &known))?
        }
    };
    let now = clock::now();
    if format.format == Format::Table {
        let count = site.store.audience_count(&segment.condition, now).await?;
        println!("{count} customers match: {}\n", segment.source.trim());
    }
    let mut table =
        Table::new(&["customer", "name", "email", "phone", "stage", "orders", "days since last order"]);
    for member in site.store.audience(&segment.condition, None, limit, now).await? {
        let (c, p) = (&member.customer, &member.profile);
        table.row([
            c.id.to_string(),
            shown(c.name.as_ref()),
            shown(c.emails.first()),
            shown(c.phones.first()),
            p.stage.to_string(),
            p.orders.to_string(),
            p.last_order_at.map_or_else(|| "-".to_owned(), |at| now.days_since(at).to_string()),
        ]);
    }
    Ok(table.print(format.format)?)
}

/// A condition from the command line, with its errors shown under it.
fn typed(text: &str) -> Result<Segment, Failure> {
    rejoin_campaign::parse::segment("--where", text).map_err(|errors| {
        let pointed: Vec<String> = errors
            .iter()
            .map(|e| {
                let before: String =
                    text.chars().take(text[..e.offset.min(text.len())].chars().count()).collect();
                let hint = e.hint.as_ref().map(|h| format!(" ({h})")).unwrap_or_default();
                format!("{}{hint}, at {:?}", e.message, &text[before.len()..])
            })
            .collect();
        Failure::new("RJ-K002", pointed.join("; "))
    })
}
