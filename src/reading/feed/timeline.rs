//! The timelines of those who follow very many.

use super::{Choice, Part, followed, hidden};
use crate::model::{ActionId, Entry, Place, Result, Sight, Topic, UserId};
use crate::reading::merge::{Strand, merge};
use crate::store::feed::Select;
use crate::store::follow::Follows;
use crate::store::list::Stretch;
use crate::store::snapshot::View;
use crate::store::timeline::Kinds;
use std::collections::HashSet;
use std::sync::Arc;

/// What is read of a timeline that is kept in memory as one list.
pub(super) struct Wide {
    owner: UserId,
    follows: Arc<Follows>,
    hidden: HashSet<Topic>,
    selects: Vec<Select>,
    /// Where kinds alone decide.
    kinds: Option<Kinds>,
    span: (Place, Place),
}

impl Wide {
    pub(super) fn new(owner: UserId, follows: Arc<Follows>, sight: &Sight, choice: &Choice) -> Self {
        Self {
            owner,
            follows,
            hidden: hidden(sight),
            selects: choice.selects(false),
            kinds: choice.kinds(false),
            span: choice.span(),
        }
    }

    /// The stretches of topics that it is made of.
    pub(super) fn parts(&self) -> Vec<Part> {
        followed(self.owner, &self.follows, &self.hidden, &self.selects, self.span)
    }

    /// The entries of a stretch: from memory as far as that reaches, else merged by the database.
    pub(super) async fn entries(&self, view: &View<'_>, stretch: Stretch) -> Result<Vec<Entry>> {
        let (oldest, newest) = self.span;
        let stretch = Stretch {
            below: stretch.below.min(newest.next(1)),
            above: stretch.above.max(oldest.next(-1)),
            ..stretch
        };
        if let Some(kinds) = self.kinds
            && let Some(timeline) = view.timeline(self.owner, kinds).await?
        {
            let strand = Strand {
                head: timeline.without(&self.hidden),
                below: stretch.below,
                above: stretch.above,
                until: ActionId(i64::MAX),
                not_by: None,
            };
            if let Ok(entries) = merge(&[strand], stretch.newest_first, stretch.limit) {
                return Ok(entries);
            }
        }
        let snapshot = view.snapshot().await?;
        let read = snapshot
            .timeline(self.owner, &self.selects, &self.hidden, stretch)
            .await?;
        Ok(read.into_iter().map(|(entry, _)| entry).collect())
    }
}
