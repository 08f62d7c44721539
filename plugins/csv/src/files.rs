//! Which files the configured paths stand for now. Opens none of them.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const EXTENSIONS: [&str; 4] = ["csv", "tsv", "tab", "txt"];

/// A path that could not be looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) path: PathBuf,
    pub(crate) message: String,
}

#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Each once, in the order of the configuration, a folder's by name.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) troubles: Vec<Trouble>,
}

pub(crate) fn list(paths: &[String]) -> Listing {
    let mut listing = Listing::default();
    let mut seen = HashSet::new();
    for path in paths {
        let path = Path::new(path);
        let result = match pattern_of(path) {
            Some(pattern) => {
                folder_files(path.parent().unwrap_or(Path::new("")), |name| matches(pattern, name))
            }
            None => match fs::metadata(path) {
                Ok(found) if found.is_dir() => folder_files(path, is_table),
                Ok(found) if found.is_file() => Ok(vec![path.to_path_buf()]),
                Ok(_) => Err(io::Error::other("it is neither a file nor a folder")),
                Err(e) => Err(e),
            },
        };
        match result {
            Ok(found) => listing.files.extend(found.into_iter().filter(|file| seen.insert(file.clone()))),
            Err(e) => listing.troubles.push(Trouble { path: path.to_path_buf(), message: e.to_string() }),
        }
    }
    listing
}

fn pattern_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str().filter(|name| name.contains(['*', '?']))
}

fn folder_files(folder: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        // A name in another encoding still has its extension in ASCII.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Hidden files are other programs' half-written ones. A file that went away since is none.
        if !name.starts_with('.') && wanted(&name) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn is_table(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, e)| e);
    EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// `*` any characters, `?` one.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last star stood, and how much of the name it has swallowed.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p).is_some_and(|&c| c == '?' || c == name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((at, swallowed)) = star {
            star = Some((at, swallowed + 1));
            (p, n) = (at + 1, swallowed + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}
