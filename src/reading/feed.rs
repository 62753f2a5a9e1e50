//! Feeds: merges of topics, each within its stretches.

use super::merge::{Strand, merge};
use super::page::{Scanned, Source};
use super::visible;
use crate::model::{
    Action, ActionId, Entity, Entry, EntryKind, ObjectKey, Place, Result, Topic, Tweet, TweetId, UserId,
};
use crate::store::Store;
use crate::store::feed::{HeadId, Range, Select};
use crate::store::list::Stretch;
use crate::store::snapshot::View;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How many older posts and retweets hide a retweet of the same tweet.
const COLLAPSE: usize = 40;

/// Which feed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FeedKey {
    /// What a user did.
    User(UserId),
    /// What those did whom a user follows.
    Timeline(UserId),
    /// What happened to a user.
    Notification(UserId),
    /// The tweets with a hashtag.
    Hashtag(String),
    /// What an external object did, and what was done to it or within it.
    Object(ObjectKey),
}

/// Which entries of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Choice {
    /// Posts, and retweets where they are wanted.
    Tweets {
        /// Whether a retweeted tweet stands where its retweet does.
        retweets: bool,
    },
    /// Actions, of these verbs or of all.
    Actions {
        /// None: all.
        verbs: Option<Vec<String>>,
    },
}

impl Choice {
    fn selects(&self, feed: &FeedKey) -> Vec<Select> {
        let kinds: &[EntryKind] = match (self, feed) {
            (Self::Actions { verbs: Some(verbs) }, _) => {
                let distinct: HashSet<&String> = verbs.iter().collect();
                return distinct.into_iter().cloned().map(Select::Verb).collect();
            }
            (_, FeedKey::Hashtag(_)) | (Self::Tweets { retweets: false }, _) => &[EntryKind::Post],
            (Self::Tweets { retweets: true }, _) => &[EntryKind::Post, EntryKind::Retweet],
            (Self::Actions { verbs: None }, _) => &EntryKind::ALL,
        };
        kinds.iter().copied().map(Select::Kind).collect()
    }
}

/// A stretch of a topic that is part of a feed.
struct Part {
    topic: Topic,
    select: Select,
    /// From here on, inclusive.
    from: Place,
    /// Up to here, inclusive.
    to: Place,
    until: ActionId,
    not_by: Option<UserId>,
}

impl Part {
    fn range(&self, below: Place, above: Place) -> Range {
        let next = |place: Place, step: i64| Place {
            id: place.id.saturating_add(step),
            ..place
        };
        Range {
            topic: self.topic.clone(),
            select: self.select.clone(),
            below: below.min(next(self.to, 1)),
            above: above.max(next(self.from, -1)),
            until: self.until,
            not_by: self.not_by,
        }
    }
}

async fn parts(store: &Store, feed: &FeedKey, choice: &Choice) -> Result<Vec<Part>> {
    let selects = choice.selects(feed);
    let whole = |topic: Topic| {
        selects
            .iter()
            .map(|select| Part {
                topic: topic.clone(),
                select: select.clone(),
                from: Place::OLDEST,
                to: Place::NEWEST,
                until: ActionId(i64::MAX),
                not_by: None,
            })
            .collect()
    };
    Ok(match feed {
        FeedKey::User(id) => whole(Topic::user(*id)),
        FeedKey::Notification(id) => whole(Topic::notifications(*id)),
        FeedKey::Hashtag(name) => whole(Topic::hashtag(name)),
        FeedKey::Object(key) => Topic::about(&Entity::Object(key.clone()))
            .map(whole)
            .unwrap_or_default(),
        FeedKey::Timeline(owner) => {
            let follows = store.follows(*owner).await?;
            let mut parts = Vec::with_capacity(follows.spans.len() * selects.len());
            for span in &follows.spans {
                let (to, until) = span.until.unwrap_or((Place::NEWEST, ActionId(i64::MAX)));
                parts.extend(selects.iter().map(|select| Part {
                    topic: span.topic.clone(),
                    select: select.clone(),
                    from: span.from,
                    to,
                    until,
                    not_by: Some(*owner),
                }));
            }
            parts
        }
    })
}

/// Feeds that are read together.
struct Merges<'a> {
    store: &'a Store,
    feeds: Vec<Vec<Part>>,
}

impl<'a> Merges<'a> {
    async fn new(store: &'a Store, feeds: &[FeedKey], choice: &Choice) -> Result<Self> {
        let mut all = Vec::with_capacity(feeds.len());
        for feed in feeds {
            all.push(parts(store, feed, choice).await?);
        }
        Ok(Self { store, feeds: all })
    }

