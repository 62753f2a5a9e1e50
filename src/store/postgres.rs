//! How a PostgreSQL database is reached, migrated and written to.
//!
//! At any moment one process writes, as with SQLite: every transaction that writes begins by
//! waiting for one advisory lock, which PostgreSQL gives back with the commit or with the session's
//! end. So numbers are dense and in the order of commits, what a rule has read stays true until its
//! rows are written, and nothing can deadlock or fail to serialise.

use super::pool::{self, Role};
use crate::config::PostgresUrl;
use crate::model::{Error, Result, Seq};
use migration::MigratorTrait;
use sea_orm::sqlx::Connection as _;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgListener};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, TransactionTrait};
use std::time::Duration;

/// The lock of whoever writes.
const WRITING: i64 = 0x4c_69_6e_6e_65_74;
/// The lock of whoever changes the schema.
const MIGRATING: i64 = WRITING + 1;
/// Where commits are told of.
pub(super) const CHANNEL: &str = "linnet";
/// Where processes tell each other what is not worth keeping.
pub(super) const NOTICES: &str = "linnet_notices";

/// How long a connection may take to come about.
const ACQUIRE: Duration = Duration::from_secs(5);

/// What every session is set to. A client that is cut off is noticed within seconds, so that what it
/// holds is free again.
const EVERYBODY: &[(&str, &str)] = &[
    ("jit", "off"),
    // What is asked for is in memory mostly, or on a disk without arms.
    ("random_page_cost", "1.1"),
    ("standard_conforming_strings", "on"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "10000"),
];

/// The one that writes gives the lock back when its process stands still, and does not wait for
/// ever.
const WRITER: &[(&str, &str)] = &[
    // Others shall have written within two seconds.
    ("idle_in_transaction_session_timeout", "1500ms"),
    ("lock_timeout", "20s"),
    ("statement_timeout", "30s"),
];

/// Those that read see one state of the database for a whole transaction.
const READER: &[(&str, &str)] = &[
    ("default_transaction_isolation", "repeatable read"),
    ("default_transaction_read_only", "on"),
    ("idle_in_transaction_session_timeout", "5min"),
    ("statement_timeout", "30s"),
];

pub(super) async fn connect(url: &PostgresUrl, role: Role) -> Result<DatabaseConnection> {
    let mut options = role.options(url.as_str());
    options
        .acquire_timeout(ACQUIRE)
        .map_sqlx_postgres_opts(move |options| settings(options, role));
    match Database::connect(options).await {
        Ok(db) => Ok(db),
        Err(error) => Err(cause(url).await.unwrap_or_else(|| error.into())),
    }
}

/// Why no connection comes about: a pool tries again, and says only that it waited.
async fn cause(url: &PostgresUrl) -> Option<Error> {
    let options: PgConnectOptions = url.as_str().parse().ok()?;
    let why = match tokio::time::timeout(ACQUIRE, PgConnection::connect_with(&options)).await {
        Ok(Ok(_)) => return None,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer".to_owned(),
    };
    let (host, port) = (options.get_host(), options.get_port());
    Some(Error::internal(format!(
        "PostgreSQL at {host}:{port} can't be reached: {why}"
    )))
}

fn settings(options: PgConnectOptions, role: Role) -> PgConnectOptions {
    let own = match role {
        Role::Writer => WRITER,
        Role::Readers | Role::Log => READER,
        Role::Migrator | Role::Watcher => &[],
    };
    options
        .application_name("linnet")
        .statement_cache_capacity(256)
        .options(EVERYBODY.iter().chain(own).copied())
}

/// Brings the schema up to date. Of several processes one does, and the others wait for it.
pub(super) async fn migrate(url: &PostgresUrl) -> Result<()> {
    let db = connect(url, Role::Migrator).await?;
    check(&db).await?;
    let schema = db.begin().await?;
    schema
        .execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATING})"))
        .await?;
    extend(&schema).await?;
    migration::Migrator::up(&schema, None).await?;
    schema.commit().await?;
    Ok(db.close().await?)
}

/// Refuses a database that can't hold what is written.
async fn check(db: &DatabaseConnection) -> Result<()> {
    let sql = "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')";
    let rows = pool::ask(db, sql, Vec::new()).await?;
    let row = rows.first().ok_or_else(|| Error::internal("no row came back"))?;
    let (version, encoding): (i32, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    if version < 150_000 {
        return Err(Error::internal("PostgreSQL 15 or later is needed"));
    }
    if encoding != "UTF8" {
        return Err(Error::internal(format!(
            "the database's encoding is {encoding}; it has to be UTF8"
        )));
    }
    Ok(())
}

/// Makes sure that the index of texts can be made.
async fn extend(schema: &DatabaseTransaction) -> Result<()> {
    let made = schema
        .execute_unprepared("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        .await;
    made.map(drop).map_err(|error| {
        Error::internal(format!(
            "the extension pg_trgm is needed; have it made by whoever owns the database: \
             CREATE EXTENSION pg_trgm ({error})"
        ))
    })
}

/// Begins to write, when nobody else does. What is read from now on is what the last one has left.
pub(super) async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction> {
    let conn = pool::begin(db).await?;
    conn.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({WRITING})"))
        .await?;
    Ok(conn)
}

/// Whether an error says that the session is over: the server goes or comes, somebody has ended it,
/// or it has stood still for too long.
pub(super) fn ends_session(code: &str) -> bool {
    code.starts_with("08") || ["57P01", "57P02", "57P03", "57P05", "25P03", "25P04"].contains(&code)
}

/// What is told of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    /// The number of its last event.
    pub last: Seq,
    /// Whose it is.
    pub process: u32,
    /// Whether that process hands its events over to others.
    pub is_handed_over: bool,
}

impl Commit {
    /// As PostgreSQL carries it.
    pub fn encode(self) -> String {
        format!("{} {} {}", self.last, self.process, self.is_handed_over)
    }

    /// What was told, if it is understood.
    pub fn parse(told: &str) -> Option<Self> {
        let mut words = told.split(' ');
        Some(Self {
            last: words.next()?.parse().ok()?,
            process: words.next()?.parse().ok()?,
            is_handed_over: words.next()?.parse().ok()?,
        })
    }
}

/// Begins to listen to commits.
pub(super) async fn listen(db: &DatabaseConnection) -> Result<PgListener> {
    let pool = db.get_postgres_connection_pool();
    let mut listener = PgListener::connect_with(pool).await.map_err(Error::internal)?;
    listener.listen_all([CHANNEL, NOTICES]).await.map_err(Error::internal)?;
    Ok(listener)
}
