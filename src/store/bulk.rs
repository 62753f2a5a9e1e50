//! Multi-row writes: many rows of a table with one statement.
//!
//! The rows of a statement are one JSON value, so that its text does not change with their
//! number; rows with long texts are bound value by value, since JSON takes the text apart again
//! for each column. The statements of a transaction are collected in a [`Script`].

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
use std::borrow::Cow;
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

    /// Runs statements with as few turns as the engine allows.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn run(&self, script: Script) -> Result<()> {
        if self.conn().get_database_backend() == DbBackend::Sqlite {
            let (statements, values): (Vec<_>, Vec<_>) = script.0.into_iter().unzip();
            if !statements.is_empty() {
                self.execute(&statements.join(";\n"), values.into_iter().flatten())
                    .await?;
            }
            return Ok(());
        }
        for (sql, values) in script.0 {
            self.execute(&sql, values).await?;
        }
        Ok(())
    }
}

/// Statements that write and are sent together: with SQLite each turn to its thread and back
/// costs more than most of them.
#[derive(Debug, Default)]
pub struct Script(Vec<(Cow<'static, str>, Vec<Value>)>);

impl Script {
    /// Adds a statement that takes rows as `{each}`, if there are any.
    fn each<T: serde::Serialize>(&mut self, sql: &'static str, rows: &[T]) {
        self.each_with(sql, [], rows);
    }

    /// As [`Script::each`], with values before the rows.
    fn each_with<T: serde::Serialize, const N: usize>(&mut self, sql: &'static str, values: [Value; N], rows: &[T]) {
        if !rows.is_empty() {
            let values = values.into_iter().chain([json(&rows)]).collect();
            self.0.push((sql.into(), values));
        }
    }

    /// Adds a statement that inserts rows of bound values, if there are any.
    fn rows<const N: usize>(&mut self, into: &str, rows: impl ExactSizeIterator<Item = [Value; N]>) {
        if rows.len() > 0 {
            let row = format!("({})", ["?"; N].join(", "));
            let sql = format!("INSERT INTO {into} VALUES {}", vec![row; rows.len()].join(", "));
            self.0.push((sql.into(), rows.flatten().collect()));
        }
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
