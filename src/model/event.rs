//! Events: what the log keeps and the broker carries.

use super::object::ObjectKey;
use super::viewer::TokenHash;
use super::{ActionId, Entity, Entry, Micros, Topic, TweetId, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The number of an event: dense, in the order of commits.
pub type Seq = i64;

/// What an event means within one topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Came in: posted, or edited so that it belongs.
    #[serde(rename = "c")]
    Created,
    /// Stayed, with another text.
    #[serde(rename = "u")]
    Updated,
    /// Went: deleted, or edited so that it no longer belongs.
    #[serde(rename = "d")]
    Deleted,
    /// Retweeted by `actor`.
    #[serde(rename = "r")]
    Retweeted,
}

/// What happened, for whoever looks at all events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// Nothing: the log's first row.
    Genesis,
    /// A tweet was posted, edited or deleted.
    Tweet,
    /// A tweet was retweeted, or that was undone.
    Retweet,
    /// A tweet was liked, or that was undone.
    Like,
    /// Something was followed, or that was undone.
    Follow,
    /// An action was added or removed.
    Action,
    /// Notifications were seen or read.
    Mark,
    /// An account came, changed or went.
    User,
    /// Sessions ended.
    Session,
    /// Somebody blocks or mutes somebody, or no longer.
    Relation,
    /// A wall came, changed or went.
    Wall,
    /// Rows came in that no stream gives.
    Import,
}

/// What caches keep rows under. An event names the keys of what it changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Key {
    /// A tweet's row, with hashtags, mentions and counts.
    #[serde(rename = "t")]
    Tweet(TweetId),
    /// A user's row, with counts.
    #[serde(rename = "u")]
    User(UserId),
    /// A hashtag's row, with counts.
    #[serde(rename = "h")]
    Hashtag(String),
    /// An external object's row, with its count.
    #[serde(rename = "o")]
    Object(ObjectKey),
    /// Whom and what a user follows.
    #[serde(rename = "f")]
    Follows(UserId),
    /// Whom a user blocks and mutes.
    #[serde(rename = "b")]
    Hides(UserId),
    /// A session.
    #[serde(rename = "s")]
    Session(TokenHash),
    /// All entries of a topic, after a change that entries don't tell.
    #[serde(rename = "e")]
    Topic(Topic),
}

impl Key {
    /// The rows that a follow changes.
    #[must_use]
    pub fn of_follow(follower: UserId, target: &Entity) -> Vec<Self> {
        [Self::User(follower), Self::Follows(follower)]
            .into_iter()
            .chain(Self::counting_follows_of(target))
            .collect()
    }

    /// The row that counts who follows something.
    #[must_use]
    pub fn counting_follows_of(target: &Entity) -> Option<Self> {
        match target {
            Entity::User(id) => Some(Self::User(*id)),
            Entity::Hashtag(name) => Some(Self::Hashtag(name.clone())),
            Entity::Object(key) => Some(Self::Object(key.clone())),
            Entity::Tweet(_) => None,
        }
    }
}

/// An event before it has its number: what one transaction has to say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewEvent {
    /// What happened.
    #[serde(rename = "k")]
    pub kind: EventKind,
    /// What it means in each topic that it concerns.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<(Topic, Change)>,
    /// The tweet that it is about.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub tweet: Option<TweetId>,
    /// The action that came or went.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionId>,
    /// Who did it.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<UserId>,
    /// Entries that came into topics.
    #[serde(rename = "i", default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<(Topic, Entry)>,
    /// Entries that went out of topics.
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<(Topic, Entry)>,
    /// The rows that changed.
    #[serde(rename = "y", default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Key>,
}

impl NewEvent {
    /// An event that says nothing yet.
    #[must_use]
    pub fn new(kind: EventKind) -> Self {
        Self {
            kind,
            topics: Vec::new(),
            tweet: None,
            action: None,
            actor: None,
            added: Vec::new(),
            removed: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// Tells topics of it, those that streams can follow.
    pub fn tell(&mut self, topics: impl IntoIterator<Item = (Topic, Change)>) {
        let told = topics.into_iter().filter(|(topic, _)| topic.is_streamed());
        self.topics.extend(told);
    }

    /// Whether a topic is over with it.
    #[must_use]
    pub fn ends(&self, topic: &Topic) -> bool {
        self.kind == EventKind::Wall && self.change_in(topic) == Some(Change::Deleted)
    }

    /// What it means in a topic, if it concerns it.
    #[must_use]
    pub fn change_in(&self, topic: &Topic) -> Option<Change> {
        self.topics
            .iter()
            .find_map(|(named, change)| (named == topic).then_some(*change))
    }
}

/// A committed event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the log.
    pub position: Position,
    /// When it was committed, by the writer's clock.
    pub at: Micros,
    /// What it says.
    pub body: NewEvent,
}

/// Events that were committed together, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The event before the first of them.
    pub after: Position,
    /// The events. They may be left out where they are too long to be sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Arc<Event>>,
    /// The number of the last one.
    pub last: Seq,
}

/// A place in the log: the event's number, and random bits that only this log has there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The event's number.
    pub seq: Seq,
    /// 32 random bits of that event.
    pub nonce: u32,
}

impl Position {
    /// What tells a stream's cursor from a list's.
    const TAG: u8 = 2;

    /// Writes the position as a stream's cursor.
    #[must_use]
    pub fn encode(self) -> String {
        let mut bytes = vec![Self::TAG];
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(self.nonce.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a stream's cursor. `None` for what is none.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let bytes: [u8; 13] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (tag, rest) = bytes.split_first()?;
        let (seq, nonce) = rest.split_at_checked(8)?;
        (*tag == Self::TAG).then_some(Self {
            seq: i64::from_be_bytes(seq.try_into().ok()?),
            nonce: u32::from_be_bytes(nonce.try_into().ok()?),
        })
    }
}
