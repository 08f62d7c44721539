//! Which language of the content a person reads.

use rejoin_model::customer::Golden;

/// Index of the best of `tags` for a person's language: the very tag, then less and less of it (`zh-Hant-TW`,
/// `zh-Hant`, `zh`; a region stands for its script, so `zh-TW` is also `zh-Hant`), then any tag of the same script,
/// then any of the same language, then the first.
pub(super) fn choose(wanted: Option<&Golden>, tags: &[&str]) -> usize {
    let Some(wanted) = wanted else { return 0 };
    let wanted = Tag::of(&wanted.value);
    let tags: Vec<Tag> = tags.iter().map(|tag| Tag::of(tag)).collect();
    let at = |fits: &dyn Fn(&Tag) -> bool| tags.iter().position(fits);
    at(&|tag| tag.text == wanted.text)
        .or_else(|| wanted.shorter().iter().find_map(|text| at(&|tag| tag.text == *text)))
        .or_else(|| at(&|tag| tag.primary == wanted.primary && tag.script == wanted.script))
        .or_else(|| at(&|tag| tag.primary == wanted.primary))
        .unwrap_or(0)
}

/// Whether a tag is Chinese, in which compliance texts are then written.
pub(super) fn is_chinese(tag: &str) -> bool {
    Tag::of(tag).primary == "zh"
}

struct Tag {
    /// Lower case, `-` between the parts.
    text: String,
    primary: String,
    script: Option<&'static str>,
}

impl Tag {
    fn of(text: &str) -> Self {
        let text = text.trim().to_lowercase().replace('_', "-");
        let primary = text.split('-').next().unwrap_or_default().to_owned();
        let script = (primary == "zh").then(|| chinese_script(&text));
        Self { text, primary, script }
    }

    /// The tags to try for this one, longest first.
    fn shorter(&self) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        let mut rest = self.text.as_str();
        while let Some((head, _)) = rest.rsplit_once('-') {
            tags.push(head.to_owned());
            rest = head;
        }
        if let Some(script) = self.script {
            let with_script = format!("{}-{script}", self.primary);
            let place = tags.iter().position(|tag| *tag == self.primary).unwrap_or(tags.len());
            if !tags.contains(&with_script) {
                tags.insert(place, with_script);
            }
        }
        tags
    }
}

/// Traditional where it is written or implied, simplified otherwise.
fn chinese_script(text: &str) -> &'static str {
    let mut parts = text.split('-').skip(1);
    let traditional = parts.clone().any(|part| part == "hant");
    let simplified = parts.clone().any(|part| part == "hans");
    let by_region = parts.any(|part| matches!(part, "tw" | "hk" | "mo"));
    if traditional || (by_region && !simplified) { "hant" } else { "hans" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::golden;

    #[test]
    fn the_nearest_language_is_chosen() {
        for (wanted, tags, expected) in [
            ("en", &["zh", "en"][..], "en"),
            ("EN_us", &["zh", "en"], "en"),
            ("en-US", &["en", "en-us"], "en-us"),
            ("zh-CN", &["en", "zh"], "zh"),
            ("zh-CN", &["en", "zh-Hant", "zh-Hans"], "zh-Hans"),
            ("zh-TW", &["en", "zh", "zh-Hant"], "zh-Hant"),
            ("zh-HK", &["en", "zh-TW"], "zh-TW"),
            ("zh-Hant-TW", &["zh", "zh-Hant"], "zh-Hant"),
            ("zh-Hans-HK", &["zh-Hant", "zh-Hans"], "zh-Hans"),
            ("zh", &["en", "zh-Hant", "zh-Hans"], "zh-Hans"),
            ("zh", &["en", "zh-CN"], "zh-CN"),
            ("zh-TW", &["en", "zh-Hans"], "zh-Hans"),
            ("cs", &["zh", "en"], "zh"),
            ("", &["en", "zh"], "en"),
            ("enx", &["zh", "en"], "zh"),
        ] {
            assert_eq!(tags[choose(golden(wanted).as_ref(), tags)], expected, "{wanted} among {tags:?}");
        }
        assert_eq!(choose(None, &["en", "zh"]), 0);
    }
}
