//! One shared key, one kind of name evidence → unions.
//!
//! A key may be shared by ten thousand records, so pairs are never enumerated over records: holders with one name
//! form are chained, and only the few clusters that remain are compared with one another.

use rejoin_model::customer::NameVerdict;

use super::forest::Forest;
use super::keys::SharedKey;

/// Unites the clusters that `key` ties with names standing as `names`.
pub(super) fn tie(forest: &mut Forest<'_>, key: &SharedKey<'_>, names: NameVerdict) {
    match names {
        NameVerdict::Same => tie_same(forest, key),
        NameVerdict::Missing => tie_unnamed(forest, key),
        NameVerdict::Similar | NameVerdict::OtherScript => tie_alike(forest, key, names),
        NameVerdict::Different => {}
    }
}

/// Holders of one name form, each to the first cluster that will have it.
fn tie_same(forest: &mut Forest<'_>, key: &SharedKey<'_>) {
    let mut holders: Vec<(u32, u32)> =
        key.holders.iter().filter_map(|&place| Some((forest.form(place)?, place))).collect();
    // Stable within a form: holders are in canonical order already. Forms are numbered in canonical order too.
    holders.sort_by_key(|(form, _)| *form);
    for group in holders.chunk_by(|a, b| a.0 == b.0) {
        gather(forest, group.iter().map(|(_, place)| *place));
    }
}

/// Each of `places` joins the first of the clusters before it that no guard keeps it out of.
fn gather(forest: &mut Forest<'_>, places: impl Iterator<Item = u32>) {
    let mut heads: Vec<u32> = Vec::new();
    for place in places {
        if !heads.iter().any(|&head| forest.unite(head, place)) {
            heads.push(place);
        }
    }
}

/// A cluster as one key sees it.
struct Side {
    root: u32,
    /// Name forms of those members that hold the key; `None` stands for members without a name.
    forms: Vec<Option<u32>>,
}

/// The clusters holding the key, in canonical order of their first holder.
fn sides(forest: &mut Forest<'_>, key: &SharedKey<'_>) -> Vec<Side> {
    let mut order = std::collections::HashMap::new();
    let mut sides: Vec<Side> = Vec::new();
    for &place in &key.holders {
        let (root, form) = (forest.root(place), forest.form(place));
        let at = *order.entry(root).or_insert(sides.len());
        if at == sides.len() {
            sides.push(Side { root, forms: Vec::new() });
        }
        if !sides[at].forms.contains(&form) {
            sides[at].forms.push(form);
        }
    }
    sides
}

/// Named clusters whose names are alike, unless one of them is as like to a third that excludes the other: `J Smith`
/// between John and Jane.
fn tie_alike(forest: &mut Forest<'_>, key: &SharedKey<'_>, names: NameVerdict) {
    let mut sides = sides(forest, key);
    sides.retain(|side| side.forms.iter().any(Option::is_some));
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for i in 0..sides.len() {
        for j in i + 1..sides.len() {
            let tied =
                sides[i].forms.iter().any(|a| sides[j].forms.iter().any(|b| forest.verdict(*a, *b) == names));
            if tied && forest.objection(sides[i].root, sides[j].root).is_none() {
                pairs.push((i, j));
            }
        }
    }
    let torn = torn(forest, &sides, &pairs);
    for (i, j) in pairs {
        if !torn[i] && !torn[j] {
            forest.unite(sides[i].root, sides[j].root);
        }
    }
}

/// Clusters with two possible partners that exclude each other.
fn torn(forest: &mut Forest<'_>, sides: &[Side], pairs: &[(usize, usize)]) -> Vec<bool> {
    let mut partners: Vec<Vec<usize>> = vec![Vec::new(); sides.len()];
    for &(i, j) in pairs {
        partners[i].push(j);
        partners[j].push(i);
    }
    let mut excludes = |a: usize, b: usize| forest.objection(sides[a].root, sides[b].root).is_some();
    let torn_between = |partners: &Vec<usize>, excludes: &mut dyn FnMut(usize, usize) -> bool| {
        partners.iter().enumerate().any(|(n, &a)| partners[n + 1..].iter().any(|&b| excludes(a, b)))
    };
    partners.iter().map(|partners| torn_between(partners, &mut excludes)).collect()
}

/// Clusters without any name: to the one named cluster that has the key, or, when there is none or the key belongs
/// to several, to each other.
fn tie_unnamed(forest: &mut Forest<'_>, key: &SharedKey<'_>) {
    let (named, unnamed): (Vec<Side>, Vec<Side>) =
        sides(forest, key).into_iter().partition(|side| forest.is_named(side.root));
    // Named by other records, but holding this key through one without a name.
    for i in 0..named.len() {
        for j in i + 1..named.len() {
            if named[i].forms.contains(&None) || named[j].forms.contains(&None) {
                forest.unite(named[i].root, named[j].root);
            }
        }
    }
    let mut roots: Vec<u32> = named.iter().map(|side| forest.root(side.root)).collect();
    roots.dedup();
    let owner = if roots.iter().all(|root| *root == roots[0]) { roots.first() } else { None };
    gather(forest, owner.copied().into_iter().chain(unnamed.iter().map(|side| side.root)));
}
