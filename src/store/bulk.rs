//! Multi-row writes: many rows of a table with one statement.
//!
//! The rows of a statement are one JSON value, so that its text does not change with their
//! number; rows with long texts are bound value by value, since JSON takes the text apart again
//! for each column. The statements of a transaction are collected in a
//! [`Script`](super::script::Script).

pub mod action;
pub mod follow;
pub mod like;
pub mod mark;
pub mod object;
pub mod relation;
pub mod retweet;
pub mod tweet;
pub mod unresolved;
pub mod user;

use super::snapshot::json;
use super::tx::Tx;
use crate::model::{Error, Result};
use sea_orm::{DbBackend, QueryResult};
use std::collections::HashSet;

/// How many rows one transaction of a bulk writer writes, beside others who write.
pub const ROWS: usize = 500;

/// The largest number that a row may bring along: what JSON carries everywhere.
const LARGEST_KEY: i64 = (1 << 53) - 1;

/// A table whose numbers are given by the database and never twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Numbered {
    /// Users.
    Users,
    /// Tweets.
    Tweets,
    /// Actions.
    Actions,
    /// Follows.
    Follows,
    /// Walls.
    Walls,
}

impl Numbered {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Users, Self::Tweets, Self::Actions, Self::Follows, Self::Walls];

    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Tweets => "tweet",
            Self::Actions => "action",
            Self::Follows => "follow",
            Self::Walls => "wall",
        }
    }

    /// A column with the last number that was given.
    pub(super) fn last(self, backend: DbBackend) -> String {
        let table = self.table();
        match backend {
            DbBackend::Sqlite => format!("(SELECT seq FROM sqlite_sequence WHERE name = '{table}')"),
            _ => format!("(SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END FROM {table}_id_seq)"),
        }
    }

    /// What has PostgreSQL give no number up to one any more.
    pub(super) fn raise(self) -> String {
        format!("SELECT setval('{}_id_seq', ?)", self.table())
    }

    fn tombstone(self) -> &'static str {
        match self {
            Self::Users => "user",
            Self::Tweets => "tweet",
            Self::Actions => "action",
            Self::Follows => "follow",
            Self::Walls => "wall",
        }
    }
}

impl Tx {
    /// Numbers for new rows: the one that a row brings along where it is free, else a new one.
    /// New ones grow in the order of the rows.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn number(&self, of: Numbered, wishes: &[Option<i64>]) -> Result<Vec<i64>> {
        let mut taken = self.taken(of, wishes).await?;
        let granted: Vec<Option<i64>> = wishes
            .iter()
            .map(|wish| wish.filter(|key| (1..=LARGEST_KEY).contains(key) && taken.insert(*key)))
            .collect();
        let above = granted.iter().flatten().copied().max().unwrap_or_default();
        let missing = granted.iter().filter(|key| key.is_none()).count();
        let mut new = self.reserve(of, missing, above).await?.into_iter();
        Ok(granted
            .into_iter()
            .filter_map(|key| key.or_else(|| new.next()))
            .collect())
    }

    /// Makes sure that none of these numbers is given any more. Returns those that never were.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn retire(&self, of: Numbered, keys: &[i64]) -> Result<HashSet<i64>> {
        let keys: Vec<i64> = keys
            .iter()
            .copied()
            .filter(|key| (1..=LARGEST_KEY).contains(key))
            .collect();
        let taken = self
            .taken(of, &keys.iter().copied().map(Some).collect::<Vec<_>>())
            .await?;
        if let Some(last) = keys.iter().max() {
            self.number_above(of, *last).await?;
        }
        Ok(keys.into_iter().filter(|key| !taken.contains(key)).collect())
    }

    async fn taken(&self, of: Numbered, wishes: &[Option<i64>]) -> Result<HashSet<i64>> {
        let wishes: Vec<i64> = wishes.iter().flatten().copied().collect();
        if wishes.is_empty() {
            return Ok(HashSet::new());
        }
        let sql = format!(
            "SELECT t.id FROM {{each}} JOIN {} t ON t.id = {{number}} \
             UNION ALL SELECT {{number}} FROM {{each}} \
             JOIN tombstone d ON d.kind = ? AND d.key = CAST({{number}} AS TEXT)",
            of.table()
        );
        let keys = json(&wishes);
        let rows = self.rows(&sql, [keys.clone(), keys, of.tombstone().into()]).await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }
}

/// The place in its list that a row answers for: its first column, `k.key`.
pub(super) fn place(row: &QueryResult) -> Result<usize> {
    let place: i64 = row.try_get_by_index(0)?;
    usize::try_from(place).map_err(Error::internal)
}

pub(super) fn places(rows: &[QueryResult]) -> Result<HashSet<usize>> {
    rows.iter().map(place).collect()
}
