//! Tells the followers of topics of each event, once the caches have it.

use crate::broker::Followers;
use crate::model::Result;
use crate::store::Store;
use tokio_util::sync::CancellationToken;

/// Pumps until cancelled.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the log can't be read.
pub async fn run(store: Store, followers: Followers, stop: CancellationToken) -> Result<()> {
    let mut positions = store.log().positions();
    let mut sent = positions.borrow_and_update().seq;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            changed = positions.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
            }
        }
        while sent < positions.borrow_and_update().seq {
            match store.log().all_since(sent).await {
                Ok(events) => {
                    let Some(last) = events.last() else { break };
                    followers.publish(&events);
                    sent = last.position.seq;
                }
                Err(error) => {
                    tracing::warn!(?error, "can't read the event log");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }
}
