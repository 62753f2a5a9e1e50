//! Topics: named lists of actions. The log, the broker and the feeds all speak of them.

use super::{Entity, UserId, WallId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A named list of actions, such as `user:42` or `hashtag:rust`. Cheap to clone.
///
/// | topic | what stands in it |
/// | --- | --- |
/// | `user:42` | what user 42 did in public |
/// | `private:42` | what only user 42 sees of what they did |
/// | `hashtag:rust` | tweets with the hashtag |
/// | `object:repository:acme/x` | what an external object did, and what was done to it or within it |
/// | `about:user:42`, `about:tweet:7` | what was done to them or within them |
/// | `notifications:42` | what user 42 is told of |
/// | `wall:3` | tweets that belong to wall 3 |
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Topic(Arc<str>);

impl Topic {
    /// What one user did.
    #[must_use]
    pub fn user(id: UserId) -> Self {
        Self(format!("user:{id}").into())
    }

    /// What one user did that nobody else sees.
    #[must_use]
    pub fn private(id: UserId) -> Self {
        Self(format!("private:{id}").into())
    }

    /// What one user is told of.
    #[must_use]
    pub fn notifications(id: UserId) -> Self {
        Self(format!("notifications:{id}").into())
    }

    /// Whose notifications these are, if they are.
    #[must_use]
    pub fn notified(&self) -> Option<UserId> {
        self.0.strip_prefix("notifications:")?.parse().ok().map(UserId)
    }

    /// The tweets that belong to a wall.
    #[must_use]
    pub fn wall(id: WallId) -> Self {
        Self(format!("wall:{id}").into())
    }

    /// Whose tweets these are, if they are a wall's.
    #[must_use]
    pub fn of_wall(&self) -> Option<WallId> {
        self.0.strip_prefix("wall:")?.parse().ok().map(WallId)
    }

    /// What was done to something or within it; of an external object also what it did. A
    /// hashtag has none.
    #[must_use]
    pub fn about(entity: &Entity) -> Option<Self> {
        match entity {
            Entity::Hashtag(_) => None,
            Entity::Object(_) => Some(Self(entity.to_string().into())),
            Entity::User(_) | Entity::Tweet(_) => Some(Self(format!("about:{entity}").into())),
        }
    }

    /// What following something brings into a timeline, if it can be followed.
    #[must_use]
    pub fn followed(entity: &Entity) -> Option<Self> {
        match entity {
            Entity::User(id) => Some(Self::user(*id)),
            Entity::Hashtag(name) => Some(Self::hashtag(name)),
            Entity::Object(_) => Self::about(entity),
            Entity::Tweet(_) => None,
        }
    }

    /// Whether it follows from what an action is about, or from the rules of walls: such entries are
    /// told apart from those of authors and hashtags where actions are written in bulk.
    #[must_use]
    pub fn is_derived(&self) -> bool {
        ["about:", "notifications:", "wall:"]
            .iter()
            .any(|kind| self.0.starts_with(kind))
    }

    /// Whether nothing but tweets and replies stands in it.
    #[must_use]
    pub fn holds_only_posts(&self) -> bool {
        self.0.starts_with("hashtag:") || self.0.starts_with("wall:")
    }

    /// Whether a stream can follow it.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        !self.0.starts_with("about:")
    }

    /// The tweets with one hashtag, by its canonical name.
    #[must_use]
    pub fn hashtag(name: &str) -> Self {
        Self(format!("hashtag:{name}").into())
    }

    /// A topic as a row names it.
    #[must_use]
    pub fn from_row(name: &str) -> Self {
        Self(name.into())
    }

    /// The name, as rows and subjects carry it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
