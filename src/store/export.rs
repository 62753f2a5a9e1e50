//! Everything that is kept, in the words of the rows that import takes, a page at a time.
//!
//! Rows are ordered by keys that import keeps, so that an export of an import is the same again.
//! What is hidden until a sweep has taken it away is left out.

mod action;
mod entity;
mod follow;
mod like;
mod mark;
mod relation;
mod tweet;
mod user;
mod wall;

use super::Store;
use super::entity::object;
use super::object::by_keys;
use super::snapshot::{Snapshot, json};
use crate::model::id::GlobalId;
use crate::model::{Entity, Error, Micros, Relation, Result};
use sea_orm::{FromQueryResult, QueryResult, Value};
use serde::Serialize;
use std::collections::{HashMap, HashSet};

/// How many rows a page has.
const PAGE: i64 = 1_000;

/// Which rows; some files hold several kinds, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What was deleted.
    Tombstones,
    /// External objects.
    Objects,
    /// Hashtags that nothing else tells of.
    Hashtags,
    /// Accounts.
    Users,
    /// Walls.
    Walls,
    /// Tweets and replies.
    Tweets,
    /// Retweets.
    Retweets,
    /// Retweets of what has not come yet.
    WaitingRetweets,
    /// Follows with their spans.
    Follows,
    /// Spans whose follow has ended.
    Spans,
    /// Likes.
    Likes,
    /// Likes of what has not come yet.
    WaitingLikes,
    /// Actions that are not recorded by themselves.
    Actions,
    /// Who blocks whom.
    Blocks,
    /// Who mutes whom.
    Mutes,
    /// Who is banned.
    Bans,
    /// Who is a moderator.
    Moderators,
    /// What moderators did.
    Moderations,
    /// Groups of notifications that are seen.
    Marks,
}

/// Where a page ended: the keys of its last row.
#[derive(Clone, Debug)]
pub struct After(Vec<Value>);

/// Some rows, each a line of JSON.
#[derive(Debug, Default)]
pub struct Page {
    /// The lines, without their ends.
    pub lines: Vec<String>,
    /// Where the next page begins, if there may be one.
    pub next: Option<After>,
}

impl Store {
    /// How many rows there are to export, about.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn size_of_export(&self) -> Result<u64> {
        let sql = "SELECT (SELECT COUNT(*) FROM users) + (SELECT COUNT(*) FROM tweet) + (SELECT COUNT(*) FROM retweet) \
                   + (SELECT COUNT(*) FROM follow) + (SELECT COUNT(*) FROM liked) + (SELECT COUNT(*) FROM object)";
        let rows = self.background_snapshot().await?.rows(sql, []).await?;
        let size: Option<i64> = rows.first().map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default())
    }
}

impl Snapshot {
    /// A page of rows behind another.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn export(&self, part: Part, after: Option<After>, with_passwords: bool) -> Result<Page> {
        let after = after.map(|after| after.0);
        match part {
            Part::Tombstones => entity::tombstones(self, after).await,
            Part::Objects => entity::objects(self, after).await,
            Part::Hashtags => entity::hashtags(self, after).await,
            Part::Users => user::page(self, after, with_passwords).await,
            Part::Walls => wall::page(self, after).await,
            Part::Tweets => tweet::tweets(self, after).await,
            Part::Retweets => tweet::retweets(self, after).await,
            Part::WaitingRetweets => tweet::waiting(self, after).await,
            Part::Follows => follow::follows(self, after).await,
            Part::Spans => follow::spans(self, after).await,
            Part::Likes => like::likes(self, after).await,
            Part::WaitingLikes => like::waiting(self, after).await,
            Part::Actions => action::page(self, after).await,
            Part::Blocks => relation::relations(self, Relation::Block, after).await,
            Part::Mutes => relation::relations(self, Relation::Mute, after).await,
            Part::Bans => relation::bans(self, after).await,
            Part::Moderators => relation::moderators(self, after).await,
            Part::Moderations => relation::moderations(self, after).await,
            Part::Marks => mark::page(self, after).await,
        }
    }

    /// The rows of a query that takes the keys of the last page's end and a number of rows. Its
    /// first columns are those keys.
    async fn page<T: FromQueryResult>(&self, sql: &str, after: Option<Vec<Value>>, first: &[Value]) -> Result<Rows<T>> {
        let keys = after.unwrap_or_else(|| first.to_vec());
        let rows = self.rows(sql, keys.into_iter().chain([PAGE.into()])).await?;
        let next = match rows.last() {
            Some(last) if rows.len() as i64 == PAGE => Some(After(keys_of(last, first)?)),
            _ => None,
        };
        let rows = rows.iter().map(|row| T::from_query_result(row, ""));
        Ok(Rows {
            rows: rows.collect::<Result<_, _>>()?,
            next,
        })
    }
}

/// Rows of a page before they are worded.
struct Rows<T> {
    rows: Vec<T>,
    next: Option<After>,
}

impl<T> Rows<T> {
    /// The page of these rows as worded one by one; what words to nothing is left out.
    fn page<R: Serialize>(self, mut word: impl FnMut(T) -> Result<Option<R>>) -> Result<Page> {
        let mut lines = Vec::with_capacity(self.rows.len());
        for row in self.rows {
            if let Some(row) = word(row)? {
                lines.push(serde_json::to_string(&row).map_err(Error::internal)?);
            }
        }
        Ok(Page { lines, next: self.next })
    }
}

