//! What moderators do to walls is noted too, and all of it is read newest first.

use crate::dialect::fill;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// An act is done to a user or to a wall. SQLite takes no constraint away: the table is made anew.
const SQLITE: &[&str] = &[
    "CREATE TABLE moderation_next (
        id {id},
        act TEXT NOT NULL,
        user_id BIGINT,
        moderator_id BIGINT,
        reason TEXT,
        created_at BIGINT NOT NULL,
        wall TEXT
    )",
    "INSERT INTO moderation_next (id, act, user_id, moderator_id, reason, created_at) \
     SELECT id, act, user_id, moderator_id, reason, created_at FROM moderation",
    "DROP TABLE moderation",
    "ALTER TABLE moderation_next RENAME TO moderation",
];

/// In place, so that nodes of the version before go on noting.
const POSTGRES: &[&str] = &[
    "ALTER TABLE moderation ALTER COLUMN user_id DROP NOT NULL",
    "ALTER TABLE moderation ADD COLUMN wall TEXT",
    "DROP INDEX moderation_user",
];

const INDEXES: &[&str] = &[
    "CREATE INDEX moderation_newest ON moderation (created_at, id)",
    "CREATE INDEX moderation_user ON moderation (user_id, created_at, id)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let table = match backend {
            DbBackend::Sqlite => SQLITE,
            _ => POSTGRES,
        };
        for sql in table.iter().chain(INDEXES) {
            manager.get_connection().execute_unprepared(&fill(sql, backend)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = "DELETE FROM moderation WHERE user_id IS NULL; DROP INDEX moderation_newest; \
                   ALTER TABLE moderation DROP COLUMN wall";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }
}
