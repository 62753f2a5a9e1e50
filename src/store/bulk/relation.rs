//! Many blocks, mutes, bans and roles at once, and what moderators did.

use crate::model::{Micros, Relation, Result, UserId};
use crate::store::relation::table;
use crate::store::snapshot::json;
use crate::store::tx::Tx;
use sea_orm::QueryResult;
use serde::Serialize;

/// What a moderator did, as a row of another place tells.
#[derive(Clone, Debug, Serialize)]
pub struct Noted {
    /// What.
    pub act: String,
    /// To whom, if to a user.
    pub user: Option<UserId>,
    /// To the wall of which slug, if to a wall.
    pub wall: Option<String>,
    /// Who did; none: the operator.
    pub moderator: Option<UserId>,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub created_at: Micros,
}

fn user(row: &QueryResult) -> Result<UserId> {
    Ok(UserId(row.try_get_by_index(0)?))
}

impl Tx {
    /// Notes that users block or mute others: who, whom, since when. Returns what is new.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_relations(
        &self,
        relation: Relation,
        rows: &[(UserId, UserId, Micros)],
    ) -> Result<Vec<(UserId, UserId)>> {
        let sql = format!(
            "INSERT INTO {} (user_id, target_id, created_at) SELECT {{int:0}}, {{int:1}}, {{int:2}} FROM {{each}} \
             WHERE TRUE ON CONFLICT DO NOTHING RETURNING user_id, target_id",
            table(relation)
        );
        let rows = self.rows(&sql, [json(&rows)]).await?;
        rows.iter()
            .map(|row| Ok((user(row)?, UserId(row.try_get_by_index(1)?))))
            .collect()
    }

    /// Bans users, each since then. Returns who was not banned before.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_bans(&self, rows: &[(UserId, Micros)]) -> Result<Vec<UserId>> {
        let sql = "INSERT INTO ban (user_id, created_at) SELECT {int:0}, {int:1} FROM {each} \
                   WHERE TRUE ON CONFLICT DO NOTHING RETURNING user_id";
        self.rows(sql, [json(&rows)]).await?.iter().map(user).collect()
    }

    /// Makes users moderators. Returns who was none before.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_moderators(&self, users: &[UserId]) -> Result<Vec<UserId>> {
        let sql = "UPDATE users SET is_moderator = TRUE WHERE id IN (SELECT {number} FROM {each}) \
                   AND NOT is_moderator RETURNING id";
        self.rows(sql, [json(&users)]).await?.iter().map(user).collect()
    }

    /// Notes what moderators did, each act once. Returns how much of it is new.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_moderations(&self, rows: &[Noted]) -> Result<u64> {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    &row.act,
                    row.user,
                    row.moderator,
                    &row.reason,
                    row.created_at,
                    &row.wall,
                )
            })
            .collect();
        let sql = "INSERT INTO moderation (act, user_id, moderator_id, reason, created_at, wall) \
                   SELECT {text:0}, {int:1}, {int:2}, {text:3}, {int:4}, {text:5} FROM {each} WHERE NOT EXISTS \
                   (SELECT 1 FROM moderation m WHERE m.created_at = {int:4} AND m.act = {text:0} \
                   AND m.user_id IS NOT DISTINCT FROM {int:1} AND m.wall IS NOT DISTINCT FROM {text:5}) \
                   ORDER BY k.key";
        self.execute(sql, [json(&rows)]).await
    }
}
