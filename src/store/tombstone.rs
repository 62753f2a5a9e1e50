//! What was deleted, for those who refer to it.

use super::Store;
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
        let rows = snapshot.rows(sql, [json(&keys)]).await?;
        let mut found = HashMap::new();
        for row in &rows {
            let (kind, key): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            if let Some(entity) = Entity::from_row(&kind, &key) {
                found.insert(entity, Micros(row.try_get_by_index(2)?));
            }
        }
        Ok(found)
    }
}

pub(super) async fn bury(tx: &Tx, entity: &Entity) -> Result<()> {
    let sql = "INSERT INTO tombstone (kind, key, deleted_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    tx.execute(sql, [entity.kind().into(), entity.key().into(), tx.now().0.into()])
        .await?;
    Ok(())
}
