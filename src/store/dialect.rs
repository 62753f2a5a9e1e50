//! What SQLite and PostgreSQL write differently in queries.
//!
//! Queries are written with `?` for their values and with these words:
//! - `{each}` a JSON array as rows `k(key, value)`, `key` counting from 0;
//! - `{text:N}`, `{int:N}` and `{bool:N}` the N-th part of `k.value`, itself an array;
//! - `{now}` the database's own time, in microseconds;
//! - `{value}` and `{number}` the row's value itself, as text or as a number;
//! - `{pack:A, B}` all rows as one JSON array of arrays: sqlx hands each row on by itself, with two
//!   turns between threads, which costs more than most rows;
//! - `{json:A}` a text that is JSON as such, to be packed again.

use crate::model::{Error, Result};
use sea_orm::{DbBackend, QueryResult, Statement, Value};
use serde::de::DeserializeOwned;

/// A statement of the engine's own spelling.
pub(super) fn statement(backend: DbBackend, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    let values = values.into_iter().map(|value| match value {
        Value::String(Some(text)) if backend == DbBackend::Postgres => storable(text).into(),
        value => value,
    });
    Statement::from_sql_and_values(backend, spell(backend, sql), values)
}

/// A text as PostgreSQL can hold it: it has no NUL, so what looks for one finds nothing.
pub(super) fn storable(text: String) -> String {
    match text.contains('\0') {
        true => text.replace('\0', "\u{FFFD}"),
        false => text,
    }
}

/// What a query with `{pack:...}` found, its rows as tuples of those columns.
pub(super) fn unpack<T: DeserializeOwned>(rows: &[QueryResult]) -> Result<Vec<T>> {
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    let packed: String = row.try_get_by_index(0)?;
    serde_json::from_str(&packed).map_err(Error::internal)
}

pub(super) fn spell(backend: DbBackend, sql: &str) -> String {
    match backend {
        DbBackend::Postgres => number_values(&parts(
            &sql.replace(
                "{each}",
                "(SELECT ordinality - 1 AS key, value FROM jsonb_array_elements(CAST(? AS jsonb)) WITH ORDINALITY) k",
            )
            .replace("{value}", "(k.value #>> '{}')")
            .replace("{number}", "CAST(k.value AS bigint)")
            .replace(
                "{now}",
                "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)",
            ),
            [
                "(k.value ->> N)",
                "CAST(k.value ->> N AS bigint)",
                "CAST(k.value ->> N AS boolean)",
                "CAST(COALESCE(jsonb_agg(jsonb_build_array(N)), '[]') AS text)",
                "CAST(N AS jsonb)",
            ],
        )),
        _ => parts(
            &sql.replace("{each}", "json_each(?) k")
                .replace("{value}", "k.value")
                .replace("{number}", "k.value")
                .replace("{now}", "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"),
            [
                "(k.value ->> N)",
                "(k.value ->> N)",
                "(k.value ->> N)",
                "json_group_array(json_array(N))",
                "json(N)",
            ],
        ),
    }
}

/// Puts an engine's way of reading the N-th part of a row in the place of each part's word.
fn parts(sql: &str, words: [&str; 5]) -> String {
    let [text, int, bool, pack, json] = words;
    let mut spelled = String::with_capacity(sql.len() * 2);
    let mut rest = sql;
    while let Some((before, word)) = rest.split_once('{') {
        spelled.push_str(before);
        let part = closing(word).and_then(|(part, after)| {
            let (kind, place) = part.split_once(':')?;
            let read = match kind {
                "text" => text,
                "bool" => bool,
                "pack" => pack,
                "json" => json,
                _ => int,
            };
            Some((read.replace('N', &parts(place, words)), after))
        });
        match part {
            Some((read, after)) => {
                spelled.push_str(&read);
                rest = after;
            }
            None => {
                spelled.push('{');
                rest = word;
            }
        }
    }
    spelled + rest
}

/// What stands before the brace that closes, and behind it.
fn closing(sql: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let at = sql.find(|sign| {
        match sign {
            '{' => depth += 1,
            '}' if depth == 0 => return true,
            '}' => depth -= 1,
            _ => {}
        }
        false
    })?;
    let (before, after) = sql.split_at(at);
    Some((before, after.strip_prefix('}')?))
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
        assert_eq!(
            spell(DbBackend::Sqlite, "SELECT {pack:a.x, a.y} FROM a"),
            "SELECT json_group_array(json_array(a.x, a.y)) FROM a"
        );
        assert_eq!(
            spell(DbBackend::Sqlite, "SELECT {pack:a.x, {json:a.y}} FROM a WHERE b = '{}'"),
            "SELECT json_group_array(json_array(a.x, json(a.y))) FROM a WHERE b = '{}'"
        );
    }
}
