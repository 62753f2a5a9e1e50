//! One kind of row in memory: bounded by weight, each row with the position it was read at.

use super::Kept;
use crate::model::Seq;
use quick_cache::Weighter;
use quick_cache::unsync::Cache;
use std::hash::Hash;
use std::sync::Arc;

/// The weight of a row's place on the shelf, in bytes.
const OVERHEAD: usize = 120;

pub(in crate::store) struct Shelf<K, V>(Cache<K, Row<V>, Weight>);

struct Row<V> {
    seq: Seq,
    value: Arc<V>,
}

#[derive(Clone)]
struct Weight;

impl<K, V: Kept> Weighter<K, Row<V>> for Weight {
    fn weight(&self, _: &K, row: &Row<V>) -> u64 {
        u64::try_from(row.value.weight() + OVERHEAD).unwrap_or(u64::MAX)
    }
}

impl<K: Clone + Eq + Hash, V: Kept> Shelf<K, V> {
    pub(super) fn new(bytes: usize) -> Self {
        let rows = (bytes / 400).max(16);
        Self(Cache::with_weighter(
            rows,
            u64::try_from(bytes).unwrap_or(u64::MAX),
            Weight,
        ))
    }

    pub(super) fn get(&mut self, key: &K) -> Option<Arc<V>> {
        self.0.get(key).map(|row| Arc::clone(&row.value))
    }

    /// Keeps a row, unless a newer one is kept already.
    pub(super) fn put(&mut self, key: K, seq: Seq, value: &Arc<V>) {
        if self.0.peek(&key).is_none_or(|row| row.seq <= seq) {
            let value = Arc::clone(value);
            self.0.insert(key, Row { seq, value });
        }
    }

    /// Keeps a row together with the one that is kept, as of the earlier of the two.
    pub(super) fn join(&mut self, key: K, seq: Seq, value: &Arc<V>, with: impl Fn(&V, &V) -> V) {
        let row = match self.0.peek(&key) {
            Some(old) => Row {
                seq: old.seq.min(seq),
                value: Arc::new(with(value, &old.value)),
            },
            None => Row {
                seq,
                value: Arc::clone(value),
            },
        };
        self.0.insert(key, row);
    }

    /// Takes a row out that was read before an event.
    pub(super) fn forget(&mut self, key: &K, seq: Seq) {
        if self.0.peek(key).is_some_and(|row| row.seq < seq) {
            self.0.remove(key);
        }
    }

    /// Makes a row that was read before an event into another.
    pub(super) fn change(&mut self, key: &K, seq: Seq, change: impl FnOnce(&V) -> V) {
        if let Some(row) = self.0.peek(key)
            && row.seq < seq
        {
            let value = Arc::new(change(&row.value));
            self.0.insert(key.clone(), Row { seq, value });
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
