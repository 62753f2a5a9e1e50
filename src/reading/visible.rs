//! What may be seen today, by whoever asks: every list and every look-up goes through here.

use crate::model::{Entity, Result, Sight, Tweet, TweetId, UserId};
use crate::store::Store;
use crate::store::snapshot::View;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A tweet that may be seen, if memory can tell.
#[must_use]
pub fn cached_tweet(store: &Store, sight: &Sight, id: TweetId) -> Option<Arc<Tweet>> {
    let tweet = store.cached_tweet_row(id)?;
    let author = store.cached_user(tweet.author)?;
    sight.shows(&author).then_some(tweet)
}

/// What of a page may be seen.
pub struct Seen {
    /// The tweets whose authors may be seen.
    pub tweets: HashMap<TweetId, Arc<Tweet>>,
    /// The users who may be seen.
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

    /// Whether something is left out of a list of what somebody did: it was done by a muted user,
    /// or it only repeats what a muted user wrote.
    #[must_use]
    pub fn is_muted(&self, sight: &Sight, actor: UserId, repeated: Option<TweetId>) -> bool {
        let muted = &sight.hides().muted;
        let author = || self.tweets.get(&repeated?).map(|tweet| tweet.author);
        !muted.is_empty() && (muted.contains(&actor) || author().is_some_and(|author| muted.contains(&author)))
    }
}

/// Looks which tweets and users may be seen. `tweets` is none for pages that hold no tweets.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn look(view: &View<'_>, sight: &Sight, tweets: Option<&[TweetId]>, users: &[UserId]) -> Result<Seen> {
    let mut rows = view.rows(tweets, users).await?;
    rows.users.retain(|_, user| sight.shows(user));
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
pub async fn entities(view: &View<'_>, sight: &Sight, with_tweets: bool, asked: &[&Entity]) -> Result<Seen> {
    let (mut tweets, mut users) = (Vec::new(), Vec::new());
    for entity in asked {
        match entity {
            Entity::Tweet(id) => tweets.push(*id),
            Entity::User(id) => users.push(*id),
            Entity::Hashtag(_) | Entity::Object(_) => {}
        }
    }
    look(view, sight, with_tweets.then_some(tweets.as_slice()), &users).await
}

/// The tweets of these ids that may be seen.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn tweets(store: &Store, sight: &Sight, ids: &[TweetId]) -> Result<HashMap<TweetId, Arc<Tweet>>> {
    Ok(look(&store.view(), sight, Some(ids), &[]).await?.tweets)
}
