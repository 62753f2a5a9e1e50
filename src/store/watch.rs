//! Notices what other processes commit to the same file.

use super::Store;
use super::dialect::statement;
use super::sqlite::{Role, connect};
use crate::model::Result;
use sea_orm::ConnectionTrait;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often SQLite is asked whether the file has changed: the question reads no page.
const INTERVAL: Duration = Duration::from_millis(25);

/// Looks after other processes' commits until cancelled.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database can't be opened.
pub async fn run(store: Store, path: String, stop: CancellationToken) -> Result<()> {
    let db = connect(&path, Role::Watcher).await?;
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut seen = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(db.close().await?),
            _ = ticks.tick() => {}
        }
        let question = statement(db.get_database_backend(), "PRAGMA data_version", []);
        let version = match db.query_one_raw(question).await {
            Ok(row) => row.and_then(|row| row.try_get_by_index::<i64>(0).ok()),
            Err(error) => {
                tracing::warn!(%error, "can't see whether another process has written");
                continue;
            }
        };
        if version != seen {
            match store.log().catch_up().await {
                Ok(()) => seen = version,
                Err(error) => tracing::warn!(?error, "can't read the event log"),
            }
        }
    }
}
