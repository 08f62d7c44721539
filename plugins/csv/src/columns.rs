//! Names for the cells of a record: from the header or the configuration, each one once and none blank. Refuses a
//! record whose number of cells does not fit, because shifted cells are worse than a missing row.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::records::Cells;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    names: Vec<String>,
    /// Places of the key's columns.
    key: Vec<usize>,
}

impl Columns {
    /// `header`: the cells of the first record, if it is one.
    pub(crate) fn new(
        header: Option<&Cells<'_>>,
        configured: &[String],
        key: &[String],
    ) -> Result<Self, String> {
        let names = match header {
            Some(cells) if !configured.is_empty() && cells.len() != configured.len() => {
                let (have, want) = (cells.len(), configured.len());
                return Err(format!("the header has {have} columns and the configuration names {want}"));
            }
            Some(cells) if configured.is_empty() => distinct(cells.iter().map(str::trim)),
            _ => distinct(configured.iter().map(String::as_str)),
        };
        let mut places = Vec::new();
        for wanted in key {
            match names.iter().position(|name| name == wanted) {
                Some(place) => places.push(place),
                None => {
                    let have = names.join(", ");
                    return Err(format!(
                        "no column is named {wanted:?}, which the key needs; there are: {have}"
                    ));
                }
            }
        }
        Ok(Self { names, key: places })
    }

    /// Checks a record's shape. `Ok(false)`: nothing in it at all.
    pub(crate) fn check(&self, cells: &Cells<'_>) -> Result<bool, String> {
        let (have, want) = (cells.len(), self.names.len());
        // Empty cells at the end lose nothing when dropped, and some programs write them.
        if have < want || cells.iter().skip(want).any(|cell| !cell.is_empty()) {
            if have == 1 && cells.iter().all(|cell| cell.trim().is_empty()) {
                return Ok(false);
            }
            return Err(format!("{have} columns where {want} belong"));
        }
        if cells.has_nul() {
            return Err("a NUL character".into());
        }
        Ok(cells.iter().any(|cell| !cell.is_empty()))
    }

    /// The record's key into `out`: empty without key columns.
    pub(crate) fn key(&self, cells: &Cells<'_>, out: &mut String) -> Result<(), String> {
        out.clear();
        for (index, &place) in self.key.iter().enumerate() {
            let cell = cells.get(place).trim();
            if self.key.len() == 1 {
                out.push_str(cell);
                continue;
            }
            if index > 0 {
                out.push('/');
            }
            // Escaped, so that ("a/b", "c") and ("a", "b/c") stay two keys.
            out.push_str(&cell.replace('%', "%25").replace('/', "%2F"));
        }
        if !self.key.is_empty() && out.bytes().all(|b| b == b'/') {
            let names: Vec<&str> = self.key.iter().map(|&place| self.names[place].as_str()).collect();
            return Err(format!("the key is empty: {}", names.join(", ")));
        }
        Ok(())
    }
}

fn distinct<'a>(given: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let given: Vec<&str> = given.collect();
    for (index, &name) in given.iter().enumerate() {
        let base = if name.is_empty() { format!("column_{}", index + 1) } else { name.to_string() };
        let mut candidate = base.clone();
        let mut count = 1;
        // A made-up name must not take one that the header itself gives to a later column.
        while names.contains(&candidate) || (candidate != name && given.contains(&candidate.as_str())) {
            count += 1;
            candidate = format!("{base}_{count}");
        }
        names.push(candidate);
    }
    names
}

/// A record as a JSON object, written straight from the cells.
pub(crate) struct Row<'a> {
    pub(crate) columns: &'a Columns,
    pub(crate) cells: &'a Cells<'a>,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, cell) in self.columns.names.iter().zip(self.cells.iter()) {
            if !cell.is_empty() {
                map.serialize_entry(name, cell)?;
            }
        }
        map.end()
    }
}
