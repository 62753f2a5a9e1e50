//! Timelines, whose newest part is kept in memory as one list.

use super::{ALL, Choice, Part, followed, hidden, of_parts};
use crate::model::{ActionId, Entry, Place, Result, Seq, Sight, Topic, UserId};
use crate::reading::merge::{Strand, merge};
use crate::store::Store;
use crate::store::cache::Head;
use crate::store::feed::Select;
use crate::store::follow::Follows;
use crate::store::list::Stretch;
use crate::store::snapshot::View;
use crate::store::timeline::{Kinds, MERGED, WIDE};
use std::collections::HashSet;
use std::sync::Arc;

/// What is read of a timeline.
pub(super) struct Timeline {
    owner: UserId,
    follows: Arc<Follows>,
    /// A position of the log at which these are the follows.
    seq: Seq,
    hidden: HashSet<Topic>,
    selects: Vec<Select>,
    /// Where kinds alone decide.
    kinds: Option<Kinds>,
    span: (Place, Place),
}

impl Timeline {
    pub(super) async fn new(store: &Store, owner: UserId, sight: &Sight, choice: &Choice) -> Result<Self> {
        let seq = store.log().position().seq;
        Ok(Self {
            owner,
            follows: store.follows(owner).await?,
            seq,
            hidden: hidden(sight),
            selects: choice.selects(false),
            kinds: choice.kinds(false),
            span: choice.span(),
        })
    }

    /// The stretches of topics that it is made of.
    pub(super) fn parts(&self) -> Vec<Part> {
        followed(self.owner, &self.follows, &self.hidden, &self.selects, self.span)
    }

    /// The entries of a stretch: from memory as far as that reaches.
    pub(super) async fn entries(&self, view: &View<'_>, stretch: Stretch) -> Result<Vec<Entry>> {
        let (oldest, newest) = self.span;
        let stretch = Stretch {
            below: stretch.below.min(newest.next(1)),
            above: stretch.above.max(oldest.next(-1)),
            ..stretch
        };
        match self.follows.spans.len() >= WIDE {
            true => self.wide(view, stretch).await,
            false => self.narrow(view, stretch).await,
        }
    }

    /// Of those who follow very many: merged by the database where memory does not reach.
    async fn wide(&self, view: &View<'_>, stretch: Stretch) -> Result<Vec<Entry>> {
        if let Some(kinds) = self.kinds
            && let Some(timeline) = view.timeline(self.owner, kinds).await?
            && let Some(entries) = within(timeline.without(&self.hidden), stretch)
        {
            return Ok(entries);
        }
        let snapshot = view.snapshot().await?;
        let read = snapshot
            .timeline(self.owner, &self.selects, &self.hidden, stretch)
            .await?;
        Ok(read.into_iter().map(|(entry, _)| entry).collect())
    }

    /// Of others: merged of the heads of topics.
    async fn narrow(&self, view: &View<'_>, stretch: Stretch) -> Result<Vec<Entry>> {
        if let Some(kinds) = self.kept_kinds() {
            let kept = match view.merged(self.owner, kinds, self.seq, &self.follows) {
                None if stretch.newest_first && stretch.below == Place::NEWEST => {
                    Some(self.merge(view, kinds, stretch.limit.max(MERGED)).await?)
                }
                kept => kept,
            };
            if let Some(entries) = kept.and_then(|head| within(head, stretch)) {
                return Ok(entries);
            }
        }
        self.read(view, stretch).await
    }

    /// The kinds of the list that is kept, if the stretch can be read from it: it does not know
    /// which topics bring what stands there.
    fn kept_kinds(&self) -> Option<Kinds> {
        let hides_some = self.hidden.iter().any(|topic| self.follows.has(topic));
        self.kinds.filter(|_| self.span == ALL && !hides_some)
    }

    /// Merges the newest part, and keeps it.
    async fn merge(&self, view: &View<'_>, kinds: Kinds, limit: usize) -> Result<Arc<Head>> {
        let newest = Stretch {
            below: Place::NEWEST,
            above: Place::OLDEST,
            newest_first: true,
            limit,
        };
        let entries = self.read(view, newest).await?;
        let whole = entries.len() < limit;
        Ok(view.keep_merged(self.owner, kinds, self.seq, Head { entries, whole }))
    }

    async fn read(&self, view: &View<'_>, stretch: Stretch) -> Result<Vec<Entry>> {
        let parts = self.parts();
        let ranges = parts.iter().map(|part| part.range(stretch.below, stretch.above));
        let mut read = of_parts(view, vec![ranges.collect()], stretch).await?;
        Ok(read.pop().unwrap_or_default())
    }
}

/// A stretch of a list, if the list knows all of it.
fn within(head: Arc<Head>, stretch: Stretch) -> Option<Vec<Entry>> {
    let strand = Strand {
        head,
        below: stretch.below,
        above: stretch.above,
        until: ActionId(i64::MAX),
        not_by: None,
    };
    merge(&[strand], stretch.newest_first, stretch.limit).ok()
}
