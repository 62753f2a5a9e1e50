//! Deeds: an action with the topics that it stands in, and what is told of it.

use super::action::{Action, FOLLOW, REPLY, TWEET};
use super::{
    ActionId, Change, Entity, Entry, EventKind, Key, Micros, NewEvent, Reaction, Topic, Tweet, TweetId, UserId, WallId,
};

/// What somebody did.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// What kind of event it is.
    pub kind: EventKind,
    /// The action that records it.
    pub action: Action,
    /// The topics that it stands in.
    pub topics: Vec<Topic>,
    /// What hears of it without showing it.
    pub heard: Vec<(Topic, Change)>,
    /// The rows that it changes.
    pub keys: Vec<Key>,
}

impl Deed {
    /// A deed, in the topics of all whom and what the action names.
    #[must_use]
    pub fn new(kind: EventKind, action: Action) -> Self {
        Self {
            kind,
            topics: topics(&action),
            heard: Vec::new(),
            keys: Vec::new(),
            action,
        }
    }

    /// The posting of a tweet, with whoever wrote what it answers.
    #[must_use]
    pub fn posting(tweet: &Tweet, answered: Option<UserId>) -> Self {
        let (actor, object) = (Entity::User(tweet.author), Entity::Tweet(tweet.id));
        let verb = if tweet.in_reply_to.is_some() { REPLY } else { TWEET };
        let action = Action::new(tweet.action, actor, verb, object, tweet.created_at);
        Self::new(EventKind::Tweet, action.within(tweet.in_reply_to.map(Entity::Tweet)))
            .in_hashtags(&tweet.hashtags)
            .notifying(answered.into_iter().chain(tweet.mentions.iter().copied()))
    }

    /// A user's like or retweet of an author's tweet.
    #[must_use]
    pub fn reaction(reaction: Reaction, id: ActionId, by: UserId, to: (TweetId, UserId), at: Micros) -> Self {
        let (tweet, author) = to;
        let action = Action::new(id, Entity::User(by), reaction.verb(), Entity::Tweet(tweet), at);
        Self::new(reaction.event(), action).notifying([author])
    }

    /// A user's follow, under the flag `following`.
    #[must_use]
    pub fn follow(id: ActionId, follower: UserId, target: &Entity, at: Micros) -> Self {
        let action = Action::new(id, Entity::User(follower), FOLLOW, target.clone(), at);
        let keys = Key::of_follow(follower, target);
        Self::new(EventKind::Follow, action)
            .notifying(target.user())
            .touching(keys)
    }

    /// An action that was added and not recorded by itself: the users that it is about are told.
    #[must_use]
    pub fn given(action: Action) -> Self {
        let about = action.object.iter().chain(&action.target);
        let told: Vec<UserId> = about.filter_map(Entity::user).collect();
        Self::new(EventKind::Action, action).notifying(told)
    }

    /// In the topics of hashtags too.
    #[must_use]
    pub fn in_hashtags(mut self, names: &[String]) -> Self {
        self.topics.extend(names.iter().map(|name| Topic::hashtag(name)));
        self
    }

    /// On walls too.
    #[must_use]
    pub fn on_walls(mut self, walls: &[WallId]) -> Self {
        self.topics.extend(walls.iter().copied().map(Topic::wall));
        self
    }

    /// Heard by those who listen to walls.
    #[must_use]
    pub fn heard_on(mut self, walls: &[WallId], change: Change) -> Self {
        self.heard.extend(walls.iter().map(|wall| (Topic::wall(*wall), change)));
        self
    }

    /// Heard by those who listen to hashtags.
    #[must_use]
    pub fn heard_in(mut self, names: &[String], change: Change) -> Self {
        self.heard
            .extend(names.iter().map(|name| (Topic::hashtag(name), change)));
        self
    }

    /// Told to users, if it is public; nobody is told of what they do themselves.
    #[must_use]
    pub fn notifying(mut self, users: impl IntoIterator<Item = UserId>) -> Self {
        if !self.action.public {
            return self;
        }
        for user in users {
            let topic = Topic::notifications(user);
            if self.action.actor != Entity::User(user) && !self.topics.contains(&topic) {
                self.topics.push(topic);
            }
        }
        self
    }

    /// Changing rows that are kept under these keys.
    #[must_use]
    pub fn touching(mut self, keys: impl IntoIterator<Item = Key>) -> Self {
        self.keys.extend(keys);
        self
    }

    /// Its entry, the same in every topic.
    #[must_use]
    pub fn entry(&self) -> Entry {
        Entry::of(&self.action)
    }

    /// What comes into which topics.
    #[must_use]
    pub fn entries(&self) -> Vec<(Topic, Entry)> {
        let entry = self.entry();
        self.topics.iter().map(|topic| (topic.clone(), entry.clone())).collect()
    }

    /// What the log says of it.
    #[must_use]
    pub fn event(&self) -> NewEvent {
        let mut event = NewEvent::new(self.kind);
        event.action = Some(self.action.id);
        event.actor = self.action.actor.user();
        event.tweet = self.action.object.as_ref().and_then(Entity::tweet);
        event.added = self.entries();
        event.tell(self.topics.iter().map(|topic| (topic.clone(), Change::Created)));
        event.tell(self.heard.iter().cloned());
        event.keys.clone_from(&self.keys);
        event
    }
}

/// What brings an action into the timelines of those who follow it: users, hashtags and external
/// objects, with the topics in which it stands there. `hashtags` are those of a tweet that it posts.
#[must_use]
pub fn reasons(action: &Action, hashtags: &[String]) -> Vec<(Entity, Topic)> {
    let mut reasons = Vec::new();
    let topics = topics(action);
    for entity in action.entities() {
        let topic = Topic::followed(entity).filter(|topic| topics.contains(topic));
        let reason = topic.map(|topic| (entity.clone(), topic));
        reasons.extend(reason.filter(|reason| !reasons.contains(reason)));
    }
    if is_posting(action) {
        let reason = |name: &String| (Entity::Hashtag(name.clone()), Topic::hashtag(name));
        reasons.extend(hashtags.iter().map(reason));
    }
    reasons
}

fn is_posting(action: &Action) -> bool {
    [TWEET, REPLY].contains(&action.verb.as_str())
}

/// The topics that an action stands in by what it names. A tweet's own posting stands in no
/// topic about it: the tweet's row tells of it.
fn topics(action: &Action) -> Vec<Topic> {
    let by = action.actor.user();
    if !action.public {
        return by.map(Topic::private).into_iter().collect();
    }
    let mut topics: Vec<Topic> = by.map(Topic::user).into_iter().collect();
    let about = [
        (by.is_none()).then_some(&action.actor),
        action.object.as_ref().filter(|_| !is_posting(action)),
        action.target.as_ref(),
    ];
    for topic in about.into_iter().flatten().filter_map(Topic::about) {
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    topics
}
