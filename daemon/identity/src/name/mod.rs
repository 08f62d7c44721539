//! Names in comparable form, and what two of them say about being one party.
//!
//! A form has a part in Hanzi and a part in words (any other script), because people write `David 王`. Order of words,
//! case, diacritics, titles, punctuation and, for common characters, traditional or simplified writing mean nothing.
//! It refuses to transliterate: a name in Hanzi and one in Latin letters are [`NameVerdict::Similar`] when the word
//! for the surname is there, else [`NameVerdict::OtherScript`], which is evidence neither way. Homophones and full
//! pinyin come later.

mod compare;
mod hanzi;
mod tables;
#[cfg(test)]
mod tests;

use rejoin_model::Party;
use rejoin_model::record::PartyKind;

use crate::normalise::fold;

pub use compare::compare;
pub(crate) use hanzi::is_han;

/// A name taken apart. Equal forms are the same name.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameForm {
    /// Words in any script but Hanzi: folded, sorted, each once, separated by one space.
    pub words: String,
    /// Hanzi, simplified, without titles; surname first when the source said which it is.
    pub han: String,
    /// It names an organisation, and lost its legal form.
    pub organisation: bool,
}

impl NameForm {
    /// The form of the party's name: the person's, else the organisation's.
    pub fn of(party: &Party) -> Self {
        let parts_known = party.given_name.is_some() || party.family_name.is_some();
        let kind = if party.kind.is_unknown() && parts_known { PartyKind::Person } else { party.kind };
        match (written_name(party), &party.company) {
            (Some(name), _) => Self::read(&name, kind),
            (None, Some(company)) if kind != PartyKind::Person => {
                Self::read(company, PartyKind::Organisation)
            }
            _ => Self::default(),
        }
    }

    /// Reads a written name. With an unknown kind, a legal form (`Ltd`, `有限公司`) tells an organisation.
    pub fn read(written: &str, kind: PartyKind) -> Self {
        let folded = fold(written);
        if folded.contains('@') || tables::PLACEHOLDERS.contains(&folded.trim()) {
            return Self::default();
        }
        let mut han: String = folded.chars().filter(|&c| is_han(c)).map(tables::simplified).collect();
        let mut words = words_of(&folded);
        let legal = kind != PartyKind::Person && strip_legal_form(&mut words, &mut han, kind);
        let organisation = kind == PartyKind::Organisation || (kind == PartyKind::Unknown && legal);
        if !organisation {
            words.retain(|word| !tables::TITLES.contains(&word.as_str()));
            han = hanzi::without_title(&han).to_owned();
        }
        words.sort_unstable();
        words.dedup();
        Self { words: words.join(" "), han, organisation }.or_nothing()
    }

    pub fn is_missing(&self) -> bool {
        self.words.is_empty() && self.han.is_empty()
    }

    /// More than a surname or a first name.
    pub fn is_full(&self) -> bool {
        self.organisation && !self.is_missing()
            || self.han.chars().count() >= 2
            || self.words.split(' ').filter(|w| w.len() > 1).count() >= 2
    }

    /// A coarse likeness, equal for most ways of writing one person's name: the measure of how many *different*
    /// parties share a key. A function of one form alone, so that counting its values over a growing set of records
    /// only ever rises.
    pub(crate) fn voice(&self) -> Option<String> {
        if self.is_missing() {
            return None;
        }
        if self.organisation {
            return Some(format!("={}{}", self.words, self.han));
        }
        if !self.han.is_empty() {
            return Some(self.han.clone());
        }
        let mut initials: Vec<char> =
            self.words.split(' ').filter_map(|w| tables::full_name(w).chars().next()).collect();
        initials.sort_unstable();
        Some(initials.into_iter().collect())
    }

    /// A name without any letter is no name, whatever its kind.
    fn or_nothing(self) -> Self {
        if self.is_missing() { Self::default() } else { self }
    }
}

/// The person's or organisation's own name as the record writes it.
pub(crate) fn written_name(party: &Party) -> Option<String> {
    let filled = |field: &Option<String>| {
        field.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    filled(&party.name).or_else(|| match (filled(&party.given_name), filled(&party.family_name)) {
        (Some(given), Some(family)) if given.chars().all(is_han) && family.chars().all(is_han) => {
            Some(family + &given)
        }
        (Some(given), Some(family)) => Some(format!("{given} {family}")),
        (given, family) => given.or(family),
    })
}

/// Runs of letters and digits outside Hanzi; `o'brien` is one word, a word without any letter is none.
fn words_of(folded: &str) -> Vec<String> {
    let joined: String = folded.chars().filter(|c| !matches!(c, '\'' | '’' | '‘' | '`')).collect();
    joined
        .split(|c: char| !c.is_alphanumeric() || is_han(c))
        .filter(|word| word.chars().any(char::is_alphabetic))
        .map(str::to_owned)
        .collect()
}

/// Takes away `Ltd`, `s.r.o.`, `有限公司` and says whether there was one.
fn strip_legal_form(words: &mut Vec<String>, han: &mut String, kind: PartyKind) -> bool {
    let mut found = false;
    for form in tables::LEGAL_HAN {
        if let Some(at) = han.find(form).filter(|&at| at > 0) {
            han.replace_range(at..at + form.len(), "");
            found = true;
        }
    }
    // `s.r.o.` was split into letters: join the run of single letters at the end.
    let tail = words.len() - words.iter().rev().take_while(|w| w.len() == 1).count();
    if tables::LEGAL_SHORT.contains(&words[tail..].concat().as_str()) && tail + han.len() > 0 {
        words.truncate(tail);
        found = true;
    }
    let legal = |word: &str| {
        tables::LEGAL_WORDS.contains(&word)
            || (kind == PartyKind::Organisation && tables::LEGAL_SHORT.contains(&word))
    };
    while words.len() + han.len() > 1 && words.last().is_some_and(|word| legal(word)) {
        words.pop();
        found = true;
    }
    // `Acme Co., Ltd`
    if found && words.len() > 1 && words.last().is_some_and(|word| word == "co") {
        words.pop();
    }
    found
}
