//! Actions: somebody (actor) did something (verb), perhaps to an object, perhaps within a target.

use super::object::ObjectKey;
use super::{ActionId, Micros, TweetId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

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

/// What is recorded by itself and not to be given otherwise.
pub const AUTOMATIC: [&str; 5] = [TWEET, REPLY, RETWEET, LIKE, FOLLOW];

/// What an action can be about. Written as `kind:key`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Entity {
    /// A user.
    User(UserId),
    /// A tweet.
    Tweet(TweetId),
    /// A hashtag, by its canonical name.
    Hashtag(String),
    /// Something that lives outside.
    Object(ObjectKey),
}

impl Entity {
    /// The kind under which rows name it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Tweet(_) => "tweet",
            Self::Hashtag(_) => "hashtag",
            Self::Object(_) => "object",
        }
    }

    /// The key under which rows name it.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::User(id) => id.to_string(),
            Self::Tweet(id) => id.to_string(),
            Self::Hashtag(name) => name.clone(),
            Self::Object(key) => key.to_string(),
        }
    }

    /// The user, if it is one.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(*id),
            _ => None,
        }
    }

    /// The tweet, if it is one.
    #[must_use]
    pub fn tweet(&self) -> Option<TweetId> {
        match self {
            Self::Tweet(id) => Some(*id),
            _ => None,
        }
    }

    /// Reads a row's kind and key.
    #[must_use]
    pub fn from_row(kind: &str, key: &str) -> Option<Self> {
        match kind {
            "user" => key.parse().ok().map(|id| Self::User(UserId(id))),
            "tweet" => key.parse().ok().map(|id| Self::Tweet(TweetId(id))),
            "hashtag" => Some(Self::Hashtag(key.to_owned())),
            "object" => ObjectKey::parse(key).map(Self::Object),
            _ => None,
        }
    }

    /// Reads the written form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, key) = text.split_once(':')?;
        Self::from_row(kind, key)
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.key())
    }
}

impl From<Entity> for String {
    fn from(entity: Entity) -> Self {
        entity.to_string()
    }
}

impl TryFrom<String> for Entity {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or(text)
    }
}

/// A recorded action.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of the API's `Action`")]
pub struct Action {
    pub id: ActionId,
    pub verb: String,
    pub actor: Entity,
    pub object: Option<Entity>,
    pub target: Option<Entity>,
    pub created_at: Micros,
    pub description: Option<String>,
    pub data: Option<Value>,
    /// Otherwise only its actor sees it.
    pub public: bool,
}

impl Action {
    /// A public action with an object, and nothing else.
    #[must_use]
    pub fn new(id: ActionId, actor: Entity, verb: &str, object: Entity, created_at: Micros) -> Self {
        Self {
            id,
            verb: verb.to_owned(),
            actor,
            object: Some(object),
            target: None,
            created_at,
            description: None,
            data: None,
            public: true,
        }
    }

    /// The same within a target.
    #[must_use]
    pub fn within(mut self, target: Option<Entity>) -> Self {
        self.target = target;
        self
    }

    /// Everything that it names.
    pub fn entities(&self) -> impl Iterator<Item = &Entity> {
        std::iter::once(&self.actor).chain(&self.object).chain(&self.target)
    }
}
