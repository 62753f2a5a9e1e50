//! Rows of tweets, replies and retweets.

use super::{Page, Reference, Rows, TWEET_NAME, TWEET_SOURCE, TWEET_THERE, time};
use crate::model::{Entity, Error, Micros, Result, TweetId, text};
use crate::store::bulk::tweet::{Identity, Origin};
use crate::store::snapshot::{Snapshot, json};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

#[derive(FromQueryResult)]
struct Found {
    id: i64,
    name: String,
    source: String,
    action_id: i64,
    username: String,
    text: String,
    created_at: i64,
    edited_at: Option<i64>,
    in_reply_to_id: Option<i64>,
    origin_likes: Option<i64>,
    origin_retweets: Option<i64>,
    origin_replies: Option<i64>,
    url: Option<String>,
    language: Option<String>,
    hashtags: Option<String>,
    mentions: Option<String>,
    wanted: Option<String>,
    wanted_source: Option<String>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_key: Option<i64>,
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    text: String,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_reply_to_id: Option<String>,
    /// Where it is not the row's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_reply_to_source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_reply_to_deleted_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_reply_to_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retweet_of_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retweet_of_source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    likes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retweets: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replies: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// Where they are not those in the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    hashtag_names: Option<Vec<String>>,
    /// Where they are not those in the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    mentions: Option<Vec<String>>,
}

pub(super) async fn tweets(snapshot: &Snapshot, after: Option<Vec<Value>>) -> Result<Page> {
    let sql = format!(
        "SELECT t.id, {TWEET_NAME} AS name, {TWEET_SOURCE} AS source, t.action_id, u.username, t.text, t.created_at, \
         t.edited_at, t.in_reply_to_id, t.origin_likes, t.origin_retweets, t.origin_replies, t.url, t.language, \
         (SELECT string_agg(h.hashtag, ' ' ORDER BY h.place) FROM tweet_hashtag h WHERE h.tweet_id = t.id) AS hashtags, \
         (SELECT string_agg(n.name, ' ' ORDER BY n.place) FROM (SELECT m.username_key AS name, x.place AS place \
         FROM mention x JOIN users m ON m.id = x.user_id AND m.deleted_at IS NULL WHERE x.tweet_id = t.id UNION ALL \
         SELECT w.wanted, CAST(w.body AS INTEGER) FROM unresolved w WHERE w.kind = 'mention' AND w.holder = t.id) n) \
         AS mentions, \
         r.wanted, r.wanted_source \
         FROM tweet t JOIN users u ON u.id = t.author_id AND u.deleted_at IS NULL \
         LEFT JOIN unresolved r ON r.kind = 'reply' AND r.holder = t.id AND t.in_reply_to_id IS NULL \
         WHERE t.id > ? AND t.deleted_at IS NULL ORDER BY t.id LIMIT ?"
    );
    let found = snapshot.page::<Found>(&sql, after, &[0_i64.into()]).await?;
    let parents = found.rows.iter().filter_map(|found| found.in_reply_to_id);
    let parents = parents.map(|id| Entity::Tweet(TweetId(id))).collect();
    let parents = snapshot.references(&parents).await?;
    let told = told(snapshot, &found, &parents).await?;
    found.page(|found| {
        let parent = found.in_reply_to_id.map(|id| Entity::Tweet(TweetId(id)));
        let parent = parent.and_then(|parent| parents.get(&parent).cloned());
        let told = told.get(&found.id).cloned();
        Ok(Some(row(found, parent, told)))
    })
}

/// Who is told of answers to what is deleted, and is not mentioned in them.
async fn told(
    snapshot: &Snapshot,
    found: &Rows<Found>,
    parents: &HashMap<Entity, Reference>,
) -> Result<HashMap<i64, String>> {
    let is_deleted = |id| {
        parents
            .get(&Entity::Tweet(TweetId(id)))
            .is_some_and(Reference::is_deleted)
    };
    let answers: HashMap<i64, &Found> = found
        .rows
        .iter()
        .filter(|found| found.in_reply_to_id.is_some_and(is_deleted))
        .map(|found| (found.action_id, found))
        .collect();
    if answers.is_empty() {
        return Ok(HashMap::new());
    }
    let actions: Vec<&i64> = answers.keys().collect();
    let sql = "SELECT x.id, u.username, u.username_key FROM {each} JOIN feed_entry x ON x.id = {number} \
               JOIN users u ON x.topic = 'notifications:' || u.id AND u.deleted_at IS NULL ORDER BY x.id, u.id";
    let mut told = HashMap::new();
    for row in &snapshot.rows(sql, [json(&actions)]).await? {
        let (action, username, key): (i64, String, String) = (
            row.try_get_by_index(0)?,
            row.try_get_by_index(1)?,
            row.try_get_by_index(2)?,
        );
        if let Some(answer) = answers.get(&action)
            && !names(answer).contains(key.as_str())
        {
            told.insert(answer.id, username);
        }
    }
    Ok(told)
}

/// Who is mentioned, or would be if they came.
fn names(found: &Found) -> HashSet<&str> {
    found
        .mentions
        .as_deref()
        .unwrap_or_default()
        .split_whitespace()
        .collect()
}

