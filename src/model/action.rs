//! Actions: somebody (actor) did something (verb), perhaps to an object, perhaps within a target.

use super::{ActionId, Micros, TweetId, UserId};

/// The verb of posting a tweet.
pub const TWEET: &str = "tweet";
/// The verb of posting a reply.
pub const REPLY: &str = "reply";
/// The verb of retweeting.
pub const RETWEET: &str = "retweet";
/// The verb of liking.
pub const LIKE: &str = "like";
/// The verb of following.
pub const FOLLOW: &str = "follow";

/// What an action can be about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    /// A user.
    User(UserId),
    /// A tweet.
    Tweet(TweetId),
    /// A hashtag, by its canonical name.
    Hashtag(String),
}

impl Entity {
    /// The kind under which rows name it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Tweet(_) => "tweet",
            Self::Hashtag(_) => "hashtag",
        }
    }

    /// The key under which rows name it.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::User(id) => id.to_string(),
            Self::Tweet(id) => id.to_string(),
            Self::Hashtag(name) => name.clone(),
        }
    }

    /// Reads a row's kind and key.
    #[must_use]
    pub fn from_row(kind: &str, key: &str) -> Option<Self> {
        match kind {
            "user" => key.parse().ok().map(|id| Self::User(UserId(id))),
            "tweet" => key.parse().ok().map(|id| Self::Tweet(TweetId(id))),
            "hashtag" => Some(Self::Hashtag(key.to_owned())),
            _ => None,
        }
    }
}

/// A recorded action.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the API's `Action`")]
pub struct Action {
    pub id: ActionId,
    pub verb: String,
    pub actor: Entity,
    pub object: Option<Entity>,
    pub target: Option<Entity>,
    pub created_at: Micros,
}
