//! Merging the heads of topics.

use crate::model::{ActionId, Entry, Place, UserId};
use crate::store::cache::Head;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// A stretch of one head.
#[derive(Clone, Debug)]
pub struct Strand {
    /// The head.
    pub head: Arc<Head>,
    /// Older than this place, exclusive.
    pub below: Place,
    /// Newer than this place, exclusive.
    pub above: Place,
    /// Only what was recorded up to this action.
    pub until: ActionId,
    /// Nothing that this user did.
    pub not_by: Option<UserId>,
}

impl Strand {
    /// Where the stretch ends that the head knows, if it ends before the strand does.
    fn end(&self) -> Option<Place> {
        let tail = self.head.tail();
        (tail > self.above && tail > Place::OLDEST).then_some(tail)
    }

    fn is_in(&self, entry: &Entry) -> bool {
        entry.place < self.below
            && entry.place > self.above
            && entry.place.id <= self.until.0
            && self.not_by != Some(entry.actor)
    }

    /// The strand's entries with their place in the head, from an index on.
    fn next(&self, newest_first: bool, from: usize) -> Option<(usize, &Entry)> {
        let entries = self.head.entries.iter().enumerate();
        if newest_first {
            entries.skip(from).find(|(_, entry)| self.is_in(entry))
        } else {
            let skip = from;
            let last = self.head.entries.len();
            (skip..last).find_map(|back| {
                let index = last - 1 - back;
                let entry = self.head.entries.get(index)?;
                self.is_in(entry).then_some((back, entry))
            })
        }
    }
}

/// The first entries of all strands together, each once.
///
/// # Errors
/// Which strands would have to reach further, when the heads can't tell.
pub fn merge(strands: &[Strand], newest_first: bool, limit: usize) -> Result<Vec<Entry>, Vec<usize>> {
    if newest_first {
        newest(strands, limit)
    } else {
        oldest(strands, limit)
    }
}

/// The strands whose heads end before they do, where each of them ends.
struct Ended {
    strands: Vec<(Place, usize)>,
    highest: Place,
}

impl Ended {
    fn new() -> Self {
        Self {
            strands: Vec::new(),
            highest: Place::OLDEST,
        }
    }

    fn note(&mut self, strand: &Strand, index: usize) {
        if let Some(end) = strand.end() {
            self.highest = self.highest.max(end);
            self.strands.push((end, index));
        }
    }

    /// Those that may have something newer than a place which they can't tell.
    fn above(&self, place: Place) -> Vec<usize> {
        if self.highest <= place {
            return Vec::new();
        }
        let short = self.strands.iter().filter(|(end, _)| *end > place);
        short.map(|(_, index)| *index).collect()
    }
}

fn newest(strands: &[Strand], limit: usize) -> Result<Vec<Entry>, Vec<usize>> {
    let start = |strand: &Strand| strand.head.entries.partition_point(|entry| entry.place >= strand.below);
    let mut heap = BinaryHeap::with_capacity(strands.len());
    let mut ended = Ended::new();
    for (index, strand) in strands.iter().enumerate() {
        match strand.next(true, start(strand)) {
            Some((at, entry)) => heap.push((entry.place, index, at)),
            None => ended.note(strand, index),
        }
    }
    let mut merged: Vec<Entry> = Vec::with_capacity(limit.min(64));
    while merged.len() < limit {
        let next = heap.pop();
        let place = next.map_or(Place::OLDEST, |(place, ..)| place);
        let short = ended.above(place);
        if !short.is_empty() {
            return Err(short);
        }
        let Some((place, index, at)) = next else { break };
        let Some(strand) = strands.get(index) else { break };
        let entry = strand.head.entries.get(at);
        if merged.last().is_none_or(|last| last.place != place) {
            merged.extend(entry.cloned());
        }
        match strand.next(true, at + 1) {
            Some((at, entry)) => heap.push((entry.place, index, at)),
            None => ended.note(strand, index),
        }
    }
    Ok(merged)
}

fn oldest(strands: &[Strand], limit: usize) -> Result<Vec<Entry>, Vec<usize>> {
    let mut ended = Ended::new();
    let mut heap = BinaryHeap::with_capacity(strands.len());
    for (index, strand) in strands.iter().enumerate() {
        ended.note(strand, index);
        if let Some((back, entry)) = strand.next(false, 0) {
            heap.push(Reverse((entry.place, index, back)));
        }
    }
    let short = ended.above(Place::OLDEST);
    if !short.is_empty() {
        return Err(short);
    }
    let mut merged: Vec<Entry> = Vec::with_capacity(limit.min(64));
    while merged.len() < limit {
        let Some(Reverse((place, index, back))) = heap.pop() else {
            break;
        };
        let Some(strand) = strands.get(index) else { break };
        let entry = strand.head.entries.iter().rev().nth(back);
        if merged.last().is_none_or(|last| last.place != place) {
            merged.extend(entry.cloned());
        }
        if let Some((back, entry)) = strand.next(false, back + 1) {
            heap.push(Reverse((entry.place, index, back)));
        }
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EntryKind;
    use proptest::prelude::*;

    fn entry(at: i64) -> Entry {
        Entry {
            place: Place { at: at / 2, id: at },
            kind: EntryKind::Post,
            verb: "tweet".into(),
            actor: UserId(at % 5),
            object: None,
        }
    }

    fn strand() -> impl Strategy<Value = (Vec<i64>, usize, i64, i64)> {
        (
            prop::collection::btree_set(0i64..80, 0..40),
            0usize..40,
            -1i64..80,
            0i64..82,
        )
            .prop_map(|(all, depth, above, below)| (all.into_iter().rev().collect(), depth, above, below))
    }

    proptest! {
        /// Heads answer as the whole topics would, or not at all.
        #[test]
        fn heads_answer_as_topics_would(strands in prop::collection::vec(strand(), 0..6),
                                        limit in 1usize..30, newest_first: bool) {
            let mut expected: Vec<Entry> = Vec::new();
            let strands: Vec<Strand> = strands.into_iter().map(|(all, depth, above, below)| {
                let entries: Vec<Entry> = all.iter().map(|at| entry(*at)).collect();
                let strand = Strand {
                    head: Arc::new(Head { whole: depth >= entries.len(), entries: entries.iter().take(depth).cloned().collect() }),
                    below: entry(below).place,
                    above: entry(above).place,
                    until: ActionId(70),
                    not_by: Some(UserId(3)),
                };
                expected.extend(entries.into_iter().filter(|entry| strand.is_in(entry)));
                strand
            }).collect();
            expected.sort_by_key(|entry| entry.place);
            if newest_first { expected.reverse(); }
            expected.dedup_by_key(|entry| entry.place);
            expected.truncate(limit);
            match merge(&strands, newest_first, limit) {
                Ok(merged) => prop_assert_eq!(merged, expected),
                Err(short) => {
                    prop_assert!(!short.is_empty());
                    prop_assert!(short.iter().all(|strand| !strands[*strand].head.whole));
                }
            }
        }
    }
}
