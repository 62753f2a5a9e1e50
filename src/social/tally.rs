//! Counting in the background what is over, so that readers need not.

use super::Social;
use crate::model::Result;
use crate::model::tally::hour_of;
use crate::store::lease::{Lease, STAND_BY};
use crate::store::tally::Counted;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often there is a look for what is to be counted.
const INTERVAL: Duration = Duration::from_secs(60);
/// How many spans one transaction counts at the most, and for how long.
const SPANS: usize = 100;
const TIME: Duration = Duration::from_millis(20);

/// Counts until cancelled.
///
/// # Errors
/// None: what fails is tried again.
pub async fn run(social: Social, stop: CancellationToken) -> Result<()> {
    // Up to which hour each is counted: what is changed in the past waits for the next hour.
    let mut done = HashMap::new();
    let mut lease = social.store.lease("tallies");
    let mut pause = Duration::ZERO;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
        pause = match social.count_busy(&mut done, Some(&mut lease), &stop).await {
            Ok(true) => INTERVAL,
            Ok(false) => STAND_BY,
            Err(error) => {
                tracing::warn!(?error, "what is over could not be counted");
                INTERVAL
            }
        };
        lease.release().await;
    }
}

impl Social {
    /// Counts everything that is over and not counted yet.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn count_all(&self) -> Result<()> {
        let (mut done, never) = (HashMap::new(), CancellationToken::new());
        self.count_busy(&mut done, None, &never).await.map(drop)
    }

    /// Counts under a lease, where there is one. False when another process does it.
    async fn count_busy(
        &self,
        done: &mut HashMap<Counted, i64>,
        mut lease: Option<&mut Lease>,
        stop: &CancellationToken,
    ) -> Result<bool> {
        let hour = hour_of(self.store.clock().now().0);
        for (counted, by_hour) in self.store.background_snapshot().await?.busy().await? {
            while done.get(&counted) != Some(&hour) && !stop.is_cancelled() {
                if let Some(lease) = &mut lease
                    && !lease.hold().await?
                {
                    return Ok(false);
                }
                let began = Instant::now();
                if self.count_some(counted.clone(), by_hour).await? {
                    done.insert(counted.clone(), hour);
                }
                // As long again for whoever else writes.
                tokio::time::sleep(began.elapsed().min(TIME)).await;
            }
        }
        while self.store.write_background(|tx| Box::pin(tx.forget_hours())).await? > 0 {}
        Ok(true)
    }

    /// Counts some spans of something. True when all are.
    async fn count_some(&self, counted: Counted, by_hour: bool) -> Result<bool> {
        self.store
            .write_background(move |tx| {
                Box::pin(async move {
                    let began = Instant::now();
                    let spans = tx.spans_to_count(&counted, by_hour, SPANS).await?;
                    let is_last = spans.len() < SPANS;
                    for span in spans {
                        if began.elapsed() > TIME {
                            return Ok(false);
                        }
                        tx.count_span(&counted, span).await?;
                    }
                    Ok(is_last)
                })
            })
            .await
    }
}
