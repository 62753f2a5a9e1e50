//! Rows of relations: blocks, mutes, bans, roles, and what moderators did.

use super::{Page, time};
use crate::model::{Relation, Result};
use crate::store::relation::table;
use crate::store::snapshot::Snapshot;
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;

#[derive(FromQueryResult)]
struct Found {
    username: Option<String>,
    target: Option<String>,
    act: Option<String>,
    moderator: Option<String>,
    moderator_is_gone: bool,
    reason: Option<String>,
    wall: Option<String>,
    created_at: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    moderator: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    moderator_is_gone: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wall: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
}

async fn rows(
    snapshot: &Snapshot,
    kind: &'static str,
    sql: &str,
    after: Option<Vec<Value>>,
    first: &[Value],
) -> Result<Page> {
    let found = snapshot.page::<Found>(sql, after, first).await?;
    found.page(|found| {
        Ok(Some(Row {
            kind,
            username: found.username,
            target: found.target,
            act: found.act,
            moderator: found.moderator,
            moderator_is_gone: found.moderator_is_gone,
            reason: found.reason,
            wall: found.wall,
            created_at: found.created_at.map(time),
        }))
    })
}

/// Columns that only what moderators did has.
const NO_ACT: &str = "CAST(NULL AS TEXT) AS act, CAST(NULL AS TEXT) AS moderator, FALSE AS moderator_is_gone, \
                      CAST(NULL AS TEXT) AS reason, CAST(NULL AS TEXT) AS wall";
const NO_TARGET: &str = "CAST(NULL AS TEXT) AS target";

/// Who blocks or mutes whom.
pub(super) async fn relations(snapshot: &Snapshot, relation: Relation, after: Option<Vec<Value>>) -> Result<Page> {
    let kind = match relation {
        Relation::Block => "block",
        Relation::Mute => "mute",
    };
    let sql = format!(
        "SELECT r.user_id, r.target_id, u.username, t.username AS target, r.created_at, {NO_ACT} \
         FROM {} r JOIN users u ON u.id = r.user_id AND u.deleted_at IS NULL \
         JOIN users t ON t.id = r.target_id AND t.deleted_at IS NULL \
         WHERE (r.user_id, r.target_id) > (?, ?) ORDER BY r.user_id, r.target_id LIMIT ?",
        table(relation)
    );
    rows(snapshot, kind, &sql, after, &[0_i64.into(), 0_i64.into()]).await
}

/// Who is banned.
pub(super) async fn bans(snapshot: &Snapshot, after: Option<Vec<Value>>) -> Result<Page> {
    let sql = format!(
        "SELECT b.user_id, u.username, b.created_at, {NO_TARGET}, {NO_ACT} FROM ban b \
         JOIN users u ON u.id = b.user_id AND u.deleted_at IS NULL WHERE b.user_id > ? ORDER BY b.user_id LIMIT ?"
    );
    rows(snapshot, "ban", &sql, after, &[0_i64.into()]).await
}

/// Who is a moderator.
pub(super) async fn moderators(snapshot: &Snapshot, after: Option<Vec<Value>>) -> Result<Page> {
    let sql = format!(
        "SELECT u.id, u.username, CAST(NULL AS BIGINT) AS created_at, {NO_TARGET}, {NO_ACT} FROM users u \
         WHERE u.id > ? AND u.is_moderator AND u.deleted_at IS NULL ORDER BY u.id LIMIT ?"
    );
    rows(snapshot, "moderator", &sql, after, &[0_i64.into()]).await
}

/// What moderators did, as far as those are there to whom it was done.
pub(super) async fn moderations(snapshot: &Snapshot, after: Option<Vec<Value>>) -> Result<Page> {
    let sql = format!(
        "SELECT m.created_at, m.id, m.act, u.username, w.username AS moderator, \
         (m.moderator_id IS NOT NULL AND w.id IS NULL) AS moderator_is_gone, m.reason, m.wall, {NO_TARGET} \
         FROM moderation m LEFT JOIN users u ON u.id = m.user_id AND u.deleted_at IS NULL \
         LEFT JOIN users w ON w.id = m.moderator_id AND w.deleted_at IS NULL \
         WHERE (m.created_at, m.id) > (?, ?) AND (u.id IS NOT NULL OR m.user_id IS NULL) \
         ORDER BY m.created_at, m.id LIMIT ?"
    );
    let first = [i64::MIN.into(), 0_i64.into()];
    rows(snapshot, "moderation", &sql, after, &first).await
}
