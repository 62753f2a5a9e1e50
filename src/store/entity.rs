//! The tables, one a file. They do not leave the store.
//!
//! What is written and read in bulk has statements of its own; a test holds every entity to the
//! table that the migrations make.

pub(super) mod action;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod ban;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod block;
pub(super) mod event;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod event_topic;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod feed_entry;
pub(super) mod follow;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod follow_span;
pub(super) mod hashtag;
pub(super) mod idempotency;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod liked;
pub(super) mod mention;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod moderation;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod mute;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod notification_actor;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod notification_group;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod notification_state;
pub(super) mod object;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod participant;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod retweet;
pub(super) mod session;
pub(super) mod sweep;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod tally;
pub(super) mod tombstone;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod tweet;
pub(super) mod tweet_hashtag;
pub(super) mod unresolved;
pub(super) mod users;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod wall;
#[cfg_attr(not(test), allow(dead_code, reason = "written and read in bulk"))]
pub(super) mod wall_tweet;

use sea_orm::{EntityTrait, Iden as _, Iterable as _};

/// The columns of a table of this alias. A star would have others once a later version has added
/// one, and PostgreSQL refuses a prepared statement whose columns have changed.
pub(super) fn columns<E: EntityTrait>(alias: &str) -> String {
    let columns: Vec<String> = E::Column::iter()
        .map(|column| format!("{alias}.{}", column.to_string()))
        .collect();
    columns.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use migration::MigratorTrait as _;
    use sea_orm::{ConnectionTrait, Database, EntityName, Iden, Iterable, Statement};
    use std::collections::BTreeSet;

    macro_rules! hold {
        ($db:ident: $($entity:ident),* $(,)?) => {$({
            let table = $entity::Entity.table_name().to_owned();
            let sql = format!("SELECT name FROM pragma_table_info('{table}')");
            let rows = $db.query_all_raw(Statement::from_string($db.get_database_backend(), sql)).await.unwrap();
            let made: BTreeSet<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
            let named: BTreeSet<String> = $entity::Column::iter().map(|column| column.to_string()).collect();
            assert_eq!(made, named, "{table}");
        })*};
    }

    #[tokio::test]
    async fn every_entity_has_the_columns_of_its_table() {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        migration::Migrator::up(&db, None).await.unwrap();
        hold!(db: action, ban, block, event, event_topic, feed_entry, follow, follow_span, hashtag, idempotency, liked, mention,
            moderation, mute, notification_actor, notification_group, notification_state, object, participant, retweet, session,
            sweep, tally, tombstone, tweet, tweet_hashtag, unresolved, users, wall, wall_tweet);
    }
}
