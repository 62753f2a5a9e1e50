//! Liking tweets.

use super::{Social, entry};
use crate::model::action::LIKE;
use crate::model::{Change, Entity, Error, EventKind, Key, NewEvent, Result, Topic, TweetId, Viewer};

impl Social {
    /// Likes a tweet; nothing changes when the viewer does already.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn like_tweet(&self, viewer: &Viewer, id: TweetId) -> Result<TweetId> {
        let user = viewer.require_user()?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    tx.tweet(id).await?.ok_or(Error::NotFound("tweet"))?;
                    if tx.like(id, user).await?.is_some() {
                        return Ok(id);
                    }
                    let object = Entity::Tweet(id);
                    let action = tx.insert_action(&Entity::User(user), LIKE, Some(&object), None).await?;
                    tx.insert_like(id, user, action).await?;
                    tx.count_tweet(id, 1, 0, 0).await?;
                    let mut event = NewEvent::new(EventKind::Like);
                    event.tweet = Some(id);
                    event.action = Some(action);
                    event.actor = Some(user);
                    event.topics = vec![(Topic::user(user), Change::Created)];
                    event.added = vec![(Topic::user(user), entry(tx.now(), action, LIKE, user, Some(id)))];
                    event.keys = vec![Key::Tweet(id)];
                    tx.insert_entries(&event.added).await?;
                    tx.emit(event);
                    Ok(id)
                })
            })
            .await
    }

    /// Takes a like back; nothing changes when there is none.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn unlike_tweet(&self, viewer: &Viewer, id: TweetId) -> Result<TweetId> {
        let user = viewer.require_user()?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    tx.tweet(id).await?.ok_or(Error::NotFound("tweet"))?;
                    let Some(action) = tx.like(id, user).await? else {
                        return Ok(id);
                    };
                    tx.delete_like(id, user).await?;
                    tx.count_tweet(id, -1, 0, 0).await?;
                    let mut event = NewEvent::new(EventKind::Like);
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
