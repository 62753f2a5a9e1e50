//! What may be seen today.

use crate::model::{Entity, Result, Tweet, TweetId, UserId};
use crate::store::Store;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The tweets of these ids that may be seen. With them come into memory what a page of tweets
/// shows beside them: the tweets that they answer, and the users of both. All of it is asked for
/// in three statements, so that the number never depends on who wrote what.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn tweets(store: &Store, ids: impl IntoIterator<Item = TweetId>) -> Result<HashMap<TweetId, Arc<Tweet>>> {
    let mut tweets = store.tweet_rows(ids).await?;
    let parents = store
        .tweet_rows(tweets.values().filter_map(|tweet| tweet.in_reply_to))
        .await?;
    let people: HashSet<UserId> = tweets
        .values()
        .chain(parents.values())
        .flat_map(|tweet| std::iter::once(tweet.author).chain(tweet.mentions.iter().copied()))
        .collect();
    let users = store.users(people).await?;
    tweets.retain(|_, tweet| users.contains_key(&tweet.author));
    Ok(tweets)
}

/// Which of these may be seen.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn entities(store: &Store, asked: impl IntoIterator<Item = &Entity>) -> Result<HashSet<Entity>> {
    let (mut ids, mut people, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for entity in asked {
        match entity {
            Entity::Tweet(id) => ids.push(*id),
            Entity::User(id) => people.push(*id),
            Entity::Hashtag(_) => drop(seen.insert(entity.clone())),
        }
    }
    if !people.is_empty() {
        let users = store.users(people).await?;
        seen.extend(users.into_keys().map(Entity::User));
    }
    if !ids.is_empty() {
        let tweets = tweets(store, ids).await?;
        seen.extend(tweets.into_keys().map(Entity::Tweet));
    }
    Ok(seen)
}
