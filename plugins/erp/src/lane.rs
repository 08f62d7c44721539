//! What changed in one table of the ERP, in order of time and id.
//!
//! Time of change is `coalesce(write_date, create_date)`. Domains cannot say that in every version of Tryton, so two
//! lists are asked for, of rows written since and of rows only created, and merged.

use rejoin_plugin_api::Error;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cursor::Place;
use crate::rpc::Client;
use crate::wire::Stamp;

/// A table whose changes concern a record.
pub(crate) struct Table {
    pub(crate) model: &'static str,
    /// The field that names the record, or `None` when it is the record's own table.
    pub(crate) parent: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) place: Place,
    /// `None`: the row belongs to no record.
    pub(crate) record: Option<i64>,
}

pub(crate) struct Changes {
    pub(crate) list: Vec<Change>,
    /// There are no more for now.
    pub(crate) all: bool,
    /// When the first list was asked for, by the ERP's clock.
    pub(crate) asked_at: Stamp,
}

#[derive(Deserialize)]
struct Row {
    id: i64,
    create_date: Option<Stamp>,
    write_date: Option<Stamp>,
    #[serde(default, alias = "party", alias = "sale")]
    parent: Option<i64>,
}

/// The first `limit` changes behind `after`.
pub(crate) fn changes(
    client: &mut Client,
    table: &Table,
    after: Option<Place>,
    limit: u32,
) -> Result<Changes, Error> {
    // The rows only created first: one that is written between the two questions is then given twice, not never.
    let created = rows(client, table, "create_date", after, limit)?;
    let asked_at = client.asked_at();
    let written = rows(client, table, "write_date", after, limit)?;
    let limit = limit as usize;
    let all = created.len() < limit && written.len() < limit && created.len() + written.len() <= limit;
    let mut list: Vec<Change> = created.iter().chain(&written).map(|row| change(table, row)).collect();
    list.sort_by_key(|change| change.place);
    list.truncate(limit);
    Ok(Changes { list, all, asked_at })
}

fn change(table: &Table, row: &Row) -> Change {
    // Rows older than Tryton's own dates have none; they come first.
    let time = row.write_date.or(row.create_date).map_or(0, |stamp| stamp.0);
    let record = if table.parent.is_some() { row.parent } else { Some(row.id) };
    Change { place: Place(time, row.id), record }
}

fn rows(
    client: &mut Client,
    table: &Table,
    date: &str,
    after: Option<Place>,
    limit: u32,
) -> Result<Vec<Row>, Error> {
    let mut domain = match date {
        "create_date" => vec![json!(["write_date", "=", null])],
        _ => vec![json!(["write_date", "!=", null])],
    };
    if let Some(Place(time, id)) = after {
        let time = Stamp(time).to_wire();
        domain.push(json!(["OR", [[date, ">", time]], [[date, "=", time], ["id", ">", id]]]));
    }
    let mut fields = vec!["create_date", "write_date"];
    fields.extend(table.parent);
    let order = json!([[date, "ASC"], ["id", "ASC"]]);
    let params = [Value::Array(domain), json!(0), json!(limit), order, json!(fields)];
    client.call(&format!("model.{}.search_read", table.model), &params)
}
