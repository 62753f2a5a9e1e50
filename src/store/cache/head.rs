//! The newest entries of a topic.

use crate::model::{Entry, Place};

/// How long a head may grow before its tail moves up.
const LONGEST: usize = 480;

/// A complete prefix of one kind of a topic's entries, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Whether these are all that the topic has.
    pub whole: bool,
}

impl Head {
    /// The oldest place that the head can speak for; what lies below it, it does not know.
    #[must_use]
    pub fn tail(&self) -> Place {
        match self.entries.last() {
            _ if self.whole => Place::OLDEST,
            Some(last) => last.place,
            None => Place::NEWEST,
        }
    }

    /// Whether an entry stands there.
    #[must_use]
    pub(in crate::store) fn has(&self, place: Place) -> bool {
        self.entries.binary_search_by(|kept| place.cmp(&kept.place)).is_ok()
    }

    /// The head after an entry came into the topic.
    pub(super) fn with(&self, entry: &Entry) -> Self {
        let mut head = self.clone();
        head.add(entry);
        head
    }

    /// The head after an entry went out of the topic.
    pub(super) fn without(&self, entry: &Entry) -> Self {
        let mut head = self.clone();
        head.remove(entry.place);
        head
    }

    /// Puts an entry in that came into the topic.
    pub(in crate::store) fn add(&mut self, entry: &Entry) {
        if entry.place < self.tail() {
            return;
        }
        let at = self.entries.partition_point(|kept| kept.place > entry.place);
        if self.entries.get(at).is_none_or(|kept| kept.place != entry.place) {
            self.entries.insert(at, entry.clone());
        }
        if self.entries.len() > LONGEST {
            self.entries.truncate(LONGEST / 2);
            self.whole = false;
        }
    }

    /// Takes an entry out that went out of the topic.
    pub(in crate::store) fn remove(&mut self, place: Place) {
        self.entries.retain(|kept| kept.place != place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EntryKind, UserId};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn entry(at: i64) -> Entry {
        Entry {
            place: Place { at, id: at },
            kind: EntryKind::Post,
            verb: "tweet".into(),
            actor: UserId(1),
            object: None,
        }
    }

    proptest! {
        /// Whatever comes and goes, a head is a prefix of what there is.
        #[test]
        fn a_head_stays_a_prefix(start in prop::collection::btree_set(0i64..60, 0..30),
                                 depth in 1usize..12,
                                 steps in prop::collection::vec((any::<bool>(), 0i64..60), 0..60)) {
            let mut all: BTreeSet<i64> = start;
            let newest: Vec<_> = all.iter().rev().take(depth).map(|at| entry(*at)).collect();
            let mut head = Head { whole: newest.len() == all.len(), entries: newest };
            for (add, at) in steps {
                if add {
                    all.insert(at);
                    head = head.with(&entry(at));
                } else if all.remove(&at) {
                    head = head.without(&entry(at));
                }
                let prefix: Vec<_> = all.iter().rev().take(head.entries.len()).copied().collect();
                let kept: Vec<_> = head.entries.iter().map(|entry| entry.place.at).collect();
                prop_assert_eq!(&kept, &prefix);
                prop_assert!(!head.whole || kept.len() == all.len());
            }
        }
    }
}
