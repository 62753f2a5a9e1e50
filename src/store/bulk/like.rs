//! Many likes at once.

use crate::model::{ActionId, Micros, Result, TweetId, UserId};
use crate::store::script::Script;
use crate::store::snapshot::json;
use crate::store::tx::Tx;
use std::collections::HashSet;

impl Tx {
    /// Which of these likes stand, by their place in the list.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn standing_likes(&self, likes: &[(TweetId, UserId)]) -> Result<HashSet<usize>> {
        let sql = "SELECT k.key FROM {each} JOIN liked l ON l.tweet_id = {int:0} AND l.user_id = {int:1}";
        super::places(&self.rows(sql, [json(&likes)]).await?)
    }
}

impl Script {
    /// Records likes.
    pub fn insert_likes(&mut self, likes: &[(TweetId, UserId, Micros, ActionId)]) {
        self.each(
            "INSERT INTO liked (tweet_id, user_id, created_at, action_id) \
             SELECT {int:0}, {int:1}, {int:2}, {int:3} FROM {each}",
            likes,
        );
    }
}
