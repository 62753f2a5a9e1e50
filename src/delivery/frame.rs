//! What an event looks like to all subscribers of a group.

use super::memory::Charge;
use super::source::Source;
use crate::model::{ActionId, Event, Key, Result, Seq, Topic, TweetId, UserId, WallId};
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

/// An event, executed and serialised. What is around it is each subscriber's own.
#[derive(Debug)]
pub struct Frame {
    /// The event.
    pub event: Arc<Event>,
    /// The result as JSON.
    pub payload: Box<str>,
    /// Whose content it shows.
    pub shown: Shown,
    /// The position of the log that it shows everything up to.
    pub as_of: Seq,
    /// When it was executed, if that was for somebody who came later than the event.
    pub(super) replayed: Option<Instant>,
    /// What it takes of the memory for frames.
    pub(super) charge: Charge,
}

/// Whose content an execution has loaded, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Those whose event it is: the author, and who retweeted.
    pub by: Vec<UserId>,
    /// All users, those among them.
    pub users: Vec<UserId>,
    /// All tweets.
    pub tweets: Vec<TweetId>,
    /// All hashtags.
    pub hashtags: Vec<String>,
    /// All actions.
    pub actions: Vec<ActionId>,
    /// All walls.
    pub walls: Vec<WallId>,
}

impl Shown {
    /// Under which keys the rows stand that it was read from.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        let users = self.users.iter().copied().map(Key::User);
        let tweets = self.tweets.iter().copied().map(Key::Tweet);
        users
            .chain(tweets)
            .chain(self.hashtags.iter().cloned().map(Key::Hashtag))
            .chain(self.walls.iter().map(|wall| Key::Topic(Topic::wall(*wall))))
    }
}

impl Frame {
    /// A frame that takes nothing of the memory for frames yet.
    #[must_use]
    pub fn new(event: Arc<Event>, payload: String, shown: Shown, as_of: Seq) -> Self {
        Self {
            event,
            payload: payload.into(),
            shown,
            as_of,
            replayed: None,
            charge: Charge::default(),
        }
    }

    /// About how many bytes it takes, with its place in a ring.
    pub(super) fn weight(&self) -> usize {
        /// The counters of two `Arc`s, an entry in the order of all frames, a slot, the event.
        const AROUND: usize = 400;
        let Shown {
            by,
            users,
            tweets,
            hashtags,
            actions,
            walls,
        } = &self.shown;
        let ids = by.len() + users.len() + tweets.len() + actions.len() + walls.len() + 8 * hashtags.len();
        size_of::<Self>() + self.payload.len() + 8 * ids + AROUND
    }
}

/// What became of executing an event.
#[derive(Debug)]
pub enum Told {
    /// This is what to send.
    Frame(Box<Frame>),
    /// There is nothing to send.
    Nothing,
    /// It would have to be another for each viewer.
    Personal,
}

/// How the events of a group are executed.
pub trait Teller: Send + Sync + 'static {
    /// Which events are.
    fn source(&self) -> &dyn Source;

    /// Executes an event for everybody in the group.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when it can't be told now.
    fn tell(&self, event: Arc<Event>) -> impl Future<Output = Result<Told>> + Send;
}
