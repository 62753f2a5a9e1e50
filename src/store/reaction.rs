//! Likes and retweets.

use super::known::Claim;
use super::tx::Tx;
use crate::model::{ActionId, Reaction, Result, TweetId, UserId};

/// Where they are kept, both alike.
pub(super) fn table(reaction: Reaction) -> &'static str {
    match reaction {
        Reaction::Like => "liked",
        Reaction::Retweet => "retweet",
    }
}

impl Tx {
    /// Whether a user's reaction stands.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn has_reaction(&self, reaction: Reaction, tweet: TweetId, user: UserId) -> Result<bool> {
        if let Some(known) = self.known() {
            return Ok(known.reactions.contains(&Claim::Reaction(reaction, tweet, user)));
        }
        Ok(self.reaction(reaction, tweet, user).await?.is_some())
    }

    /// The action of a user's reaction.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn reaction(&self, reaction: Reaction, tweet: TweetId, user: UserId) -> Result<Option<ActionId>> {
        let sql = format!(
            "SELECT action_id FROM {} WHERE tweet_id = ? AND user_id = ?",
            table(reaction)
        );
        let rows = self.rows(&sql, [tweet.0.into(), user.0.into()]).await?;
        let action = rows.first().map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(action.map(ActionId))
    }

    /// Records a reaction, and counts it.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_reaction(
        &self,
        reaction: Reaction,
        tweet: TweetId,
        user: UserId,
        action: ActionId,
    ) -> Result<()> {
        self.put(|stage| {
            stage.react(reaction, (tweet, user, self.now(), action));
            stage.count_tweet(tweet, counts(reaction, 1));
        })
        .await
    }

    /// Takes a reaction back.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn delete_reaction(&self, reaction: Reaction, tweet: TweetId, user: UserId) -> Result<()> {
        let sql = format!(
            "DELETE FROM {} WHERE tweet_id = ? AND user_id = ? RETURNING banned",
            table(reaction)
        );
        let rows = self.rows(&sql, [tweet.0.into(), user.0.into()]).await?;
        let is_uncounted = rows.first().map(|row| row.try_get_by_index(0)).transpose()?;
        let counted = i64::from(!is_uncounted.unwrap_or(false));
        self.put(|stage| stage.count_tweet(tweet, counts(reaction, -counted)))
            .await
    }
}

/// What a reaction adds to a tweet's counts.
pub(super) fn counts(reaction: Reaction, n: i64) -> [i64; 3] {
    match reaction {
        Reaction::Like => [n, 0, 0],
        Reaction::Retweet => [0, n, 0],
    }
}
