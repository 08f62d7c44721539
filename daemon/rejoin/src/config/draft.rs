//! The two steps of reading a configuration. A [`Draft`] holds what the text alone says, with its mistakes; once the
//! plugins it names have been asked for their manifests, [`Draft::finish`] checks the rest and makes the settings, or
//! gives every mistake of both steps.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rejoin_connector::{Capability, Diagnostic, Manifest};

use super::campaigns::{self, DraftCampaign, DraftSegment};
use super::connectors::{self, DraftConnector};
use super::error::{ConfigError, Findings, Place};
use super::keys;
use super::reader::{Context, Section};
use super::schema;
use super::settings::{ConnectorSettings, Http, Role, Settings, Site};
use super::site;
use super::source::SourceFile;
use super::tree::{self, Node, Outside, Table, Value};
use crate::mapping::{Maps, SiteDefaults};

/// Files one configuration may be spread over.
const FILES_MAX: usize = 1000;
const INCLUDED_KEYS: &[&str] = &["connector", "segment", "campaign"];

/// What a plugin says of itself, or why it could not be asked.
pub type Manifests = BTreeMap<String, Result<Manifest, PluginProblem>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginProblem {
    /// The sentence of the catalogue.
    pub message: String,
}

/// A configuration as written, read as far as it goes without its plugins.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    dir: PathBuf,
    files: Vec<SourceFile>,
    trees: Vec<Option<Table>>,
    findings: Findings,
    site: Site,
    store_url: String,
    http: Http,
    plugin_dirs: Vec<PathBuf>,
    pub(super) connectors: Vec<DraftConnector>,
    segments: Vec<DraftSegment>,
    pub(super) campaigns: Vec<DraftCampaign>,
    /// Made by [`Draft::check_plugins`].
    checked: BTreeMap<String, Ready>,
}

/// What the plugin's manifest adds to a connector.
#[derive(Debug)]
struct Ready {
    manifest: Manifest,
    roles: Vec<Role>,
    config: schema::Checked,
}

impl Draft {
    /// Reads the file and what it includes.
    pub fn read(path: &Path, outside: &Outside<'_>) -> Result<Self, Vec<ConfigError>> {
        let findings = Findings::default();
        let dir = folder_of(path);
        match SourceFile::read(path) {
            Ok(file) => Ok(Self::of_file(path, dir, file, findings, outside)),
            Err(e) => {
                findings.add_whole(&path.display().to_string(), e.code, e.message, e.hint);
                Err(findings.sorted())
            }
        }
    }

    /// The same for a text in memory; `include` still reads files.
    pub fn read_text(path: &Path, text: &str, outside: &Outside<'_>) -> Result<Self, Vec<ConfigError>> {
        let findings = Findings::default();
        match SourceFile::from_bytes(path, text.as_bytes().to_vec()) {
            Ok(file) => Ok(Self::of_file(path, folder_of(path), file, findings, outside)),
            Err(e) => {
                findings.add_whole(&path.display().to_string(), e.code, e.message, e.hint);
                Err(findings.sorted())
            }
        }
    }

    fn of_file(
        path: &Path,
        dir: PathBuf,
        main: SourceFile,
        findings: Findings,
        outside: &Outside<'_>,
    ) -> Self {
        let mut files = vec![main];
        let mut trees = vec![tree::parse(&files, 0, &findings)];
        let shown_dir = path.parent().unwrap_or(Path::new("")).to_owned();
        include(&shown_dir, &mut files, &mut trees, &findings);
        for tree in trees.iter_mut().flatten() {
            tree::interpolate(tree, &dir, outside, &files, &findings);
        }
        let empty = Table::default();
        let whole = Place { file: 0, range: 0..0 };
        let cx = Context { files: &files, findings: &findings };
        let main_table = trees.first().and_then(Option::as_ref).unwrap_or(&empty);
        let top = Section::open(&cx, main_table, &whole, "the main file", &keys::names(""));
        let site = site::site(&top);
        let store_url = site::store_url(&top);
        let http = site::http(&top);
        let plugin_dirs = site::plugin_dirs(&top, &dir);
        let (mut connectors, mut segments, mut campaigns) = (Vec::new(), Vec::new(), Vec::new());
        for (index, table) in trees.iter().enumerate().filter_map(|(i, t)| Some((i, t.as_ref()?))) {
            let place = Place { file: index, range: 0..0 };
            let section = match index {
                0 => top,
                _ => Section::open(&cx, table, &place, "an included file", INCLUDED_KEYS),
            };
            for (number, found) in section.sections("connector").into_iter().enumerate() {
                connectors.extend(connectors::read(&cx, found, (index, number), site.zone.name()));
            }
            segments
                .extend(section.sections("segment").into_iter().filter_map(|s| campaigns::segment(&cx, s)));
            campaigns.extend(
                section.sections("campaign").into_iter().filter_map(|c| campaigns::campaign(&cx, c, &site)),
            );
        }
        let draft = Self {
            path: path.to_owned(),
            dir,
            files,
            trees,
            findings,
            site,
            store_url,
            http,
            plugin_dirs,
            connectors,
            segments,
            campaigns,
            checked: BTreeMap::new(),
        };
        draft.check_names();
        draft
    }

    /// Where plugins are looked for.
    pub fn plugin_dirs(&self) -> &[PathBuf] {
        &self.plugin_dirs
    }

    /// The plugins whose manifests are needed, each once.
    pub fn plugins(&self) -> BTreeSet<&str> {
        self.connectors.iter().map(|c| c.plugin.as_str()).collect()
    }

    /// The mistakes found so far.
    pub fn errors(&self) -> Vec<ConfigError> {
        self.findings.sorted()
    }

