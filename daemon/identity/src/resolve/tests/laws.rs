//! The laws, on random histories: neither order nor batches, and no decision that was taken back, leave a trace.

use std::collections::HashSet;

use proptest::prelude::*;
use rejoin_model::Party;
use rejoin_model::customer::{IdentityKey, Resolution, Verdict};

use super::site::{Site, party};

/// Parties that collide a lot: few names, addresses and phones, so that every rule is met often.
fn any_party() -> impl Strategy<Value = Party> {
    let name = prop::sample::select(vec![
        "",
        "",
        "John Smith",
        "J Smith",
        "Jane Smith",
        "Bob Smith",
        "Robert Smith",
        "Anna Brown",
        "王伟",
        "王偉",
        "Wang Wei",
        "王芳",
        "田甜",
        "Smith",
        "Acme Ltd",
        "Acme",
    ]);
    let born = prop::sample::select(vec!["", "", "", "1980-02-01", "1980-02-11", "1953-11-30"]);
    let national = prop::sample::select(vec!["", "", "", "", "AB123456", "AB999999"]);
    let external = prop::sample::select(vec!["", "", "", "erp:1", "erp:2"]);
    let email = prop::sample::select(vec!["", "a", "b", "c"]);
    let phone = prop::sample::select(vec!["", "1", "2", "3"]);
    (name, email, phone, born, national, external).prop_map(
        |(name, email, phone, born, national, external)| {
            party(&format!("{name}|{email}|{phone}|{born}|{national}|{external}"))
        },
    )
}

#[derive(Debug, Clone)]
struct History {
    parties: Vec<Party>,
    deleted: Vec<bool>,
    /// (one, must, other)
    decisions: Vec<(usize, bool, usize)>,
    /// Order of arrival, and after which arrivals the resolve task runs.
    order: Vec<usize>,
    batch: usize,
    breaks: Vec<bool>,
}

fn any_history() -> impl Strategy<Value = History> {
    (2usize..24).prop_flat_map(|n| {
        let decisions = prop::collection::vec((0..n, any::<bool>(), 0..n), 0..5);
        let order = Just((0..n).collect::<Vec<_>>()).prop_shuffle();
        (
            prop::collection::vec(any_party(), n),
            prop::collection::vec(prop::bool::weighted(0.15), n),
            decisions,
            order,
            prop::collection::vec(any::<bool>(), n),
            prop::bool::weighted(0.2),
            1usize..6,
        )
            .prop_map(|(mut parties, deleted, decisions, order, breaks, crowded, batch)| {
                // Everyone has the shop's own number: a generic key to be learned on the way.
                if crowded {
                    parties.iter_mut().for_each(|party| party.phones = vec!["13812340001".to_owned()]);
                }
                History { parties, deleted, decisions, order, breaks, batch }
            })
    })
}

fn key_of(n: usize) -> String {
    format!("{}{n}", if n.is_multiple_of(3) { "e" } else { "w" })
}

impl History {
    /// Everything at once, in the plainest order.
    fn at_once(&self) -> Site {
        self.at_once_knowing(HashSet::new())
    }

    fn at_once_knowing(&self, generic: HashSet<IdentityKey>) -> Site {
        let mut site = Site { generic, ..Site::default() };
        for (n, party) in self.parties.iter().enumerate() {
            site.write(&key_of(n), party.clone());
        }
        self.decide(&mut site, false);
        self.delete(&mut site, false);
        site.settle();
        site
    }

    /// In the history's own order and batches.
    fn as_it_came(&self) -> Site {
        let mut site = Site { batch: Some(self.batch), ..Site::default() };
        for (&n, settle) in self.order.iter().zip(&self.breaks) {
            site.write(&key_of(n), self.parties[n].clone());
            if *settle {
                site.settle();
            }
        }
        site.settle();
        self.delete(&mut site, true);
        self.decide(&mut site, true);
        site.settle();
        site
    }

    fn decide(&self, site: &mut Site, settle: bool) {
        for (a, must, b) in self.decisions.iter().filter(|(a, _, b)| a != b) {
            site.decide(
                &key_of(*a),
                if *must { Verdict::MustLink } else { Verdict::CannotLink },
                &key_of(*b),
            );
            if settle {
                site.settle();
            }
        }
    }

    fn delete(&self, site: &mut Site, settle: bool) {
        for n in (0..self.parties.len()).filter(|n| self.deleted[*n]) {
            site.delete(&key_of(n));
            if settle {
                site.settle();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_any_batches_give_one_partition(history in any_history()) {
        let (plain, came) = (history.at_once(), history.as_it_came());
        prop_assert_eq!(plain.partition(), came.partition());
        prop_assert_eq!(plain.generic, came.generic);
    }

    #[test]
    fn a_decision_taken_back_leaves_no_trace(history in any_history(), a in 0usize..24, b in 0usize..24, must: bool) {
        let mut site = history.as_it_came();
        let (a, b) = (a % history.parties.len(), b % history.parties.len());
        prop_assume!(a != b);
        let before = site.partition();
        site.decide(&key_of(a), if must { Verdict::MustLink } else { Verdict::CannotLink }, &key_of(b));
        site.settle();
        let linked = |n: usize| site.links.get(&site.id(&key_of(n)));
        if let (Some(x), Some(y)) = (linked(a), linked(b)) {
            prop_assert_eq!(x == y, must, "the newest decision is obeyed");
        }
        site.withdraw_last_decision();
        site.settle();
        prop_assert_eq!(site.partition(), before);
    }

    #[test]
    fn records_written_anew_give_what_their_last_state_gives(
        history in any_history(),
        rewritten in prop::collection::vec((0usize..24, any_party()), 1..6),
    ) {
        let mut site = history.as_it_came();
        let mut last = history.clone();
        for (n, party) in rewritten {
            let n = n % history.parties.len();
            last.parties[n] = party.clone();
            last.deleted[n] = false;
            site.write(&key_of(n), party);
            site.settle();
        }
        // What a former state taught about generic keys stays known.
        prop_assert_eq!(site.partition(), last.at_once_knowing(site.generic.clone()).partition());
    }

    #[test]
    fn settling_again_writes_nothing(history in any_history()) {
        let mut site = history.as_it_came();
        let again = site.settle();
        prop_assert_eq!(again, Resolution::default());
        site.unresolved = site.records.keys().copied().collect();
        let links = site.links.clone();
        let again = site.settle();
        prop_assert_eq!(&site.links, &links, "nothing moved");
        prop_assert!(again.ended.is_empty() && again.unlinked.is_empty());
    }
}
