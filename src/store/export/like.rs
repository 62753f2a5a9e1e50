//! Rows of likes.

use super::{Page, TWEET_NAME, TWEET_SOURCE, TWEET_THERE, time};
use crate::model::{Error, Micros, Result};
use crate::store::snapshot::Snapshot;
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};

#[derive(FromQueryResult)]
struct Found {
    username: String,
    tweet_name: String,
    tweet_source: String,
    created_at: i64,
    action_id: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    action_key: Option<i64>,
    username: String,
    tweet_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    tweet_source: String,
    created_at: String,
}

pub(super) async fn likes(snapshot: &Snapshot, after: Option<Vec<Value>>) -> Result<Page> {
    let sql = format!(
        "SELECT l.tweet_id, l.user_id, u.username, {TWEET_NAME} AS tweet_name, {TWEET_SOURCE} AS tweet_source, \
         l.created_at, l.action_id FROM liked l JOIN users u ON u.id = l.user_id AND u.deleted_at IS NULL \
         JOIN tweet t ON t.id = l.tweet_id WHERE (l.tweet_id, l.user_id) > (?, ?) AND {TWEET_THERE} \
         ORDER BY l.tweet_id, l.user_id LIMIT ?"
    );
    let found = snapshot
        .page::<Found>(&sql, after, &[0_i64.into(), 0_i64.into()])
        .await?;
    found.page(|found| {
        Ok(Some(Row {
            action_key: Some(found.action_id),
            username: found.username,
            tweet_id: found.tweet_name,
            tweet_source: found.tweet_source,
            created_at: time(found.created_at),
        }))
    })
}

#[derive(FromQueryResult)]
struct Waiting {
    username: String,
    wanted: String,
    wanted_source: String,
    body: String,
}

/// What an import keeps of a like that waits.
#[derive(Deserialize)]
struct Kept {
    at: Micros,
    action_key: Option<i64>,
}

/// Likes of tweets that have not come.
pub(super) async fn waiting(snapshot: &Snapshot, after: Option<Vec<Value>>) -> Result<Page> {
    let sql = "SELECT w.holder, w.wanted, w.wanted_source, u.username, w.body FROM unresolved w \
               JOIN users u ON u.id = w.holder AND u.deleted_at IS NULL \
               WHERE w.kind = 'like' AND (w.holder, w.wanted, w.wanted_source) > (?, ?, ?) \
               ORDER BY w.holder, w.wanted, w.wanted_source LIMIT ?";
    let found = snapshot
        .page::<Waiting>(sql, after, &[0_i64.into(), "".into(), "".into()])
        .await?;
    found.page(|found| {
        let like: Kept = serde_json::from_str(&found.body).map_err(Error::internal)?;
        Ok(Some(Row {
            action_key: like.action_key,
            username: found.username,
            tweet_id: found.wanted,
            tweet_source: found.wanted_source,
            created_at: time(like.at.0),
        }))
    })
}
