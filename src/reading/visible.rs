//! What may be seen today.

use crate::model::{Entity, Result, Tweet, TweetId, UserId};
use crate::store::Store;
use crate::store::snapshot::View;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A tweet that may be seen, if memory can tell.
#[must_use]
pub fn cached_tweet(store: &Store, id: TweetId) -> Option<Arc<Tweet>> {
    let tweet = store.cached_tweet_row(id)?;
    store.cached_user(tweet.author).is_some().then_some(tweet)
}

/// What of a page may be seen.
pub struct Seen {
    /// The tweets whose authors are there.
    pub tweets: HashMap<TweetId, Arc<Tweet>>,
    /// The users who are there.
    pub users: HashSet<UserId>,
}

impl Seen {
    /// Whether an entity may be seen. Hashtags and external objects always may.
    #[must_use]
    pub fn has(&self, entity: &Entity) -> bool {
        match entity {
            Entity::Tweet(id) => self.tweets.contains_key(id),
            Entity::User(id) => self.users.contains(id),
            Entity::Hashtag(_) | Entity::Object(_) => true,
        }
    }
}

/// Looks which tweets and users may be seen. `tweets` is none for pages that hold no tweets.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn look(view: &View<'_>, tweets: Option<&[TweetId]>, users: &[UserId]) -> Result<Seen> {
    let mut rows = view.rows(tweets, users).await?;
    rows.tweets.retain(|_, tweet| rows.users.contains_key(&tweet.author));
    Ok(Seen {
        tweets: rows.tweets,
        users: rows.users.into_keys().collect(),
    })
}

/// Looks which of these entities may be seen.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn entities(view: &View<'_>, with_tweets: bool, asked: &[&Entity]) -> Result<Seen> {
    let (mut tweets, mut users) = (Vec::new(), Vec::new());
    for entity in asked {
        match entity {
            Entity::Tweet(id) => tweets.push(*id),
            Entity::User(id) => users.push(*id),
            Entity::Hashtag(_) | Entity::Object(_) => {}
        }
    }
    look(view, with_tweets.then_some(tweets.as_slice()), &users).await
}

/// The tweets of these ids that may be seen.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn tweets(store: &Store, ids: &[TweetId]) -> Result<HashMap<TweetId, Arc<Tweet>>> {
    Ok(look(&store.view(), Some(ids), &[]).await?.tweets)
}
