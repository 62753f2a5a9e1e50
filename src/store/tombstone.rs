//! What was deleted, for those who refer to it.

use super::Store;
use super::entity::tombstone;
use super::snapshot::json;
use super::writer::Tx;
use crate::model::{Entity, Micros, Result};
use std::collections::HashMap;

impl Store {
    /// When these were deleted; absent are those that were not.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn tombstones(&self, entities: &[Entity]) -> Result<HashMap<Entity, Micros>> {
        let keys: Vec<_> = entities.iter().map(|entity| (entity.kind(), entity.key())).collect();
        let snapshot = self.snapshot().await?;
        let sql =
            "SELECT t.kind, t.key, t.deleted_at FROM {each} JOIN tombstone t ON t.kind = {text:0} AND t.key = {text:1}";
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
