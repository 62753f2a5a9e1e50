//! From scans to pages: a page's ends are exact, however many items are hidden between.

use crate::model::page::Page;
use crate::model::{Place, Result, Window};
use crate::store::list::Stretch;
use std::future::Future;

/// How many hidden items in a row a page looks past before it may end short.
pub const PAST: usize = 1_000;

/// An item that a scan came by.
#[derive(Clone, Debug)]
pub struct Scanned<T> {
    /// Where it stands.
    pub place: Place,
    /// None where it is hidden from whoever asks.
    pub item: Option<T>,
}

/// Lists that are read together, each its own.
pub trait Source: Sync {
    /// What stands in them.
    type Item: Clone + Send + Sync;

    /// How many lists.
    fn count(&self) -> usize;

    /// Whether the lists begin with the newest.
    fn newest_first(&self) -> bool {
        true
    }

    /// How many hidden items in a row are looked past.
    fn past(&self) -> usize {
        PAST
    }

    /// How far a list is scanned for a number of items that may be seen: as few steps as needed.
    fn steps(&self, size: usize) -> Vec<usize> {
        vec![size + 1, size + 1 + self.past()]
    }

    /// A stretch of some of the lists, in the stretch's order. Fewer than its limit: that was all.
    fn scan(
        &self,
        which: &[usize],
        stretch: Stretch,
    ) -> impl Future<Output = Result<Vec<Vec<Scanned<Self::Item>>>>> + Send;
}

/// Which way a scan goes from a cursor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Toward {
    Start,
    End,
}

/// The window of each list. The number of scans depends on the window, and on whether hidden
/// items have to be looked past, never on the number of lists or their length.
///
/// # Errors
/// What the scans answer.
pub async fn pages<S: Source>(source: &S, window: Window) -> Result<Vec<Page<S::Item>>> {
    let toward = if window.from_end { Toward::Start } else { Toward::End };
    let all: Vec<usize> = (0..source.count()).collect();
    let found = collect(
        source,
        &all,
        bounds(source, window.after, window.before),
        toward,
        window.size,
    )
    .await?;
    let before_start = exists(source, &all, window.after, Toward::Start).await?;
    let behind_end = exists(source, &all, window.before, Toward::End).await?;
    Ok(found
        .into_iter()
        .zip(before_start.into_iter().zip(behind_end))
        .map(|(found, (before_start, behind_end))| {
            let mut items = found.items;
            if window.from_end {
                items.reverse();
            }
            Page {
                items,
                has_next: behind_end || (found.more && !window.from_end),
                has_previous: before_start || (found.more && window.from_end),
                resume: found.resume,
            }
        })
        .collect())
}

/// What was found of one list.
struct Found<T> {
    items: Vec<(Place, T)>,
    more: bool,
    /// Whether only a longer scan can tell if there is more.
    unsure: bool,
    resume: Option<Place>,
}

/// The places between two cursors, exclusive: (below, above).
fn bounds<S: Source>(source: &S, after: Option<Place>, before: Option<Place>) -> (Place, Place) {
    let (below, above) = if source.newest_first() {
        (after, before)
    } else {
        (before, after)
    };
    (below.unwrap_or(Place::NEWEST), above.unwrap_or(Place::OLDEST))
}

async fn collect<S: Source>(
    source: &S,
    which: &[usize],
    (below, above): (Place, Place),
    toward: Toward,
    size: usize,
) -> Result<Vec<Found<S::Item>>> {
    let newest_first = source.newest_first() == (toward == Toward::End);
    let mut found: Vec<Option<Found<S::Item>>> = which.iter().map(|_| None).collect();
    let mut open: Vec<usize> = (0..which.len()).collect();
    let steps = source.steps(size);
    let last = steps.last().copied().unwrap_or_default();
    for limit in steps {
        if open.is_empty() {
            break;
        }
        let stretch = Stretch {
            below,
            above,
            newest_first,
            limit,
        };
        let lists: Vec<usize> = open.iter().filter_map(|slot| which.get(*slot).copied()).collect();
        let scans = source.scan(&lists, stretch).await?;
        let mut still = Vec::new();
        for (slot, scan) in open.iter().zip(scans) {
            let result = cut(scan, size, limit);
            if result.unsure && limit < last {
                still.push(*slot);
            }
            if let Some(place) = found.get_mut(*slot) {
                *place = Some(result);
            }
        }
        open = still;
    }
    Ok(found
        .into_iter()
        .map(|found| {
            found.unwrap_or(Found {
                items: Vec::new(),
                more: false,
                unsure: false,
                resume: None,
            })
        })
        .collect())
}

/// The first items of a scan that may be seen. `more`: something lies behind them.
fn cut<T: Clone>(scan: Vec<Scanned<T>>, size: usize, limit: usize) -> Found<T> {
    let whole = scan.len() < limit;
    let last = scan.last().map(|scanned| scanned.place);
    let mut items: Vec<(Place, T)> = scan
        .into_iter()
        .filter_map(|scanned| scanned.item.map(|item| (scanned.place, item)))
        .collect();
    let over = items.len() > size;
    items.truncate(size);
    let unsure = !over && !whole;
    Found {
        more: over || unsure,
        unsure,
        resume: last.filter(|_| unsure && items.len() < size),
        items,
    }
}

/// Whether anything that may be seen stands at a cursor or beyond it.
async fn exists<S: Source>(source: &S, which: &[usize], cursor: Option<Place>, toward: Toward) -> Result<Vec<bool>> {
    let Some(cursor) = cursor else {
        return Ok(vec![false; which.len()]);
    };
    let newer = source.newest_first() == (toward == Toward::Start);
    let at = |step: i64| Place {
        id: cursor.id.saturating_add(step),
        ..cursor
    };
    let bounds = if newer {
        (Place::NEWEST, at(-1))
    } else {
        (at(1), Place::OLDEST)
    };
    let found = collect(source, which, bounds, toward, 1).await?;
    Ok(found
        .iter()
        .map(|found| !found.items.is_empty() || found.more)
        .collect())
}
