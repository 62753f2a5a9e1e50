//! What is read most, kept in memory, and the law under which it is kept.
//!
//! - What is stored carries the position of the snapshot that it was read in.
//! - An event takes out every row whose key it names, unless the row was read after it.
//! - A row is stored only if no event behind its snapshot has named its key. Events name keys
//!   in a short history; a snapshot older than that history is not stored at all.
//! - A [`Head`] is a complete prefix of a topic: entries that come in above its tail are put
//!   in, those below are not, and its tail moves up when it has grown too long.
//! - A [`Timeline`] is not corrected by events as they come, but brought up to the log when it is read.

mod head;
#[cfg(test)]
mod law;
mod shelf;

pub use head::Head;

use crate::model::viewer::TokenHash;
use crate::model::{
    Entry, EntryKind, Event, Hashtag, Hides, Key, Object, ObjectKey, Seq, Topic, Tweet, TweetId, User, UserId, Wall,
    WallId,
};
use parking_lot::Mutex;
use shelf::Shelf;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::fact::Facts;
use super::follow::Follows;
use super::session::Session;
use super::timeline::{KINDS, Kinds, Timeline};

/// How many named keys are remembered.
const HISTORY: usize = 65_536;

/// All caches of a process, under one lock: each use is a few hash look-ups.
pub struct Caches(Mutex<State>);

pub(in crate::store) struct State {
    named: Named,
    tweets: Shelf<TweetId, Tweet>,
    users: Shelf<UserId, User>,
    hashtags: Shelf<String, Hashtag>,
    sessions: Shelf<TokenHash, Session>,
    follows: Shelf<UserId, Follows>,
    hides: Shelf<UserId, Hides>,
    objects: Shelf<ObjectKey, Object>,
    heads: Shelf<(Topic, EntryKind), Head>,
    timelines: Shelf<(UserId, Kinds), Timeline>,
    walls: Shelf<WallId, Wall>,
    reactions: Shelf<TweetId, Facts<TweetId>>,
    followings: Shelf<UserId, Facts<UserId>>,
}

/// What is kept of the asked, and what has to be read.
type Asked<V> = (HashMap<<V as Kept>::Id, Arc<V>>, Vec<<V as Kept>::Id>);

/// A kind of row that is kept, by its key.
pub(super) trait Kept: Sized {
    /// What finds it.
    type Id: Clone + Eq + std::hash::Hash;
    /// Under which key events name it.
    fn key(id: &Self::Id) -> Key;
    /// About how many bytes it takes.
    fn weight(&self) -> usize;
}

/// Where a kind of row is kept.
pub(super) trait On<V: Kept> {
    fn shelf(&mut self) -> &mut Shelf<V::Id, V>;
}

macro_rules! shelves {
    ($($value:ty => $field:ident),* $(,)?) => {$(
        impl On<$value> for State {
            fn shelf(&mut self) -> &mut Shelf<<$value as Kept>::Id, $value> {
                &mut self.$field
            }
        }
    )*};
}

shelves! {
    Tweet => tweets,
    User => users,
    Hashtag => hashtags,
    Session => sessions,
    Follows => follows,
    Hides => hides,
    Object => objects,
    Head => heads,
    Timeline => timelines,
    Wall => walls,
    Facts<TweetId> => reactions,
    Facts<UserId> => followings,
}

impl Caches {
    /// Empty caches that hold at most `memory` bytes together.
    #[must_use]
    pub fn new(memory: usize) -> Self {
        Self(Mutex::new(State {
            named: Named::default(),
            tweets: Shelf::new(memory / 4),
            users: Shelf::new(memory * 2 / 25),
            hashtags: Shelf::new(memory / 25),
            sessions: Shelf::new(memory / 40),
            follows: Shelf::new(memory * 17 / 100),
            hides: Shelf::new(memory / 40),
            objects: Shelf::new(memory / 25),
            heads: Shelf::new(memory / 5),
            timelines: Shelf::new(memory * 13 / 100),
            walls: Shelf::new(memory / 100),
            reactions: Shelf::new(memory / 50),
            followings: Shelf::new(memory / 100),
        }))
    }

    /// The position from which on events are told.
    pub(super) fn begin(&self, seq: Seq) {
        self.0.lock().named.floor = seq;
    }

    /// Forgets everything, and stores nothing that was read before `seq`.
    pub(super) fn clear(&self, seq: Seq) {
        let mut state = self.0.lock();
        state.named = Named::default();
        state.named.floor = seq;
        state.tweets.clear();
        state.users.clear();
        state.hashtags.clear();
        state.sessions.clear();
        state.follows.clear();
        state.hides.clear();
        state.objects.clear();
        state.heads.clear();
        state.timelines.clear();
        state.walls.clear();
        state.reactions.clear();
        state.followings.clear();
    }

    /// What is kept of the asked, and what has to be read.
    pub(super) fn get<V: Kept>(&self, ids: impl IntoIterator<Item = V::Id>) -> Asked<V>
    where
        State: On<V>,
    {
        let mut state = self.0.lock();
        let shelf = state.shelf();
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        for id in ids {
            if found.contains_key(&id) {
                continue;
            }
            match shelf.get(&id) {
                Some(value) => drop(found.insert(id, value)),
                None => missing.push(id),
            }
        }
        (found, missing)
    }

