//! Many follows at once.

use crate::model::{ActionId, Entity, FollowId, Micros, Place, Result, Topic, UserId};
use crate::store::snapshot::json;
use crate::store::writer::Tx;
use std::collections::HashSet;

/// A follow to be recorded.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of the table")]
pub struct NewFollow {
    pub id: FollowId,
    pub follower: UserId,
    pub target: Entity,
    pub flag: String,
    pub created_at: Micros,
    pub action: Option<ActionId>,
}

impl Tx {
    /// Which of these follows stand, by their place in the list.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn standing_follows(&self, follows: &[(UserId, &Entity, &str)]) -> Result<HashSet<usize>> {
        let keys: Vec<_> = follows
            .iter()
            .map(|(follower, target, flag)| (follower, target.kind(), target.key(), flag))
            .collect();
        let sql = "SELECT k.key FROM {each} JOIN follow f ON f.follower_id = {int:0} AND f.target_kind = {text:1} \
                   AND f.target_key = {text:2} AND f.flag = {text:3}";
        super::places(&self.rows(sql, [json(&keys)]).await?)
    }

    /// Records follows.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_follows(&self, follows: &[NewFollow]) -> Result<()> {
        let sql = "INSERT INTO follow (id, follower_id, target_kind, target_key, flag, created_at, action_id) \
                   SELECT {int:0}, {int:1}, {text:2}, {text:3}, {text:4}, {int:5}, {int:6} FROM {each}";
        let rows: Vec<_> = follows
            .iter()
            .map(|follow| {
                let (kind, key) = (follow.target.kind(), follow.target.key());
                (
                    follow.id,
                    follow.follower,
                    kind,
                    key,
                    &follow.flag,
                    follow.created_at,
                    follow.action,
                )
            })
            .collect();
        self.write_each(sql, &rows).await?;
        Ok(())
    }

    /// Opens spans that hold the whole of their topics.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn open_whole_spans(&self, spans: &[(UserId, Topic)]) -> Result<()> {
        if spans.is_empty() {
            return Ok(());
        }
        let sql = "INSERT INTO follow_span (follower_id, topic, from_at, from_id) \
                   SELECT {int:0}, {text:1}, ?, ? FROM {each}";
        let from = Place::OLDEST;
        self.execute(sql, [from.at.into(), from.id.into(), json(&spans)])
            .await?;
        Ok(())
    }

    /// Makes sure that hashtags exist, and adds to the counts of their followers.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn count_hashtag_followers_each(&self, counts: &[(String, i64)]) -> Result<()> {
        if counts.is_empty() {
            return Ok(());
        }
        let sql = "INSERT INTO hashtag (name, created_at, follower_count) \
                   SELECT {text:0}, ?, {int:1} FROM {each} WHERE TRUE \
                   ON CONFLICT (name) DO UPDATE SET follower_count = hashtag.follower_count + excluded.follower_count";
        self.execute(sql, [self.now().0.into(), json(&counts)]).await?;
        Ok(())
    }
}
