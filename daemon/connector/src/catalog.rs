//! The installed plugins: where each library lies, what its manifest says, what it thinks of a configuration.
//!
//! Even a manifest is read in a child, because loading a library already runs its code.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rejoin_plugin_api::{Diagnostic, ErrorClass};
use tokio::sync::watch;

use crate::error::{Error, Who};
use crate::manifest::Manifest;
use crate::protocol::ToChild;
use crate::session::{Call, Failure, Session};
use crate::spec::Limits;

const PREFIX: &str = "librejoin_";
const SUFFIX: &str = ".so";

pub struct Catalog {
    dirs: Vec<PathBuf>,
    host_exe: PathBuf,
    manifests: Mutex<HashMap<PathBuf, (Stamp, Manifest)>>,
}

/// A changed library is read again.
type Stamp = (Option<SystemTime>, u64);

impl Catalog {
    /// `dirs` in order of search. `host_exe` answers to `connector-host`: the daemon's own executable.
    pub fn new(dirs: Vec<PathBuf>, host_exe: PathBuf) -> Self {
        Self { dirs, host_exe, manifests: Mutex::default() }
    }

    /// Where the library of a plugin lies.
    pub fn library(&self, plugin: &str) -> Result<PathBuf, Error> {
        let file = format!("{PREFIX}{}{SUFFIX}", plugin.replace('-', "_"));
        // A plugin is named, never addressed: a name with a slash would leave the directories.
        let found = if plugin.contains('/') { None } else { self.find(&file) };
        found.ok_or_else(|| Error::Missing {
            plugin: plugin.to_owned(),
            file,
            dirs: self.dirs.iter().map(|d| d.display().to_string()).collect::<Vec<_>>().join(", "),
            hint: self.hint(plugin),
        })
    }

    /// The ids of the plugins that lie in the directories, whether or not they would load.
    pub fn plugins(&self) -> Vec<String> {
        let entries = self.dirs.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut ids: Vec<String> = names
            .filter_map(|n| Some(n.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.replace('_', "-")))
            .collect();
        ids.sort();
        ids.dedup();
        ids
    }

    pub async fn manifest(&self, plugin: &str) -> Result<Manifest, Error> {
        let library = self.library(plugin)?;
        let stamp = stamp(&library);
        if let Some((of, manifest)) = self.cached().get(&library)
            && *of == stamp
        {
            return Ok(manifest.clone());
        }
        let session = self.start(plugin, None, Limits::default()).await?;
        let manifest = session.manifest.clone();
        session.close().await;
        self.cached().insert(library, (stamp, manifest.clone()));
        Ok(manifest)
    }

    /// The plugin's own findings in its configuration, offline. What is wrong with the plugin is an error instead.
    pub async fn validate(&self, plugin: &str, config: &serde_json::Value) -> Result<Vec<Diagnostic>, Error> {
        let limits = Limits::default();
        let mut session = self.start(plugin, None, limits.clone()).await?;
        if !session.has.validate {
            session.close().await;
            return Ok(Vec::new());
        }
        let body = config.to_string().into_bytes();
        let call =
            Call { name: "validate", head: ToChild::Validate, body: &body, deadline: limits.call_deadline };
        let (_keep, mut never) = watch::channel(false);
        let said = session.call(call, &mut never, &mut |_, _| {}).await;
        session.close().await;
        let who = who(plugin, None);
        match said {
            Ok((_, findings)) => serde_json::from_slice(&findings).map_err(|e| Error::Fault {
                who,
                call: "validate".to_owned(),
                what: format!("its findings do not parse: {e}"),
            }),
            Err(Failure::Answered(Error::Plugin { error, .. })) if error.class == ErrorClass::Config => {
                Ok(vec![Diagnostic { pointer: String::new(), message: error.message, hint: error.hint }])
            }
            Err(Failure::Answered(e) | Failure::NotReached(e) | Failure::Lost(e)) => Err(e),
        }
    }

    /// Starts a child that has loaded the plugin.
    pub(crate) async fn start(
        &self,
        plugin: &str,
        connector: Option<Arc<str>>,
        limits: Limits,
    ) -> Result<Session, Error> {
        Session::start(&self.host_exe, &self.library(plugin)?, who(plugin, connector), limits).await
    }

    fn find(&self, file: &str) -> Option<PathBuf> {
        let found = self.dirs.iter().map(|dir| dir.join(file)).find(|path| path.exists())?;
        // The child resolves no relative path, whatever its directory.
        Some(std::path::absolute(&found).unwrap_or(found))
    }

    fn hint(&self, plugin: &str) -> String {
        let ids = self.plugins();
        let near = ids
            .iter()
            .map(|id| (strsim::damerau_levenshtein(id, plugin), id))
            .filter(|(distance, _)| *distance <= 2)
            .min();
        match near {
            Some((_, id)) => format!("did you mean {id:?}?"),
            None if ids.is_empty() => "no plugin is installed there".to_owned(),
            None => format!("installed are {}", ids.join(", ")),
        }
    }

    fn cached(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, (Stamp, Manifest)>> {
        self.manifests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn who(plugin: &str, connector: Option<Arc<str>>) -> Who {
    Who { connector, plugin: plugin.into() }
}

fn stamp(library: &Path) -> Stamp {
    let meta = std::fs::metadata(library).ok();
    (meta.as_ref().and_then(|m| m.modified().ok()), meta.map_or(0, |m| m.len()))
}
