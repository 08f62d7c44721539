//! `rejoin export`: links and customers, page by page, whatever their number.

use std::io::{self, BufWriter, StdoutLock, Write};

use clap::{Args, ValueEnum};
use rejoin_model::Customer;
use rejoin_model::customer::Golden;

use super::open;
use crate::cli::ConfigArg;
use crate::failure::Failure;
use crate::output::{csv_line, quiet_pipe};
use crate::site::Site;

const PAGE: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// connector,key,customer_id
    Links,
    /// The golden records
    Customers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    Csv,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    what: What,
    #[arg(long, value_enum, default_value = "csv")]
    format: ExportFormat,
    #[command(flatten)]
    config: ConfigArg,
}

pub async fn export(args: ExportArgs) -> Result<(), Failure> {
    let site = open(&args.config.config).await?;
    let mut rows = Rows { out: BufWriter::new(io::stdout().lock()), format: args.format, columns: &[] };
    match args.what {
        What::Links => links(&site, &mut rows).await,
        What::Customers => customers(&site, &mut rows).await,
    }?;
    Ok(quiet_pipe(rows.out.flush())?)
}

async fn links(site: &Site, rows: &mut Rows) -> Result<(), Failure> {
    rows.begin(&["connector", "key", "customer_id"])?;
    let mut after = None;
    loop {
        let page = site.store.export_links(after, PAGE).await?;
        for (connector, key, customer) in &page {
            rows.write(&[connector.to_string(), key.clone(), customer.to_string()])?;
        }
        let Some((connector, key, _)) = page.into_iter().last() else { return Ok(()) };
        after = Some((connector, key));
    }
}

async fn customers(site: &Site, rows: &mut Rows) -> Result<(), Failure> {
    rows.begin(&["customer_id", "name", "company", "email", "phone", "city", "language", "records"])?;
    let mut after = None;
    loop {
        let page = site.store.export_customers(after, PAGE).await?;
        for customer in &page {
            rows.write(&cells(customer))?;
        }
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
    }
}

fn cells(customer: &Customer) -> [String; 8] {
    let value = |golden: Option<&Golden>| golden.map_or_else(String::new, |g| g.value.clone());
    [
        customer.id.to_string(),
        value(customer.name.as_ref()),
        value(customer.company.as_ref()),
        value(customer.emails.first()),
        value(customer.phones.first()),
        value(customer.city.as_ref()),
        value(customer.language.as_ref()),
        customer.records.to_string(),
    ]
}

/// Writes rows in the format asked for.
struct Rows {
    out: BufWriter<StdoutLock<'static>>,
    format: ExportFormat,
    columns: &'static [&'static str],
}

impl Rows {
    fn begin(&mut self, columns: &'static [&'static str]) -> io::Result<()> {
        self.columns = columns;
        if self.format == ExportFormat::Csv {
            csv_line(&mut self.out, columns.iter().copied())
        } else {
            Ok(())
        }
    }

    fn write(&mut self, cells: &[String]) -> io::Result<()> {
        if self.format == ExportFormat::Csv {
            return csv_line(&mut self.out, cells.iter().map(String::as_str));
        }
        let row: serde_json::Map<String, serde_json::Value> =
            self.columns.iter().zip(cells).map(|(c, v)| ((*c).to_owned(), v.as_str().into())).collect();
        serde_json::to_writer(&mut self.out, &row)?;
        self.out.write_all(b"\n")
    }
}