/// The first columns of a row, each of the type of its place.
fn keys_of(row: &QueryResult, types: &[Value]) -> Result<Vec<Value>> {
    types
        .iter()
        .enumerate()
        .map(|(place, of)| {
            Ok(match of {
                Value::BigInt(_) => row.try_get_by_index::<i64>(place)?.into(),
                _ => row.try_get_by_index::<String>(place)?.into(),
            })
        })
        .collect()
}

/// A time as rows have it.
fn time(at: i64) -> String {
    Micros(at).to_string()
}

/// JSON as rows have it.
fn value(json: Option<String>) -> Result<Option<serde_json::Value>> {
    json.map(|json| serde_json::from_str(&json))
        .transpose()
        .map_err(Error::internal)
}

/// How rows refer to something.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Reference {
    User {
        #[serde(rename = "type")]
        kind: &'static str,
        id: String,
    },
    Object {
        #[serde(rename = "type")]
        kind: String,
        id: String,
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<serde_json::Value>,
    },
    #[serde(rename_all = "camelCase")]
    Tweet {
        tweet_id: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        tweet_source: String,
    },
    Hashtag {
        hashtag: String,
    },
    #[serde(rename_all = "camelCase")]
    Deleted {
        deleted_id: String,
    },
}

impl Reference {
    /// The name of a user.
    fn username(&self) -> Option<String> {
        match self {
            Self::User { id, .. } => Some(id.clone()),
            _ => None,
        }
    }

    fn is_deleted(&self) -> bool {
        matches!(self, Self::Deleted { .. })
    }
}

/// A tweet `t` that is there.
const TWEET_THERE: &str =
    "t.deleted_at IS NULL AND EXISTS (SELECT 1 FROM users a WHERE a.id = t.author_id AND a.deleted_at IS NULL)";
/// The outside identifier of a tweet `t`: `Tweet:KEY` of one that was posted here.
const TWEET_NAME: &str = "COALESCE(t.external_id, 'Tweet:' || t.id)";
/// The source of that. A tweet that was posted here has none, unless one that was imported goes
/// by its name.
const TWEET_SOURCE: &str = "CASE WHEN t.external_id IS NOT NULL THEN t.source \
    WHEN EXISTS (SELECT 1 FROM tweet y WHERE y.external_id = 'Tweet:' || t.id AND y.source = '') \
    THEN (SELECT 'linnet:' || uuid FROM installation) ELSE '' END";

impl Snapshot {
    /// How rows refer to these. What is not there is what was deleted.
    async fn references(&self, entities: &HashSet<Entity>) -> Result<HashMap<Entity, Reference>> {
        let (mut users, mut tweets, mut objects) = (Vec::new(), Vec::new(), Vec::new());
        let mut found = HashMap::new();
        for entity in entities {
            let deleted = match entity {
                Entity::User(id) => {
                    users.push(*id);
                    GlobalId::User(*id)
                }
                Entity::Tweet(id) => {
                    tweets.push(*id);
                    GlobalId::Tweet(*id)
                }
                Entity::Hashtag(name) => GlobalId::Hashtag(name.clone()),
                Entity::Object(key) => {
                    objects.push((&key.kind, &key.key));
                    GlobalId::Object(key.clone())
                }
            };
            let reference = match entity {
                Entity::Hashtag(hashtag) => Reference::Hashtag {
                    hashtag: hashtag.clone(),
                },
                _ => Reference::Deleted {
                    deleted_id: deleted.to_string(),
                },
            };
            found.insert(entity.clone(), reference);
        }
        if !users.is_empty() {
            found.extend(self.references_to_users(json(&users)).await?);
        }
        if !tweets.is_empty() {
            found.extend(self.references_to_tweets(json(&tweets)).await?);
        }
        if !objects.is_empty() {
            found.extend(self.references_to_objects(json(&objects)).await?);
        }
        Ok(found)
    }

    async fn references_to_users(&self, ids: Value) -> Result<Vec<(Entity, Reference)>> {
        let sql = "SELECT u.id, u.username FROM {each} JOIN users u ON u.id = {number} WHERE u.deleted_at IS NULL";
        let rows = self.rows(sql, [ids]).await?;
        rows.iter()
            .map(|row| {
                let (kind, id) = ("user", row.try_get_by_index(1)?);
                let entity = Entity::User(crate::model::UserId(row.try_get_by_index(0)?));
                Ok((entity, Reference::User { kind, id }))
            })
            .collect()
    }

    async fn references_to_tweets(&self, ids: Value) -> Result<Vec<(Entity, Reference)>> {
        let sql = format!(
            "SELECT t.id, {TWEET_NAME}, {TWEET_SOURCE} FROM {{each}} JOIN tweet t ON t.id = {{number}} \
             WHERE {TWEET_THERE}"
        );
        let rows = self.rows(&sql, [ids]).await?;
        rows.iter()
            .map(|row| {
                let reference = Reference::Tweet {
                    tweet_id: row.try_get_by_index(1)?,
                    tweet_source: row.try_get_by_index(2)?,
                };
                let entity = Entity::Tweet(crate::model::TweetId(row.try_get_by_index(0)?));
                Ok((entity, reference))
            })
            .collect()
    }

    async fn references_to_objects(&self, keys: Value) -> Result<Vec<(Entity, Reference)>> {
        let rows: Vec<object::Model> = self.all(&by_keys(), [keys]).await?;
        rows.into_iter()
            .map(|row| {
                let key = crate::model::ObjectKey {
                    kind: row.kind.clone(),
                    key: row.key.clone(),
                };
                let reference = Reference::Object {
                    kind: row.kind,
                    id: row.key,
                    name: row.name,
                    url: row.url,
                    data: value(row.data)?,
                };
                Ok((Entity::Object(key), reference))
            })
            .collect()
    }
}
