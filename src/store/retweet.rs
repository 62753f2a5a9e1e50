//! Retweets.

use super::Store;
use super::entity::retweet;
use super::snapshot::json;
use super::writer::Tx;
use crate::model::{ActionId, Result, TweetId, UserId};
use sea_orm::{EntityTrait, Set};
use std::collections::HashSet;

impl Store {
    /// Which of these tweets a user has retweeted.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn retweeted_by(&self, user: UserId, tweets: &[TweetId]) -> Result<HashSet<TweetId>> {
        let sql = "SELECT r.tweet_id FROM {each} JOIN retweet r ON r.tweet_id = {number} AND r.user_id = ?";
        let rows = self.snapshot().await?.rows(sql, [json(&tweets), user.0.into()]).await?;
        rows.iter().map(|row| Ok(TweetId(row.try_get_by_index(0)?))).collect()
    }
}

impl Tx {
    /// The action of a user's retweet of a tweet.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn retweet(&self, tweet: TweetId, user: UserId) -> Result<Option<ActionId>> {
        let row = retweet::Entity::find_by_id((tweet.0, user.0)).one(self.conn()).await?;
        Ok(row.map(|row| ActionId(row.action_id)))
    }

    /// Records a retweet.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_retweet(&self, tweet: TweetId, user: UserId, action: ActionId) -> Result<()> {
        let row = retweet::ActiveModel {
            tweet_id: Set(tweet.0),
            user_id: Set(user.0),
            created_at: Set(self.now().0),
            action_id: Set(action.0),
            source: Set(None),
            external_id: Set(None),
        };
        retweet::Entity::insert(row).exec_without_returning(self.conn()).await?;
        Ok(())
    }

    /// Takes a retweet back.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn delete_retweet(&self, tweet: TweetId, user: UserId) -> Result<()> {
        retweet::Entity::delete_by_id((tweet.0, user.0))
            .exec(self.conn())
            .await?;
        Ok(())
    }
}
