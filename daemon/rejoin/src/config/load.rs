//! Reading a configuration for real: the file, the environment, and every plugin it names, asked in its own child.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rejoin_connector::Catalog;

use super::draft::Draft;
use super::error::ConfigError;
use super::plugins::{Manifests, PluginProblem};
use super::settings::Settings;
use super::tree::Outside;

/// The settings and the catalogue of their plugins; or every mistake there is.
pub async fn load(path: &Path) -> Result<(Settings, Arc<Catalog>), Vec<ConfigError>> {
    let mut draft = Draft::read(path, &Outside::real())?;
    let host = std::env::current_exe().unwrap_or_default();
    let catalog = Arc::new(Catalog::new(search_dirs(draft.plugin_dirs(), &host), host));
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

/// The configured folders first, then where an installation has its own plugins: beside the program, or in
/// `../lib/rejoin` of it.
fn search_dirs(configured: &[PathBuf], program: &Path) -> Vec<PathBuf> {
    let mut dirs = configured.to_vec();
    if let Some(beside) = program.parent() {
        dirs.push(beside.to_path_buf());
        dirs.push(beside.join("../lib/rejoin"));
    }
    dirs
}
