//! All groups of a process.

use super::changes::Changes;
use super::frame::Teller;
use super::group::{Group, Listener};
use super::memory::Memory;
use super::walks::Walks;
use crate::broker::Followers;
use crate::metrics::Metrics;
use crate::model::Seq;
use crate::store::Store;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// What tells groups apart: a digest of whatever their bytes depend on.
pub type Key = [u8; 32];

/// How long a group stays that everybody has left: long enough to come back over a new line.
const LINGER: Duration = Duration::from_secs(30);

/// What groups are made with.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What all frames may take together, in bytes.
    pub memory: usize,
    /// Whether one address may have only so many walks of the log at once.
    pub limit_walks: bool,
}

/// The groups. Cheap to clone.
pub struct Groups<T>(Arc<Hub<T>>);

impl<T> Clone for Groups<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// What all groups share.
pub(super) struct Hub<T> {
    pub(super) store: Store,
    pub(super) followers: Followers,
    pub(super) metrics: Metrics,
    pub(super) changes: Changes,
    pub(super) memory: Memory<Group<T>>,
    pub(super) walks: Walks,
    /// Makes all runs look at the log.
    pub(super) flush: Notify,
    groups: Mutex<HashMap<Key, Arc<Group<T>>>>,
}

impl<T: Teller> Groups<T> {
    /// No groups yet.
    #[must_use]
    pub fn new(store: Store, followers: Followers, metrics: Metrics, options: Options) -> Self {
        Self(Arc::new(Hub {
            changes: Changes::new(store.log().clone()),
            store,
            followers,
            metrics,
            memory: Memory::new(options.memory),
            walks: Walks::new(options.limit_walks),
            flush: Notify::new(),
            groups: Mutex::default(),
        }))
    }

    /// Joins the group of a key behind a position, or founds it.
    pub fn join(&self, key: Key, found: impl FnOnce() -> T, position: Seq, address: Option<IpAddr>) -> Listener<T> {
        let mut groups = self.0.groups.lock();
        let group = groups
            .get(&key)
            .filter(|group| !group.parts())
            .cloned()
            .unwrap_or_else(|| {
                let group = Arc::new(Group::new(Arc::clone(&self.0), key, Arc::new(found())));
                groups.insert(key, Arc::clone(&group));
                group
            });
        if position < self.0.store.log().position().seq {
            self.0.metrics.replays.inc();
        }
        // Under the lock: a group that is joined is not given up.
        Listener::new(group, position, address)
    }

    /// Makes sure that all runs look at the log once more.
    pub fn flush(&self) {
        self.0.flush.notify_waiters();
    }
}

impl<T: Teller> Hub<T> {
    /// The last listener of a group has left.
    pub(super) fn left(self: &Arc<Self>, group: &Arc<Group<T>>, worthless: bool) {
        if worthless {
            return self.give_up(group);
        }
        let (hub, group) = (Arc::clone(self), Arc::downgrade(group));
        // Without a runtime the process ends anyway.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(LINGER).await;
                if let Some(group) = group.upgrade() {
                    hub.give_up(&group);
                }
            });
        }
    }

    /// Forgets a group, unless somebody has joined it again.
    fn give_up(&self, group: &Arc<Group<T>>) {
        let mut groups = self.groups.lock();
        let is_same = groups.get(&group.key).is_some_and(|kept| Arc::ptr_eq(kept, group));
        if group.is_idle() {
            group.over.cancel();
            if is_same {
                groups.remove(&group.key);
            }
        }
    }
}