    /// The entries of a stretch of each feed, hidden ones too. From memory where the heads
    /// reach, else from the index.
    async fn entries(&self, view: &View<'_>, which: &[usize], stretch: Stretch) -> Result<Vec<Vec<Entry>>> {
        let ranges: Vec<Vec<Range>> = which
            .iter()
            .filter_map(|feed| self.feeds.get(*feed))
            .map(|parts| {
                parts
                    .iter()
                    .map(|part| part.range(stretch.below, stretch.above))
                    .collect()
            })
            .collect();
        let mut found: Vec<Option<Vec<Entry>>> = vec![None; ranges.len()];
        if let Some(mut heads) = heads(view, &ranges).await? {
            let short = from_heads(&ranges, &heads, stretch, &mut found);
            let short = shallow(short, &heads);
            if !short.is_empty() && short.len() <= DEEPEN {
                heads.extend(view.deepen(&short).await?);
                from_heads(&ranges, &heads, stretch, &mut found);
            }
        }
        let open: Vec<usize> = (0..found.len())
            .filter(|feed| matches!(found.get(*feed), Some(None)))
            .collect();
        if !open.is_empty() {
            let asked: Vec<&[Range]> = open
                .iter()
                .filter_map(|feed| ranges.get(*feed).map(Vec::as_slice))
                .collect();
            let read = from_index(view, &asked, stretch).await?;
            for (feed, entries) in open.into_iter().zip(read) {
                if let Some(slot) = found.get_mut(feed) {
                    *slot = Some(entries);
                }
            }
        }
        Ok(found.into_iter().map(Option::unwrap_or_default).collect())
    }
}

/// The heads of all topics that are needed. None when a verb is asked for, which heads don't
/// tell apart, or when there would be too many to read.
async fn heads(view: &View<'_>, ranges: &[Vec<Range>]) -> Result<Option<Heads>> {
    let mut ids = HashSet::new();
    for range in ranges.iter().flatten() {
        match &range.select {
            Select::Kind(kind) => drop(ids.insert((range.topic.clone(), *kind))),
            Select::Verb(_) => return Ok(None),
        }
    }
    let ids: Vec<HeadId> = ids.into_iter().collect();
    view.heads(&ids).await
}

type Heads = HashMap<HeadId, Arc<crate::store::cache::Head>>;

/// How many heads are filled deeper for a page, before the index is asked instead.
const DEEPEN: usize = 64;

/// Answers the feeds that are still open from heads. Returns the heads that would have to reach
/// further for the others.
fn from_heads(
    ranges: &[Vec<Range>],
    heads: &Heads,
    stretch: Stretch,
    found: &mut [Option<Vec<Entry>>],
) -> HashSet<HeadId> {
    let mut short = HashSet::new();
    for (ranges, slot) in ranges.iter().zip(found) {
        if slot.is_some() {
            continue;
        }
        let ids: Vec<HeadId> = ranges.iter().filter_map(head_id).collect();
        let strands: Option<Vec<Strand>> = ranges
            .iter()
            .zip(&ids)
            .map(|(range, id)| Some(strand(range, heads.get(id)?)))
            .collect();
        let Some(strands) = strands else { continue };
        match merge(&strands, stretch.newest_first, stretch.limit) {
            Ok(entries) => *slot = Some(entries),
            Err(ended) => short.extend(ended.into_iter().filter_map(|strand| ids.get(strand).cloned())),
        }
    }
    short
}

/// Those heads that were filled less deep than a head can be.
fn shallow(ids: HashSet<HeadId>, heads: &Heads) -> Vec<HeadId> {
    let is_shallow = |id: &HeadId| {
        heads
            .get(id)
            .is_some_and(|head| head.entries.len() < crate::store::feed::HEAD)
    };
    ids.into_iter().filter(is_shallow).collect()
}

fn head_id(range: &Range) -> Option<HeadId> {
    match range.select {
        Select::Kind(kind) => Some((range.topic.clone(), kind)),
        Select::Verb(_) => None,
    }
}

fn strand(range: &Range, head: &Arc<crate::store::cache::Head>) -> Strand {
    Strand {
        head: Arc::clone(head),
        below: range.below,
        above: range.above,
        until: range.until,
        not_by: range.not_by,
    }
}

