//! The rows that a page shows beside its items, in a fixed number of statements.

use super::Store;
use super::cache::{Kept, On, State};
use super::snapshot::View;
use crate::model::{Entity, Hashtag, Object, Result, Seq, Tweet, TweetId, User, UserId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What a page shows: the tweets, and whoever is there of the users that were asked for or
/// that appear in the tweets.
#[derive(Default)]
pub struct Rows {
    /// By their ids; nobody has looked whether their authors are there.
    pub tweets: HashMap<TweetId, Arc<Tweet>>,
    /// By their ids.
    pub users: HashMap<UserId, Arc<User>>,
}

impl View<'_> {
    /// The tweets and users of these ids. With tweets come into memory those that they answer,
    /// and the users and hashtags of both.
    ///
    /// From memory when it has everything and nothing was read yet; else with one statement of
    /// each kind, whether it has something to ask for or not. So the number of statements never
    /// depends on who wrote what.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn rows(&self, tweets: Option<&[TweetId]>, users: &[UserId]) -> Result<Rows> {
        if self.opened().is_none()
            && let Some(rows) = self.store().rows_in_memory(tweets.unwrap_or_default(), users)
        {
            return Ok(rows);
        }
        let snapshot = self.snapshot().await?;
        let (store, seq) = (self.store(), snapshot.seq());
        let mut rows = Rows::default();
        let mut people: HashSet<UserId> = users.iter().copied().collect();
        if let Some(ids) = tweets {
            let (found, missing) = store.caches().get::<Tweet>(ids.iter().copied());
            rows.tweets = store.keep(seq, found, snapshot.tweets(&missing).await?);
            let (found, missing) = store.caches().get::<Tweet>(parents(&rows.tweets));
            let parents = store.keep(seq, found, snapshot.tweets(&missing).await?);
            let all = || rows.tweets.values().chain(parents.values());
            people.extend(all().flat_map(|tweet| people_of(tweet)));
            let (_, missing) = store
                .caches()
                .get::<Hashtag>(all().flat_map(|tweet| tweet.hashtags.iter().cloned()));
            store.keep(seq, HashMap::new(), snapshot.hashtags(&missing).await?);
        }
        let (found, missing) = store.caches().get::<User>(people);
        rows.users = store.keep(seq, found, snapshot.users(&missing).await?);
        Ok(rows)
    }

    /// Brings the hashtags and external objects among these into memory, with one statement of
    /// each kind, whether it has something to ask for or not.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn remember(&self, named: &[&Entity]) -> Result<()> {
        let store = self.store();
        let (mut hashtags, mut objects) = (HashSet::new(), HashSet::new());
        for entity in named {
            match entity {
                Entity::Hashtag(name) => drop(hashtags.insert(name.clone())),
                Entity::Object(key) => drop(objects.insert(key.clone())),
                Entity::User(_) | Entity::Tweet(_) => {}
            }
        }
        let (_, hashtags) = store.caches().get::<Hashtag>(hashtags);
        let (_, objects) = store.caches().get::<Object>(objects);
        let snapshot = self.snapshot().await?;
        store.keep(snapshot.seq(), HashMap::new(), snapshot.hashtags(&hashtags).await?);
        store.keep(snapshot.seq(), HashMap::new(), snapshot.objects(&objects).await?);
        Ok(())
    }
}

impl Store {
    fn rows_in_memory(&self, tweets: &[TweetId], users: &[UserId]) -> Option<Rows> {
        let caches = self.caches();
        let tweets = caches.all::<Tweet>(tweets)?;
        let parents: Vec<TweetId> = tweets.iter().filter_map(|tweet| tweet.in_reply_to).collect();
        let parents = caches.all::<Tweet>(&parents)?;
        let all = || tweets.iter().chain(&parents);
        caches.all::<Hashtag>(all().flat_map(|tweet| &tweet.hashtags))?;
        let mut people: Vec<UserId> = all()
            .flat_map(|tweet| people_of(tweet))
            .chain(users.iter().copied())
            .collect();
        people.sort_unstable();
        people.dedup();
        let users = caches.all::<User>(&people)?;
        Some(Rows {
            tweets: tweets.into_iter().map(|tweet| (tweet.id, tweet)).collect(),
            users: users.into_iter().map(|user| (user.id, user)).collect(),
        })
    }

    /// Stores what a snapshot showed, and adds it to what was found in memory.
    fn keep<V: Kept>(
        &self,
        seq: Seq,
        mut found: HashMap<V::Id, Arc<V>>,
        read: HashMap<V::Id, Arc<V>>,
    ) -> HashMap<V::Id, Arc<V>>
    where
        State: On<V>,
    {
        self.caches()
            .put(seq, read.iter().map(|(id, value)| (id.clone(), value)));
        found.extend(read);
        found
    }
}

fn parents(tweets: &HashMap<TweetId, Arc<Tweet>>) -> Vec<TweetId> {
    tweets.values().filter_map(|tweet| tweet.in_reply_to).collect()
}

fn people_of(tweet: &Tweet) -> impl Iterator<Item = UserId> {
    std::iter::once(tweet.author).chain(tweet.mentions.iter().copied())
}
