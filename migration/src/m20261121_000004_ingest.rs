//! What outside sources have brought.

use crate::dialect::fill;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: &[&str] = &[
    // Who an outside account is here.
    "CREATE INDEX users_url ON users (url) WHERE url IS NOT NULL",
    // What sources call the tweets that came from them, or the retweets of them by `retweeter_id`, by
    // the newest version that was taken. `gone_at`: when the source deleted it.
    "CREATE TABLE ingested (
        source TEXT NOT NULL,
        item TEXT NOT NULL,
        tweet_id BIGINT NOT NULL,
        retweeter_id BIGINT,
        version TEXT NOT NULL,
        gone_at BIGINT,
        PRIMARY KEY (source, item)
    ) {clustered}",
    "CREATE INDEX ingested_gone ON ingested (gone_at) WHERE gone_at IS NOT NULL",
    // How far the parts of a source were followed: a wall of a Jetstream, a hashtag of a server.
    "CREATE TABLE ingest_position (
        source TEXT NOT NULL,
        part TEXT NOT NULL,
        position TEXT NOT NULL,
        PRIMARY KEY (source, part)
    ) {clustered}",
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
        let sql = "DROP TABLE ingest_position; DROP TABLE ingested; DROP INDEX users_url";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }
}
