//! Outside accounts by their handles in any case.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = "DROP INDEX users_handle; \
                   CREATE INDEX users_handle_key ON users (lower(handle)) WHERE handle IS NOT NULL";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = "DROP INDEX users_handle_key; \
                   CREATE INDEX users_handle ON users (handle) WHERE handle IS NOT NULL";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }
}
