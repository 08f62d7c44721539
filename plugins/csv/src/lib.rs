//! Rows of delimited text files as records: single files, patterns, or a watched folder.
//!
//! [`detect`] says how a file is written, [`lines`] cuts it into physical lines by byte offset, [`records`] makes
//! records of them, [`columns`] gives the cells names, [`cursor`] remembers how far each file was read, [`pass`]
//! reads one file on, and [`plugin`] is the connector.
//!
//! Refused: spreadsheets in binary formats, compressed files, files fetched over the network, encodings that keep
//! state between lines (ISO-2022-JP), and any interpretation of a cell: it stays the text it was.

mod columns;
mod cursor;
mod detect;
mod files;
mod lines;
mod pass;
mod plugin;
mod records;
mod settings;

pub use plugin::Csv;
pub use settings::Config;

rejoin_plugin_api::export_plugin!(Csv: source);

#[cfg(test)]
mod tests;
