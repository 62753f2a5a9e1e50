//! What one transaction of an import adds beside its own rows: actions, entries, counts, events.

use crate::model::{
    ActionId, Deed, Entity, Entry, EventKind, Key, Micros, NewEvent, ObjectKey, Result, Topic, TweetId, UserId,
};
use crate::social::ban::look_again;
use crate::store::script::Script;
use crate::store::stage::Stage;
use crate::store::tx::Tx;
use futures_util::future::join;
use std::collections::HashSet;
use std::time::Duration;

/// What is younger is told to streams as if it had just happened.
const RECENT: Duration = Duration::from_secs(24 * 3_600);

/// What a transaction adds up.
pub(crate) struct Batch {
    now: Micros,
    /// Streams are told of what happened after this.
    told_after: Micros,
    script: Script,
    stage: Stage,
    events: Vec<NewEvent>,
    keys: HashSet<Key>,
    /// Whose doing was recorded or told anew, and to whom it was done.
    people: HashSet<UserId>,
}

impl Batch {
    pub(super) fn new(tx: &Tx) -> Self {
        Self::told_as_of(tx, tx.now())
    }

    /// Of rows that were new at a time: streams are told of what was recent then.
    pub(crate) fn told_as_of(tx: &Tx, at: Micros) -> Self {
        Self {
            now: tx.now(),
            told_after: at.before(RECENT),
            script: Script::default(),
            stage: Stage::default(),
            events: Vec::new(),
            keys: HashSet::new(),
            people: HashSet::new(),
        }
    }

    /// A time as it is taken: what lies ahead is now.
    pub(crate) fn past(&self, at: Micros) -> Micros {
        at.min(self.now)
    }

    /// Whether streams are told of what happened then.
    pub(crate) fn is_recent(&self, at: Micros) -> bool {
        at > self.told_after
    }

    /// Gives a tweet whose retweets moved its place on walls anew.
    pub(super) fn rank(&mut self, tweet: TweetId) {
        self.stage.rank(tweet);
    }

    /// Names rows that changed.
    pub(crate) fn touch(&mut self, keys: impl IntoIterator<Item = Key>) {
        self.keys.extend(keys);
    }

    /// Counts a tweet's likes, retweets and replies.
    pub(crate) fn count_tweet(&mut self, id: TweetId, counts: [i64; 3]) {
        self.stage.count_tweet(id, counts);
        self.keys.insert(Key::Tweet(id));
    }

    /// Counts a user's tweets, followers and those they follow.
    pub(crate) fn count_user(&mut self, id: UserId, counts: [i64; 3]) {
        self.stage.count_user(id, counts);
        self.keys.insert(Key::User(id));
    }

    /// Counts a hashtag's tweets and followers; none only makes it exist.
    pub(crate) fn count_hashtag(&mut self, name: &str, counts: [i64; 2]) {
        self.stage.count_hashtag(name, counts);
        self.keys.insert(Key::Hashtag(name.to_owned()));
    }

    /// Counts an external object's followers.
    pub(crate) fn count_object(&mut self, key: &ObjectKey, followers: i64) {
        self.stage.count_object(key, followers);
        self.keys.insert(Key::Object(key.clone()));
    }

    /// Records what somebody did: the action, its entries, and the news of it. Streams are not
    /// told of what has no time.
    pub(crate) fn record(&mut self, deed: &Deed, is_dated: bool) {
        self.stage.record(deed);
        self.announce(deed, is_dated);
    }

    /// As [`Batch::record`], for tweets that [`Script::insert_tweets`] records and enters into
    /// the topics of their authors and hashtags.
    pub(crate) fn record_beside(&mut self, deed: &Deed) {
        self.stage.note_posts(&deed.topics, deed.action.created_at);
        self.reenter(deed);
        self.announce(deed, true);
    }

    /// Enters a deed into the topics of what it is about, of whom it is told, and of walls.
    pub(crate) fn reenter(&mut self, deed: &Deed) {
        self.people.extend(deed.action.actor.user());
        let mut entries: Vec<(Topic, Entry)> = deed.entries();
        entries.retain(|(topic, _)| topic.is_derived());
        self.keys
            .extend(entries.iter().map(|(topic, _)| Key::Topic(topic.clone())));
        self.stage.enter(&deed.action.actor, entries);
    }

    /// Takes actions out of those topics again, before they change.
    pub(crate) async fn withdraw(&mut self, tx: &Tx, actions: &[ActionId]) -> Result<()> {
        self.flush(tx).await?;
        let gone = tx.withdraw(actions).await?;
        self.touch(gone.into_iter().map(|(topic, _)| Key::Topic(topic)));
        Ok(())
    }

    /// Enters postings into those topics as they are now.
    pub(crate) async fn reenter_postings(&mut self, tx: &Tx, tweets: &[TweetId]) -> Result<()> {
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
        self.people.extend(deed.action.entities().filter_map(Entity::user));
        self.keys.extend(deed.keys.iter().cloned());
        self.keys.extend(deed.topics.iter().cloned().map(Key::Topic));
        if is_dated && self.is_recent(deed.action.created_at) {
            self.events.push(deed.event());
        }
    }

    /// The statements that write the batch's own rows.
    pub(crate) fn script(&mut self) -> &mut Script {
        &mut self.script
    }

    /// Writes what there is so far, for those who have to read it.
    pub(crate) async fn flush(&mut self, tx: &Tx) -> Result<()> {
        let mut script = std::mem::take(&mut self.script);
        script.append(std::mem::take(&mut self.stage).into_script(self.now, !tx.walls().is_empty()));
        tx.run(script).await
    }

    /// Has the statements so far run, and meanwhile notes more.
    pub(super) async fn run_while(&mut self, tx: &Tx, more: impl FnOnce(&mut Self)) -> Result<()> {
        let script = std::mem::take(&mut self.script);
        let (done, ()) = join(tx.run(script), async { more(self) }).await;
        done
    }

    /// Writes what was added up, and says so in the log: first that rows changed, then what
    /// streams are told. Counts come to leave out what banned users did.
    pub(crate) async fn finish(mut self, tx: &Tx) -> Result<()> {
        self.flush(tx).await?;
        let people: Vec<UserId> = self.people.into_iter().collect();
        if !people.is_empty() {
            look_again(tx, &people).await?;
        }
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
