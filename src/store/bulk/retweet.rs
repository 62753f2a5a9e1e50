//! Many retweets at once.

use super::tweet::Identity;
use crate::model::{ActionId, Micros, Result, TweetId, UserId};
use crate::store::script::Script;
use crate::store::snapshot::json;
use crate::store::tx::Tx;
use std::collections::HashMap;

/// A retweet to be recorded.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of the table")]
pub struct NewRetweet {
    pub tweet: TweetId,
    pub user: UserId,
    pub created_at: Micros,
    pub action: ActionId,
    pub identity: Identity,
}

/// A retweet that stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// When it was done.
    pub created_at: Micros,
    /// The action that records it.
    pub action: ActionId,
    /// By what its row was imported; none when it was done here.
    pub identity: Option<Identity>,
}

impl Tx {
    /// Which of these retweets stand, by their place in the list.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn standing_retweets(&self, retweets: &[(TweetId, UserId)]) -> Result<HashMap<usize, Standing>> {
        let sql = "SELECT k.key, r.created_at, r.action_id, r.external_id, r.source \
                   FROM {each} JOIN retweet r ON r.tweet_id = {int:0} AND r.user_id = {int:1}";
        let rows = self.rows(sql, [json(&retweets)]).await?;
        rows.iter()
            .map(|row| {
                let id: Option<String> = row.try_get_by_index(3)?;
                let source: Option<String> = row.try_get_by_index(4)?;
                let standing = Standing {
                    created_at: Micros(row.try_get_by_index(1)?),
                    action: ActionId(row.try_get_by_index(2)?),
                    identity: id.zip(source).map(|(id, source)| Identity { id, source }),
                };
                Ok((super::place(row)?, standing))
            })
            .collect()
    }
}

impl Script {
    /// Records retweets.
    pub fn insert_retweets(&mut self, retweets: &[NewRetweet]) {
        self.each(
            "INSERT INTO retweet (tweet_id, user_id, created_at, action_id, source, external_id) \
             SELECT {int:0}, {int:1}, {int:2}, {int:3}, {text:4}, {text:5} FROM {each}",
            &rows(retweets),
        );
    }

    /// Gives retweets that stand the times and identities of older ones by the same users.
    pub fn move_retweets(&mut self, retweets: &[NewRetweet]) {
        self.each(
            "UPDATE retweet SET created_at = d.at, source = d.source, external_id = d.external_id \
             FROM (SELECT {int:0} AS tweet_id, {int:1} AS user_id, {int:2} AS at, {text:4} AS source, \
             {text:5} AS external_id FROM {each}) d \
             WHERE retweet.tweet_id = d.tweet_id AND retweet.user_id = d.user_id",
            &rows(retweets),
        );
        let times: Vec<_> = retweets.iter().map(|new| (new.action, new.created_at)).collect();
        self.move_actions(&times);
    }
}

type Row<'r> = (TweetId, UserId, Micros, ActionId, &'r str, &'r str);

fn rows(retweets: &[NewRetweet]) -> Vec<Row<'_>> {
    retweets
        .iter()
        .map(|new| {
            let Identity { id, source } = &new.identity;
            (
                new.tweet,
                new.user,
                new.created_at,
                new.action,
                source.as_str(),
                id.as_str(),
            )
        })
        .collect()
}
