//! What one transaction of an import adds beside its own rows: actions, entries, counts, events.

use crate::model::{
    ActionId, Deed, Entry, EventKind, Key, Micros, NewEvent, ObjectKey, Result, Topic, TweetId, UserId,
};
use crate::store::script::Script;
use crate::store::stage::Stage;
use crate::store::tx::Tx;
use std::collections::HashSet;
use std::time::Duration;

/// What is younger is told to streams as if it had just happened.
const RECENT: Duration = Duration::from_secs(24 * 3_600);

/// What a transaction adds up.
pub(super) struct Batch {
    now: Micros,
    script: Script,
    stage: Stage,
    events: Vec<NewEvent>,
    keys: HashSet<Key>,
}

impl Batch {
    pub(super) fn new(tx: &Tx) -> Self {
        Self {
            now: tx.now(),
            script: Script::default(),
            stage: Stage::default(),
            events: Vec::new(),
            keys: HashSet::new(),
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

    /// Gives a tweet whose retweets moved its place on walls anew.
    pub(super) fn rank(&mut self, tweet: TweetId) {
        self.stage.rank(tweet);
    }

    /// Names rows that changed.
    pub(super) fn touch(&mut self, keys: impl IntoIterator<Item = Key>) {
        self.keys.extend(keys);
    }

    /// Counts a tweet's likes, retweets and replies.
    pub(super) fn count_tweet(&mut self, id: TweetId, counts: [i64; 3]) {
        self.stage.count_tweet(id, counts);
        self.keys.insert(Key::Tweet(id));
    }

    /// Counts a user's tweets, followers and those they follow.
    pub(super) fn count_user(&mut self, id: UserId, counts: [i64; 3]) {
        self.stage.count_user(id, counts);
        self.keys.insert(Key::User(id));
    }

    /// Counts a hashtag's tweets and followers; none only makes it exist.
    pub(super) fn count_hashtag(&mut self, name: &str, counts: [i64; 2]) {
        self.stage.count_hashtag(name, counts);
        self.keys.insert(Key::Hashtag(name.to_owned()));
    }

    /// Counts an external object's followers.
    pub(super) fn count_object(&mut self, key: &ObjectKey, followers: i64) {
        self.stage.count_object(key, followers);
        self.keys.insert(Key::Object(key.clone()));
    }

    /// Records what somebody did: the action, its entries, and the news of it. Streams are not
    /// told of what has no time.
    pub(super) fn record(&mut self, deed: &Deed, is_dated: bool) {
        self.stage.record(deed);
        self.announce(deed, is_dated);
    }

    /// As [`Batch::record`], for tweets that [`Script::insert_tweets`] records and enters into
    /// the topics of their authors and hashtags.
    pub(super) fn record_beside(&mut self, deed: &Deed) {
        self.stage.note_posts(&deed.topics, deed.action.created_at);
        self.reenter(deed);
        self.announce(deed, true);
    }

    /// Enters a deed into the topics of what it is about, of whom it is told, and of walls.
    pub(super) fn reenter(&mut self, deed: &Deed) {
        let mut entries: Vec<(Topic, Entry)> = deed.entries();
        entries.retain(|(topic, _)| topic.is_derived());
        self.keys
            .extend(entries.iter().map(|(topic, _)| Key::Topic(topic.clone())));
        self.stage.enter(&deed.action.actor, entries);
    }

    /// Takes actions out of those topics again, before they change.
    pub(super) async fn withdraw(&mut self, tx: &Tx, actions: &[ActionId]) -> Result<()> {
        self.flush(tx).await?;
        let gone = tx.withdraw(actions).await?;
        self.touch(gone.into_iter().map(|(topic, _)| Key::Topic(topic)));
        Ok(())
    }

    /// Enters postings into those topics as they are now.
    pub(super) async fn reenter_postings(&mut self, tx: &Tx, tweets: &[TweetId]) -> Result<()> {
        self.flush(tx).await?;
        let tweets = tx.tweets_as_they_are(tweets).await?;
        let parents = tweets.values().filter_map(|tweet| tweet.in_reply_to);
        let authors = tx.authors_of(parents).await?;
        for tweet in tweets.values() {
            let answered = tweet.in_reply_to.and_then(|parent| authors.get(&parent).copied());
            self.reenter(&Deed::posting(tweet, answered).on_walls(&tx.walls_of(tweet)));
        }
        Ok(())
    }

    /// Names the rows that a deed changes, and tells streams of one that is recent.
    fn announce(&mut self, deed: &Deed, is_dated: bool) {
        self.keys.extend(deed.keys.iter().cloned());
        self.keys.extend(deed.topics.iter().cloned().map(Key::Topic));
        if is_dated && self.is_recent(deed.action.created_at) {
            self.events.push(deed.event());
        }
    }

    /// The statements that write the batch's own rows.
    pub(super) fn script(&mut self) -> &mut Script {
        &mut self.script
    }

    /// Writes what there is so far, for those who have to read it.
    pub(super) async fn flush(&mut self, tx: &Tx) -> Result<()> {
        let mut script = std::mem::take(&mut self.script);
        script.append(std::mem::take(&mut self.stage).into_script(self.now, !tx.walls().is_empty()));
        tx.run(script).await
    }

    /// Writes what was added up, and says so in the log: first that rows changed, then what
    /// streams are told.
    pub(super) async fn finish(mut self, tx: &Tx) -> Result<()> {
        self.flush(tx).await?;
        if !self.keys.is_empty() {
            let mut event = NewEvent::new(EventKind::Import);
            event.keys = self.keys.into_iter().collect();
            tx.emit(event);
        }
        for event in self.events {
            tx.emit(event);
        }
        Ok(())
    }
}
