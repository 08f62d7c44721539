//! Parties and sales of a Tryton ERP as records, read over its JSON-RPC.
//!
//! [`rpc`] holds the session and says what an error means, [`wire`] the forms Tryton writes values in, [`lane`] finds
//! what changed in one table, [`cursor`] remembers how far, [`parties`] and [`sales`] read the records themselves,
//! and [`plugin`] is the connector.
//!
//! Refused: writing to the ERP, any call per record, and judging what an address or a number is worth: values are
//! passed on as they stand.

mod config;
mod cursor;
mod lane;
mod parties;
mod plugin;
mod rpc;
mod sales;
mod wire;

pub use config::Config;
pub use plugin::Erp;

rejoin_plugin_api::export_plugin!(Erp: source);

#[cfg(test)]
mod tests;
