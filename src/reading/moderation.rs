//! The trail of what moderators did. Nothing in it is hidden from who may read it.

use super::page::{Scanned, Source, pages};
use crate::model::page::Page;
use crate::model::{Result, UserId, Window};
use crate::store::Store;
use crate::store::list::Stretch;
use crate::store::moderation::Act;

/// A page of what was done, to everybody and everything or to one user, newest first.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn acts(store: &Store, to: Option<UserId>, window: Window) -> Result<Page<Act>> {
    let pages = pages(&Trail { store, to }, window).await?;
    Ok(pages.into_iter().next().unwrap_or_default())
}

struct Trail<'a> {
    store: &'a Store,
    to: Option<UserId>,
}

impl Source for Trail<'_> {
    type Item = Act;

    fn count(&self) -> usize {
        1
    }

    async fn scan(&self, _: &[usize], stretch: Stretch) -> Result<Vec<Vec<Scanned<Act>>>> {
        let found = self.store.snapshot().await?.moderation(self.to, stretch).await?;
        let scanned = |act: Act| Scanned {
            place: act.place,
            item: Some(act),
        };
        Ok(vec![found.into_iter().map(scanned).collect()])
    }
}
