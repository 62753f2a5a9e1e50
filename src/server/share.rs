//! What is shared out: so many for one client, so many for all.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use parking_lot::Mutex;

/// Places that clients take and give back. Cheap to clone.
#[derive(Clone)]
pub(super) struct Shares<K>(Arc<Mutex<Taken<K>>>);

struct Taken<K> {
    all: usize,
    by: HashMap<K, usize>,
}

impl<K> Default for Shares<K> {
    fn default() -> Self {
        let (all, by) = (0, HashMap::new());
        Self(Arc::new(Mutex::new(Taken { all, by })))
    }
}

impl<K: Clone + Eq + Hash> Shares<K> {
    /// Takes a place for a client, who may have `each` of them, if that is limited; all clients
    /// together may have `all`. None where there is no place left.
    pub(super) fn take(&self, client: K, each: Option<usize>, all: usize) -> Option<Share<K>> {
        let mut taken = self.0.lock();
        let has = taken.by.get(&client).copied().unwrap_or_default();
        if taken.all >= all || each.is_some_and(|each| has >= each) {
            return None;
        }
        taken.all += 1;
        taken.by.insert(client.clone(), has + 1);
        Some(Share {
            of: self.clone(),
            client,
        })
    }
}

/// A client's place; free again when dropped.
pub(super) struct Share<K: Eq + Hash> {
    of: Shares<K>,
    client: K,
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut taken = self.of.0.lock();
        taken.all -= 1;
        if let Some(has) = taken.by.get_mut(&self.client) {
            *has -= 1;
            if *has == 0 {
                taken.by.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_share_and_all_have_an_end() {
        let shares = Shares::default();
        let of_one: Vec<_> = (0..2).filter_map(|_| shares.take("one", Some(2), 3)).collect();
        assert_eq!(of_one.len(), 2);
        assert!(shares.take("one", Some(2), 3).is_none());
        let other = shares.take("other", Some(2), 3);
        assert!(other.is_some());
        assert!(shares.take("third", None, 3).is_none());
        drop(of_one);
        assert!(shares.take("third", None, 3).is_some());
        drop(other);
        assert!(shares.0.lock().by.is_empty());
    }
}
