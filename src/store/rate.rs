//! What was taken of rates that hold for all nodes together.

use super::Store;
use super::tx::Tx;
use crate::model::Result;
use std::time::Duration;

/// Something that is taken of a rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Whose rate of what it is.
    pub name: String,
    /// How long it takes until that much is there again.
    pub price: Duration,
    /// How long it takes until all is there again that there ever is.
    pub most: Duration,
}

impl Store {
    /// Takes shares one after the other, up to the first that is not there. How long to wait until it
    /// is, with its place in the list.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn take_shares(&self, shares: Vec<Share>) -> Result<Result<(), (usize, Duration)>> {
        self.write_background(move |tx| {
            Box::pin(async move {
                for (place, share) in shares.iter().enumerate() {
                    if let Err(wait) = tx.take_share(share).await? {
                        return Ok(Err((place, wait)));
                    }
                }
                Ok(Ok(()))
            })
        })
        .await
    }

    /// Puts back what was taken.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn put_share_back(&self, share: Share) -> Result<()> {
        self.write_background(move |tx| {
            Box::pin(async move {
                let sql = "UPDATE rate SET full_at = full_at - ? WHERE name = ?";
                tx.execute(sql, [micros(share.price).into(), share.name.into()]).await?;
                Ok(())
            })
        })
        .await
    }
}

impl Tx {
    async fn take_share(&self, share: &Share) -> Result<Result<(), Duration>> {
        let (price, most) = (micros(share.price), micros(share.most));
        let sql = "SELECT {now}, (SELECT full_at FROM rate WHERE name = ?)";
        let rows = self.rows(sql, [share.name.as_str().into()]).await?;
        let row = rows
            .first()
            .ok_or_else(|| crate::model::Error::internal("no row came back"))?;
        let (now, full_at): (i64, Option<i64>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let later = full_at.unwrap_or_default().max(now).saturating_add(price);
        let wait = later.saturating_sub(now).saturating_sub(most);
        if wait > 0 {
            return Ok(Err(Duration::from_micros(wait.unsigned_abs())));
        }
        let sql = "INSERT INTO rate (name, full_at) VALUES (?, ?) \
                   ON CONFLICT (name) DO UPDATE SET full_at = excluded.full_at";
        self.execute(sql, [share.name.as_str().into(), later.into()]).await?;
        Ok(Ok(()))
    }

    /// Forgets rates of which all is there again, at most 500. Returns how many.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn forget_rates(&self) -> Result<u64> {
        let sql = "DELETE FROM rate WHERE name IN (SELECT name FROM rate WHERE full_at <= {now} LIMIT 500)";
        self.execute(sql, []).await
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;
    use crate::store::Options;

    #[tokio::test]
    async fn what_is_taken_is_taken_for_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("linnet.db").to_string_lossy().into_owned();
        let options = Options::file(path, 1 << 20);
        let store = Store::open(&options, &Metrics::default()).await.unwrap();
        let share = |name: &str| Share {
            name: name.to_owned(),
            price: Duration::from_secs(600),
            most: Duration::from_secs(1_800),
        };
        let (one, other) = (share("one"), share("other"));
        let twice = store.take_shares(vec![one.clone(), one.clone()]).await.unwrap();
        assert_eq!(twice, Ok(()));
        let third = store
            .take_shares(vec![one.clone(), one.clone(), other.clone()])
            .await
            .unwrap();
        let Err((1, wait)) = third else { panic!("{third:?}") };
        assert!(
            wait > Duration::from_secs(590) && wait <= Duration::from_secs(600),
            "{wait:?}"
        );
        store.put_share_back(one.clone()).await.unwrap();
        assert_eq!(store.take_shares(vec![other, one]).await.unwrap(), Ok(()));
        let forgotten = store.write_background(|tx| Box::pin(tx.forget_rates())).await.unwrap();
        assert_eq!(forgotten, 0, "all of neither is there again");
    }
}
