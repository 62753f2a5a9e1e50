//! Counting in the background what is over, so that readers need not.

use super::Social;
use crate::model::Result;
use crate::model::tally::hour_of;
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
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // Up to which hour each is counted: what is changed in the past waits for the next hour.
    let mut done = HashMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        if let Err(error) = social.count_busy(&mut done, &stop).await {
            tracing::warn!(?error, "what is over could not be counted");
        }
    }
}

impl Social {
    /// Counts everything that is over and not counted yet.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn count_all(&self) -> Result<()> {
        self.count_busy(&mut HashMap::new(), &CancellationToken::new()).await
    }

    async fn count_busy(&self, done: &mut HashMap<Counted, i64>, stop: &CancellationToken) -> Result<()> {
        let hour = hour_of(self.store.clock().now().0);
        for (counted, by_hour) in self.store.background_snapshot().await?.busy().await? {
            while done.get(&counted) != Some(&hour) && !stop.is_cancelled() {
                let began = Instant::now();
                if self.count_some(counted.clone(), by_hour).await? {
                    done.insert(counted.clone(), hour);
                }
                // As long again for whoever else writes.
                tokio::time::sleep(began.elapsed().min(TIME)).await;
            }
        }
        while self.store.write_background(|tx| Box::pin(tx.forget_hours())).await? > 0 {}
        Ok(())
    }

    /// Counts some spans of something. True when all are.
    async fn count_some(&self, counted: Counted, by_hour: bool) -> Result<bool> {
        self.store
            .write_background(move |tx| {
                Box::pin(async move {
                    let began = Instant::now();
                    let spans = tx.uncounted(&counted, by_hour, SPANS).await?;
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
