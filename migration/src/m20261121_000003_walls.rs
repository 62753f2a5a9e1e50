//! Walls, and what counts are read from.

use crate::dialect::fill;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: &[&str] = &[
    // The rules are lists as JSON, the accounts by their numbers. `phase` is 0 when all that was
    // stored before the rules is taken in; 1 while what no longer belongs is taken out, `position_id`
    // being the last tweet that was looked at; 2 while tweets are taken in, newest first, down to
    // the place (`position_at`, `position_id`).
    "CREATE TABLE wall (
        id {id},
        slug TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        hashtags TEXT NOT NULL,
        keywords TEXT NOT NULL,
        accounts TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        tweet_count BIGINT NOT NULL DEFAULT 0,
        phase SMALLINT NOT NULL,
        position_at BIGINT NOT NULL,
        position_id BIGINT NOT NULL
    )",
    "CREATE INDEX users_handle ON users (handle) WHERE handle IS NOT NULL",
    // One row: grows with every change of any wall's rules.
    "CREATE TABLE wall_version (id BIGINT PRIMARY KEY CHECK (id = 1), version BIGINT NOT NULL)",
    "INSERT INTO wall_version VALUES (1, 0)",
    // What stands on a wall: posted at (`posted_at`, `posted_id`), and for those who want retweets at
    // the newest of that and its retweets, (`created_at`, `action_id`).
    "CREATE TABLE wall_tweet (
        wall_id BIGINT NOT NULL,
        tweet_id BIGINT NOT NULL,
        author_id BIGINT NOT NULL,
        posted_at BIGINT NOT NULL,
        posted_id BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        action_id BIGINT NOT NULL,
        PRIMARY KEY (wall_id, tweet_id)
    ) {clustered}",
    "CREATE INDEX wall_tweet_newest ON wall_tweet (wall_id, created_at, action_id, tweet_id)",
    "CREATE INDEX wall_tweet_author ON wall_tweet (wall_id, author_id, posted_at, posted_id)",
    "CREATE INDEX wall_tweet_tweet ON wall_tweet (tweet_id)",
    // Who wrote something on a wall, at the place of the newest.
    "CREATE TABLE participant (
        wall_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        action_id BIGINT NOT NULL,
        PRIMARY KEY (wall_id, user_id)
    ) {clustered}",
    "CREATE INDEX participant_newest ON participant (wall_id, created_at, action_id, user_id)",
    // How often who used what in a span of time that is over: from `start` (hours since the epoch) on,
    // `hours` long. A row is exact or not there: what changes in the past takes it away, and it is
    // made again from the entries.
    "CREATE TABLE tally (
        topic TEXT NOT NULL,
        hours BIGINT NOT NULL,
        start BIGINT NOT NULL,
        counts {bytes} NOT NULL,
        PRIMARY KEY (topic, hours, start)
    ) {clustered}",
    // Of a post, how often it was retweeted, at its origin too: kept in hashtags and walls.
    "ALTER TABLE feed_entry ADD COLUMN retweets BIGINT NOT NULL DEFAULT 0",
    "UPDATE feed_entry SET retweets = (SELECT t.retweet_count + COALESCE(t.origin_retweets, 0) FROM tweet t \
     WHERE t.id = feed_entry.tweet_id) WHERE kind = 0 AND topic >= 'hashtag:' AND topic < 'hashtag;' \
     AND EXISTS (SELECT 1 FROM tweet t WHERE t.id = feed_entry.tweet_id)",
    "CREATE INDEX feed_entry_retweeted ON feed_entry (topic, retweets, created_at, id) WHERE retweets > 0",
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
        let sql = "DROP INDEX users_handle; DROP INDEX feed_entry_retweeted; \
                   ALTER TABLE feed_entry DROP COLUMN retweets; DROP TABLE tally; DROP TABLE participant; \
                   DROP TABLE wall_tweet; DROP TABLE wall_version; DROP TABLE wall";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }
}
