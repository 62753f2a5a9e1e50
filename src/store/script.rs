//! Statements that are sent together.

use super::dialect::statement;
use super::prepared::Prepared;
use super::snapshot::json;
use crate::model::Result;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Value};
use std::borrow::Cow;

/// The most values that a statement binds: what SQLite takes at the most.
const VALUES: usize = 32_766;

/// Statements that write and are sent together: each turn to SQLite's thread, or to PostgreSQL, and
/// back costs more than most of them.
#[derive(Debug, Default)]
pub struct Script(Vec<Line>);

/// A statement of a script.
#[derive(Debug)]
pub(super) struct Line {
    pub sql: Cow<'static, str>,
    pub values: Vec<Value>,
    /// Whether its text will hardly come again.
    pub is_single: bool,
}

impl Script {
    /// Runs the statements in one turn.
    pub(super) async fn run(self, conn: &DatabaseTransaction, prepared: &Prepared) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let backend = conn.get_database_backend();
        if backend != DbBackend::Sqlite {
            return prepared.run(conn, &self.0).await;
        }
        let lines = self.0.into_iter().map(|line| (line.sql, line.values));
        let (statements, values): (Vec<_>, Vec<_>) = lines.unzip();
        let all = statement(backend, &statements.join(";\n"), values.into_iter().flatten());
        conn.execute_raw(all).await?;
        Ok(())
    }

    /// Adds another's statements behind these.
    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Adds a statement.
    pub(super) fn push(&mut self, sql: impl Into<Cow<'static, str>>, values: impl IntoIterator<Item = Value>) {
        self.0.push(Line {
            sql: sql.into(),
            values: values.into_iter().collect(),
            is_single: false,
        });
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
            self.push(sql, values.into_iter().chain([json(&rows)]));
        }
    }

    /// Adds statements that insert rows of bound values, if there are any.
    pub(super) fn rows<const N: usize>(&mut self, into: &str, mut rows: impl ExactSizeIterator<Item = [Value; N]>) {
        let row = format!("({})", ["?"; N].join(", "));
        while rows.len() > 0 {
            let count = rows.len().min(VALUES / N);
            let sql = format!("INSERT INTO {into} VALUES {}", vec![row.as_str(); count].join(", "));
            self.0.push(Line {
                sql: sql.into(),
                values: rows.by_ref().take(count).flatten().collect(),
                is_single: true,
            });
        }
    }
}
