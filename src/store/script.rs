//! Statements that are sent together.

use super::dialect::statement;
use super::snapshot::json;
use crate::model::Result;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Value};
use std::borrow::Cow;

/// Statements that write and are sent together: with SQLite each turn to its thread and back
/// costs more than most of them.
#[derive(Debug, Default)]
pub struct Script(Vec<(Cow<'static, str>, Vec<Value>)>);

impl Script {
    /// Runs the statements with as few turns as the engine allows.
    pub(super) async fn run(self, conn: &DatabaseTransaction) -> Result<()> {
        let backend = conn.get_database_backend();
        if backend == DbBackend::Sqlite {
            let (statements, values): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
            if !statements.is_empty() {
                let all = statement(backend, &statements.join(";\n"), values.into_iter().flatten());
                conn.execute_raw(all).await?;
            }
            return Ok(());
        }
        for (sql, values) in self.0 {
            conn.execute_raw(statement(backend, &sql, values)).await?;
        }
        Ok(())
    }

    /// Adds another's statements behind these.
    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Adds a statement that takes rows as `{each}`, if there are any.
    pub(super) fn each<T: serde::Serialize>(&mut self, sql: impl Into<Cow<'static, str>>, rows: &[T]) {
        self.each_with(sql, [], rows);
    }

    /// As [`Script::each`], with values before the rows.
    pub(super) fn each_with<T: serde::Serialize, const N: usize>(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        values: [Value; N],
        rows: &[T],
    ) {
        if !rows.is_empty() {
            let values = values.into_iter().chain([json(&rows)]).collect();
            self.0.push((sql.into(), values));
        }
    }

    /// Adds a statement that inserts rows of bound values, if there are any.
    pub(super) fn rows<const N: usize>(&mut self, into: &str, rows: impl ExactSizeIterator<Item = [Value; N]>) {
        if rows.len() > 0 {
            let row = format!("({})", ["?"; N].join(", "));
            let sql = format!("INSERT INTO {into} VALUES {}", vec![row; rows.len()].join(", "));
            self.0.push((sql.into(), rows.flatten().collect()));
        }
    }
}
