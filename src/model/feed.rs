//! Feeds and their entries.

use super::{ActionId, Place, TweetId, UserId};
use serde::{Deserialize, Serialize};

/// Which list a feed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FeedGroup {
    /// The actions that one user performed.
    User,
    /// The actions of those whom one user follows.
    Timeline,
    /// The tweets with one hashtag.
    Hashtag,
}

impl FeedGroup {
    /// The name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Timeline => "TIMELINE",
            Self::Hashtag => "HASHTAG",
        }
    }

    /// Reads the name in the API.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::User, Self::Timeline, Self::Hashtag]
            .into_iter()
            .find(|group| group.as_str() == name)
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

/// One place in a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it stands; the number is the action's.
    pub place: Place,
    /// What readers may ask for apart.
    pub kind: EntryKind,
    /// The action's verb.
    pub verb: std::sync::Arc<str>,
    /// Who did it.
    pub actor: UserId,
    /// The tweet that was posted, retweeted or liked.
    pub tweet: Option<TweetId>,
}

impl Entry {
    /// The action that stands here.
    #[must_use]
    pub fn action(&self) -> ActionId {
        ActionId(self.place.id)
    }
}