    fn cx(&self) -> Context<'_> {
        Context { files: &self.files, findings: &self.findings }
    }

    /// Each name once, and every name that is used exists.
    fn check_names(&self) {
        let cx = self.cx();
        once(&cx, "connector", self.connectors.iter().map(|c| (c.name.as_str(), &c.name_place)));
        once(&cx, "segment", self.segments.iter().map(|s| (s.segment.name.as_str(), &s.name_place)));
        once(&cx, "campaign", self.campaigns.iter().map(|c| (c.campaign.name.as_str(), &c.name_place)));
        let segments: Vec<_> = self.segments.iter().map(|s| s.segment.name.as_str()).collect();
        let connectors: Vec<_> = self.connectors.iter().map(|c| c.name.as_str()).collect();
        for draft in &self.campaigns {
            self.exists("segment", &draft.campaign.segment.name, &draft.segment_place, &segments);
            for (name, place) in &draft.channels {
                self.exists("connector", name, place, &connectors);
            }
            if self.site.name.is_empty() {
                let hint = "write name = \"…\" under [site]: messages say who sends them".to_owned();
                let message = "a campaign needs the site's name, which is empty";
                cx.error(&draft.place, "RJ-C006", message, Some(hint));
            }
        }
    }

    fn exists(&self, noun: &str, name: &str, place: &Place, known: &[&str]) {
        // A name may stand in a file that did not parse, or in a table whose own name is wrong.
        if known.contains(&name) || self.findings.incomplete.get() {
            return;
        }
        let hint = super::did_you_mean(name, known.iter().copied()).unwrap_or_else(|| match known {
            [] => format!("there is no [[{noun}]] at all"),
            _ => format!("there are: {}", known.join(", ")),
        });
        self.cx().error(place, "RJ-C009", format!("there is no {noun} `{name}`"), Some(hint));
    }

    /// Second step: holds every connector against its plugin's manifest.
    pub fn check_plugins(&mut self, manifests: &Manifests) {
        let mut checked = BTreeMap::new();
        for connector in &self.connectors {
            let manifest = match manifests.get(&connector.plugin) {
                Some(Ok(manifest)) => manifest,
                Some(Err(problem)) => {
                    self.cx().error(&connector.plugin_place, "RJ-C015", problem.message.clone(), None);
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
        if !self.findings.is_empty() {
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
            self.cx().error(&draft.plugin_place, "RJ-C015", problem.message.clone(), None);
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

    /// The settings, or every mistake.
    pub fn finish(self) -> Result<Settings, Vec<ConfigError>> {
        if !self.findings.is_empty() {
            return Err(self.findings.sorted());
        }
        let Site { zone, currency, region, .. } = &self.site;
        let defaults = SiteDefaults { zone: *zone, currency: currency.clone(), region: region.clone() };
        let mut checked = self.checked;
        let connectors = self.connectors.into_iter().map(|c| {
            let ready = checked.remove(&c.name);
            connector_settings(c, ready, &defaults)
        });
        let connectors = connectors.collect();
        let segments: Vec<_> = self.segments.into_iter().map(|s| s.segment).collect();
        let mut campaigns = Vec::new();
        for draft in self.campaigns {
            campaigns.extend(draft.settings(&segments));
        }
        Ok(Settings {
            path: self.path,
            dir: self.dir,
            files: self.files.into_iter().map(|f| f.path).collect(),
            site: self.site,
            store_url: self.store_url,
            http: self.http,
            plugin_dirs: self.plugin_dirs,
            connectors,
            segments,
            campaigns,
        })
    }
}

fn connector_settings(draft: DraftConnector, ready: Option<Ready>, site: &SiteDefaults) -> ConnectorSettings {
    let maps = match draft.maps.is_empty() {
        true => Maps::by_name(&draft.name, site.clone()),
        false => Maps { connector: draft.name.as_str().into(), site: site.clone(), maps: draft.maps },
    };
    let (roles, config) = ready.map_or_else(Default::default, |r| (r.roles, r.config));
    ConnectorSettings {
        name: draft.name.as_str().into(),
        plugin: draft.plugin,
        roles,
        config: config.value,
        secret_pointers: config.secrets,
        poll_ms: draft.poll_ms,
        sweep: draft.sweep,
        unique: draft.unique,
        intake: draft.intake,
        maps: Arc::new(maps),
    }
}

/// Reads the files the main one includes. They are read once, wherever they stand, and include no further ones.
fn include(
    shown_dir: &Path,
    files: &mut Vec<SourceFile>,
    trees: &mut Vec<Option<Table>>,
    findings: &Findings,
) {
    let mut found = Vec::new();
    if let Some(Some(table)) = trees.first() {
        site::includes(&Context { files, findings }, table, shown_dir, &mut found);
    }
    for path in found.into_iter().take(FILES_MAX) {
        match SourceFile::read(&path) {
            Ok(file) => {
                files.push(file);
                trees.push(tree::parse(files, files.len() - 1, findings));
            }
            Err(e) => {
                findings.incomplete.set(true);
                findings.add_whole(&path.display().to_string(), e.code, e.message, e.hint);
            }
        }
    }
}

fn once<'a>(cx: &Context<'_>, noun: &str, names: impl Iterator<Item = (&'a str, &'a Place)>) {
    let mut seen: HashMap<&str, &Place> = HashMap::new();
    for (name, place) in names {
        let Some(first) = seen.get(name) else {
            seen.insert(name, place);
            continue;
        };
        let at = cx.files.get(first.file).map_or_else(String::new, |file| {
            format!("{}:{}", file.shown, file.position(first.range.start).0)
        });
        let hint = Some(format!("the first one is at {at}"));
        cx.error(place, "RJ-C008", format!("there are two {noun}s named `{name}`"), hint);
    }
}

/// The absolute folder of a file, as far as the system says.
fn folder_of(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}
