//! Many follows at once.

use crate::model::{Entity, Micros, Place, Result, Topic, UserId};
use crate::store::script::Script;
use crate::store::snapshot::json;
use crate::store::stage::NewFollow;
use crate::store::tx::Tx;
use std::collections::HashSet;

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
}

impl Script {
    /// Records follows.
    pub fn insert_follows(&mut self, follows: &[NewFollow]) {
        let rows: Vec<_> = follows
            .iter()
            .map(|new| {
                let (kind, key) = (new.target.kind(), new.target.key());
                (new.id, new.follower, kind, key, &new.flag, new.created_at, new.action)
            })
            .collect();
        self.each(
            "INSERT INTO follow (id, follower_id, target_kind, target_key, flag, created_at, action_id) \
             SELECT {int:0}, {int:1}, {text:2}, {text:3}, {text:4}, {int:5}, {int:6} FROM {each}",
            &rows,
        );
    }

    /// Opens spans that hold the whole of their topics.
    pub fn open_whole_spans(&mut self, spans: &[(UserId, Topic)]) {
        let from = Place::OLDEST;
        self.each_with(
            "INSERT INTO follow_span (follower_id, topic, from_at, from_id) SELECT {int:0}, {text:1}, ?, ? FROM {each}",
            [from.at.into(), from.id.into()],
            spans,
        );
    }

    /// Makes sure that hashtags exist since a time, and adds to the counts of their tweets and
    /// followers.
    pub fn count_hashtags(&mut self, now: Micros, counts: &[(String, i64, i64)]) {
        self.each_with(
            "INSERT INTO hashtag (name, created_at, tweet_count, follower_count) \
             SELECT {text:0}, ?, {int:1}, {int:2} FROM {each} WHERE TRUE \
             ON CONFLICT (name) DO UPDATE SET tweet_count = hashtag.tweet_count + excluded.tweet_count, \
             follower_count = hashtag.follower_count + excluded.follower_count",
            [now.0.into()],
            counts,
        );
    }
}
