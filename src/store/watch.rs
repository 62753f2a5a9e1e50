//! Notices what other processes commit to the same database.

use super::Store;
use super::pool::{self, Role, connect};
use super::postgres::{self, Commit};
use crate::config::DatabaseUrl;
use crate::model::Result;
use sea_orm::DatabaseConnection;
use sea_orm::sqlx::postgres::PgListener;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How often SQLite is asked whether the file has changed: the question reads no page.
const INTERVAL: Duration = Duration::from_millis(25);
/// How often the log is read though PostgreSQL has told of nothing.
const RARELY: Duration = Duration::from_secs(1);

/// Looks after other processes' commits until cancelled.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database can't be opened.
pub async fn run(store: Store, database: DatabaseUrl, stop: CancellationToken) -> Result<()> {
    let db = connect(&database, Role::Watcher).await?;
    let watching = async {
        match database {
            DatabaseUrl::Sqlite(_) => poll(&store, &db).await,
            DatabaseUrl::Postgres(_) => listen(&store, &db).await,
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = watching => {}
    }
    Ok(db.close().await?)
}

async fn poll(store: &Store, db: &DatabaseConnection) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = None;
    loop {
        ticks.tick().await;
        let version = match pool::ask(db, "PRAGMA data_version", Vec::new()).await {
            Ok(rows) => rows.first().and_then(|row| row.try_get_by_index::<i64>(0).ok()),
            Err(error) => {
                tracing::warn!(?error, "can't see whether another process has written");
                continue;
            }
        };
        if version != seen && catch_up(store).await {
            seen = version;
        }
    }
}

/// What is told while nobody listens is lost, so the log is read whenever listening begins anew,
/// and now and then in any case.
async fn listen(store: &Store, db: &DatabaseConnection) {
    loop {
        match postgres::listen(db).await {
            Ok(mut listener) => follow(store, &mut listener).await,
            Err(error) => tracing::warn!(?error, "can't listen to what others commit"),
        }
        catch_up(store).await;
        tokio::time::sleep(RARELY).await;
    }
}

/// Reads the log as commits are told of, and hands on what other processes say, until the
/// connection is lost.
async fn follow(store: &Store, listener: &mut PgListener) {
    catch_up(store).await;
    loop {
        match tokio::time::timeout(RARELY, listener.try_recv()).await {
            Ok(Ok(Some(news))) if news.channel() == postgres::NOTICES => store.notices().hear(news.payload()),
            Ok(Ok(Some(news))) => hear(store, news.payload()).await,
            Ok(Ok(None)) => return,
            Ok(Err(error)) => {
                tracing::warn!(%error, "can't listen to what others commit");
                return;
            }
            Err(_) => drop(catch_up(store).await),
        }
    }
}

/// Takes what a process has committed. What this one commits it takes by itself.
async fn hear(store: &Store, commit: &str) {
    let Some(commit) = Commit::parse(commit) else { return };
    if commit.process == store.log().process() {
        return;
    }
    if let Err(error) = store.log().hear(commit.last, commit.is_handed_over).await {
        tracing::warn!(?error, "can't read the event log");
    }
}

async fn catch_up(store: &Store) -> bool {
    let caught_up = store.log().catch_up().await;
    if let Err(error) = &caught_up {
        tracing::warn!(?error, "can't read the event log");
    }
    caught_up.is_ok()
}
