//! One page for every error code a person can meet: `rejoin explain CODE`. The pages are `errors.md`, so that they can
//! be read without the program, too.

const PAGES: &str = include_str!("errors.md");

/// The page of a code: its title, what happened, what to do.
pub fn explain(code: &str) -> Option<&'static str> {
    sections().find(|section| code_of(section) == Some(code)).map(str::trim_end)
}

/// Every code with its title, in the order of the pages.
pub fn codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    sections().filter_map(|section| {
        let heading = section.lines().next()?.strip_prefix("## ")?;
        heading.split_once(' ')
    })
}

fn sections() -> impl Iterator<Item = &'static str> {
    let starts = PAGES.match_indices("\n## ").map(|(at, _)| at + 1);
    let ends = PAGES.match_indices("\n## ").map(|(at, _)| at + 1).skip(1).chain([PAGES.len()]);
    starts.zip(ends).map(|(start, end)| &PAGES[start..end])
}

fn code_of(section: &str) -> Option<&str> {
    section.strip_prefix("## ")?.split([' ', '\n']).next()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Every `"RJ-…"` in a source file below `folder`.
    fn used(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                used(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for (at, _) in text.match_indices("\"RJ-") {
                    let code = text[at + 1..].split('"').next().unwrap_or_default();
                    let digits = code.len() > 4 && code[4..].bytes().all(|b| b.is_ascii_digit());
                    if code.len() >= 6 && code.is_char_boundary(4) && (digits || code[4..].len() == 4) {
                        found.insert(code.to_owned());
                    }
                }
            }
        }
    }

    #[test]
    fn every_code_in_the_source_has_a_page() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = BTreeSet::new();
        used(&source, &mut found);
        let missing: Vec<_> = found.iter().filter(|code| explain(code).is_none()).collect();
        assert!(missing.is_empty(), "no page in errors.md for {missing:?}");
    }

    #[test]
    fn every_page_says_what_happened_and_what_to_do() {
        let mut seen = BTreeSet::new();
        for (code, title) in codes() {
            assert!(seen.insert(code), "{code} stands twice");
            let page = explain(code).unwrap();
            assert!(!title.is_empty() && page.contains("\n**What to do.** "), "{code}: {page}");
            assert!(page.starts_with(&format!("## {code} {title}")));
        }
        assert!(seen.len() > 30 && explain("RJ-Z999").is_none());
    }
}
