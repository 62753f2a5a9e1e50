//! SQLite keeps how new each topic is, in few pages: where the newest entries of thousands of
//! topics stand would be read from thousands.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// No entry of a topic that can be followed is newer than `at`; what is taken out leaves it as it is. It is
/// the end of some seventeen seconds, so a topic into which much is entered is seldom written.
/// Triggers keep it, whatever statement enters or moves something. PostgreSQL has its pages in memory
/// of its own, and does without.
const STEPS: &[&str] = &[
    "CREATE TABLE topic_newest (
        topic TEXT NOT NULL,
        kind SMALLINT NOT NULL,
        at BIGINT NOT NULL,
        PRIMARY KEY (topic, kind)
    ) WITHOUT ROWID",
    "INSERT INTO topic_newest (topic, kind, at) SELECT topic, kind, MAX(created_at) | 16777215 FROM feed_entry \
     WHERE (topic >= 'user:' AND topic < 'user;') OR (topic >= 'hashtag:' AND topic < 'hashtag;') \
     OR (topic >= 'object:' AND topic < 'object;') GROUP BY topic, kind",
    "CREATE TRIGGER feed_entry_newest AFTER INSERT ON feed_entry \
     WHEN ((new.topic >= 'user:' AND new.topic < 'user;') OR (new.topic >= 'hashtag:' AND new.topic < 'hashtag;') \
     OR (new.topic >= 'object:' AND new.topic < 'object;')) AND NOT EXISTS (SELECT 1 FROM topic_newest n \
     WHERE n.topic = new.topic AND n.kind = new.kind AND n.at >= new.created_at) \
     BEGIN \
     INSERT INTO topic_newest (topic, kind, at) VALUES (new.topic, new.kind, new.created_at | 16777215) \
     ON CONFLICT (topic, kind) DO UPDATE SET at = excluded.at; \
     END",
    "CREATE TRIGGER feed_entry_moved AFTER UPDATE OF created_at ON feed_entry \
     WHEN ((new.topic >= 'user:' AND new.topic < 'user;') OR (new.topic >= 'hashtag:' AND new.topic < 'hashtag;') \
     OR (new.topic >= 'object:' AND new.topic < 'object;')) AND NOT EXISTS (SELECT 1 FROM topic_newest n \
     WHERE n.topic = new.topic AND n.kind = new.kind AND n.at >= new.created_at) \
     BEGIN \
     INSERT INTO topic_newest (topic, kind, at) VALUES (new.topic, new.kind, new.created_at | 16777215) \
     ON CONFLICT (topic, kind) DO UPDATE SET at = excluded.at; \
     END",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Sqlite {
            return Ok(());
        }
        for sql in STEPS {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Sqlite {
            return Ok(());
        }
        let sql = "DROP TRIGGER feed_entry_moved; DROP TRIGGER feed_entry_newest; DROP TABLE topic_newest";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }
}
