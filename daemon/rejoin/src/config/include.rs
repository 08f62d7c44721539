//! Which files `include` names: paths relative to the main file, with `*` and `?` in the last component.

use std::path::{Path, PathBuf};

/// The files, sorted by name. A pattern that matches nothing is fine; a plain name must exist.
pub(super) fn files(base: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    let (folder, last) = match pattern.rsplit_once('/') {
        Some((folder, last)) => (base.join(folder), last),
        None => (base.to_owned(), pattern),
    };
    if pattern.strip_suffix(last).is_some_and(|before| before.contains(['*', '?'])) {
        return Err(format!("{pattern:?}: * and ? are taken in the last part of a path only"));
    }
    if !last.contains(['*', '?']) {
        let path = base.join(pattern);
        return if path.is_file() {
            Ok(vec![path])
        } else {
            Err(format!("there is no file {}", path.display()))
        };
    }
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(format!("cannot list {}: {e}", folder.display())),
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|e| e.file_name().to_str().is_some_and(|name| !name.starts_with('.') && matches(last, name)))
        .map(|e| e.path())
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    Ok(found)
}

fn matches(pattern: &str, name: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return name.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    match first {
        '*' => name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| matches(rest, &name[at..])),
        _ => {
            let mut chars = name.chars();
            chars.next().is_some_and(|c| first == '?' || first == c) && matches(rest, chars.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, name, hit) in [
            ("*.toml", "a.toml", true),
            ("*.toml", "a.toml~", false),
            ("1?-*.toml", "10-会员.toml", true),
            ("*", "", true),
            ("?", "", false),
            ("a*b*c", "aXbYbc", true),
        ] {
            assert_eq!(matches(pattern, name), hit, "{pattern} {name}");
        }
    }
}
