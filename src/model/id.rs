//! Identifiers: `i64` given by the database, identity only, and their global form `Type:key`.

use super::feed::FeedGroup;
use super::group::GroupId;
use super::object::ObjectKey;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// Names a user.
    UserId,
    /// Names a tweet.
    TweetId,
    /// Names an action.
    ActionId,
    /// Names a follow.
    FollowId,
    /// Names a wall.
    WallId,
}

/// The global identifier of a `Node`, written `Type:key`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GlobalId {
    /// `User:42`
    User(UserId),
    /// `Tweet:42`
    Tweet(TweetId),
    /// `Hashtag:rust`, the name in its canonical form.
    Hashtag(String),
    /// `Action:42`
    Action(ActionId),
    /// `ExternalObject:repository:acme/x`
    Object(ObjectKey),
    /// `Feed:USER:alice`
    Feed(FeedGroup, String),
    /// `ActionGroup:...`
    Group(GroupId),
    /// `Wall:42`
    Wall(WallId),
}

impl GlobalId {
    /// Reads the written form. `None` for whatever can't name anything.
    #[must_use]
    pub fn parse(id: &str) -> Option<Self> {
        let (kind, key) = id.split_once(':')?;
        match kind {
            "User" => number(key).map(|id| Self::User(UserId(id))),
            "Tweet" => number(key).map(|id| Self::Tweet(TweetId(id))),
            "Action" => number(key).map(|id| Self::Action(ActionId(id))),
            "Hashtag" if !key.is_empty() => Some(Self::Hashtag(key.to_owned())),
            "ExternalObject" => ObjectKey::parse(key).map(Self::Object),
            "Feed" => {
                let (group, slug) = key.split_once(':')?;
                Some(Self::Feed(FeedGroup::parse(group)?, slug.to_owned()))
            }
            "ActionGroup" => GroupId::parse(key).map(Self::Group),
            "Wall" => number(key).map(|id| Self::Wall(WallId(id))),
            _ => None,
        }
    }
}

impl fmt::Display for GlobalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "User:{id}"),
            Self::Tweet(id) => write!(f, "Tweet:{id}"),
            Self::Action(id) => write!(f, "Action:{id}"),
            Self::Hashtag(name) => write!(f, "Hashtag:{name}"),
            Self::Object(key) => write!(f, "ExternalObject:{key}"),
            Self::Feed(group, slug) => write!(f, "Feed:{}:{slug}", group.as_str()),
            Self::Group(id) => write!(f, "ActionGroup:{id}"),
            Self::Wall(id) => write!(f, "Wall:{id}"),
        }
    }
}

/// A positive number in its one spelling: `007` and `+7` name nothing.
fn number(key: &str) -> Option<i64> {
    let id: i64 = key.parse().ok()?;
    (id > 0 && id.to_string() == key).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_global_id_has_one_spelling() {
        for id in [
            "User:1",
            "Tweet:7300912837465088",
            "Hashtag:straße",
            "Feed:USER:alice",
            "Feed:OBJECT:a:b:c",
            "ExternalObject:a:b:c",
            "Wall:3",
        ] {
            assert_eq!(GlobalId::parse(id).map(|id| id.to_string()).as_deref(), Some(id));
        }
        for id in [
            "",
            "User",
            "User:",
            "User:007",
            "User:-1",
            "User:+1",
            "User:x",
            "user:1",
            "Feed:X:a",
            "Hashtag:",
            "ExternalObject:a",
            "ExternalObject::b",
        ] {
            assert_eq!(GlobalId::parse(id), None, "{id}");
        }
    }
}
