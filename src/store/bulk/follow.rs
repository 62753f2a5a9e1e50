//! Many follows at once.

use super::Numbered;
use crate::model::{ActionId, Entity, Micros, Result, Topic, UserId};
use crate::store::follow::Span;
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

type SpanRow<'s> = (UserId, &'s Topic, i64, i64, Option<i64>, Option<i64>, Option<ActionId>);

fn span_row(follower: UserId, span: &Span) -> SpanRow<'_> {
    let (place, action) = span.until.unzip();
    let (at, id) = (place.map(|place| place.at), place.map(|place| place.id));
    (follower, &span.topic, span.from.at, span.from.id, at, id, action)
}

impl Tx {
    /// Which of these spans stand, by their place in the list.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn standing_spans(&self, spans: &[(UserId, &Span)]) -> Result<HashSet<usize>> {
        let rows: Vec<SpanRow> = spans.iter().map(|(follower, span)| span_row(*follower, span)).collect();
        let sql = "SELECT k.key FROM {each} JOIN follow_span s ON s.follower_id = {int:0} AND s.topic = {text:1} \
                   AND s.from_at = {int:2} AND s.from_id = {int:3} AND s.until_at IS NOT DISTINCT FROM {int:4} \
                   AND s.until_id IS NOT DISTINCT FROM {int:5} AND s.until_action IS NOT DISTINCT FROM {int:6}";
        super::places(&self.rows(sql, [json(&rows)]).await?)
    }

    /// Makes sure that the actions by which spans end stay the last of them.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn number_actions_above(&self, last: ActionId) -> Result<()> {
        self.number_above(Numbered::Actions, last.0).await
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

    /// Adds spans to the timelines of followers.
    pub fn insert_spans(&mut self, spans: &[(UserId, &Span)]) {
        let rows: Vec<SpanRow> = spans.iter().map(|(follower, span)| span_row(*follower, span)).collect();
        self.each(
            "INSERT INTO follow_span (follower_id, topic, from_at, from_id, until_at, until_id, until_action) \
             SELECT {int:0}, {text:1}, {int:2}, {int:3}, {int:4}, {int:5}, {int:6} FROM {each}",
            &rows,
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
