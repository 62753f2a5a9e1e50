//! Rows of marks: the groups of notifications that are seen, as they are now.

use super::{Page, Reference, time};
use crate::model::{Entity, Result};
use crate::store::notification::{UNREAD, UNSEEN};
use crate::store::snapshot::Snapshot;
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;

#[derive(FromQueryResult)]
struct Found {
    username: String,
    verb: String,
    object: String,
    newest_at: i64,
    action_count: i64,
    is_read: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    username: String,
    verb: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<Reference>,
    updated_at: String,
    action_count: i64,
    seen: bool,
    read: bool,
}

pub(super) async fn page(snapshot: &Snapshot, after: Option<Vec<Value>>) -> Result<Page> {
    let sql = format!(
        "SELECT g.user_id, g.verb, g.object, g.day, u.username, g.newest_at, g.action_count, \
         NOT ({UNREAD}) AS is_read FROM notification_group g \
         JOIN users u ON u.id = g.user_id AND u.deleted_at IS NULL JOIN notification_state s ON s.user_id = g.user_id \
         WHERE (g.user_id, g.verb, g.object, g.day) > (?, ?, ?, ?) AND NOT g.hidden AND NOT ({UNSEEN}) \
         ORDER BY g.user_id, g.verb, g.object, g.day LIMIT ?"
    );
    let first = [0_i64.into(), "".into(), "".into(), i64::MIN.into()];
    let found = snapshot.page::<Found>(&sql, after, &first).await?;
    let about = |found: &Found| Entity::parse(&found.object);
    let references = snapshot
        .references(&found.rows.iter().filter_map(about).collect())
        .await?;
    found.page(|found| {
        let object = about(&found);
        Ok(Some(Row {
            object: object.and_then(|object| references.get(&object).cloned()),
            username: found.username,
            verb: found.verb,
            updated_at: time(found.newest_at),
            action_count: found.action_count,
            seen: true,
            read: found.is_read,
        }))
    })
}
