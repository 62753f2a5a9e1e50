//! Who does what one process at a time is to do.
//!
//! A lease is a row with its holder and its end, by the database's clock. A holder that dies is
//! followed by another one when its lease ends. One that stood still meanwhile does no harm when it
//! goes on: what is done under a lease may be done twice, and leases only save the work of it.

use super::Store;
use super::tx::Tx;
use crate::model::Result;
use std::time::{Duration, Instant};

/// How long a lease lasts that is not renewed.
pub const TERM: Duration = Duration::from_secs(5);
/// How often those who stand by are to ask.
pub const STAND_BY: Duration = Duration::from_secs(1);

/// One process's claim to a kind of work.
pub struct Lease {
    store: Store,
    work: String,
    holder: i64,
    /// Until when it is surely held, by this process's own watch.
    until: Option<Instant>,
}

impl Store {
    /// A claim that holds nothing yet. `work` names the kind of work.
    #[must_use]
    pub fn lease(&self, work: impl Into<String>) -> Lease {
        Lease {
            store: self.clone(),
            work: work.into(),
            holder: rand::random(),
            until: None,
        }
    }
}

impl Lease {
    /// Whether the work is this process's to do for the next seconds. Asks the database only when
    /// the lease is to be renewed. Where no other process may serve the database, the answer is yes.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn hold(&mut self) -> Result<bool> {
        let now = Instant::now();
        let is_fresh = |until: Instant| until.saturating_duration_since(now) > TERM / 2;
        if !self.store.is_shared() || self.until.is_some_and(is_fresh) {
            return Ok(true);
        }
        let (work, holder) = (self.work.clone(), self.holder);
        let held = self
            .store
            .write_background(move |tx| Box::pin(async move { tx.take_lease(&work, holder).await }))
            .await?;
        self.until = held.then(|| now + TERM);
        Ok(held)
    }

    /// Returns when the work is no longer this process's to do.
    pub async fn lost(&mut self) {
        loop {
            tokio::time::sleep(TERM / 5).await;
            match self.hold().await {
                Ok(true) => {}
                Ok(false) => return,
                // While the database is away nobody else can take it.
                Err(error) => tracing::debug!(?error, "a lease could not be renewed"),
            }
        }
    }

    /// Leaves the work to others.
    pub async fn release(&mut self) {
        if self.until.take().is_none() {
            return;
        }
        let (work, holder) = (self.work.clone(), self.holder);
        let released = self
            .store
            .write_background(move |tx| Box::pin(async move { tx.end_lease(&work, holder).await }))
            .await;
        if let Err(error) = released {
            tracing::debug!(?error, "a lease is left to end by itself");
        }
    }
}

impl Tx {
    async fn take_lease(&self, work: &str, holder: i64) -> Result<bool> {
        let term = i64::try_from(TERM.as_micros()).unwrap_or(i64::MAX);
        let sql = "INSERT INTO lease (work, holder, until) VALUES (?, ?, {now} + ?) \
                   ON CONFLICT (work) DO UPDATE SET holder = excluded.holder, until = excluded.until \
                   WHERE lease.holder = excluded.holder OR lease.until <= {now}";
        let taken = self.execute(sql, [work.into(), holder.into(), term.into()]).await?;
        Ok(taken > 0)
    }

    async fn end_lease(&self, work: &str, holder: i64) -> Result<()> {
        let sql = "DELETE FROM lease WHERE work = ? AND holder = ?";
        self.execute(sql, [work.into(), holder.into()]).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;
    use crate::store::Options;

    #[tokio::test]
    async fn one_holds_it_until_it_gives_it_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("linnet.db").to_string_lossy().into_owned();
        let options = Options::file(path, 1 << 20);
        let store = Store::open(&options, &Metrics::default()).await.unwrap();
        let take = |holder| store.write_background(move |tx| Box::pin(tx.take_lease("work", holder)));
        assert!(take(1).await.unwrap());
        assert!(!take(2).await.unwrap(), "another one has it");
        assert!(take(1).await.unwrap(), "it is renewed");
        let end = |holder| store.write_background(move |tx| Box::pin(tx.end_lease("work", holder)));
        end(2).await.unwrap();
        assert!(!take(2).await.unwrap(), "nobody can end another one's");
        end(1).await.unwrap();
        assert!(take(2).await.unwrap());
    }
}
