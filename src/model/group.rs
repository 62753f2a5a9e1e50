//! Groups: the actions of a feed by verb, object and day.

use super::action::AUTOMATIC;
use super::feed::day_of;
use super::{Entity, Entry, EntryKind, FeedGroup, Place};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;

/// How long a day is, in microseconds.
pub const DAY: i64 = 86_400_000_000;
/// How many days from the epoch a group may lie: as far as microseconds reach.
const FURTHEST: i64 = 100_000_000;

/// What the actions of a group have in common. A post is an object of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    /// The verb.
    pub verb: String,
    /// The object, where the verb has one.
    pub object: Option<Entity>,
    /// The day since the Unix epoch, UTC.
    pub day: i64,
}

impl GroupKey {
    /// The group that an entry belongs to.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        Self {
            verb: entry.verb.to_string(),
            object: entry.object.clone(),
            day: day_of(entry.place.at),
        }
    }

    /// Reads a row's verb, object (`kind:key`, empty for none) and day.
    #[must_use]
    pub fn from_row(verb: String, object: &str, day: i64) -> Self {
        Self {
            verb,
            object: Entity::parse(object),
            day,
        }
    }

    /// How rows name the object.
    #[must_use]
    pub fn object_name(&self) -> String {
        self.object.as_ref().map(Entity::to_string).unwrap_or_default()
    }

    /// Whether it is a tweet or a reply, which stands alone in its group.
    #[must_use]
    pub fn is_post(&self) -> bool {
        EntryKind::of(&self.verb) == EntryKind::Post
    }

    /// Whether its actions are recorded by themselves, and go with their object.
    #[must_use]
    pub fn is_automatic(&self) -> bool {
        AUTOMATIC.contains(&self.verb.as_str())
    }

    /// The oldest and the newest place of its day.
    #[must_use]
    pub fn span(&self) -> (Place, Place) {
        let begin = self.day.saturating_mul(DAY);
        let place = |at, id| Place { at, id };
        (place(begin, i64::MIN), place(begin.saturating_add(DAY - 1), i64::MAX))
    }
}

/// Names a group for clients: always the same for the same actions of the same feed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupId {
    /// Which list the feed is.
    pub feed: FeedGroup,
    /// Whose: a user's number, a hashtag, an external object's `type:key`.
    pub owner: String,
    /// Which group of it.
    pub key: GroupKey,
}

impl GroupId {
    /// Reads the written form. `None` for whatever can't name anything.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let json = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (feed, owner, verb, object, day): (String, String, String, String, i64) =
            serde_json::from_slice(&json).ok()?;
        if !(-FURTHEST..=FURTHEST).contains(&day) {
            return None;
        }
        let id = Self {
            feed: FeedGroup::parse(&feed)?,
            owner,
            key: GroupKey::from_row(verb, &object, day),
        };
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        let parts = (self.feed.as_str(), &self.owner, &key.verb, key.object_name(), key.day);
        let json = serde_json::to_vec(&parts).map_err(|_| fmt::Error)?;
        f.write_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TweetId;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_comes_back(owner in ".{0,10}", verb in ".{1,10}", tweet in prop::option::of(1i64..), day in -FURTHEST..=FURTHEST) {
            let object = tweet.map(|id| Entity::Tweet(TweetId(id)));
            let id = GroupId { feed: FeedGroup::Object, owner, key: GroupKey { verb, object, day } };
            prop_assert_eq!(GroupId::parse(&id.to_string()), Some(id));
        }

        #[test]
        fn anything_else_is_no_id(text in "[A-Za-z0-9_-]{0,40}") {
            if let Some(id) = GroupId::parse(&text) {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn a_day_holds_its_places() {
        let key = GroupKey {
            verb: "like".into(),
            object: None,
            day: -1,
        };
        let (from, to) = key.span();
        assert_eq!((day_of(from.at), day_of(to.at)), (-1, -1));
        assert_eq!((day_of(from.at - 1), day_of(to.at + 1)), (-2, 0));
    }
}
