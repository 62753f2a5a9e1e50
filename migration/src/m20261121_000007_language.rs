//! The language of what came from outside, where its source names it.

use crate::dialect::fill;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = fill(
            "ALTER TABLE tweet ADD COLUMN language TEXT",
            manager.get_database_backend(),
        );
        manager.get_connection().execute_unprepared(&sql).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = "ALTER TABLE tweet DROP COLUMN language";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }
}
