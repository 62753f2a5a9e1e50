//! What SQLite and PostgreSQL write differently in queries.
//!
//! Queries are written with `?` for their values and with these words:
//! - `{each}` a JSON array as rows `k(key, value)`, `key` counting from 0;
//! - `{text:N}` and `{int:N}` the N-th part of `k.value`, itself an array;
//! - `{value}` and `{number}` the row's value itself, as text or as a number.

use sea_orm::{DbBackend, Statement, Value};

/// A statement of the engine's own spelling.
pub(super) fn statement(backend: DbBackend, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(backend, spell(backend, sql), values)
}

fn spell(backend: DbBackend, sql: &str) -> String {
    match backend {
        DbBackend::Postgres => number_values(&parts(
            &sql.replace(
                "{each}",
                "(SELECT ordinality - 1 AS key, value FROM jsonb_array_elements(CAST(? AS jsonb)) WITH ORDINALITY) k",
            )
            .replace("{value}", "(k.value #>> '{}')")
            .replace("{number}", "CAST(k.value AS bigint)"),
            "(k.value ->> N)",
            "CAST(k.value -> N AS bigint)",
        )),
        _ => parts(
            &sql.replace("{each}", "json_each(?) k")
                .replace("{value}", "k.value")
                .replace("{number}", "k.value"),
            "(k.value ->> N)",
            "(k.value ->> N)",
        ),
    }
}

fn parts(sql: &str, text: &str, int: &str) -> String {
    (0..8).fold(sql.to_owned(), |sql, n| {
        let digit = n.to_string();
        sql.replace(&format!("{{text:{n}}}"), &text.replace('N', &digit))
            .replace(&format!("{{int:{n}}}"), &int.replace('N', &digit))
    })
}

/// `?, ?` as `$1, $2`.
fn number_values(sql: &str) -> String {
    let mut pieces = sql.split('?');
    let mut numbered = pieces.next().unwrap_or_default().to_owned();
    for (n, piece) in pieces.enumerate() {
        numbered.push_str(&format!("${}{piece}", n + 1));
    }
    numbered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_parts_are_spelled_for_each_engine() {
        let sql = "SELECT {text:0}, {int:1} FROM {each} WHERE a < ?";
        assert_eq!(
            spell(DbBackend::Sqlite, sql),
            "SELECT (k.value ->> 0), (k.value ->> 1) FROM json_each(?) k WHERE a < ?"
        );
        assert!(spell(DbBackend::Postgres, sql).ends_with("WHERE a < $2"));
    }
}
