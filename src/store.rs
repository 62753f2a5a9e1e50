//! The only place with SQL. SeaORM's types do not leave it.
//!
//! - Writes go through one [`writer`], which commits together what has queued up.
//! - Reads are made in short [`snapshot::Snapshot`]s and kept in [`cache::Caches`], which the
//!   events of the [`log`] correct: a commit is applied to them before it is answered.
//! - What another process commits to the same database is noticed by [`watch`] and taken from the log.

pub mod cache;
pub mod condition;
mod dialect;
mod entity;
pub mod known;
pub mod log;
mod pool;
mod postgres;
mod prepared;
pub mod snapshot;
pub mod sqlite;
pub mod tx;
pub mod watch;
pub mod writer;

pub mod action;
pub mod ban;
pub mod bulk;
pub mod export;
pub mod fact;
pub mod feed;
pub mod follow;
mod fresh;
pub mod group;
pub mod hashtag;
pub mod idempotency;
pub mod ingest;
pub mod lease;
pub mod list;
pub mod mark;
pub mod moderation;
pub mod notice;
pub mod notices;
mod notification;
pub mod object;
pub mod rate;
pub mod reaction;
pub mod rebuild;
pub mod relation;
pub mod retweeted;
pub mod rows;
pub mod script;
pub mod search;
pub mod session;
pub mod stage;
pub mod sweep;
pub mod tally;
pub mod timeline;
pub mod tombstone;
pub mod tweet;
pub mod user;
pub mod wall;

use crate::config::DatabaseUrl;
use crate::metrics::Metrics;
use crate::model::{Clock, Error, Result};
use crate::trace;
use cache::Caches;
use log::Log;
use notices::Notices;
use pool::{Role, connect};
use sea_orm::{DatabaseConnection, DbBackend};
use snapshot::Snapshot;
use std::sync::Arc;
use writer::Writer;

/// What a store is opened with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the data is.
    pub database: DatabaseUrl,
    /// What the caches may hold together, in bytes.
    pub memory: usize,
}

impl Options {
    /// A SQLite file.
    #[must_use]
    pub fn file(path: impl Into<String>, memory: usize) -> Self {
        Self {
            database: DatabaseUrl::Sqlite(path.into()),
            memory,
        }
    }
}

/// The database, with what the process keeps of it in memory. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    readers: DatabaseConnection,
    background: DatabaseConnection,
    writer: Writer,
    writing: DatabaseConnection,
    log: Log,
    notices: Notices,
    caches: Arc<Caches>,
    clock: Clock,
    database: DatabaseUrl,
}

impl Store {
    /// Opens the database, made when missing, and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Internal`] when it can't be opened or migrated.
    pub async fn open(options: &Options, metrics: &Metrics) -> Result<Self> {
        let database = &options.database;
        let writing = connect(database, Role::Writer).await?;
        match database {
            DatabaseUrl::Sqlite(_) => sqlite::migrate(&writing).await?,
            DatabaseUrl::Postgres(url) => postgres::migrate(url).await?,
        }
        let background = connect(database, Role::Readers).await?;
        let mut readers = background.clone();
        let statements = metrics.sql_statements.clone();
        readers.set_metric_callback(move |done| {
            statements.inc();
            note(done);
        });
        let clock = Clock;
        let caches = Arc::new(Caches::new(options.memory));
        let taker = connect(database, Role::Log).await?;
        let log = Log::open(background.clone(), taker, Arc::clone(&caches), metrics.clone()).await?;
        let writer = Writer::start(writing.clone(), log.clone(), Arc::clone(&caches), metrics);
        let is_shared = writing.get_database_backend() != DbBackend::Sqlite;
        let notices = Notices::start(background.clone(), is_shared, log.process());
        Ok(Self(Arc::new(Inner {
            readers,
            background,
            writer,
            writing,
            log,
            notices,
            caches,
            clock,
            database: options.database.clone(),
        })))
    }

    /// The event log.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.0.log
    }

    /// What is kept in memory.
    #[must_use]
    pub fn caches(&self) -> &Caches {
        &self.0.caches
    }

    /// Where "now" comes from.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.0.clock
    }

    /// A consistent view of the database, which the caches have reached.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database is out of reach.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        // All that is looked up together looks into memory before one of them reads: what the others
        // find there, and so how many statements they run, must not depend on who is faster.
        tokio::task::yield_now().await;
        Snapshot::open(&self.0.readers, &self.0.log).await
    }

    /// A view for background work, whose statements are not counted as a request's.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database is out of reach.
    pub async fn background_snapshot(&self) -> Result<Snapshot> {
        Snapshot::open(&self.0.background, &self.0.log).await
    }

    /// Whether others wait while one writes: a server that has the file open, or other nodes.
    #[must_use]
    pub fn is_served(&self) -> bool {
        match &self.0.database {
            DatabaseUrl::Sqlite(path) => sqlite::is_served(path).unwrap_or(true),
            DatabaseUrl::Postgres(_) => true,
        }
    }

    /// What tells this installation from others.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn installation(&self) -> Result<String> {
        let rows = self
            .background_snapshot()
            .await?
            .rows("SELECT uuid FROM installation", [])
            .await?;
        let row = rows
            .first()
            .ok_or_else(|| Error::internal("the installation has no number"))?;
        Ok(row.try_get_by_index(0)?)
    }

    /// Whether several processes may serve the database at the same time.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.0.writing.get_database_backend() != DbBackend::Sqlite
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`Error::Internal`] when it does not.
    pub async fn ready(&self) -> Result<()> {
        pool::ask(&self.0.background, "SELECT 1", Vec::new()).await?;
        Ok(())
    }

    /// Closes the database, once what is under way is done. The last connection to a file to go moves
    /// the write-ahead log into it, so that the file alone is everything.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn close(&self) -> Result<()> {
        self.0.background.close_by_ref().await?;
        self.0.log.close().await?;
        Ok(self.0.writing.close_by_ref().await?)
    }

    fn writer(&self) -> &Writer {
        &self.0.writer
    }
}

/// Puts a statement into the trace of what it is for.
fn note(done: &sea_orm::metric::Info<'_>) {
    let system = match done.statement.db_backend {
        DbBackend::Postgres => "postgresql",
        _ => "sqlite",
    };
    trace::statement(&trace::Statement {
        text: &done.statement.sql,
        system,
        elapsed: done.elapsed,
        failed: done.failed,
    });
}

impl From<sea_orm::DbErr> for Error {
    fn from(cause: sea_orm::DbErr) -> Self {
        Self::internal(cause)
    }
}
