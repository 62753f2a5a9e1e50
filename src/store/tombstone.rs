//! What was deleted, for those who refer to it.

use super::Store;
use super::entity::tombstone;
use super::snapshot::json;
use super::tx::Tx;
use crate::model::{Entity, Micros, Result};
use std::collections::HashMap;

impl Store {
    /// When these were deleted; absent are those that were not.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn tombstones(&self, entities: &[Entity]) -> Result<HashMap<Entity, Micros>> {
        // A deleted account's tweets are gone with it, before the sweep has come to them.
        let tweet = |entity: &Entity| match entity {
            Entity::Tweet(id) => id.0,
            _ => 0,
        };
        let keys: Vec<_> = entities
            .iter()
            .map(|entity| (entity.kind(), entity.key(), tweet(entity)))
            .collect();
        let snapshot = self.snapshot().await?;
        let sql = "SELECT {text:0} AS kind, {text:1} AS key, COALESCE(t.deleted_at, u.deleted_at) AS deleted_at \
                   FROM {each} \
                   LEFT JOIN tombstone t ON t.kind = {text:0} AND t.key = {text:1} \
                   LEFT JOIN tweet w ON w.id = {int:2} \
                   LEFT JOIN users u ON u.id = w.author_id \
                   WHERE COALESCE(t.deleted_at, u.deleted_at) IS NOT NULL";
        let rows: Vec<tombstone::Model> = snapshot.all(sql, [json(&keys)]).await?;
        let found = rows
            .into_iter()
            .filter_map(|row| Some((Entity::from_row(&row.kind, &row.key)?, Micros(row.deleted_at))))
            .collect();
        Ok(found)
    }
}

pub(super) async fn bury(tx: &Tx, entity: &Entity) -> Result<()> {
    let sql = "INSERT INTO tombstone (kind, key, deleted_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    tx.execute(sql, [entity.kind().into(), entity.key().into(), tx.now().0.into()])
        .await?;
    Ok(())
}
