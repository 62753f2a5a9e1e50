//! Rows of users.

use super::{Page, time, value};
use crate::model::Result;
use crate::store::snapshot::Snapshot;
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;

#[derive(FromQueryResult)]
struct Found {
    id: i64,
    username: String,
    display_name: String,
    bio: String,
    avatar_url: Option<String>,
    handle: Option<String>,
    url: Option<String>,
    created_at: i64,
    password_hash: Option<String>,
    provisional: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    key: i64,
    username: String,
    display_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    bio: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provisional: Option<serde_json::Value>,
}

pub(super) async fn page(snapshot: &Snapshot, after: Option<Vec<Value>>, with_passwords: bool) -> Result<Page> {
    let sql = "SELECT u.id, u.username, u.display_name, u.bio, u.avatar_url, u.handle, u.url, u.created_at, \
               u.password_hash, p.body AS provisional \
               FROM users u LEFT JOIN unresolved p ON p.kind = 'user' AND p.holder = u.id \
               WHERE u.id > ? AND u.deleted_at IS NULL ORDER BY u.id LIMIT ?";
    let found = snapshot.page::<Found>(sql, after, &[0_i64.into()]).await?;
    found.page(|found| {
        Ok(Some(Row {
            key: found.id,
            username: found.username,
            display_name: found.display_name,
            bio: found.bio,
            avatar_url: found.avatar_url,
            handle: found.handle,
            url: found.url,
            created_at: time(found.created_at),
            password_hash: found.password_hash.filter(|_| with_passwords),
            provisional: value(found.provisional)?,
        }))
    })
}
