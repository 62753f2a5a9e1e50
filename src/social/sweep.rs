//! What goes on in the background: what is deleted, and hidden already, loses its rows step by step,
//! and counts come to leave out who is banned.

use super::Social;
use super::tweet::remove;
use crate::model::{Reaction, Result, UserId};
use crate::store::lease::{Lease, STAND_BY};
use crate::store::sweep::Sweep;
use crate::store::tx::Tx;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How many of a deleted user's tweets one step takes away.
const TWEETS: i64 = 50;
/// How long to wait after a failure, or for another process's deletions.
const PAUSE: Duration = Duration::from_secs(5);

/// Sweeps until cancelled.
///
/// # Errors
/// None: what fails is tried again.
pub async fn run(social: Social, stop: CancellationToken) -> Result<()> {
    let mut lease = social.store.lease("sweep");
    while !stop.is_cancelled() {
        let pause = match social.sweep_once(&mut lease).await {
            Ok(None) => continue,
            Ok(Some(pause)) => pause,
            Err(error) => {
                tracing::warn!(?error, "a deletion could not go on");
                PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = social.sweeping.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    lease.release().await;
    Ok(())
}

impl Social {
    /// One step of each sweep that there is. How long to wait before the next one.
    async fn sweep_once(&self, lease: &mut Lease) -> Result<Option<Duration>> {
        let sweeps = self.store.sweeps().await?;
        if sweeps.is_empty() {
            lease.release().await;
            return Ok(Some(PAUSE));
        }
        for sweep in sweeps {
            if !lease.hold().await? {
                return Ok(Some(STAND_BY));
            }
            self.step(sweep).await?;
        }
        Ok(None)
    }

    async fn step(&self, sweep: Sweep) -> Result<()> {
        self.store
            .write_background(move |tx| {
                Box::pin(async move {
                    if let Sweep::Ban(user) = sweep {
                        return super::ban::step(tx, user).await;
                    }
                    for reaction in Reaction::ALL {
                        if tx.sweep_reactions(sweep, reaction).await? > 0 {
                            return Ok(());
                        }
                    }
                    let goes_on = match sweep {
                        Sweep::Tweet(_) | Sweep::Ban(_) => false,
                        Sweep::User(user) => user_step(tx, user).await?,
                        Sweep::Wall(wall) => tx.sweep_wall(wall).await? > 0,
                    };
                    if goes_on {
                        return Ok(());
                    }
                    tx.finish_sweep(sweep).await
                })
            })
            .await
    }
}

/// Takes away something of a deleted user. False when nothing is left.
async fn user_step(tx: &Tx, user: UserId) -> Result<bool> {
    let tweets = tx.tweets_to_sweep(user, TWEETS).await?;
    for tweet in tx.tweets_as_they_are(&tweets).await?.values() {
        remove(tx, tweet).await?;
    }
    if !tweets.is_empty() {
        return Ok(true);
    }
    Ok(tx.sweep_following(user).await? > 0
        || tx.sweep_followers(user).await? > 0
        || tx.sweep_mentions(user).await? > 0
        || tx.sweep_actions(user).await? > 0
        || tx.sweep_relations(user).await? > 0
        || tx.sweep_notifications(user).await? > 0)
}
