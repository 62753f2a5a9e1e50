//! The rows that a transaction has changed, as it leaves them.
//!
//! They are shown at once, in the answer and to subscribers. Reading them before the commit, for all
//! jobs of a group together, saves each of these a snapshot of its own.

use super::cache::Caches;
use super::{hashtag, tweet, user};
use crate::model::{Event, Hashtag, Key, Result, Seq, Tweet, TweetId, User, UserId};
use sea_orm::DatabaseTransaction;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// More rows than these belong to something that nobody waits for.
const MOST: usize = 512;

/// Rows of the kinds that pages show.
#[derive(Default)]
pub(super) struct Fresh {
    tweets: HashMap<TweetId, Arc<Tweet>>,
    users: HashMap<UserId, Arc<User>>,
    hashtags: HashMap<String, Arc<Hashtag>>,
}

impl Fresh {
    /// Reads what the events of a transaction name, at its end.
    pub async fn read(conn: &DatabaseTransaction, events: &[Arc<Event>]) -> Result<Self> {
        let mut fresh = Self::default();
        let keys = || events.iter().flat_map(|event| &event.body.keys);
        if keys().count() > MOST {
            return Ok(fresh);
        }
        let (mut tweets, mut users, mut hashtags) = (HashSet::new(), HashSet::new(), HashSet::new());
        for key in keys() {
            match key {
                Key::Tweet(id) => drop(tweets.insert(*id)),
                Key::User(id) => drop(users.insert(*id)),
                Key::Hashtag(name) => drop(hashtags.insert(name.clone())),
                _ => {}
            }
        }
        if !tweets.is_empty() {
            fresh.tweets = tweet::read(conn, &Vec::from_iter(tweets)).await?;
        }
        if !users.is_empty() {
            fresh.users = user::read(conn, &Vec::from_iter(users)).await?;
        }
        if !hashtags.is_empty() {
            fresh.hashtags = hashtag::read(conn, &Vec::from_iter(hashtags)).await?;
        }
        Ok(fresh)
    }

    /// Stores them, once they are committed. `seq` is the transaction's last event.
    pub fn keep(&self, caches: &Caches, seq: Seq) {
        caches.put(seq, self.tweets.iter().map(|(id, tweet)| (*id, tweet)));
        caches.put(seq, self.users.iter().map(|(id, user)| (*id, user)));
        caches.put(seq, self.hashtags.iter().map(|(name, hashtag)| (name.clone(), hashtag)));
    }
}
