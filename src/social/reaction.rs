//! Liking and retweeting.

use super::Social;
use crate::model::{Change, Deed, Error, Key, NewEvent, Reaction, Result, Topic, Tweet, TweetId, UserId, Viewer};
use crate::store::known::{Brief, Claim};
use crate::store::tx::Tx;

impl Social {
    /// Likes or retweets a tweet; nothing changes when the viewer has already.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn react(&self, viewer: &Viewer, reaction: Reaction, id: TweetId) -> Result<TweetId> {
        let user = viewer.require_user()?;
        let brief = Brief {
            users: vec![user],
            tweets: vec![id],
            claim: Some(Claim::Reaction(reaction, id, user)),
            enters: vec![Topic::user(user)],
            ..Brief::default()
        };
        self.store
            .stage(brief, move |tx| {
                Box::pin(async move {
                    let tweet = tx.tweet(id).await?.ok_or(Error::NotFound("tweet"))?;
                    if !tx.has_reaction(reaction, id, user).await? {
                        insert(tx, reaction, &tweet, user).await?;
                    }
                    Ok(id)
                })
            })
            .await
    }

    /// Takes a like or a retweet back; nothing changes when there is none. Hashtags hear nothing
    /// of it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn undo_reaction(&self, viewer: &Viewer, reaction: Reaction, id: TweetId) -> Result<TweetId> {
        let user = viewer.require_user()?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    tx.tweet(id).await?.ok_or(Error::NotFound("tweet"))?;
                    if let Some(action) = tx.reaction(reaction, id, user).await? {
                        tx.delete_reaction(reaction, id, user).await?;
                        let mut event = NewEvent::new(reaction.event());
                        event.tweet = Some(id);
                        event.action = Some(action);
                        event.actor = Some(user);
                        event.keys = vec![Key::Tweet(id)];
                        tx.retract(event, &[action]).await?;
                    }
                    Ok(id)
                })
            })
            .await
    }
}

async fn insert(tx: &Tx, reaction: Reaction, tweet: &Tweet, user: UserId) -> Result<()> {
    let action = tx.next_action().await?;
    tx.insert_reaction(reaction, tweet.id, user, action).await?;
    let deed = Deed::reaction(reaction, action, user, (tweet.id, tweet.author), tx.now());
    let deed = match reaction {
        Reaction::Like => deed,
        Reaction::Retweet => deed
            .heard_in(&tweet.hashtags, Change::Retweeted)
            .heard_on(&tx.walls_of(tweet), Change::Retweeted),
    };
    tx.record(&deed.touching([Key::Tweet(tweet.id)])).await
}
