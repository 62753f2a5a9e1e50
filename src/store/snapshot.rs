//! A consistent view of the database, with the log position that it shows.

use super::Store;
use super::dialect::{statement, unpack};
use super::log::Log;
use super::pool;
use crate::model::{Result, Seq};
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, FromQueryResult, QueryResult, Value};
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

/// A short read transaction. What is read here may be kept in a cache as of [`Snapshot::seq`].
pub struct Snapshot {
    conn: DatabaseTransaction,
    seq: Seq,
}

impl Snapshot {
    /// Begins to read. The caches have reached the view when this returns, so that nobody who
    /// saw something new in it is shown something older from memory afterwards.
    pub(super) async fn open(db: &DatabaseConnection, log: &Log) -> Result<Self> {
        let conn = pool::begin(db).await?;
        let mut snapshot = Self { conn, seq: 0 };
        let newest = snapshot
            .rows("SELECT MAX(seq) AS seq FROM event", [])
            .await?
            .first()
            .map(|row| row.try_get::<Seq>("", "seq"))
            .transpose()?;
        snapshot.seq = newest.unwrap_or_default();
        log.reach(snapshot.seq).await?;
        Ok(snapshot)
    }

    /// The newest event that the view shows.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.seq
    }

    pub(super) fn conn(&self) -> &DatabaseTransaction {
        &self.conn
    }

    /// Runs a query in the dialect's words (see [`super::dialect`]).
    pub(super) async fn rows(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Vec<QueryResult>> {
        let backend = self.conn.get_database_backend();
        Ok(self.conn.query_all_raw(statement(backend, sql, values)).await?)
    }

    /// Runs a query of `{pack:...}`, whose rows come as one.
    pub(super) async fn packed<T: DeserializeOwned>(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<T>> {
        unpack(&self.rows(sql, values).await?)
    }

    /// Runs a query whose rows are read by name.
    pub(super) async fn all<T: FromQueryResult>(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<T>> {
        let rows = self.rows(sql, values).await?;
        Ok(rows
            .iter()
            .map(|row| T::from_query_result(row, ""))
            .collect::<Result<_, _>>()?)
    }
}

/// A snapshot that is opened when something has to be read, for all that has to be.
pub struct View<'a> {
    store: &'a Store,
    snapshot: OnceCell<Snapshot>,
}

impl Store {
    /// A view that has read nothing yet.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View {
            store: self,
            snapshot: OnceCell::new(),
        }
    }
}

impl<'a> View<'a> {
    /// What is looked at.
    #[must_use]
    pub fn store(&self) -> &'a Store {
        self.store
    }

    /// The snapshot, opened at the first use.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database is out of reach.
    pub async fn snapshot(&self) -> Result<&Snapshot> {
        self.snapshot.get_or_try_init(|| self.store.snapshot()).await
    }

    /// The snapshot, if it was opened.
    #[must_use]
    pub fn opened(&self) -> Option<&Snapshot> {
        self.snapshot.get()
    }
}

/// A list of keys as one value, so that the statement's text does not change with its length.
pub(super) fn json<T: serde::Serialize>(keys: &T) -> Value {
    let text = serde_json::to_string(keys).unwrap_or_else(|_| "[]".to_owned());
    Value::from(without_nul(text))
}

/// JSON with another sign in the place of NUL, which no engine takes out of JSON again.
fn without_nul(json: String) -> String {
    if !json.contains("\\u0000") {
        return json;
    }
    // A backslash that is escaped itself begins nothing.
    let parts: Vec<String> = json
        .split("\\\\")
        .map(|part| part.replace("\\u0000", "\\ufffd"))
        .collect();
    parts.join("\\\\")
}
