//! The two steps of reading a configuration. A [`Draft`] holds what the text alone says, with its mistakes; once the
//! plugins it names have been asked for their manifests, [`Draft::finish`] checks the rest and makes the settings, or
//! gives every mistake of both steps.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::campaigns::{self, DraftCampaign, DraftSegment};
use super::connectors::{self, DraftConnector};
use super::error::{ConfigError, Findings, Place};
use super::keys;
use super::plugins::{PLUGIN_REFUSED, Ready};
use super::reader::{Context, Section};
use super::settings::{ConnectorSettings, Http, Settings, Site};
use super::site;
use super::source::SourceFile;
use super::tree::{self, Outside, Table};
use crate::mapping::{Maps, SiteDefaults};

/// Files one configuration may be spread over.
const FILES_MAX: usize = 1000;
const INCLUDED_KEYS: &[&str] = &["connector", "segment", "campaign"];

/// A configuration as written, read as far as it goes without its plugins.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    pub(super) dir: PathBuf,
    pub(super) files: Vec<SourceFile>,
    pub(super) trees: Vec<Option<Table>>,
    pub(super) findings: Findings,
    site: Site,
    store_url: String,
    http: Http,
    plugin_dirs: Vec<PathBuf>,
    pub(super) connectors: Vec<DraftConnector>,
    segments: Vec<DraftSegment>,
    pub(super) campaigns: Vec<DraftCampaign>,
    /// Made by [`Draft::check_plugins`].
    pub(super) checked: BTreeMap<String, Ready>,
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

    pub(super) fn cx(&self) -> Context<'_> {
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

    /// The settings, or every mistake. A plugin that is missing or refused is no reason to do nothing: the settings
    /// say so, and its connectors rest.
    pub fn finish(self) -> Result<Settings, Vec<ConfigError>> {
        let refused = self.findings.sorted();
        if refused.iter().any(|found| found.code != PLUGIN_REFUSED) {
            return Err(refused);
        }
        let Site { zone, currency, region, .. } = &self.site;
        let defaults = SiteDefaults { zone: *zone, currency: currency.clone(), region: region.clone() };
        let mut checked = self.checked;
        let usable: BTreeSet<String> = checked.keys().cloned().collect();
        let connectors = self.connectors.into_iter().map(|c| {
            let ready = checked.remove(&c.name);
            connector_settings(c, ready, &defaults)
        });
        let connectors = connectors.collect();
        let segments: Vec<_> = self.segments.into_iter().map(|s| s.segment).collect();
        let (mut campaigns, mut resting) = (Vec::new(), BTreeSet::new());
        for draft in self.campaigns {
            if draft.channels.iter().any(|(name, _)| !usable.contains(name)) {
                resting.insert(draft.campaign.name.clone());
            }
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
            refused,
            resting,
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
