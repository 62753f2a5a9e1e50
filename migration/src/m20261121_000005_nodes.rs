//! What nodes of one installation have to agree on.

use crate::dialect::fill;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: &[&str] = &[
    // Which process does a kind of work, until when by the database's clock.
    "CREATE TABLE lease (
        work TEXT NOT NULL PRIMARY KEY,
        holder BIGINT NOT NULL,
        until BIGINT NOT NULL
    ) {clustered}",
    // What was taken of rates that hold for all nodes together: when all of each is there again.
    "CREATE TABLE rate (
        name TEXT NOT NULL PRIMARY KEY,
        full_at BIGINT NOT NULL
    ) {clustered}",
    "CREATE INDEX rate_full_at ON rate (full_at)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        for sql in TABLES {
            manager.get_connection().execute_unprepared(&fill(sql, backend)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = "DROP TABLE rate; DROP TABLE lease";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }
}
