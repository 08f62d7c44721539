//! Notices a source that says "more" for ever. Cursors are opaque, so going backwards shows only when one comes back
//! within a single run from "more" to "caught up".

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A run longer than this is no longer watched from its start; a cycle is still found, one lap later.
const WATCHED_MAX: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct Cursors {
    stream: String,
    last: Option<String>,
    seen: HashSet<u64>,
}

impl Cursors {
    /// The plugin went from `asked` to `answered` and says there is more. `Err` completes "broke the contract: …".
    pub(crate) fn more(
        &mut self,
        stream: &str,
        asked: Option<&str>,
        answered: Option<&str>,
    ) -> Result<(), &'static str> {
        let Some(answered) = answered else {
            return Err("it says there is more to read, but gives no cursor to go on from");
        };
        if asked == Some(answered) {
            return Err("it says there is more to read, but its cursor did not move");
        }
        if self.stream != stream || self.last.as_deref() != asked || self.seen.len() >= WATCHED_MAX {
            self.caught_up();
            stream.clone_into(&mut self.stream);
            self.seen.extend(asked.map(hash));
        }
        self.last = Some(answered.to_owned());
        if self.seen.insert(hash(answered)) {
            Ok(())
        } else {
            Err("its cursor went back to where it had been before")
        }
    }

    pub(crate) fn caught_up(&mut self) {
        *self = Self::default();
    }
}

fn hash(cursor: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    cursor.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps are (asked, answered), empty for none; when `fails`, the last one is the one that fails.
    fn check(steps: &[(&'static str, &'static str)], fails: bool) {
        let mut cursors = Cursors::default();
        let given = |cursor: &'static str| Some(cursor).filter(|c| !c.is_empty());
        for (i, (asked, answered)) in steps.iter().enumerate() {
            let said = cursors.more("rows", given(asked), given(answered));
            assert_eq!(said.is_err(), fails && i + 1 == steps.len(), "step {i} of {steps:?}: {said:?}");
        }
    }

    #[test]
    fn a_cycle_is_found_and_a_repeated_batch_is_not_taken_for_one() {
        check(&[("", "a"), ("a", "b"), ("b", "c")], false);
        check(&[("", "a"), ("a", "b"), ("b", "a")], true);
        check(&[("x", "a"), ("a", "b"), ("b", "x")], true);
        check(&[("", "a"), ("a", "a")], true);
        check(&[("", "")], true);
        // The host crashed before it committed `b`, and asks again.
        check(&[("", "a"), ("a", "b"), ("a", "b"), ("b", "c")], false);
    }
}
