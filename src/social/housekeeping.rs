//! What time does: events, keys and sessions that are no longer kept go.

use super::Social;
use super::tweet::IDEMPOTENCY;
use crate::model::Result;
use crate::store::lease::{Lease, STAND_BY};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often there is a look.
const INTERVAL: Duration = Duration::from_secs(60);

/// Keeps house until cancelled. `retention`: how long an event is kept after the next one came.
///
/// # Errors
/// None: what fails is tried again.
pub async fn run(social: Social, retention: Duration, stop: CancellationToken) -> Result<()> {
    let interval = INTERVAL.min(retention.max(Duration::from_millis(100)));
    let mut lease = social.store.lease("housekeeping");
    let mut pause = Duration::ZERO;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
        // Each process has its own memory of the log.
        social.store.log().forget(social.store.clock().now().before(retention));
        pause = match social.keep_house(retention, &mut lease).await {
            Ok(true) => interval,
            Ok(false) => STAND_BY.max(interval),
            Err(error) => {
                tracing::warn!(?error, "housekeeping failed");
                interval
            }
        };
        lease.release().await;
    }
}

impl Social {
    /// Takes away what is no longer kept. False when another process does it.
    async fn keep_house(&self, retention: Duration, lease: &mut Lease) -> Result<bool> {
        let now = self.store.clock().now();
        let (events, keys) = (now.before(retention), now.before(IDEMPOTENCY));
        while lease.hold().await? {
            let pruned = self.store.prune_log(events).await?;
            let forgotten = self.store.write_background(move |tx| {
                Box::pin(async move {
                    let sessions = tx.delete_expired_sessions().await?;
                    Ok(sessions + tx.forget_posts(keys).await? + tx.forget_rates().await?)
                })
            });
            if pruned + forgotten.await? == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
