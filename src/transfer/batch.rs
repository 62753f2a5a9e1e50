//! What one transaction of an import adds beside its own rows: actions, entries, counts, events.

use crate::model::{Change, Entry, EventKind, Key, Micros, NewEvent, Result, Topic, TweetId, UserId};
use crate::social::entry;
use crate::store::bulk::Script;
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
    /// Whether its row says when; streams are not told of what has no time.
    pub is_dated: bool,
    /// The tweet that was posted, retweeted or liked.
    pub tweet: Option<TweetId>,
    /// What it means in topics; it stands in those in which something is created.
    pub topics: Vec<(Topic, Change)>,
    /// The rows that it changes.
    pub keys: Vec<Key>,
}

impl Deed {
    /// Its entries in the topics in which it creates something.
    fn entries(&self) -> impl Iterator<Item = (Topic, Entry)> {
        let action = &self.action;
        let entry = entry(action.created_at, action.id, action.verb, action.actor, self.tweet);
        let created = self.topics.iter().filter(|(_, change)| *change == Change::Created);
        created.map(move |(topic, _)| (topic.clone(), entry.clone()))
    }
}

/// What a transaction adds up.
pub(super) struct Batch {
    now: Micros,
    script: Script,
    actions: Vec<NewAction>,
    entries: Vec<(Topic, Entry)>,
    events: Vec<NewEvent>,
    keys: Vec<Key>,
    tweets: BTreeMap<TweetId, [i64; 3]>,
    users: BTreeMap<UserId, [i64; 3]>,
    hashtags: BTreeMap<String, [i64; 2]>,
}

impl Batch {
    pub(super) fn new(tx: &Tx) -> Self {
        Self {
            now: tx.now(),
            script: Script::default(),
            actions: Vec::new(),
            entries: Vec::new(),
            events: Vec::new(),
            keys: Vec::new(),
            tweets: BTreeMap::new(),
            users: BTreeMap::new(),
            hashtags: BTreeMap::new(),
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
            add(self.hashtags.entry(name.clone()).or_default(), [1, 0]);
        }
    }

    /// Counts a hashtag's followers; none only makes it exist.
    pub(super) fn count_hashtag_followers(&mut self, name: &str, followers: i64) {
        add(self.hashtags.entry(name.to_owned()).or_default(), [0, followers]);
    }

    /// Records what somebody did: the action, its entries, and the news of it.
    pub(super) fn record(&mut self, deed: Deed) {
        self.actions.push(deed.action.clone());
        self.entries.extend(deed.entries());
        self.announce(deed);
    }

    /// Names the rows that a deed changes, and tells streams of one that is recent.
    pub(super) fn announce(&mut self, deed: Deed) {
        self.keys.extend(deed.keys.iter().cloned());
        self.keys.extend(deed.entries().map(|(topic, _)| Key::Topic(topic)));
        if !deed.is_dated || !self.is_recent(deed.action.created_at) {
            return;
        }
        let mut event = NewEvent::new(deed.kind);
        event.tweet = deed.tweet;
        event.action = Some(deed.action.id);
        event.actor = Some(deed.action.actor);
        event.added = deed.entries().collect();
        event.topics = deed.topics;
        event.keys = deed.keys;
        self.events.push(event);
    }

    /// The statements that write the batch's own rows.
    pub(super) fn script(&mut self) -> &mut Script {
        &mut self.script
    }

    /// Writes what there is so far, for those who have to read it.
    pub(super) async fn flush(&mut self, tx: &Tx) -> Result<()> {
        self.script.insert_actions(&std::mem::take(&mut self.actions));
        self.script.insert_entries(&std::mem::take(&mut self.entries));
        tx.run(std::mem::take(&mut self.script)).await
    }

    /// Writes what was added up, and says so in the log: first that rows changed, then what
    /// streams are told.
    pub(super) async fn finish(mut self, tx: &Tx) -> Result<()> {
        let tweets: Vec<_> = std::mem::take(&mut self.tweets).into_iter().collect();
        let users: Vec<_> = std::mem::take(&mut self.users).into_iter().collect();
        let hashtags = std::mem::take(&mut self.hashtags).into_iter();
        let hashtags: Vec<_> = hashtags
            .map(|(name, [tweets, followers])| (name, tweets, followers))
            .collect();
        self.script.count_tweets(&tweets);
        self.script.count_users(&users);
        self.script.count_hashtags(self.now, &hashtags);
        self.flush(tx).await?;

        let mut keys: HashSet<Key> = self.keys.into_iter().collect();
        keys.extend(tweets.into_iter().map(|(id, _)| Key::Tweet(id)));
        keys.extend(users.into_iter().map(|(id, _)| Key::User(id)));
        keys.extend(hashtags.into_iter().map(|(name, ..)| Key::Hashtag(name)));
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

fn add<const N: usize>(sums: &mut [i64; N], counts: [i64; N]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count;
    }
}
