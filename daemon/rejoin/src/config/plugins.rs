//! The second step: what a configuration says about its plugins, held against their manifests.

use std::collections::BTreeMap;

use rejoin_connector::{Capability, Diagnostic, Manifest};

use super::connectors::DraftConnector;
use super::draft::Draft;
use super::reader::Context;
use super::schema;
use super::settings::Role;
use super::tree::{Node, Value};

/// Code of the one finding that concerns a single connector and stops no other.
pub(super) const PLUGIN_REFUSED: &str = "RJ-C015";

/// What a plugin says of itself, or why it could not be asked.
pub type Manifests = BTreeMap<String, Result<Manifest, PluginProblem>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginProblem {
    /// The sentence of the catalogue.
    pub message: String,
}

/// What the plugin's manifest adds to a connector.
#[derive(Debug)]
pub(super) struct Ready {
    manifest: Manifest,
    pub(super) roles: Vec<Role>,
    pub(super) config: schema::Checked,
}

impl Draft {
    /// Second step: holds every connector against its plugin's manifest.
    pub fn check_plugins(&mut self, manifests: &Manifests) {
        let mut checked = BTreeMap::new();
        for connector in &self.connectors {
            let manifest = match manifests.get(&connector.plugin) {
                Some(Ok(manifest)) => manifest,
                Some(Err(problem)) => {
                    self.cx().error(&connector.plugin_place, PLUGIN_REFUSED, problem.message.clone(), None);
                    continue;
                }
                None => continue,
            };
            let roles = self.roles_of(connector, manifest);
            self.check_streams(connector, manifest);
            let node = self.tree_of(connector, "config");
            let config = schema::check(&self.cx(), &self.dir, &manifest.config, node, &connector.place);
            checked.insert(connector.name.clone(), Ready { manifest: manifest.clone(), roles, config });
        }
        self.checked = checked;
        self.check_channels();
    }

    /// What each plugin is to validate: connector, plugin, configuration. Empty while there are mistakes, because a
    /// plugin may count on its schema.
    pub fn plugin_configs(&self) -> Vec<(String, String, serde_json::Value)> {
        if self.errors().iter().any(|found| found.code != PLUGIN_REFUSED) {
            return Vec::new();
        }
        let config = |c: &DraftConnector| {
            let ready = self.checked.get(&c.name)?;
            Some((c.name.clone(), c.plugin.clone(), ready.config.value.clone()))
        };
        self.connectors.iter().filter_map(config).collect()
    }

    /// What a plugin found in its configuration, placed where it is written.
    pub fn add_diagnostics(&self, connector: &str, diagnostics: &[Diagnostic]) {
        let Some(draft) = self.connectors.iter().find(|c| c.name == connector) else { return };
        for found in diagnostics {
            let place = match self.tree_of(draft, "config") {
                Some(node) => &schema::at_pointer(node, &found.pointer).place,
                None => &draft.place,
            };
            let key = found.pointer.trim_start_matches('/').replace('/', ".");
            let message =
                if key.is_empty() { found.message.clone() } else { format!("`{key}`: {}", found.message) };
            self.cx().error(place, "RJ-C017", message, found.hint.clone());
        }
    }

    /// A plugin could not be asked at all.
    pub fn add_problem(&self, connector: &str, problem: &PluginProblem) {
        if let Some(draft) = self.connectors.iter().find(|c| c.name == connector) {
            self.cx().error(&draft.plugin_place, PLUGIN_REFUSED, problem.message.clone(), None);
        }
    }

    fn roles_of(&self, connector: &DraftConnector, manifest: &Manifest) -> Vec<Role> {
        let cx = self.cx();
        let able: Vec<Role> = Role::ALL.into_iter().filter(|r| manifest.can(r.capability())).collect();
        let roles = match &connector.roles {
            None => able,
            Some(asked) => {
                for (role, place) in asked.iter().filter(|(role, _)| !able.contains(role)) {
                    let names: Vec<_> = able.iter().map(|r| r.name()).collect();
                    let message = format!("plugin `{}` cannot be a {role}", connector.plugin);
                    cx.error(place, "RJ-C019", message, Some(format!("it can be: {}", names.join(", "))));
                }
                asked.iter().map(|(role, _)| *role).collect()
            }
        };
        for (key, role) in [("intake", Role::Webhook), ("sweep", Role::Source)] {
            if let Some(node) = self.tree_of(connector, key).filter(|_| !roles.contains(&role)) {
                let message = format!("`{key}` is for a {role}, and this connector is none");
                cx.error(&node.place, "RJ-C019", message, None);
            }
        }
        roles
    }

    /// A map for a stream the plugin does not have would never see a line.
    fn check_streams(&self, connector: &DraftConnector, manifest: &Manifest) {
        let known: Vec<_> = manifest.streams.iter().map(|s| s.name.as_str()).collect();
        let Some(Node { value: Value::Array(maps), .. }) = self.tree_of(connector, "map") else { return };
        if known.is_empty() || !manifest.can(Capability::Source) {
            return;
        }
        for map in maps {
            let Value::Table(table) = &map.value else { continue };
            let Some(Node { value: Value::Text(name), place, .. }) = table.get("stream").map(|e| &e.node)
            else {
                continue;
            };
            if !known.contains(&name.as_str()) {
                let hint = super::did_you_mean(name, known.iter().copied())
                    .unwrap_or_else(|| format!("its streams: {}", known.join(", ")));
                let message = format!("plugin `{}` has no stream `{name}`", connector.plugin);
                self.cx().error(place, "RJ-C009", message, Some(hint));
            }
        }
    }

    /// The node of one key of a `[[connector]]`.
    fn tree_of(&self, connector: &DraftConnector, key: &str) -> Option<&Node> {
        let (file, number) = connector.origin;
        let Value::Array(items) = &self.trees.get(file)?.as_ref()?.get("connector")?.node.value else {
            return None;
        };
        match &items.get(number)?.value {
            Value::Table(table) => table.get(key).map(|e| &e.node),
            _ => None,
        }
    }

    /// The channels of each campaign can send, and there is content for them.
    fn check_channels(&mut self) {
        let cx = Context { files: &self.files, findings: &self.findings };
        for draft in &mut self.campaigns {
            let channels = draft.channels.iter().filter_map(|(name, place)| {
                let ready = self.checked.get(name)?;
                match ready.manifest.channel.filter(|_| ready.roles.contains(&Role::Channel)) {
                    Some(channel) => Some((name.clone(), channel)),
                    None => {
                        let message = format!("connector `{name}` sends nothing: it has no role channel");
                        cx.error(place, "RJ-C019", message, None);
                        None
                    }
                }
            });
            draft.choose(&cx, channels.collect());
        }
    }
}
