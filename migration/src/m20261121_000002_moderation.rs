//! Blocks, mutes, bans, and what moderators did.
//!
//! Counts leave out whom a ban hides: each row that counts for somebody else says whether it is
//! left out by now (`banned`), so that a ban and its end can meet anywhere in the background.

use crate::dialect::fill;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const STEPS: &[&str] = &[
    // `user_id` sees nothing of `target_id`.
    "CREATE TABLE block (
        user_id BIGINT NOT NULL,
        target_id BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (user_id, target_id)
    ) {clustered}",
    "CREATE INDEX block_newest ON block (user_id, created_at, target_id)",
    "CREATE INDEX block_target ON block (target_id, user_id)",
    // What `target_id` does is left out of the timeline, notifications and streams of `user_id`.
    "CREATE TABLE mute (
        user_id BIGINT NOT NULL,
        target_id BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (user_id, target_id)
    ) {clustered}",
    "CREATE INDEX mute_newest ON mute (user_id, created_at, target_id)",
    "CREATE INDEX mute_target ON mute (target_id, user_id)",
    // Whom nobody but moderators sees.
    "CREATE TABLE ban (
        user_id BIGINT PRIMARY KEY,
        created_at BIGINT NOT NULL
    )",
    "CREATE INDEX ban_newest ON ban (created_at, user_id)",
    // Who did what to whom, when and why. No moderator: the operator, by a command.
    "CREATE TABLE moderation (
        id {id},
        act TEXT NOT NULL,
        user_id BIGINT NOT NULL,
        moderator_id BIGINT,
        reason TEXT,
        created_at BIGINT NOT NULL
    )",
    "CREATE INDEX moderation_user ON moderation (user_id, created_at)",
    // Whether counts leave the row out, since its user is banned: those of the tweet that is
    // liked or retweeted, those of a tweet's hashtags and of the tweet that it answers.
    "ALTER TABLE liked ADD COLUMN banned {bool} NOT NULL DEFAULT FALSE",
    "ALTER TABLE retweet ADD COLUMN banned {bool} NOT NULL DEFAULT FALSE",
    "ALTER TABLE tweet ADD COLUMN banned {bool} NOT NULL DEFAULT FALSE",
    // A follow counts for both: left out for the target when the follower is banned, and the other
    // way round.
    "ALTER TABLE follow ADD COLUMN follower_banned {bool} NOT NULL DEFAULT FALSE",
    "ALTER TABLE follow ADD COLUMN target_banned {bool} NOT NULL DEFAULT FALSE",
    // Groups count everybody; whom their owner may not see is subtracted at reading. `version` is
    // the owner's when the actor's last action came in.
    "ALTER TABLE notification_actor ADD COLUMN banned {bool} NOT NULL DEFAULT FALSE",
    "ALTER TABLE notification_actor ADD COLUMN version BIGINT NOT NULL DEFAULT 0",
    "UPDATE notification_actor SET version = \
     (SELECT g.version FROM notification_group g WHERE g.id = notification_actor.group_id)",
    "CREATE INDEX notification_actor_banned ON notification_actor (user_id) WHERE banned",
    // How far a sweep over a ban has come: in which kind of row, and behind which. Streams are
    // told of tweets from `since` on.
    "ALTER TABLE sweep ADD COLUMN phase BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE sweep ADD COLUMN position_at BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE sweep ADD COLUMN position_id BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE sweep ADD COLUMN since BIGINT NOT NULL DEFAULT 0",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        for sql in STEPS {
            manager.get_connection().execute_unprepared(&fill(sql, backend)).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("bans can't be told apart from counts again".into()))
    }
}
