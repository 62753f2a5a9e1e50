//! What was edited, hidden or deleted, and when last: a frame that is older than a change of what
//! it shows must not be sent any more.

use super::frame::Frame;
use crate::model::{ActionId, Event, EventKind, Key, Seq, TweetId, UserId};
use crate::store::log::Log;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// How many changes are remembered. A frame that is older than the memory counts as changed.
const HISTORY: usize = 65_536;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Tweet(TweetId),
    User(UserId),
    Action(ActionId),
}

/// The changes up to the position that the caches have.
pub(super) struct Changes {
    log: Log,
    /// Events up to this one are known.
    known: AtomicI64,
    /// The newest change of anything.
    newest: AtomicI64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: HashMap<Subject, Seq>,
    order: VecDeque<(Seq, Subject)>,
    /// Changes up to this event are not remembered.
    floor: Seq,
}

impl Changes {
    pub(super) fn new(log: Log) -> Self {
        let seq = log.position().seq;
        Self {
            log,
            known: AtomicI64::new(seq),
            newest: AtomicI64::new(seq),
            state: Mutex::default(),
        }
    }

    /// Whether a frame still shows things as they are: as of every answer that a mutation has
    /// got by now.
    pub(super) fn allow(&self, frame: &Frame) -> bool {
        self.catch_up();
        if self.newest.load(Relaxed) <= frame.as_of {
            return true;
        }
        let state = self.state.lock();
        let same = |subject| state.last.get(&subject).is_none_or(|changed| *changed <= frame.as_of);
        frame.as_of >= state.floor
            && frame.shown.tweets.iter().all(|id| same(Subject::Tweet(*id)))
            && frame.shown.users.iter().all(|id| same(Subject::User(*id)))
            && frame.shown.actions.iter().all(|id| same(Subject::Action(*id)))
    }

    fn catch_up(&self) {
        if self.known.load(Relaxed) >= self.log.position().seq {
            return;
        }
        let mut state = self.state.lock();
        let (known, newest) = (self.known.load(Relaxed), self.newest.load(Relaxed));
        let reached = self.log.position().seq;
        let changed = match self.log.recent(known) {
            Some(events) => events.iter().filter_map(|event| state.take(event)).max(),
            // So long ago that nobody can tell: everything may have changed.
            None => {
                state.floor = reached;
                Some(reached)
            }
        };
        self.newest.fetch_max(changed.unwrap_or(newest), Relaxed);
        self.known.fetch_max(reached, Relaxed);
    }
}

impl State {
    /// Remembers what an event changed. Gives its number if it changed anything.
    fn take(&mut self, event: &Event) -> Option<Seq> {
        let seq = event.position.seq;
        let before = self.order.len();
        for subject in changed(event) {
            self.last.insert(subject, seq);
            self.order.push_back((seq, subject));
        }
        let any = self.order.len() > before;
        while self.order.len() > HISTORY {
            let Some((seq, subject)) = self.order.pop_front() else {
                break;
            };
            self.floor = self.floor.max(seq);
            if self.last.get(&subject) == Some(&seq) {
                self.last.remove(&subject);
            }
        }
        any.then_some(seq)
    }
}

/// What an event edited, hid or deleted. Counts are no change: they move all the time, and who
/// is behind may see older ones. So a tweet's event changes it only if it names the tweet's own
/// row, which a posting, a like and a retweet don't. An action that went out of a topic may be
/// gone.
fn changed(event: &Event) -> impl Iterator<Item = Subject> {
    let body = &event.body;
    let is_gone = |action: ActionId| !body.added.iter().any(|(_, entry)| entry.action() == action);
    let gone = body.removed.iter().map(|(_, entry)| entry.action());
    let gone = gone.filter(move |action| is_gone(*action)).map(Subject::Action);
    let rows = body.keys.iter().filter_map(|key| match (body.kind, key) {
        (EventKind::Tweet, Key::Tweet(id)) if body.tweet == Some(*id) => Some(Subject::Tweet(*id)),
        (EventKind::User, Key::User(id)) => Some(Subject::User(*id)),
        _ => None,
    });
    rows.chain(gone)
}
