//! What of the log is other processes'.

use super::super::{Options, Store};
use crate::metrics::Metrics;
use crate::model::{Event, EventKind, Micros, NewEvent};
use std::sync::Arc;
use tempfile::TempDir;

async fn open(folder: &TempDir, metrics: &Metrics) -> Store {
    let path = folder.path().join("linnet.db").to_string_lossy().into_owned();
    Store::open(&Options::file(path, 1 << 20), metrics).await.unwrap()
}

/// One event more; where it stands.
async fn commit(store: &Store) -> Arc<Event> {
    let write = |tx: &super::super::tx::Tx| tx.emit(NewEvent::new(EventKind::Import));
    store
        .write(move |tx| {
            write(tx);
            Box::pin(async { Ok(()) })
        })
        .await
        .unwrap();
    Arc::new(Event {
        position: store.log().position(),
        at: Micros(0),
        body: NewEvent::new(EventKind::Import),
    })
}

/// An event that this process has just committed may be read before it is taken: that is no news of
/// another process.
#[tokio::test]
async fn ones_own_events_are_no_holes() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = Metrics::default();
    let (server, other) = (open(&folder, &metrics).await, open(&folder, &Metrics::default()).await);
    let own = commit(&other).await;
    server.log().commits(&[own]);
    server.log().catch_up().await.unwrap();
    assert_eq!(server.log().position(), other.log().position());
    assert_eq!(metrics.log_holes.get(), 0);
    commit(&other).await;
    server.log().catch_up().await.unwrap();
    assert_eq!(server.log().position(), other.log().position());
    assert_eq!(metrics.log_holes.get(), 1);
}

/// A snapshot that shows an event before it is brought has found no hole either.
#[tokio::test]
async fn what_is_seen_early_is_no_hole() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = Metrics::default();
    let (server, other) = (open(&folder, &metrics).await, open(&folder, &Metrics::default()).await);
    commit(&other).await;
    drop(server.snapshot().await.unwrap());
    assert_eq!(server.log().position(), other.log().position());
    assert_eq!(metrics.log_holes.get(), 0);
}
