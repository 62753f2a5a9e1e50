//! Hands what a node commits over to the others, so that they need not read it from the database.
//!
//! Each node tells the others of its own commits, as they are in the log. Whoever misses one sees
//! that by the next, or hears of it from the database, and reads the log.

use crate::broker::{Broker, Subject};
use crate::model::{Batch, Result};
use crate::store::Store;
use bytes::Bytes;
use futures_util::StreamExt as _;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

/// Relays until cancelled.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the broker is closed.
pub async fn run(store: Store, broker: Arc<dyn Broker>, stop: CancellationToken) -> Result<()> {
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        () = tell(&store, &*broker) => Ok(()),
        () = expect(&store, &*broker) => Ok(()),
        ended = listen(&store, &*broker) => ended,
    }
}

/// Tells other nodes what this one commits.
async fn tell(store: &Store, broker: &dyn Broker) {
    let mut committed = store.log().committed();
    loop {
        match committed.recv().await {
            Ok(batch) => {
                if let Some(message) = encode(batch, broker.longest()) {
                    // What can't go now is read from the log by whoever needs it.
                    broker.send(Subject::Events, message);
                }
            }
            Err(RecvError::Lagged(missed)) => tracing::debug!(missed, "commits that other nodes were not told of"),
            Err(RecvError::Closed) => return,
        }
    }
}

/// Takes what other nodes tell.
async fn listen(store: &Store, broker: &dyn Broker) -> Result<()> {
    let mut messages = broker.messages(Subject::Events).await?;
    while let Some(message) = messages.next().await {
        match serde_json::from_slice(&message) {
            Ok(batch) => log(store.log().hand_over(batch).await),
            // A later version's: what it says comes through the database.
            Err(error) => tracing::debug!(%error, "a node's message can't be read"),
        }
    }
    Ok(())
}

/// Lets the log expect events as long as the broker carries any. What was missed is read.
async fn expect(store: &Store, broker: &dyn Broker) {
    let mut connected = broker.connected();
    loop {
        let is_connected = *connected.borrow_and_update();
        store.log().expect_events(is_connected);
        if is_connected {
            log(store.log().catch_up().await);
        }
        if connected.changed().await.is_err() {
            return;
        }
    }
}

fn log(read: Result<()>) {
    if let Err(error) = read {
        tracing::warn!(?error, "can't read the event log");
    }
}

/// A message with the events of a batch, or without them where they are too long.
fn encode(mut batch: Batch, longest: usize) -> Option<Bytes> {
    let whole = serde_json::to_vec(&batch).ok()?;
    if whole.len() <= longest {
        return Some(whole.into());
    }
    batch.events.clear();
    serde_json::to_vec(&batch).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Event, EventKind, Micros, NewEvent, Position};

    fn batch(events: i64) -> Batch {
        let position = |seq| Position { seq, nonce: 7 };
        let event = |seq| Event {
            position: position(seq),
            at: Micros(seq),
            body: NewEvent::new(EventKind::Like),
        };
        Batch {
            after: position(10),
            events: (11..=10 + events).map(event).map(Arc::new).collect(),
            last: 10 + events,
        }
    }

    #[test]
    fn what_is_too_long_goes_as_its_last_number() {
        let read = |message: Bytes| serde_json::from_slice::<Batch>(&message).unwrap();
        assert_eq!(read(encode(batch(3), 1_000).unwrap()), batch(3));
        let short = read(encode(batch(300), 1_000).unwrap());
        assert!(short.events.is_empty());
        assert_eq!((short.after.seq, short.last), (10, 310));
    }
}
