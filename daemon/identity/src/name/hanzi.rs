//! Hanzi names: titles taken away, and comparison without knowing how characters sound.

use rejoin_model::customer::NameVerdict;

use super::tables;

pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}' | '〇')
}

/// `王先生` → `王`, `小王` → `王`; a name that is nothing but a title stays.
pub(super) fn without_title(han: &str) -> &str {
    for title in tables::TITLES_HAN {
        if let Some(name) = han.strip_suffix(title)
            && !name.is_empty()
        {
            return name;
        }
    }
    let mut letters = han.char_indices();
    if let (Some((_, '小' | '老' | '阿')), Some((at, surname)), None) =
        (letters.next(), letters.next(), letters.next())
        && tables::pinyin_of_surname(surname).is_some()
    {
        return &han[at..];
    }
    // `王总`, but not a given name that ends so.
    match han.strip_suffix('总') {
        Some(name) if surname_len(name) == name.chars().count() && !name.is_empty() => name,
        _ => han,
    }
}

/// Two differing names of persons, both in Hanzi: one a part of the other at either end (a surname alone, a given
/// name alone), or different. One differing character is another person: siblings share the rest.
pub(super) fn compare_persons(a: &str, b: &str) -> NameVerdict {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let letters = short.chars().count();
    let surname_alone = letters == surname_len(long).min(letters) && long.starts_with(short);
    let given_alone =
        letters >= 2 && letters + surname_len(long) == long.chars().count() && long.ends_with(short);
    if surname_alone || given_alone || swapped(a, b) { NameVerdict::Similar } else { NameVerdict::Different }
}

/// `伟王` for `王伟`: the columns of surname and given name changed places.
fn swapped(a: &str, b: &str) -> bool {
    let halves = a.split_at(a.chars().take(surname_len(a)).map(char::len_utf8).sum());
    a.len() == b.len() && b.strip_prefix(halves.1) == Some(halves.0)
}

/// Characters of the surname: two for the compound ones.
pub(super) fn surname_len(han: &str) -> usize {
    let first_two = han.char_indices().nth(2).map_or(han, |(at, _)| &han[..at]);
    if tables::COMPOUND_SURNAMES.iter().any(|(name, _)| *name == first_two) { 2 } else { 1 }
}

/// Whether a word of `words` can be the surname of `han`, in pinyin or a common other spelling, alone or run together
/// with the given name.
pub(super) fn surname_in(han: &str, words: &str) -> bool {
    let compound =
        tables::COMPOUND_SURNAMES.iter().find(|(name, _)| han.starts_with(name)).map(|(_, spelt)| *spelt);
    let spelt = compound.or_else(|| han.chars().next().and_then(tables::pinyin_of_surname));
    let Some(spelt) = spelt else {
        return false;
    };
    let given_letters = han.chars().count() - surname_len(han);
    spelt.split(' ').any(|spelling| {
        words.split(' ').any(|word| {
            word == spelling
                || (given_letters > 0
                    && !words.contains(' ')
                    && (runs_on(word.strip_prefix(spelling), given_letters)
                        || runs_on(word.strip_suffix(spelling), given_letters)))
        })
    })
}

/// The rest of a run-together name must have room for each given syllable, and no more: syllables have 1 to 6 letters.
fn runs_on(rest: Option<&str>, syllables: usize) -> bool {
    rest.is_some_and(|rest| (syllables..=6 * syllables).contains(&rest.len()))
}
