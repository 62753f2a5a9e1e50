//! How a SQLite file is opened.
//!
//! SeaORM's defaults are wrong for a server: one connection, each statement logged, a ping
//! before each use, no write-ahead log.

use crate::model::Result;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, RuntimeErr};
use std::time::Duration;
use std::{fs, io};

/// What a pool of connections is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one connection that writes.
    Writer,
    /// Those that read.
    Readers,
    /// The one that takes events from the log.
    Log,
    /// The one that looks whether another process has written.
    Watcher,
}

/// How many connections read at once: twice what the machine can use, since each waits for
/// its thread about as long as it works.
fn reader_count() -> u32 {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    u32::try_from(cores * 2).unwrap_or(8).clamp(4, 32)
}

/// Opens a pool for a role.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the file can't be opened.
pub async fn connect(path: &str, role: Role) -> Result<DatabaseConnection> {
    let connections = match role {
        Role::Readers => reader_count(),
        Role::Writer | Role::Log | Role::Watcher => 1,
    };
    let mut options = ConnectOptions::new("sqlite:".to_owned());
    let file = path.to_owned();
    options
        .max_connections(connections)
        .min_connections(1)
        .sqlx_logging(false)
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(Option::<Duration>::None)
        .max_lifetime(Option::<Duration>::None)
        .map_sqlx_sqlite_opts(move |options| pragmas(options.filename(&file), role));
    Ok(Database::connect(options).await?)
}

fn pragmas(options: SqliteConnectOptions, role: Role) -> SqliteConnectOptions {
    // What is mapped counts as the process's memory, once for each connection, and an import
    // touches all of it. What is read often is in the caches, the rest in the system's.
    let (mapped, cached) = match role {
        Role::Writer => ("134217728", "-16000"),
        Role::Readers | Role::Log | Role::Watcher => ("0", "-4000"),
    };
    options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(30))
        .foreign_keys(false)
        .statement_cache_capacity(256)
        .pragma("query_only", if role == Role::Writer { "0" } else { "1" })
        .pragma("temp_store", "memory")
        .pragma("mmap_size", mapped)
        .pragma("cache_size", cached)
        .pragma("wal_autocheckpoint", "4000")
        .pragma("journal_size_limit", "67108864")
}

/// Makes a connection ask for the lock every millisecond or two, and answer soon that it has
/// none. SQLite by itself asks ten times a second in the end, and then hardly ever meets the
/// pauses of a process that writes much.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub(super) async fn look_often(db: &DatabaseConnection) -> Result<()> {
    db.execute_unprepared("PRAGMA busy_timeout = 5").await?;
    Ok(())
}

/// Whether another connection has the lock.
pub(super) fn is_locked(error: &DbErr) -> bool {
    let (DbErr::Conn(cause) | DbErr::Exec(cause) | DbErr::Query(cause)) = error else {
        return false;
    };
    let RuntimeErr::SqlxError(cause) = cause else {
        return false;
    };
    let code = cause.as_database_error().and_then(|error| error.code());
    code.and_then(|code| code.parse::<i32>().ok())
        .is_some_and(|code| code & 0xFF == 5)
}

/// Makes sure that this is the only process that serves the file: two would each keep caches
/// of what the other writes. The lock is the kernel's and goes with the process.
///
/// # Errors
/// [`crate::model::Error::Internal`] when another process has it.
pub fn lock(path: &str) -> Result<fs::File> {
    let file = fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(lock_name(path))
        .map_err(crate::model::Error::internal)?;
    // Somebody may just be looking whether the file is served.
    for _ in 0..20 {
        if file.try_lock().is_ok() {
            return Ok(file);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(crate::model::Error::internal(
        "another `linnet serve` has this database open",
    ))
}

/// Whether a server of this machine has the file: it holds the lock beside it.
///
/// # Errors
/// When that can't be seen.
pub fn is_served(path: &str) -> io::Result<bool> {
    let file = match fs::File::open(lock_name(path)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(fs::TryLockError::WouldBlock) => Ok(true),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

fn lock_name(path: &str) -> String {
    format!("{path}-serve")
}
