//! Statements that a PostgreSQL session knows by name.
//!
//! The driver sends one statement at a time and waits for its answer. A script is sent as one text
//! instead, and takes one turn: each of its statements is prepared the first time that a session
//! meets it, and executed by its name from then on.

use super::dialect::{spell, storable};
use super::script::Line;
use crate::model::{Error, Result};
use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Value};
use std::collections::HashMap;
use std::fmt::Write as _;

/// What the one session that writes has prepared.
#[derive(Debug, Default)]
pub(super) struct Prepared(Mutex<Names>);

#[derive(Debug, Default)]
struct Names {
    session: i32,
    /// How many names were given, to any session: none is given twice, also after a failure.
    given: u64,
    /// By the types of the values and the statement.
    names: HashMap<String, String>,
}

impl Prepared {
    /// Notes which session writes now: another knows nothing of what the last one did.
    pub fn begin(&self, session: i32) {
        let mut names = self.0.lock();
        if names.session != session {
            names.session = session;
            names.names.clear();
        }
    }

    /// Runs statements in their order.
    pub async fn run(&self, conn: &DatabaseTransaction, script: &[Line]) -> Result<()> {
        let mut new = HashMap::new();
        let text = self.text(script, &mut new)?;
        if !new.is_empty() {
            self.prepare(conn, new).await?;
        }
        conn.execute_unprepared(&text).await?;
        Ok(())
    }

    /// The script, by the names of its statements; those that are new are left in `new`.
    fn text(&self, script: &[Line], new: &mut HashMap<String, String>) -> Result<String> {
        let mut names = self.0.lock();
        let mut text = String::new();
        for line in script {
            let values = line.values.iter().map(literal).collect::<Result<Vec<_>>>()?;
            if line.is_single {
                let _ = writeln!(text, "{};", inserted(&spell(DbBackend::Postgres, &line.sql), &values));
                continue;
            }
            let types = line.values.iter().map(type_of).collect::<Result<Vec<_>>>()?;
            let types = types.join(", ");
            let key = match types.is_empty() {
                true => format!("AS {}", line.sql),
                false => format!("({types}) AS {}", line.sql),
            };
            let known = names.names.get(&key).or_else(|| new.get(&key)).cloned();
            let name = known.unwrap_or_else(|| {
                names.given += 1;
                let name = format!("linnet_{}", names.given);
                new.insert(key, name.clone());
                name
            });
            let _ = match values.is_empty() {
                true => writeln!(text, "EXECUTE {name};"),
                false => writeln!(text, "EXECUTE {name}({});", values.join(", ")),
            };
        }
        Ok(text)
    }

    async fn prepare(&self, conn: &DatabaseTransaction, new: HashMap<String, String>) -> Result<()> {
        let mut text = String::new();
        for (key, name) in &new {
            let _ = writeln!(text, "PREPARE {name} {};", spell(DbBackend::Postgres, key));
        }
        conn.execute_unprepared(&text).await?;
        self.0.lock().names.extend(new);
        Ok(())
    }
}

/// A statement with its values in the places of `$1, $2`.
fn inserted(sql: &str, values: &[String]) -> String {
    let mut text = String::with_capacity(sql.len() * 4);
    let mut pieces = sql.split('$');
    text.push_str(pieces.next().unwrap_or_default());
    for (piece, value) in pieces.zip(values) {
        text.push_str(value);
        text.push_str(piece.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    }
    text
}

fn type_of(value: &Value) -> Result<&'static str> {
    match value {
        Value::BigInt(_) => Ok("bigint"),
        Value::Bool(_) => Ok("boolean"),
        Value::Bytes(_) => Ok("bytea"),
        Value::SmallInt(_) => Ok("smallint"),
        Value::String(_) => Ok("text"),
        _ => Err(Error::internal("a script takes no value of this type")),
    }
}

/// A value as it stands in a statement's text.
fn literal(value: &Value) -> Result<String> {
    match value {
        Value::BigInt(Some(number)) => Ok(number.to_string()),
        Value::SmallInt(Some(number)) => Ok(number.to_string()),
        Value::Bool(Some(yes)) => Ok(yes.to_string()),
        Value::Bytes(Some(bytes)) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(format!("'\\x{digits}'"))
        }
        Value::String(Some(text)) => Ok(quote(text)),
        Value::BigInt(None) | Value::SmallInt(None) | Value::Bool(None) | Value::Bytes(None) | Value::String(None) => {
            Ok("NULL".to_owned())
        }
        _ => Err(Error::internal("a script takes no value of this type")),
    }
}

/// A text in quotes. Backslashes mean nothing in it, as every session is set.
fn quote(text: &str) -> String {
    format!("'{}'", storable(text.replace('\'', "''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_the_text_as_what_they_are() {
        let said = |value: Value| literal(&value).unwrap();
        assert_eq!(said("it's; DROP \\'".into()), "'it''s; DROP \\'''");
        assert_eq!(said(i64::MIN.into()), "-9223372036854775808");
        assert_eq!(said(None::<String>.into()), "NULL");
        assert_eq!(said(vec![0_u8, 255].into()), "'\\x00ff'");
        assert_eq!(said("nul\0".into()), "'nul\u{FFFD}'");
    }

    #[test]
    fn a_statement_is_prepared_once_a_session() {
        let prepared = Prepared::default();
        prepared.begin(1);
        let line = |n: i64, is_single| Line {
            sql: "SELECT ?".into(),
            values: vec![n.into()],
            is_single,
        };
        let script = [line(7, false), line(8, false), line(9, true)];
        let mut new = HashMap::new();
        let text = prepared.text(&script, &mut new).unwrap();
        assert_eq!(text, "EXECUTE linnet_1(7);\nEXECUTE linnet_1(8);\nSELECT 9;\n");
        assert_eq!(
            new,
            HashMap::from([("(bigint) AS SELECT ?".to_owned(), "linnet_1".to_owned())])
        );
        prepared.0.lock().names.extend(std::mem::take(&mut new));
        prepared.text(&script, &mut new).unwrap();
        assert!(new.is_empty());
        prepared.begin(2);
        assert!(
            prepared
                .text(&script, &mut new)
                .unwrap()
                .starts_with("EXECUTE linnet_2")
        );
    }
}
