//! Hashtags.

use super::Store;
use super::cache::Kept;
use super::dialect::statement;
use super::entity::{columns, hashtag};
use super::snapshot::{Snapshot, json};
use super::tx::Tx;
use crate::model::{Hashtag, Key, Result};
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult};
use std::collections::HashMap;
use std::sync::Arc;

impl From<hashtag::Model> for Hashtag {
    fn from(row: hashtag::Model) -> Self {
        Self {
            name: row.name,
            tweet_count: row.tweet_count,
            follower_count: row.follower_count,
        }
    }
}

impl Kept for Hashtag {
    type Id = String;

    fn key(id: &String) -> Key {
        Key::Hashtag(id.clone())
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + 2 * self.name.len()
    }
}

impl Store {
    /// The hashtags of these names, as far as they have ever been used or followed.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn hashtags(&self, names: impl IntoIterator<Item = String>) -> Result<HashMap<String, Arc<Hashtag>>> {
        let (mut found, missing) = self.caches().get::<Hashtag>(names);
        if !missing.is_empty() {
            let snapshot = self.snapshot().await?;
            let read = snapshot.hashtags(&missing).await?;
            self.caches()
                .put(snapshot.seq(), read.iter().map(|(name, tag)| (name.clone(), tag)));
            found.extend(read);
        }
        Ok(found)
    }

    /// A hashtag as memory has it.
    #[must_use]
    pub fn cached_hashtag(&self, name: &String) -> Option<Arc<Hashtag>> {
        self.caches().one::<Hashtag>(name)
    }

    /// Hashtags that begin with a text, the most used first. What nobody uses or follows any more, or
    /// nobody but who is banned, is none of them.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn hashtags_with_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<Hashtag>> {
        let snapshot = self.snapshot().await?;
        // No name holds the last code point, so it bounds what begins with the prefix.
        let end = format!("{prefix}\u{10FFFF}");
        let columns = columns::<hashtag::Entity>("h");
        let sql = format!(
            "SELECT {columns} FROM hashtag h WHERE name >= ? AND name < ? AND (tweet_count > 0 OR follower_count > 0) \
             ORDER BY tweet_count DESC, name LIMIT ?"
        );
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let rows: Vec<hashtag::Model> = snapshot.all(&sql, [prefix.into(), end.into(), limit.into()]).await?;
        Ok(rows.into_iter().map(Hashtag::from).collect())
    }
}

impl Snapshot {
    pub(super) async fn hashtags(&self, names: &[String]) -> Result<HashMap<String, Arc<Hashtag>>> {
        read(self.conn(), names).await
    }
}

/// The hashtags of these names, as far as they are there.
pub(super) async fn read(conn: &DatabaseTransaction, names: &[String]) -> Result<HashMap<String, Arc<Hashtag>>> {
    let columns = columns::<hashtag::Entity>("h");
    let sql = format!("SELECT {columns} FROM {{each}} JOIN hashtag h ON h.name = {{value}}");
    let sql = statement(conn.get_database_backend(), &sql, [json(&names)]);
    let rows = conn.query_all_raw(sql).await?;
    rows.iter()
        .map(|row| {
            let hashtag = Hashtag::from(hashtag::Model::from_query_result(row, "")?);
            Ok((hashtag.name.clone(), Arc::new(hashtag)))
        })
        .collect()
}

impl Tx {
    /// Whether a hashtag was ever used or followed.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn has_hashtag(&self, name: &str) -> Result<bool> {
        let row = hashtag::Entity::find_by_id(name).one(self.conn()).await?;
        Ok(row.is_some())
    }

    /// Makes sure that these hashtags exist, and adds to the count of their tweets.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn count_hashtags(&self, names: &[String], tweets: i64) -> Result<()> {
        self.put(|stage| names.iter().for_each(|name| stage.count_hashtag(name, [tweets, 0])))
            .await
    }
}
