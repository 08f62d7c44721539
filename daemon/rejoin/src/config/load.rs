//! Reading a configuration for real: the file, the environment, and every plugin it names, asked in its own child.

use std::path::Path;
use std::sync::Arc;

use rejoin_connector::Catalog;

use super::draft::{Draft, Manifests, PluginProblem};
use super::error::ConfigError;
use super::settings::Settings;
use super::tree::Outside;

/// The settings and the catalogue of their plugins; or every mistake there is.
pub async fn load(path: &Path) -> Result<(Settings, Arc<Catalog>), Vec<ConfigError>> {
    let mut draft = Draft::read(path, &Outside::real())?;
    let host = std::env::current_exe().unwrap_or_default();
    let catalog = Arc::new(Catalog::new(draft.plugin_dirs().to_vec(), host));
    let mut manifests = Manifests::new();
    for plugin in draft.plugins() {
        let asked = catalog.manifest(plugin).await.map_err(|e| PluginProblem { message: e.to_string() });
        manifests.insert(plugin.to_owned(), asked);
    }
    draft.check_plugins(&manifests);
    for (connector, plugin, config) in draft.plugin_configs() {
        match catalog.validate(&plugin, &config).await {
            Ok(diagnostics) => draft.add_diagnostics(&connector, &diagnostics),
            Err(error) => draft.add_problem(&connector, &PluginProblem { message: error.to_string() }),
        }
    }
    draft.finish().map(|settings| (settings, catalog))
}
