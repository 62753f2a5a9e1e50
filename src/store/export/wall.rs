//! Rows of walls.

use super::{Page, time, value};
use crate::model::{Entity, Result, UserId};
use crate::store::snapshot::Snapshot;
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;

#[derive(FromQueryResult)]
struct Found {
    id: i64,
    slug: String,
    title: String,
    hashtags: String,
    keywords: String,
    accounts: String,
    created_at: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    key: i64,
    slug: String,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hashtags: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keywords: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<String>,
    created_at: String,
}

pub(super) async fn page(snapshot: &Snapshot, after: Option<Vec<Value>>) -> Result<Page> {
    let sql = "SELECT w.id, w.slug, w.title, w.hashtags, w.keywords, w.accounts, w.created_at FROM wall w \
               WHERE w.id > ? ORDER BY w.id LIMIT ?";
    let found = snapshot.page::<Found>(sql, after, &[0_i64.into()]).await?;
    let accounts = |found: &Found| -> Vec<UserId> { serde_json::from_str(&found.accounts).unwrap_or_default() };
    let users = found.rows.iter().flat_map(accounts).map(Entity::User).collect();
    let users = snapshot.references(&users).await?;
    let name = |user| {
        users
            .get(&Entity::User(user))
            .and_then(|reference| reference.username())
    };
    found.page(|found| {
        Ok(Some(Row {
            key: found.id,
            accounts: accounts(&found).into_iter().filter_map(name).collect(),
            slug: found.slug,
            title: found.title,
            hashtags: filled(value(Some(found.hashtags))?),
            keywords: filled(value(Some(found.keywords))?),
            created_at: time(found.created_at),
        }))
    })
}

fn filled(list: Option<serde_json::Value>) -> Option<serde_json::Value> {
    list.filter(|list| list.as_array().is_some_and(|list| !list.is_empty()))
}