fn row(found: Found, parent: Option<Reference>, told: Option<String>) -> Row {
    let parsed = text::parse(&found.text);
    let mut row = Row {
        key: Some(found.id),
        action_key: Some(found.action_id),
        username: found.username,
        text: found.text,
        created_at: time(found.created_at),
        edited_at: found.edited_at.map(time),
        likes: found.origin_likes,
        retweets: found.origin_retweets,
        replies: found.origin_replies,
        url: found.url,
        language: found.language,
        hashtag_names: others(found.hashtags.as_deref(), &parsed.hashtags),
        mentions: others(found.mentions.as_deref(), &parsed.mentions),
        ..Row::default()
    };
    match parent {
        Some(Reference::Tweet { tweet_id, tweet_source }) => {
            row.in_reply_to_id = Some(tweet_id);
            row.in_reply_to_source = Some(tweet_source).filter(|source| *source != found.source);
        }
        Some(Reference::Deleted { deleted_id }) => {
            row.in_reply_to_deleted_id = Some(deleted_id);
            row.in_reply_to_username = told;
        }
        _ => {
            row.in_reply_to_id = found.wanted;
            row.in_reply_to_source = found.wanted_source.filter(|source| *source != found.source);
        }
    }
    row.id = found.name;
    row.source = found.source;
    row
}

/// The names that a tweet has, unless they are those in its text.
fn others(names: Option<&str>, parsed: &[String]) -> Option<Vec<String>> {
    let names: Vec<String> = names
        .unwrap_or_default()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    (names != parsed).then_some(names)
}

#[derive(FromQueryResult)]
struct Retweet {
    name: String,
    source: String,
    action_id: i64,
    username: String,
    text: String,
    created_at: i64,
    of_name: String,
    of_source: String,
}

/// Retweets. Their text is that of the original, for places where that never came.
pub(super) async fn retweets(snapshot: &Snapshot, after: Option<Vec<Value>>) -> Result<Page> {
    let sql = format!(
        "SELECT r.tweet_id, r.user_id, COALESCE(r.external_id, 'Action:' || r.action_id) AS name, \
         CASE WHEN r.external_id IS NOT NULL THEN r.source WHEN EXISTS (SELECT 1 FROM retweet y \
         WHERE y.external_id = 'Action:' || r.action_id AND y.source = '') \
         THEN (SELECT 'linnet:' || uuid FROM installation) ELSE '' END AS source, \
         r.action_id, u.username, t.text, r.created_at, {TWEET_NAME} AS of_name, {TWEET_SOURCE} AS of_source \
         FROM retweet r JOIN users u ON u.id = r.user_id AND u.deleted_at IS NULL JOIN tweet t ON t.id = r.tweet_id \
         WHERE (r.tweet_id, r.user_id) > (?, ?) AND {TWEET_THERE} ORDER BY r.tweet_id, r.user_id LIMIT ?"
    );
    let found = snapshot
        .page::<Retweet>(&sql, after, &[0_i64.into(), 0_i64.into()])
        .await?;
    found.page(|found| {
        Ok(Some(Row {
            retweet_of_id: Some(found.of_name),
            retweet_of_source: Some(found.of_source).filter(|source| *source != found.source),
            id: found.name,
            source: found.source,
            action_key: Some(found.action_id),
            username: found.username,
            text: found.text,
            created_at: time(found.created_at),
            ..Row::default()
        }))
    })
}

#[derive(FromQueryResult)]
struct Waiting {
    username: String,
    body: String,
}

/// What an import keeps of a retweet that waits.
#[derive(Deserialize)]
struct Kept {
    identity: Identity,
    key: Option<i64>,
    action_key: Option<i64>,
    display_name: Option<String>,
    text: String,
    created_at: Micros,
    edited_at: Option<Micros>,
    in_reply_to: Option<Identity>,
    retweet_of: Option<Identity>,
    origin: Origin,
    url: Option<String>,
    #[serde(default)]
    language: Option<String>,
}

/// Retweets of what has not come, while an import is under way or was cut off.
pub(super) async fn waiting(snapshot: &Snapshot, after: Option<Vec<Value>>) -> Result<Page> {
    let sql = "SELECT w.external_id, w.source, u.username, w.body FROM unresolved w \
               JOIN users u ON u.id = w.holder AND u.deleted_at IS NULL \
               WHERE w.kind = 'retweet' AND (w.external_id, w.source) > (?, ?) \
               ORDER BY w.external_id, w.source LIMIT ?";
    let found = snapshot.page::<Waiting>(sql, after, &["".into(), "".into()]).await?;
    found.page(|found| {
        let kept: Kept = serde_json::from_str(&found.body).map_err(Error::internal)?;
        let own = kept.identity.source.clone();
        let beside = |of: &Identity| Some(of.source.clone()).filter(|source| *source != own);
        Ok(Some(Row {
            in_reply_to_source: kept.in_reply_to.as_ref().and_then(beside),
            in_reply_to_id: kept.in_reply_to.map(|of| of.id),
            retweet_of_source: kept.retweet_of.as_ref().and_then(beside),
            retweet_of_id: kept.retweet_of.map(|of| of.id),
            id: kept.identity.id,
            source: kept.identity.source,
            key: kept.key,
            action_key: kept.action_key,
            username: found.username,
            display_name: kept.display_name,
            text: kept.text,
            created_at: time(kept.created_at.0),
            edited_at: kept.edited_at.map(|at| time(at.0)),
            likes: kept.origin.likes,
            retweets: kept.origin.retweets,
            replies: kept.origin.replies,
            url: kept.url,
            language: kept.language,
            ..Row::default()
        }))
    })
}
