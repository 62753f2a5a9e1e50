//! Connections by what they are for, and what is done when one is lost.

use super::dialect::statement;
use super::{postgres, sqlite};
use crate::config::DatabaseUrl;
use crate::model::{Error, Result};
use sea_orm::sqlx;
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, QueryResult, RuntimeErr,
    TransactionTrait, Value,
};
use std::time::{Duration, Instant};

/// How long it is tried to do over another connection what a lost one has not done.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait before that.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// What a pool of connections is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The one connection that changes the schema.
    Migrator,
    /// The one connection that writes.
    Writer,
    /// Those that read.
    Readers,
    /// The one that takes events from the log.
    Log,
    /// The one that looks whether another process has written.
    Watcher,
}

impl Role {
    /// How many connections it has. Readers have twice what the machine can use, since each waits
    /// about as long as it works.
    fn connections(self) -> u32 {
        if self != Self::Readers {
            return 1;
        }
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        u32::try_from(cores * 2).unwrap_or(8).clamp(4, 32)
    }

    /// Options for both engines. `SeaORM`'s own are wrong for a server: one connection, each
    /// statement logged, a ping before each use.
    pub fn options(self, url: &str) -> ConnectOptions {
        let mut options = ConnectOptions::new(url.to_owned());
        options
            .max_connections(self.connections())
            // All at once: the first requests would each wait for one.
            .min_connections(self.connections())
            .sqlx_logging(false)
            .test_before_acquire(false)
            .idle_timeout(Option::<Duration>::None)
            .max_lifetime(Option::<Duration>::None);
        options
    }
}

/// Opens a pool for a role.
///
/// # Errors
/// [`Error::Internal`] when the database can't be opened.
pub(super) async fn connect(database: &DatabaseUrl, role: Role) -> Result<DatabaseConnection> {
    match database {
        DatabaseUrl::Sqlite(path) => sqlite::connect(path, role).await,
        DatabaseUrl::Postgres(url) => postgres::connect(url, role).await,
    }
}

/// Begins to read. A connection that was lost while nobody used it is replaced.
pub(super) async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction> {
    let since = Instant::now();
    loop {
        match db.begin().await {
            Err(error) if is_lost(&error) && since.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
            begun => return Ok(begun?),
        }
    }
}

/// Asks a question that changes nothing, over another connection where one was lost.
pub(super) async fn ask(db: &DatabaseConnection, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>> {
    let question = statement(db.get_database_backend(), sql, values);
    let since = Instant::now();
    loop {
        match db.query_all_raw(question.clone()).await {
            Err(error) if is_lost(&error) && since.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
            answer => return Ok(answer?),
        }
    }
}

/// Whether the connection is gone, so that nobody knows what came of the statement.
pub(super) fn is_lost(error: &DbErr) -> bool {
    match sqlx_error(error) {
        Some(sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_)) => true,
        Some(sqlx::Error::Database(error)) => error.code().is_some_and(|code| postgres::ends_session(&code)),
        _ => false,
    }
}

/// Whether a failure comes of that.
pub(super) fn is_of_loss(error: &Error) -> bool {
    match error {
        Error::Internal(cause) => cause.downcast_ref::<DbErr>().is_some_and(is_lost),
        _ => false,
    }
}

/// What the driver said.
pub(super) fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => Some(cause),
        _ => None,
    }
}
