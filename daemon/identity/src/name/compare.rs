//! Two name forms → a verdict.
//!
//! `Similar` is generous where one person plausibly wrote both (an initial, a nickname, a slip of the keyboard, half
//! a name), and withheld where families differ (`Martin` and `Martina`): members of one household share keys.

use rejoin_model::customer::NameVerdict;

use super::{NameForm, hanzi, tables};

/// Two words of at least [`SLIP_LETTERS_MIN`] letters this alike are one word with a slip in it.
const SLIP_ALIKENESS_MIN: f64 = 0.88;
const SLIP_LETTERS_MIN: usize = 3;
/// Pairings of words are tried only up to this many words a name.
const WORDS_MAX: usize = 8;

/// What two names say about being one party. Symmetric; `Same` exactly when the forms are equal.
pub fn compare(a: &NameForm, b: &NameForm) -> NameVerdict {
    if a.is_missing() || b.is_missing() {
        return NameVerdict::Missing;
    }
    if a == b {
        return NameVerdict::Same;
    }
    if a.organisation || b.organisation {
        return organisations(a, b);
    }
    let han = !a.han.is_empty() && !b.han.is_empty();
    let words = !a.words.is_empty() && !b.words.is_empty();
    match (han, words) {
        // The words beside the Hanzi decide nothing.
        (true, _) if a.han == b.han => NameVerdict::Similar,
        (true, _) => hanzi::compare_persons(&a.han, &b.han),
        (false, true) if same_alphabet(&a.words, &b.words) => persons(&a.words, &b.words),
        _ => across_scripts(a, b),
    }
}

fn across_scripts(a: &NameForm, b: &NameForm) -> NameVerdict {
    let (han, words) = if a.han.is_empty() { (&b.han, &a.words) } else { (&a.han, &b.words) };
    let tied = !han.is_empty() && hanzi::surname_in(han, words);
    if tied { NameVerdict::Similar } else { NameVerdict::OtherScript }
}

fn same_alphabet(a: &str, b: &str) -> bool {
    let latin = |words: &str| words.bytes().any(|b| b.is_ascii_alphabetic());
    latin(a) == latin(b)
}

/// Names of persons in words.
fn persons(a: &str, b: &str) -> NameVerdict {
    let (mut short, mut long): (Vec<&str>, Vec<&str>) = (a.split(' ').collect(), b.split(' ').collect());
    if (short.len(), a) > (long.len(), b) {
        std::mem::swap(&mut short, &mut long);
    }
    if long.len() > WORDS_MAX {
        return NameVerdict::Different;
    }
    if all_matched(&short, &long) || run_together(&short, &long) {
        NameVerdict::Similar
    } else {
        NameVerdict::Different
    }
}

/// Each word of the shorter name has its own counterpart in the longer one, and at least one is more than an initial.
fn all_matched(short: &[&str], long: &[&str]) -> bool {
    let mut free: Vec<&str> = long.to_vec();
    let mut left: Vec<&str> = Vec::new();
    for word in short {
        match free.iter().position(|other| other == word) {
            Some(at) => drop(free.swap_remove(at)),
            None => left.push(word),
        }
    }
    let mut whole =
        left.len() < short.len() && short.iter().any(|w| w.chars().count() > 1 && long.contains(w));
    free.sort_unstable();
    // Whole words before initials, so that the answer does not hang on the order of words.
    for whole_words in [true, false] {
        let matches = if whole_words { words_match } else { is_initial };
        left.retain(|word| match free.iter().position(|other| matches(word, other)) {
            Some(at) => {
                free.remove(at);
                whole |= whole_words;
                false
            }
            None => true,
        });
    }
    left.is_empty() && whole
}

/// One of the two is a single letter that the other, or the name it stands for, begins with.
fn is_initial(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut letters = short.chars();
    match (letters.next(), letters.next()) {
        (Some(initial), None) => long.starts_with(initial) || tables::full_name(long).starts_with(initial),
        _ => false,
    }
}

/// A nickname and its name, or one word with a slip in it.
fn words_match(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    // Words of very different length cannot be that alike: spares most of the work.
    let comparable = short.len() >= SLIP_LETTERS_MIN && long.len() <= 2 * short.len();
    // Martin and Martina are two people.
    let gendered = long.strip_suffix('a') == Some(short);
    (comparable && !gendered && strsim::jaro_winkler(a, b) >= SLIP_ALIKENESS_MIN)
        || (short.len() > 1 && tables::full_name(a) == tables::full_name(b))
}

/// `Li Xiaoming` and `Xiao Ming Li`, `Mary Ann` and `Maryann`: two words of one are one of the other.
fn run_together(short: &[&str], long: &[&str]) -> bool {
    if short.len() + 1 != long.len() {
        return false;
    }
    let joins = |i: usize, j: usize| {
        let joined = format!("{}{}", long[i], long[j]);
        let mut words: Vec<&str> =
            long.iter().enumerate().filter(|(k, _)| *k != i && *k != j).map(|(_, w)| *w).collect();
        words.push(&joined);
        words.sort_unstable();
        words == short
    };
    (0..long.len()).any(|i| (0..long.len()).any(|j| i != j && joins(i, j)))
}

/// At least one is an organisation. The kind may be unknown on one side (`Acme` and `Acme s.r.o.`), but a person's
/// name that is merely part of a company's is not the company.
fn organisations(a: &NameForm, b: &NameForm) -> NameVerdict {
    let comparable = (!a.han.is_empty() && !b.han.is_empty()) || (!a.words.is_empty() && !b.words.is_empty());
    if !comparable {
        return if a.organisation == b.organisation {
            NameVerdict::OtherScript
        } else {
            NameVerdict::Different
        };
    }
    if a.words == b.words && a.han == b.han {
        return NameVerdict::Similar;
    }
    let both = a.organisation && b.organisation;
    let han = !a.han.is_empty() && !b.han.is_empty();
    let alike =
        if han { a.han.contains(&b.han) || b.han.contains(&a.han) } else { words_alike(&a.words, &b.words) };
    if both && alike { NameVerdict::Similar } else { NameVerdict::Different }
}

/// Every word of the shorter name is in the longer one, slips forgiven.
fn words_alike(a: &str, b: &str) -> bool {
    let (short, long) = if (a.len(), a) <= (b.len(), b) { (a, b) } else { (b, a) };
    short.split(' ').all(|word| long.split(' ').any(|other| word == other || words_match(word, other)))
}
