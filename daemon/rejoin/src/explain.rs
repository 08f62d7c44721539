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

    /// Quoted texts that are a code and nothing else. The ones made up for tests have one letter.
    fn codes_in(text: &str) -> impl Iterator<Item = String> {
        text.split('"').filter_map(|quoted| {
            let rest = quoted.strip_prefix("RJ-")?;
            let code = rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-');
            (code && rest.len() > 1 && rest != "Z999").then(|| quoted.to_owned())
        })
    }

    /// Every `"RJ-…"` in a source file below `folder`.
    fn used(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                used(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.extend(codes_in(&text));
            }
        }
    }

    #[test]
    fn every_code_in_the_source_has_a_page() {
        let daemon = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut found = BTreeSet::new();
        for part in ["campaign", "connector", "identity", "insight", "model", "rejoin", "store", "web"] {
            used(&daemon.join(part).join("src"), &mut found);
        }
        assert!(
            found.contains("RJ-M001") && found.contains("RJ-P01"),
            "the search finds what is there: {found:?}"
        );
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
