//! Retweeting.

use super::{Social, entry};
use crate::model::action::RETWEET;
use crate::model::{Change, Entity, Error, EventKind, Key, NewEvent, Result, Topic, TweetId, Viewer};

impl Social {
    /// Retweets a tweet; nothing changes when the viewer did already.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn retweet(&self, viewer: &Viewer, id: TweetId) -> Result<TweetId> {
        let user = viewer.require_user()?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let tweet = tx.tweet(id).await?.ok_or(Error::NotFound("tweet"))?;
                    if tx.retweet(id, user).await?.is_some() {
                        return Ok(id);
                    }
                    let object = Entity::Tweet(id);
                    let action = tx
                        .insert_action(&Entity::User(user), RETWEET, Some(&object), None)
                        .await?;
                    tx.insert_retweet(id, user, action).await?;
                    tx.count_tweet(id, 0, 1, 0).await?;
                    let mut event = NewEvent::new(EventKind::Retweet);
                    event.tweet = Some(id);
                    event.action = Some(action);
                    event.actor = Some(user);
                    event.topics = vec![(Topic::user(user), Change::Created)];
                    let tags = tweet
                        .hashtags
                        .iter()
                        .map(|tag| (Topic::hashtag(tag), Change::Retweeted));
                    event.topics.extend(tags);
                    event.added = vec![(Topic::user(user), entry(tx.now(), action, RETWEET, user, Some(id)))];
                    event.keys = vec![Key::Tweet(id)];
                    tx.insert_entries(&event.added).await?;
                    tx.emit(event);
                    Ok(id)
                })
            })
            .await
    }

    /// Takes a retweet back; nothing changes when there is none. Hashtags hear nothing of it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn undo_retweet(&self, viewer: &Viewer, id: TweetId) -> Result<TweetId> {
        let user = viewer.require_user()?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    tx.tweet(id).await?.ok_or(Error::NotFound("tweet"))?;
                    let Some(action) = tx.retweet(id, user).await? else {
                        return Ok(id);
                    };
                    tx.delete_retweet(id, user).await?;
                    tx.count_tweet(id, 0, -1, 0).await?;
                    let mut event = NewEvent::new(EventKind::Retweet);
                    event.tweet = Some(id);
                    event.action = Some(action);
                    event.actor = Some(user);
                    event.topics = vec![(Topic::user(user), Change::Deleted)];
                    event.keys = vec![Key::Tweet(id)];
                    tx.retract(event, &[action]).await?;
                    Ok(id)
                })
            })
            .await
    }
}
