//! The configuration: `rejoin.toml` and the files it includes, read into checked [`Settings`].
//!
//! Two steps, as what was written differs from what it means. [`Draft::read`] takes the text apart and checks all that
//! needs no plugin; [`Draft::check_plugins`] holds the rest against the manifests of the plugins it names. Mistakes
//! are never the first one only: all of them come at once, each with its place.
//!
//! Refuses: a key it does not know, a value it would have to guess, anything half right. Nothing is read from the
//! environment except where the file says `env:NAME`.

mod campaigns;
mod connectors;
mod draft;
mod error;
mod include;
pub mod keys;
mod load;
mod maps;
mod plugins;
mod reader;
mod rules;
mod schema;
mod settings;
mod site;
mod source;
mod strings;
mod tree;
mod values;

#[cfg(test)]
mod tests;

pub use draft::Draft;
pub use error::ConfigError;
pub use load::load;
pub use plugins::{Manifests, PluginProblem};
pub use settings::{CampaignSettings, ConnectorSettings, Http, Intake, Rate, Role, Settings, Site};
pub use tree::Outside;
pub use values::{did_you_mean, is_language};
