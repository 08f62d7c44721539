//! Whatever happens in the ERP, and whenever it is looked at: the last thing told of a record is what it is.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::fake::Fake;
use super::{Reader, plugin};

const OVERLAP_SECONDS: i64 = 30;

#[derive(Debug, Clone)]
enum Deed {
    /// Makes or changes a party; commits after so many seconds.
    Party {
        id: i64,
        delay: i64,
    },
    Address {
        party: i64,
        delay: i64,
    },
    Wait {
        seconds: i64,
    },
    Read {
        max: u32,
    },
}

fn deed() -> impl Strategy<Value = Deed> {
    let delay = prop_oneof![3 => Just(0), 1 => 1..OVERLAP_SECONDS];
    prop_oneof![
        4 => (1..12i64, delay.clone()).prop_map(|(id, delay)| Deed::Party { id, delay }),
        2 => (1..12i64, delay).prop_map(|(party, delay)| Deed::Address { party, delay }),
        2 => (1..20i64).prop_map(|seconds| Deed::Wait { seconds }),
        3 => (1..5u32).prop_map(|max| Deed::Read { max }),
    ]
}

/// The city stands in the party's row, because the made-up server joins nothing.
fn put(fake: &Fake, deed: &Deed, turn: usize) {
    let mut world = fake.world.lock().unwrap();
    match *deed {
        Deed::Party { id, delay } if !world.is_locked("party.party", id) => {
            world.put("party.party", id, json!({"name": format!("v{turn}"), "active": true}), delay);
        }
        Deed::Address { party, delay } if !world.is_locked("party.address", party) => {
            world.put("party.address", party, json!({"party": party}), delay);
        }
        Deed::Wait { seconds } => world.now += seconds,
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_last_word_is_the_truth(
        deeds in prop::collection::vec(deed(), 1..60),
        page in 1u32..5,
    ) {
        let fake = Fake::start();
        let overlap = format!("{OVERLAP_SECONDS}s");
        let mut erp = plugin(&fake.url, "admin", "secret", json!({"overlap": overlap, "page": page}));
        let mut reader = Reader::new("parties");
        let mut told: BTreeMap<i64, Value> = BTreeMap::new();
        let mut tell = |lines: Vec<Value>| {
            for line in &lines {
                told.insert(line["v"]["id"].as_i64().unwrap(), line["v"]["name"].clone());
            }
            lines.len()
        };
        for (turn, deed) in deeds.iter().enumerate() {
            match deed {
                Deed::Read { max } => { tell(reader.once(&mut erp, *max).unwrap().0); }
                other => put(&fake, other, turn),
            }
        }
        // Twice: the look that was under way ends, and the next one goes over the overlap again.
        fake.world.lock().unwrap().now += OVERLAP_SECONDS + 1;
        tell(reader.until_caught_up(&mut erp, 3).unwrap());
        tell(reader.until_caught_up(&mut erp, 3).unwrap());
        {
            let world = fake.world.lock().unwrap();
            for id in 1..12 {
                let is = world.row("party.party", id).map(|row| row["name"].clone());
                prop_assert_eq!(is.as_ref(), told.get(&id), "party {}", id);
            }
        }
        // And a quiet ERP is told about no more.
        fake.world.lock().unwrap().now += 2 * OVERLAP_SECONDS;
        reader.until_caught_up(&mut erp, 3).unwrap();
        prop_assert_eq!(reader.until_caught_up(&mut erp, 3).unwrap(), Vec::<Value>::new());
    }

    /// A part that changed is followed by its record: told at or after the change became visible.
    #[test]
    fn no_change_of_a_part_is_missed(
        changes in prop::collection::vec((1..8i64, 0..OVERLAP_SECONDS, 1..10i64), 1..20),
        max in 1u32..4,
    ) {
        let fake = Fake::start();
        for id in 1..8 {
            fake.world.lock().unwrap().put("party.party", id, json!({"name": "x", "active": true}), 0);
        }
        let overlap = format!("{OVERLAP_SECONDS}s");
        let mut erp = plugin(&fake.url, "admin", "secret", json!({"overlap": overlap, "page": 2}));
        let mut reader = Reader::new("parties");
        fake.world.lock().unwrap().now += 100;
        reader.until_caught_up(&mut erp, 10).unwrap();
        // When each party was last told, and when its address last became visible.
        let (mut told, mut changed) = (BTreeMap::new(), BTreeMap::new());
        for (party, delay, wait) in changes {
            let deed = Deed::Address { party, delay };
            let locked = fake.world.lock().unwrap().is_locked("party.address", party);
            put(&fake, &deed, 0);
            let now = fake.world.lock().unwrap().now;
            if !locked {
                changed.insert(party, now + delay);
            }
            for line in reader.once(&mut erp, max).unwrap().0 {
                told.insert(line["v"]["id"].as_i64().unwrap(), now);
            }
            put(&fake, &Deed::Wait { seconds: wait }, 0);
        }
        fake.world.lock().unwrap().now += OVERLAP_SECONDS;
        let now = fake.world.lock().unwrap().now;
        for _ in 0..2 {
            for line in reader.until_caught_up(&mut erp, max).unwrap() {
                told.insert(line["v"]["id"].as_i64().unwrap(), now);
            }
        }
        for (party, visible) in changed {
            let when = told.get(&party).copied().unwrap_or(0);
            prop_assert!(when >= visible, "party {}: visible {}, told {}", party, visible, when);
        }
    }
}
