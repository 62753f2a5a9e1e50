//! How a SQLite file is opened, migrated and locked.

use super::pool::{Role, sqlx_error};
use crate::model::{Error, Result};
use migration::MigratorTrait;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use std::time::{Duration, Instant};
use std::{fs, io};

/// How long another process may keep the lock.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn connect(path: &str, role: Role) -> Result<DatabaseConnection> {
    let mut options = role.options("sqlite:");
    let file = path.to_owned();
    options
        .acquire_timeout(Duration::from_secs(10))
        .map_sqlx_sqlite_opts(move |options| pragmas(options.filename(&file), role));
    Ok(Database::connect(options).await?)
}

fn pragmas(options: SqliteConnectOptions, role: Role) -> SqliteConnectOptions {
    let writes = matches!(role, Role::Writer | Role::Migrator);
    // Nothing is mapped: that counts as the process's memory, once for each connection. What is read
    // often is in the caches, the rest in the system's.
    let cached = if writes { "-48000" } else { "-4000" };
    options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(30))
        .foreign_keys(false)
        .statement_cache_capacity(256)
        .pragma("query_only", if writes { "0" } else { "1" })
        .pragma("temp_store", "memory")
        .pragma("mmap_size", "0")
        .pragma("cache_size", cached)
        // 64 MB: what is written again and again goes to the file the less often.
        .pragma("wal_autocheckpoint", "16000")
        .pragma("journal_size_limit", "100663296")
}

/// Brings the schema up to date.
pub(super) async fn migrate(db: &DatabaseConnection) -> Result<()> {
    migration::Migrator::up(db, None).await?;
    look_often(db).await
}

/// Makes a connection ask for the lock every millisecond or two, and answer soon that it has
/// none. SQLite by itself asks ten times a second in the end, and then hardly ever meets the
/// pauses of a process that writes much.
async fn look_often(db: &DatabaseConnection) -> Result<()> {
    db.execute_unprepared("PRAGMA busy_timeout = 5").await?;
    Ok(())
}

/// Begins to write, when no other process does.
pub(super) async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction> {
    let waiting = Instant::now();
    loop {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        match db.begin_with_options(options).await {
            Err(error) if is_locked(&error) && waiting.elapsed() < PATIENCE => {}
            begun => return Ok(begun?),
        }
    }
}

/// Whether another connection has the lock.
fn is_locked(error: &DbErr) -> bool {
    let code = sqlx_error(error)
        .and_then(|cause| cause.as_database_error())
        .and_then(|error| error.code());
    code.and_then(|code| code.parse::<i32>().ok())
        .is_some_and(|code| code & 0xFF == 5)
}

/// Makes sure that this is the only process that serves the file: two would each keep caches
/// of what the other writes. The lock is the kernel's and goes with the process.
///
/// # Errors
/// [`Error::Internal`] when another process has it.
pub fn lock(path: &str) -> Result<fs::File> {
    let file = fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(lock_name(path))
        .map_err(Error::internal)?;
    // Somebody may just be looking whether the file is served.
    for _ in 0..20 {
        if file.try_lock().is_ok() {
            return Ok(file);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(Error::internal("another `linnet serve` has this database open"))
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
