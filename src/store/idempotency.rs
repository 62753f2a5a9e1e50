//! Keys under which a posting was already done.

use super::entity::idempotency;
use super::tx::Tx;
use crate::model::{Micros, Result, TweetId, UserId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

impl Tx {
    /// What was posted under a key since a time.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn posted_under(&self, user: UserId, key: &str, since: Micros) -> Result<Option<TweetId>> {
        let row = idempotency::Entity::find_by_id((user.0, key.to_owned()))
            .filter(idempotency::Column::CreatedAt.gt(since.0))
            .one(self.conn())
            .await?;
        Ok(row.map(|row| TweetId(row.tweet_id)))
    }

    /// Remembers what was posted under a key.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn remember_post(&self, user: UserId, key: &str, tweet: TweetId) -> Result<()> {
        let posting = (user, key.to_owned(), tweet, self.now());
        self.put(|stage| stage.postings.push(posting)).await
    }

    /// Forgets keys that are older, at most 500. Returns how many.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn forget_posts(&self, before: Micros) -> Result<u64> {
        let sql = "DELETE FROM idempotency WHERE (user_id, key) IN \
                   (SELECT user_id, key FROM idempotency WHERE created_at <= ? LIMIT 500)";
        self.execute(sql, [before.0.into()]).await
    }
}
