//! Sales as records: with their lines and the key of their party.

use serde::{Deserialize, Serialize};

use crate::lane::Table;
use crate::wire::{Day, Decimal, Stamp};

/// A line changed on its own does not touch its sale's `write_date`.
pub(crate) const TABLES: &[Table] =
    &[Table { model: "sale.sale", parent: None }, Table { model: "sale.line", parent: Some("sale") }];

pub(crate) const FIELDS: &[&str] = &[
    "number",
    "reference",
    "state",
    "party",
    "sale_date",
    "currency.code",
    "total_amount",
    "create_date",
    "write_date",
    "lines.type",
    "lines.product.rec_name",
    "lines.product.code",
    "lines.description",
    "lines.quantity",
    "lines.unit_price",
    "lines.amount",
];

#[derive(Deserialize)]
pub(crate) struct Read {
    id: i64,
    number: Option<String>,
    reference: Option<String>,
    state: Option<String>,
    party: Option<i64>,
    sale_date: Option<Day>,
    #[serde(rename = "currency.")]
    currency: Option<Currency>,
    total_amount: Option<Decimal>,
    create_date: Option<Stamp>,
    write_date: Option<Stamp>,
    #[serde(rename = "lines.", default)]
    lines: Vec<ReadLine>,
}

#[derive(Deserialize)]
struct Currency {
    code: Option<String>,
}

#[derive(Deserialize)]
struct ReadLine {
    r#type: Option<String>,
    #[serde(rename = "product.")]
    product: Option<Product>,
    description: Option<String>,
    quantity: Option<f64>,
    unit_price: Option<Decimal>,
    amount: Option<Decimal>,
}

#[derive(Deserialize)]
struct Product {
    rec_name: Option<String>,
    code: Option<String>,
}

/// What the record shows.
#[derive(Serialize)]
pub(crate) struct Sale {
    pub(crate) id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    party: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    party_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sale_date: Option<Day>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_amount: Option<Decimal>,
    lines: Vec<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_date: Option<Stamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    write_date: Option<Stamp>,
}

#[derive(Serialize)]
struct Line {
    /// The product's name, or what the line says instead of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_price: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Decimal>,
}

impl From<Read> for Sale {
    fn from(read: Read) -> Self {
        // The others are titles, comments and subtotals.
        let lines = read.lines.into_iter().filter(|line| line.r#type.as_deref() == Some("line"));
        Self {
            id: read.id,
            number: read.number,
            reference: read.reference,
            state: read.state,
            party: read.party,
            party_key: read.party.map(|id| format!("party/{id}")),
            sale_date: read.sale_date,
            currency: read.currency.and_then(|currency| currency.code),
            total_amount: read.total_amount,
            lines: lines.map(Line::from).collect(),
            create_date: read.create_date,
            write_date: read.write_date,
        }
    }
}

impl From<ReadLine> for Line {
    fn from(read: ReadLine) -> Self {
        let (name, product_code) = read.product.map_or((None, None), |p| (p.rec_name, p.code));
        Self {
            product: name.or(read.description),
            product_code,
            quantity: read.quantity,
            unit_price: read.unit_price,
            amount: read.amount,
        }
    }
}
