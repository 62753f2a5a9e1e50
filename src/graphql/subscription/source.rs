//! Which events a stream tells, and what each means there.

use super::FeedEventKind;
use crate::delivery;
use crate::delivery::source::Topics;
use crate::model::{Change, Entity, Entry, Event, Topic, UserId, WallId};
use crate::reading::feed::FeedKey;
use crate::store::Store;
use crate::store::follow::Follows;

/// Which events a stream tells. The only place that says what an event means in a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The tweets with a hashtag.
    Hashtag {
        /// Its name in canonical form.
        name: String,
        /// Whether retweets are told too.
        retweets: bool,
    },
    /// The tweets of a wall.
    Wall {
        /// Its number: one of the same slug that comes later is another.
        id: WallId,
        /// Whether retweets are told too.
        retweets: bool,
    },
    /// The actions of a feed.
    Feed {
        /// Which feed.
        key: FeedKey,
        /// Whether its owner listens, who sees more of it than others.
        owned: bool,
    },
}

impl Source {
    /// Whether what it tells is one viewer's alone.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        matches!(self, Self::Feed { owned: true, .. })
    }

    /// What an event means in a stream of tweets, if anything.
    #[must_use]
    pub fn tweet_change(&self, event: &Event) -> Option<Change> {
        let (topic, retweets) = match self {
            Self::Hashtag { name, retweets } => (Topic::hashtag(name), *retweets),
            Self::Wall { id, retweets } => (Topic::wall(*id), *retweets),
            Self::Feed { .. } => return None,
        };
        let change = event.body.change_in(&topic);
        change.filter(|change| retweets || *change != Change::Retweeted)
    }

    /// What an event does to a feed, if anything. `follows` are those of a timeline's owner.
    #[must_use]
    pub fn feed_change(&self, event: &Event, follows: Option<&Follows>) -> Option<FeedEventKind> {
        match (self, follows) {
            (Self::Feed { key, owned: true }, Some(follows)) => match key {
                FeedKey::Timeline(owner) => change(event, |topic, entry| follows.bring(*owner, topic, entry)),
                _ => None,
            },
            (Self::Feed { key, owned }, _) => {
                let topics = topics(key, *owned);
                change(event, |topic, _| topics.contains(topic))
            }
            (Self::Hashtag { .. } | Self::Wall { .. }, _) => None,
        }
    }

    fn timeline_of(&self) -> Option<UserId> {
        match self {
            Self::Feed {
                key: FeedKey::Timeline(owner),
                ..
            } => Some(*owner),
            _ => None,
        }
    }
}

/// Whether an event brings its action into the topics that a feed has, or takes it out. An edit
/// may do both at once, and so neither.
fn change(event: &Event, has: impl Fn(&Topic, &Entry) -> bool) -> Option<FeedEventKind> {
    let body = &event.body;
    let (_, entry) = body.added.first().or(body.removed.first())?;
    let (mut before, mut after) = (false, false);
    for (_, change) in body.topics.iter().filter(|(topic, _)| has(topic, entry)) {
        match change {
            Change::Created => after = true,
            Change::Deleted => before = true,
            Change::Updated => (before, after) = (true, true),
            Change::Retweeted => {}
        }
    }
    match (before, after) {
        (false, true) => Some(FeedEventKind::Added),
        (true, false) => Some(FeedEventKind::Removed),
        _ => None,
    }
}

/// The topics of a feed that is no merge of what somebody follows.
fn topics(key: &FeedKey, owned: bool) -> Vec<Topic> {
    match key {
        FeedKey::User(id) if owned => vec![Topic::user(*id), Topic::private(*id)],
        FeedKey::User(id) => vec![Topic::user(*id)],
        FeedKey::Notification(id) => vec![Topic::notifications(*id)],
        FeedKey::Hashtag(name) => vec![Topic::hashtag(name)],
        FeedKey::Object(key) => Topic::about(&Entity::Object(key.clone())).into_iter().collect(),
        FeedKey::Timeline(_) => Vec::new(),
    }
}

impl delivery::source::Source for Source {
    fn topics(&self) -> Topics {
        match self {
            Self::Hashtag { name, .. } => Topics::These(vec![Topic::hashtag(name)]),
            Self::Wall { id, .. } => Topics::These(vec![Topic::wall(*id)]),
            Self::Feed {
                key: FeedKey::Timeline(_),
                ..
            } => Topics::All,
            Self::Feed { key, owned } => Topics::These(topics(key, *owned)),
        }
    }

    fn concerns(&self, event: &Event, store: &Store) -> bool {
        let Some(owner) = self.timeline_of() else {
            return self.tweet_change(event).is_some() || self.feed_change(event, None).is_some();
        };
        // What memory does not know is found out when the event is told.
        match store.cached_follows(owner) {
            Some(follows) => self.feed_change(event, Some(&follows)).is_some(),
            None => !event.body.added.is_empty() || !event.body.removed.is_empty(),
        }
    }

    fn ends(&self, event: &Event) -> bool {
        match self {
            Self::Wall { id, .. } => event.body.ends(&Topic::wall(*id)),
            Self::Hashtag { .. } | Self::Feed { .. } => false,
        }
    }
}
