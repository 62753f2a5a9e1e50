//! Feeds and their entries.

use super::action::{Action, REPLY, RETWEET, TWEET};
use super::{ActionId, Entity, Place, TweetId, UserId};
use serde::{Deserialize, Serialize};

/// Which list a feed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FeedGroup {
    /// The actions that one user performed.
    User,
    /// The actions of those whom one user follows.
    Timeline,
    /// What happened to one user.
    Notification,
    /// The tweets with one hashtag.
    Hashtag,
    /// What one external object did, and what was done to it or within it.
    Object,
}

impl FeedGroup {
    /// The name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Timeline => "TIMELINE",
            Self::Notification => "NOTIFICATION",
            Self::Hashtag => "HASHTAG",
            Self::Object => "OBJECT",
        }
    }

    /// Whether only its owner may see it.
    #[must_use]
    pub fn is_private(self) -> bool {
        matches!(self, Self::Timeline | Self::Notification)
    }

    /// Reads the name in the API.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::User,
            Self::Timeline,
            Self::Notification,
            Self::Hashtag,
            Self::Object,
        ];
        all.into_iter().find(|group| group.as_str() == name)
    }
}

/// What readers of a topic may ask for apart, without reading past the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "i16", try_from = "i16")]
pub enum EntryKind {
    /// A tweet or a reply.
    Post,
    /// A retweet.
    Retweet,
    /// Anything else.
    Other,
}

impl EntryKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Post, Self::Retweet, Self::Other];

    /// The kind of a verb's entries.
    #[must_use]
    pub fn of(verb: &str) -> Self {
        match verb {
            TWEET | REPLY => Self::Post,
            RETWEET => Self::Retweet,
            _ => Self::Other,
        }
    }

    /// Reads a row's number.
    #[must_use]
    pub fn from_row(kind: i16) -> Self {
        match kind {
            0 => Self::Post,
            1 => Self::Retweet,
            _ => Self::Other,
        }
    }
}

impl From<EntryKind> for i16 {
    fn from(kind: EntryKind) -> Self {
        match kind {
            EntryKind::Post => 0,
            EntryKind::Retweet => 1,
            EntryKind::Other => 2,
        }
    }
}

impl From<i16> for EntryKind {
    fn from(kind: i16) -> Self {
        Self::from_row(kind)
    }
}

/// The day since the Unix epoch, UTC, in which a time in microseconds lies.
#[must_use]
pub fn day_of(at: i64) -> i64 {
    at.div_euclid(86_400_000_000)
}

/// One place in a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it stands; the number is the action's.
    pub place: Place,
    /// What readers may ask for apart.
    pub kind: EntryKind,
    /// The action's verb.
    pub verb: std::sync::Arc<str>,
    /// Who did it; the number 0 where it was no user.
    pub actor: UserId,
    /// What it was done to.
    pub object: Option<Entity>,
}

/// The actor of an entry where it was no user.
pub const NOBODY: UserId = UserId(0);

impl Entry {
    /// The entry of an action.
    #[must_use]
    pub fn of(action: &Action) -> Self {
        Self {
            place: Place::new(action.created_at, action.id.0),
            kind: EntryKind::of(&action.verb),
            verb: action.verb.as_str().into(),
            actor: action.actor.user().unwrap_or(NOBODY),
            object: action.object.clone(),
        }
    }

    /// The tweet that was posted, retweeted or liked.
    #[must_use]
    pub fn tweet(&self) -> Option<TweetId> {
        self.object.as_ref()?.tweet()
    }

    /// The action that stands here.
    #[must_use]
    pub fn action(&self) -> ActionId {
        ActionId(self.place.id)
    }
}
