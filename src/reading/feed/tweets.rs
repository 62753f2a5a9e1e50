//! The tweets of feeds.

use super::{Choice, FeedKey, Merges};
use crate::model::{Entry, EntryKind, Place, Result, Sight, Tweet, TweetId, UserId};
use crate::reading::page::{PAST, Scanned, Source};
use crate::reading::visible;
use crate::store::Store;
use crate::store::list::Stretch;
use crate::store::snapshot::View;
use std::collections::HashSet;

/// How many older posts and retweets hide a retweet of the same tweet.
const COLLAPSE: usize = 40;

/// The tweets of feeds; a retweeted tweet stands where its retweet does.
pub struct Tweets<'a> {
    merges: Merges<'a>,
    sight: &'a Sight,
    /// Of which feeds what muted users do is left out.
    muting: Vec<bool>,
    /// Whether there may be retweets, some of which are left out.
    collapse: bool,
    past: usize,
    accept: Option<Accept<'a>>,
}

/// What else a tweet must be to be seen.
pub type Accept<'a> = Box<dyn Fn(&Tweet) -> bool + Send + Sync + 'a>;

impl<'a> Tweets<'a> {
    /// The tweets of feeds, with retweets or without.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn new(store: &'a Store, sight: &'a Sight, feeds: &[FeedKey], retweets: bool) -> Result<Self> {
        Ok(Self {
            merges: Merges::new(store, sight, feeds, &Choice::Tweets { retweets }).await?,
            sight,
            muting: feeds.iter().map(FeedKey::leaves_out_muted).collect(),
            collapse: retweets && !feeds.iter().all(|feed| matches!(feed, FeedKey::Hashtag(_))),
            past: PAST,
            accept: None,
        })
    }

    /// Only tweets that are accepted, looking past at most so many others.
    #[must_use]
    pub fn only(mut self, past: usize, accept: Accept<'a>) -> Self {
        self.past = past;
        self.accept = Some(accept);
        self
    }

    /// The stretch, and which of its retweets are left out: those whose tweet stands among the
    /// next older posts and retweets. Older ones decide alone, so paging changes nothing.
    async fn stretch(
        &self,
        view: &View<'_>,
        which: &[usize],
        stretch: Stretch,
    ) -> Result<Vec<(Vec<Entry>, HashSet<Place>)>> {
        if !self.collapse {
            let entries = self.merges.entries(view, which, stretch).await?;
            return Ok(entries.into_iter().map(|entries| (entries, HashSet::new())).collect());
        }
        if stretch.newest_first {
            let wide = Stretch {
                above: Place::OLDEST,
                limit: stretch.limit + stretch.limit / 2 + COLLAPSE,
                ..stretch
            };
            let read = self.merges.entries(view, which, wide).await?;
            return Ok(read
                .into_iter()
                .map(|entries| {
                    let hidden = repeated(&entries);
                    (judged(entries, &hidden, wide.limit, stretch), hidden)
                })
                .collect());
        }
        let newer = self.merges.entries(view, which, stretch).await?;
        let older = self
            .merges
            .entries(
                view,
                which,
                Stretch {
                    below: stretch.above.next(1),
                    above: Place::OLDEST,
                    newest_first: true,
                    limit: COLLAPSE,
                },
            )
            .await?;
        Ok(newer
            .into_iter()
            .zip(older)
            .map(|(newer, older)| {
                let all: Vec<Entry> = newer.iter().rev().cloned().chain(older).collect();
                (newer, repeated(&all))
            })
            .collect())
    }
}

/// As many entries as it takes for a stretch's number of them to stay, as far as the entries
/// behind them are known that decide.
fn judged(mut entries: Vec<Entry>, hidden: &HashSet<Place>, read: usize, stretch: Stretch) -> Vec<Entry> {
    if entries.len() == read {
        entries.truncate(read - COLLAPSE);
    }
    entries.retain(|entry| entry.place > stretch.above);
    let mut left = stretch.limit;
    entries.retain(|entry| {
        let wanted = left > 0;
        left -= usize::from(wanted && !hidden.contains(&entry.place));
        wanted
    });
    entries
}

/// The retweets whose tweet stands again within the next older entries. Newest first.
fn repeated(entries: &[Entry]) -> HashSet<Place> {
    entries
        .iter()
        .enumerate()
        .filter(|(at, entry)| {
            entry.kind == EntryKind::Retweet
                && entries
                    .iter()
                    .skip(at + 1)
                    .take(COLLAPSE)
                    .any(|older| older.tweet() == entry.tweet())
        })
        .map(|(_, entry)| entry.place)
        .collect()
}

impl Source for Tweets<'_> {
    type Item = TweetId;

    fn count(&self) -> usize {
        self.merges.feeds.len()
    }

    fn past(&self) -> usize {
        self.past
    }

    async fn scan(&self, which: &[usize], stretch: Stretch) -> Result<Vec<Vec<Scanned<TweetId>>>> {
        let view = self.merges.store.view();
        let found = self.stretch(&view, which, stretch).await?;
        let entries = || found.iter().flat_map(|(entries, _)| entries);
        let ids: Vec<TweetId> = entries().filter_map(Entry::tweet).collect();
        let actors: Vec<UserId> = entries().map(|entry| entry.actor).collect();
        let seen = visible::look(&view, self.sight, Some(&ids), &actors).await?;
        let is_seen = |id: &TweetId| {
            let accept = |tweet| self.accept.as_ref().is_none_or(|accept| accept(tweet));
            seen.tweets.get(id).is_some_and(|tweet| accept(tweet))
        };
        let is_muted = |list: usize, entry: &Entry| {
            self.muting.get(list).is_some_and(|muting| *muting) && seen.is_muted(self.sight, entry.actor, entry.tweet())
        };
        let scanned = |(list, (entries, repeated)): (&usize, (Vec<Entry>, HashSet<Place>))| {
            let item = |entry: &Entry| {
                let is_out = repeated.contains(&entry.place) || is_muted(*list, entry);
                let tweet = entry.tweet().filter(|_| !is_out && seen.users.contains(&entry.actor));
                tweet.filter(is_seen)
            };
            let entries = entries.iter();
            entries
                .map(|entry| Scanned {
                    place: entry.place,
                    item: item(entry),
                })
                .collect()
        };
        Ok(which.iter().zip(found).map(scanned).collect())
    }
}
