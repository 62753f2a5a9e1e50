//! Likes.

use super::Store;
use super::entity::liked;
use super::snapshot::json;
use super::writer::Tx;
use crate::model::{ActionId, Result, TweetId, UserId};
use sea_orm::{EntityTrait, Set};
use std::collections::HashSet;

impl Store {
    /// Which of these tweets a user likes.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn liked_by(&self, user: UserId, tweets: &[TweetId]) -> Result<HashSet<TweetId>> {
        let sql = "SELECT l.tweet_id FROM {each} JOIN liked l ON l.tweet_id = {number} AND l.user_id = ?";
        let rows = self.snapshot().await?.rows(sql, [json(&tweets), user.0.into()]).await?;
        rows.iter().map(|row| Ok(TweetId(row.try_get_by_index(0)?))).collect()
    }
}

impl Tx {
    /// The action of a user's like of a tweet.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn like(&self, tweet: TweetId, user: UserId) -> Result<Option<ActionId>> {
        let row = liked::Entity::find_by_id((tweet.0, user.0)).one(self.conn()).await?;
        Ok(row.map(|row| ActionId(row.action_id)))
    }

    /// Records a like.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_like(&self, tweet: TweetId, user: UserId, action: ActionId) -> Result<()> {
        let row = liked::ActiveModel {
            tweet_id: Set(tweet.0),
            user_id: Set(user.0),
            created_at: Set(self.now().0),
            action_id: Set(action.0),
        };
        liked::Entity::insert(row).exec_without_returning(self.conn()).await?;
        Ok(())
    }

    /// Takes a like back.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn delete_like(&self, tweet: TweetId, user: UserId) -> Result<()> {
        liked::Entity::delete_by_id((tweet.0, user.0)).exec(self.conn()).await?;
        Ok(())
    }
}
