//! Listing a Maildir folder a page at a time: the memory is the page's, not the folder's.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// Up to which file everything was given. `count` files stood up to there then: when more stand there now, mail was
/// added out of order, and the folder is read again (keys keep it from doubling).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) name: String,
    pub(super) count: u64,
}

pub(super) struct Page {
    /// Unique name and path, in order.
    pub(super) files: Vec<(String, PathBuf)>,
    /// What stands before them.
    pub(super) place: Place,
    /// Nothing comes after them.
    pub(super) last: bool,
}

pub(super) fn is_maildir(path: &Path) -> bool {
    path.join("cur").is_dir() || path.join("new").is_dir()
}

pub(super) fn page(folder: &Path, place: &Place, max: usize) -> io::Result<Page> {
    let page = list(folder, place, max)?;
    if page.place.count > place.count { list(folder, &Place::default(), max) } else { Ok(page) }
}

fn list(folder: &Path, place: &Place, max: usize) -> io::Result<Page> {
    let mut smallest: BTreeMap<String, PathBuf> = BTreeMap::new();
    let (mut before, mut last) = (0, true);
    for part in ["new", "cur"] {
        let entries = match fs::read_dir(folder.join(part)) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(e),
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let unique = unique(&name);
            if unique <= place.name.as_str() {
                before += 1;
                continue;
            }
            smallest.insert(unique.to_owned(), entry.path());
            if smallest.len() > max {
                smallest.pop_last();
                last = false;
            }
        }
    }
    let files = smallest.into_iter().collect();
    Ok(Page { files, place: Place { name: place.name.clone(), count: before }, last })
}

/// Without the flags, which change when somebody opens the mail.
fn unique(name: &str) -> &str {
    name.split_once(":2,").map_or(name, |(unique, _)| unique)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Place, page};

    #[test]
    fn pages_survive_flags_deletion_and_late_comers() {
        let dir = tempfile::tempdir().unwrap();
        for part in ["new", "cur"] {
            fs::create_dir(dir.path().join(part)).unwrap();
        }
        let add = |name: &str| fs::write(dir.path().join(name), "x").unwrap();
        for name in ["new/3", "cur/1:2,S", "new/2", "cur/4:2,"] {
            add(name);
        }
        let names = |place: &Place, max| {
            let page = page(dir.path(), place, max).unwrap();
            (page.files.into_iter().map(|f| f.0).collect::<Vec<_>>(), page.place.count, page.last)
        };
        assert_eq!(names(&Place::default(), 3), (vec!["1".into(), "2".into(), "3".into()], 0, false));
        let place = Place { name: "3".into(), count: 3 };
        assert_eq!(names(&place, 3), (vec!["4".into()], 3, true));

        fs::rename(dir.path().join("new/2"), dir.path().join("cur/2:2,RS")).unwrap();
        assert_eq!(names(&place, 3).0, ["4"], "a flag is no new mail");
        fs::remove_file(dir.path().join("cur/2:2,RS")).unwrap();
        assert_eq!(names(&place, 3), (vec!["4".into()], 2, true), "a deletion is no new mail");
        add("new/1a");
        add("new/2a");
        assert_eq!(names(&place, 9).0, ["1", "1a", "2a", "3", "4"], "mail before our place is found");
    }
}