/// Reads stretches from the clustered index: first where each range begins, then, of those that
/// begin first, as much as the page may need. No more than that can stand in the page.
async fn from_index(view: &View<'_>, feeds: &[&[Range]], stretch: Stretch) -> Result<Vec<Vec<Entry>>> {
    let snapshot = view.snapshot().await?;
    let all: Vec<Range> = feeds.iter().copied().flatten().cloned().collect();
    let mut begins = snapshot.entries(&all, stretch.newest_first, 1).await?.into_iter();
    let mut chosen = Vec::new();
    let mut counts = Vec::with_capacity(feeds.len());
    for ranges in feeds {
        let mut first: Vec<(Place, &Range)> = ranges
            .iter()
            .zip(begins.by_ref())
            .filter_map(|(range, begin)| Some((begin.first()?.place, range)))
            .collect();
        first.sort_by_key(|(place, _)| *place);
        if stretch.newest_first {
            first.reverse();
        }
        first.truncate(stretch.limit);
        counts.push(first.len());
        chosen.extend(first.into_iter().map(|(_, range)| range.clone()));
    }
    let mut read = snapshot
        .entries(&chosen, stretch.newest_first, stretch.limit)
        .await?
        .into_iter();
    Ok(counts
        .into_iter()
        .map(|count| {
            let mut entries: Vec<Entry> = read.by_ref().take(count).flatten().collect();
            entries.sort_by_key(|entry| entry.place);
            entries.dedup_by_key(|entry| entry.place);
            if stretch.newest_first {
                entries.reverse();
            }
            entries.truncate(stretch.limit);
            entries
        })
        .collect())
}

/// The tweets of feeds; a retweeted tweet stands where its retweet does.
pub struct Tweets<'a> {
    merges: Merges<'a>,
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
    pub async fn new(store: &'a Store, feeds: &[FeedKey], retweets: bool) -> Result<Self> {
        Ok(Self {
            merges: Merges::new(store, feeds, &Choice::Tweets { retweets }).await?,
            collapse: retweets,
            past: super::page::PAST,
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
                    below: Place {
                        id: stretch.above.id.saturating_add(1),
                        ..stretch.above
                    },
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
        let seen = visible::look(&view, Some(&ids), &actors).await?;
        let is_seen = |id: &TweetId| {
            let accept = |tweet| self.accept.as_ref().is_none_or(|accept| accept(tweet));
            seen.tweets.get(id).is_some_and(|tweet| accept(tweet))
        };
        Ok(found
            .into_iter()
            .map(|(entries, hidden)| {
                entries
                    .into_iter()
                    .map(|entry| Scanned {
                        place: entry.place,
                        item: entry.tweet().filter(|id| {
                            !hidden.contains(&entry.place) && seen.users.contains(&entry.actor) && is_seen(id)
                        }),
                    })
                    .collect()
            })
            .collect())
    }
}

/// The actions of feeds.
pub struct Actions<'a>(Merges<'a>);

impl<'a> Actions<'a> {
    /// The actions of feeds, of these verbs or of all.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn new(store: &'a Store, feeds: &[FeedKey], verbs: Option<Vec<String>>) -> Result<Self> {
        let merges = Merges::new(store, feeds, &Choice::Actions { verbs }).await?;
        Ok(Self(merges))
    }
}

impl Source for Actions<'_> {
    type Item = Arc<Action>;

    fn count(&self) -> usize {
        self.0.feeds.len()
    }

    async fn scan(&self, which: &[usize], stretch: Stretch) -> Result<Vec<Vec<Scanned<Arc<Action>>>>> {
        let view = self.0.store.view();
        let found = self.0.entries(&view, which, stretch).await?;
        let ids: Vec<ActionId> = found.iter().flatten().map(Entry::action).collect();
        let actions = view.snapshot().await?.actions_unfiltered(&ids).await?;
        let seen = visible_actions(&view, actions.values()).await?;
        let scanned = |entry: Entry| Scanned {
            place: entry.place,
            item: seen
                .contains(&entry.action())
                .then(|| actions.get(&entry.action()).cloned())
                .flatten(),
        };
        Ok(found
            .into_iter()
            .map(|entries| entries.into_iter().map(scanned).collect())
            .collect())
    }
}

/// Which actions may be seen: their actor is there, and what they were done to is too.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn visible_actions(
    view: &View<'_>,
    actions: impl Iterator<Item = &Arc<Action>>,
) -> Result<HashSet<ActionId>> {
    let actions: Vec<&Arc<Action>> = actions.collect();
    let mut named = Vec::with_capacity(actions.len() * 2);
    for action in &actions {
        named.push(&action.actor);
        named.extend(&action.object);
    }
    let seen = visible::entities(view, true, &named).await?;
    let is_seen =
        |action: &&Arc<Action>| seen.has(&action.actor) && action.object.as_ref().is_none_or(|object| seen.has(object));
    Ok(actions.into_iter().filter(is_seen).map(|action| action.id).collect())
}
