//! What one transaction of an import adds beside its own rows: actions, entries, counts, events.

use crate::model::{Change, EventKind, Key, Micros, NewEvent, Result, Topic, TweetId, UserId};
use crate::social::entry;
use crate::store::bulk::action::NewAction;
use crate::store::writer::Tx;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

/// What is younger is told to streams as if it had just happened.
const RECENT: Duration = Duration::from_secs(24 * 3_600);

/// What somebody did.
pub(super) struct Deed {
    /// What kind of event it is, when it is recent.
    pub kind: EventKind,
    /// The action that records it.
    pub action: NewAction,
    /// The tweet that was posted, retweeted or liked.
    pub tweet: Option<TweetId>,
    /// What it means in topics; it stands in those in which something is created.
    pub topics: Vec<(Topic, Change)>,
    /// The rows that it changes.
    pub keys: Vec<Key>,
}

/// What a transaction adds up.
pub(super) struct Batch {
    now: Micros,
    actions: Vec<NewAction>,
    entries: Vec<(Topic, crate::model::Entry)>,
    events: Vec<NewEvent>,
    keys: Vec<Key>,
    tweets: BTreeMap<TweetId, [i64; 3]>,
    users: BTreeMap<UserId, [i64; 3]>,
    hashtags: BTreeMap<String, i64>,
    followed_hashtags: BTreeMap<String, i64>,
}

impl Batch {
    pub(super) fn new(tx: &Tx) -> Self {
        Self {
            now: tx.now(),
            actions: Vec::new(),
            entries: Vec::new(),
            events: Vec::new(),
            keys: Vec::new(),
            tweets: BTreeMap::new(),
            users: BTreeMap::new(),
            hashtags: BTreeMap::new(),
            followed_hashtags: BTreeMap::new(),
        }
    }

    /// A time as it is taken: what lies ahead is now.
    pub(super) fn past(&self, at: Micros) -> Micros {
        at.min(self.now)
    }

    /// Whether streams are told of what happened then.
    pub(super) fn is_recent(&self, at: Micros) -> bool {
        at > self.now.before(RECENT)
    }

    /// Names rows that changed.
    pub(super) fn touch(&mut self, keys: impl IntoIterator<Item = Key>) {
        self.keys.extend(keys);
    }

    /// Counts a tweet's likes, retweets and replies.
    pub(super) fn count_tweet(&mut self, id: TweetId, counts: [i64; 3]) {
        add(self.tweets.entry(id).or_default(), counts);
    }

    /// Counts a user's tweets, followers and those they follow.
    pub(super) fn count_user(&mut self, id: UserId, counts: [i64; 3]) {
        add(self.users.entry(id).or_default(), counts);
    }

    /// Counts the tweets of hashtags.
    pub(super) fn count_hashtags(&mut self, names: &[String]) {
        for name in names {
            *self.hashtags.entry(name.clone()).or_default() += 1;
        }
    }

    /// Counts a hashtag's followers; none only makes it exist.
    pub(super) fn count_hashtag_followers(&mut self, name: &str, followers: i64) {
        *self.followed_hashtags.entry(name.to_owned()).or_default() += followers;
    }

    /// Records what somebody did.
    pub(super) fn record(&mut self, deed: Deed) {
        let Deed {
            kind,
            action,
            tweet,
            topics,
            keys,
        } = deed;
        let entry = entry(action.created_at, action.id, action.verb, action.actor, tweet);
        let added = topics
            .iter()
            .filter(|(_, change)| *change == Change::Created)
            .map(|(topic, _)| (topic.clone(), entry.clone()));
        let start = self.entries.len();
        self.entries.extend(added);
        self.keys.extend(keys.iter().cloned());
        if self.is_recent(action.created_at) {
            let mut event = NewEvent::new(kind);
            event.tweet = tweet;
            event.action = Some(action.id);
            event.actor = Some(action.actor);
            event.topics = topics;
            event.added = self.entries.iter().skip(start).cloned().collect();
            event.keys = keys;
            self.events.push(event);
        }
        self.actions.push(action);
    }

    /// Writes what was added up, and says so in the log: first that rows changed, then what
    /// streams are told.
    pub(super) async fn finish(self, tx: &Tx) -> Result<()> {
        tx.insert_actions(&self.actions).await?;
        tx.insert_entries_each(&self.entries).await?;
        let tweets: Vec<_> = self.tweets.into_iter().collect();
        tx.count_tweets_each(&tweets).await?;
        let users: Vec<_> = self.users.into_iter().collect();
        tx.count_users_each(&users).await?;
        let hashtags: Vec<_> = self.hashtags.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        tx.count_hashtags_each(&hashtags).await?;
        let followed: Vec<_> = self.followed_hashtags.into_iter().collect();
        tx.count_hashtag_followers_each(&followed).await?;

        let mut keys: HashSet<Key> = self.keys.into_iter().collect();
        keys.extend(self.entries.into_iter().map(|(topic, _)| Key::Topic(topic)));
        keys.extend(tweets.into_iter().map(|(id, _)| Key::Tweet(id)));
        keys.extend(users.into_iter().map(|(id, _)| Key::User(id)));
        keys.extend(self.hashtags.into_keys().map(Key::Hashtag));
        keys.extend(followed.into_iter().map(|(name, _)| Key::Hashtag(name)));
        if !keys.is_empty() {
            let mut event = NewEvent::new(EventKind::Import);
            event.keys = keys.into_iter().collect();
            tx.emit(event);
        }
        for event in self.events {
            tx.emit(event);
        }
        Ok(())
    }
}

fn add(sums: &mut [i64; 3], counts: [i64; 3]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count;
    }
}
