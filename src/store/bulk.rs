//! Multi-row writes: many rows of a table with one statement.
//!
//! Where rows are few or narrow they are one JSON value, so that the statement's text does not
//! change with their number. Tables that get several rows for each tweet are written with bound
//! values, some rows a statement: that takes half the time.

pub mod action;
pub mod follow;
pub mod like;
pub mod retweet;
pub mod tweet;
pub mod unresolved;
pub mod user;

use super::snapshot::json;
use super::writer::Tx;
use crate::model::{Error, Result};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Value};
use std::collections::HashSet;

/// How many rows one statement writes, and how many one transaction of a bulk writer.
pub const ROWS: usize = 500;

/// The largest number that a row may bring along: what JSON carries everywhere.
const LARGEST_KEY: i64 = (1 << 53) - 1;

/// A table whose numbers are given by the database and never twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbered {
    /// Users.
    Users,
    /// Tweets.
    Tweets,
    /// Actions.
    Actions,
    /// Follows.
    Follows,
}

impl Numbered {
    fn table(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Tweets => "tweet",
            Self::Actions => "action",
            Self::Follows => "follow",
        }
    }

    fn tombstone(self) -> &'static str {
        match self {
            Self::Users => "user",
            Self::Tweets => "tweet",
            Self::Actions => "action",
            Self::Follows => "follow",
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

    /// Numbers above `above` and above all that were ever given.
    async fn reserve(&self, of: Numbered, count: usize, above: i64) -> Result<Vec<i64>> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        if count == 0 {
            return Ok(Vec::new());
        }
        if self.conn().get_database_backend() == DbBackend::Sqlite {
            let sql = "SELECT seq FROM sqlite_sequence WHERE name = ?";
            let rows = self.rows(sql, [of.table().into()]).await?;
            let given: Option<i64> = rows.first().map(|row| row.try_get_by_index(0)).transpose()?;
            let last = given.unwrap_or_default().max(above);
            return Ok((last + 1..=last + count).collect());
        }
        let raise = "SELECT setval(pg_get_serial_sequence(?, 'id'), ?) \
                     WHERE nextval(pg_get_serial_sequence(?, 'id')) <= ?";
        let table = of.table();
        self.rows(raise, [table.into(), above.max(1).into(), table.into(), above.into()])
            .await?;
        let sql = "SELECT nextval(pg_get_serial_sequence(?, 'id')) FROM generate_series(1, ?) ORDER BY 1";
        let rows = self.rows(sql, [table.into(), count.into()]).await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// Writes rows of bound values: `INSERT INTO table VALUES (...), (...) tail`.
    async fn write_rows(&self, into: &str, tail: &str, columns: usize, rows: Vec<Vec<Value>>) -> Result<u64> {
        let row = format!("({})", vec!["?"; columns].join(", "));
        let mut written = 0;
        let mut rest = rows.into_iter();
        // Few sizes, so that the statements stay compiled.
        for size in [64, 16, 4, 1] {
            let sql = format!(
                "INSERT INTO {into} VALUES {} {tail}",
                vec![row.as_str(); size].join(", ")
            );
            while rest.len() >= size {
                written += self.execute(&sql, rest.by_ref().take(size).flatten()).await?;
            }
        }
        Ok(written)
    }

    /// Writes rows with a statement that takes them as `{each}`; does nothing without any.
    async fn write_each<T: serde::Serialize>(&self, sql: &str, rows: &[T]) -> Result<u64> {
        if rows.is_empty() {
            return Ok(0);
        }
        self.execute(sql, [json(&rows)]).await
    }
}

/// The place in its list that a row answers for: its first column, `k.key`.
fn place(row: &QueryResult) -> Result<usize> {
    let place: i64 = row.try_get_by_index(0)?;
    usize::try_from(place).map_err(Error::internal)
}

fn places(rows: &[QueryResult]) -> Result<HashSet<usize>> {
    rows.iter().map(place).collect()
}