    /// All rows of the asked, in their order, if all are kept.
    pub(super) fn all<'i, V: Kept>(&self, ids: impl IntoIterator<Item = &'i V::Id>) -> Option<Vec<Arc<V>>>
    where
        State: On<V>,
        V::Id: 'i,
    {
        let mut state = self.0.lock();
        let shelf = state.shelf();
        ids.into_iter().map(|id| shelf.get(id)).collect()
    }

    /// A row, if it is kept.
    pub(super) fn one<V: Kept>(&self, id: &V::Id) -> Option<Arc<V>>
    where
        State: On<V>,
    {
        self.0.lock().shelf().get(id)
    }

    /// Stores what a snapshot of position `seq` showed, as far as that is still the newest.
    pub(super) fn put<'v, V: Kept + 'v>(&self, seq: Seq, values: impl IntoIterator<Item = (V::Id, &'v Arc<V>)>)
    where
        State: On<V>,
    {
        let mut state = self.0.lock();
        for (id, value) in values {
            if state.named.allows(&V::key(&id), seq) {
                state.shelf().put(id, seq, value);
            }
        }
    }

    /// Stores what a snapshot of position `seq` showed, together with what is kept already. That was
    /// read at another position, so both count as read at the earlier of the two.
    pub(super) fn join<V: Kept>(
        &self,
        seq: Seq,
        values: impl IntoIterator<Item = (V::Id, Arc<V>)>,
        with: impl Fn(&V, &V) -> V,
    ) where
        State: On<V>,
    {
        let mut state = self.0.lock();
        for (id, value) in values {
            if state.named.allows(&V::key(&id), seq) {
                state.shelf().join(id, seq, &value, &with);
            }
        }
    }

    /// Whether everything that was read under these keys as of `seq` is still the same.
    pub fn hold(&self, seq: Seq, keys: impl IntoIterator<Item = Key>) -> bool {
        let state = self.0.lock();
        keys.into_iter().all(|key| state.named.allows(&key, seq))
    }

    /// Corrects what is kept by events, in the order of the log.
    pub(super) fn apply(&self, events: &[Arc<Event>]) {
        let mut state = self.0.lock();
        for event in events {
            state.apply(event);
        }
        // What could not be taken for a while has been now.
        if let Some(last) = events.last() {
            state.named.floor = state.named.floor.min(last.position.seq);
        }
    }
}

impl State {
    fn apply(&mut self, event: &Event) {
        let seq = event.position.seq;
        for key in &event.body.keys {
            self.forget(key, seq);
        }
        for (topic, entry) in &event.body.removed {
            self.correct(topic, entry, seq, Head::without);
        }
        for (topic, entry) in &event.body.added {
            self.correct(topic, entry, seq, Head::with);
        }
    }

    fn forget(&mut self, key: &Key, seq: Seq) {
        match key {
            Key::Tweet(id) => {
                self.tweets.forget(id, seq);
                self.reactions.forget(id, seq);
            }
            Key::User(id) => self.users.forget(id, seq),
            Key::Hashtag(name) => self.hashtags.forget(name, seq),
            Key::Follows(id) => {
                self.follows.forget(id, seq);
                self.followings.forget(id, seq);
                for kinds in KINDS {
                    self.timelines.forget(&(*id, kinds), seq);
                }
            }
            Key::Hides(id) => self.hides.forget(id, seq),
            Key::Object(key) => self.objects.forget(key, seq),
            Key::Session(hash) => self.sessions.forget(hash, seq),
            Key::Topic(topic) => {
                for kind in EntryKind::ALL {
                    self.heads.forget(&(topic.clone(), kind), seq);
                }
                self.forget_wall(topic, seq);
            }
        }
        self.named.insert(key.clone(), seq);
    }

    fn correct(&mut self, topic: &Topic, entry: &Entry, seq: Seq, change: impl FnOnce(&Head, &Entry) -> Head) {
        self.heads
            .change(&(topic.clone(), entry.kind), seq, |head| change(head, entry));
        self.forget_wall(topic, seq);
        self.named.insert(Key::Topic(topic.clone()), seq);
    }

    /// A wall's count changes with its topic.
    fn forget_wall(&mut self, topic: &Topic, seq: Seq) {
        if let Some(wall) = topic.of_wall() {
            self.walls.forget(&wall, seq);
        }
    }
}

/// Which keys the last events named, and when last.
#[derive(Default)]
struct Named {
    last: HashMap<Key, Seq>,
    order: VecDeque<(Seq, Key)>,
    /// Events up to this one are not remembered.
    floor: Seq,
}

impl Named {
    fn insert(&mut self, key: Key, seq: Seq) {
        self.last.insert(key.clone(), seq);
        self.order.push_back((seq, key));
        while self.order.len() > HISTORY {
            if let Some((seq, key)) = self.order.pop_front() {
                self.floor = self.floor.max(seq);
                if self.last.get(&key) == Some(&seq) {
                    self.last.remove(&key);
                }
            }
        }
    }

    /// Whether a row that was read at `seq` is still what the log makes of it.
    fn allows(&self, key: &Key, seq: Seq) -> bool {
        seq >= self.floor && self.last.get(key).is_none_or(|named| *named <= seq)
    }
}
