//! Lists that have rows of their own.

use super::page::{Scanned, Source};
use super::visible;
use crate::model::{Entity, Result, Sight};
use crate::store::Store;
use crate::store::list::{List, ListKind, Stretch};

/// Lists of one kind, of many owners.
pub struct Lists<'a> {
    /// Where they are.
    pub store: &'a Store,
    /// What may be seen of them.
    pub sight: &'a Sight,
    /// Of which kind.
    pub kind: ListKind,
    /// Whose.
    pub lists: &'a [List],
}

impl Source for Lists<'_> {
    type Item = Entity;

    fn count(&self) -> usize {
        self.lists.len()
    }

    fn newest_first(&self) -> bool {
        self.kind != ListKind::Replies
    }

    async fn scan(&self, which: &[usize], stretch: Stretch) -> Result<Vec<Vec<Scanned<Entity>>>> {
        let lists: Vec<&List> = which.iter().filter_map(|list| self.lists.get(*list)).collect();
        let view = self.store.view();
        let found = view.snapshot().await?.lists(self.kind, &lists, stretch).await?;
        let items: Vec<&Entity> = found.iter().flatten().map(|item| &item.entity).collect();
        let all = self.sight.of_all();
        let sight = if self.kind.lists_hidden() { &all } else { self.sight };
        let seen = visible::entities(&view, sight, self.kind.holds_tweets(), &items).await?;
        let scanned = |items: Vec<crate::store::list::Item>| {
            items
                .into_iter()
                .map(|item| Scanned {
                    place: item.place,
                    item: seen.has(&item.entity).then_some(item.entity),
                })
                .collect()
        };
        Ok(found.into_iter().map(scanned).collect())
    }
}
