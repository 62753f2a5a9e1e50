//! What time does: events, keys and sessions that are no longer kept go.

use super::Social;
use super::tweet::IDEMPOTENCY;
use crate::model::Result;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often there is a look.
const INTERVAL: Duration = Duration::from_secs(60);

/// Keeps house until cancelled. `retention`: how long an event is kept after the next one came.
///
/// # Errors
/// None: what fails is tried again.
pub async fn run(social: Social, retention: Duration, stop: CancellationToken) -> Result<()> {
    let mut ticks = tokio::time::interval(INTERVAL.min(retention.max(Duration::from_millis(100))));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        if let Err(error) = social.keep_house(retention).await {
            tracing::warn!(?error, "housekeeping failed");
        }
    }
}

impl Social {
    async fn keep_house(&self, retention: Duration) -> Result<()> {
        let before = self.store.clock().now().before(retention);
        while self.store.prune_log(before).await? > 0 {}
        while self
            .store
            .write_background(|tx| Box::pin(tx.delete_expired_sessions()))
            .await?
            > 0
        {}
        let keys = self.store.clock().now().before(IDEMPOTENCY);
        while self
            .store
            .write_background(move |tx| Box::pin(tx.forget_posts(keys)))
            .await?
            > 0
        {}
        Ok(())
    }
}
