//! Rows of what no other row tells: what was deleted, external objects and bare hashtags.

use super::{Page, Reference, time, value};
use crate::model::id::GlobalId;
use crate::model::{Entity, Result};
use crate::store::entity::{object, tombstone};
use crate::store::snapshot::Snapshot;
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(flatten)]
    of: Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<String>,
}

pub(super) async fn tombstones(snapshot: &Snapshot, after: Option<Vec<Value>>) -> Result<Page> {
    // What goes with a deleted account is not buried before the sweep comes to it.
    let sql = "SELECT d.kind, d.key, d.deleted_at FROM (SELECT kind, key, deleted_at FROM tombstone UNION ALL \
               SELECT 'tweet', CAST(t.id AS TEXT), u.deleted_at FROM users u JOIN tweet t ON t.author_id = u.id \
               WHERE u.deleted_at IS NOT NULL AND NOT EXISTS \
               (SELECT 1 FROM tombstone x WHERE x.kind = 'tweet' AND x.key = CAST(t.id AS TEXT))) d \
               WHERE (d.kind, d.key) > (?, ?) ORDER BY d.kind, d.key LIMIT ?";
    let found = snapshot
        .page::<tombstone::Model>(sql, after, &["".into(), "".into()])
        .await?;
    found.page(|found| {
        let id = match Entity::from_row(&found.kind, &found.key) {
            Some(Entity::User(id)) => GlobalId::User(id),
            Some(Entity::Tweet(id)) => GlobalId::Tweet(id),
            _ => return Ok(None),
        };
        Ok(Some(Row {
            of: Reference::Deleted {
                deleted_id: id.to_string(),
            },
            created_at: None,
            deleted_at: Some(time(found.deleted_at)),
        }))
    })
}

pub(super) async fn objects(snapshot: &Snapshot, after: Option<Vec<Value>>) -> Result<Page> {
    let sql = "SELECT type, key, name, url, data, created_at, follower_count, name_at, url_at, data_at FROM object \
               WHERE (type, key) > (?, ?) ORDER BY type, key LIMIT ?";
    let found = snapshot
        .page::<object::Model>(sql, after, &["".into(), "".into()])
        .await?;
    found.page(|found| {
        let of = Reference::Object {
            kind: found.kind,
            id: found.key,
            name: found.name,
            url: found.url,
            data: value(found.data)?,
        };
        Ok(Some(Row {
            of,
            created_at: Some(time(found.created_at)),
            deleted_at: None,
        }))
    })
}

#[derive(FromQueryResult)]
struct Name {
    name: String,
}

pub(super) async fn hashtags(snapshot: &Snapshot, after: Option<Vec<Value>>) -> Result<Page> {
    let sql = "SELECT h.name FROM hashtag h WHERE h.name > ? AND h.tweet_count = 0 AND h.follower_count = 0 \
               ORDER BY h.name LIMIT ?";
    let found = snapshot.page::<Name>(sql, after, &["".into()]).await?;
    found.page(|found| {
        Ok(Some(Row {
            of: Reference::Hashtag { hashtag: found.name },
            created_at: None,
            deleted_at: None,
        }))
    })
}
