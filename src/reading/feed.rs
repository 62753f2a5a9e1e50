//! Feeds: merges of topics, each within its stretches.

mod actions;
mod tweets;

pub use actions::{Actions, ActionsOf, Standing, visible_actions};
pub use tweets::{Accept, Tweets};

use super::merge::{Strand, merge};
use crate::model::{ActionId, Entity, Entry, EntryKind, ObjectKey, Place, Result, Topic, UserId};
use crate::store::Store;
use crate::store::feed::{HeadId, Range, Select};
use crate::store::follow::Follows;
use crate::store::list::Stretch;
use crate::store::snapshot::View;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

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

impl FeedKey {
    /// The topic that it is. A timeline is none: it is a merge of many.
    #[must_use]
    pub fn topic(&self) -> Option<Topic> {
        match self {
            Self::User(id) => Some(Topic::user(*id)),
            Self::Timeline(_) => None,
            Self::Notification(id) => Some(Topic::notifications(*id)),
            Self::Hashtag(name) => Some(Topic::hashtag(name)),
            Self::Object(key) => Topic::about(&Entity::Object(key.clone())),
        }
    }
}

/// Which entries of a feed.
enum Choice {
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
    /// What of topics is read; `posts`: they hold nothing else.
    fn selects(&self, posts: bool) -> Vec<Select> {
        let kinds: &[EntryKind] = match self {
            Self::Actions { verbs: Some(verbs) } => {
                let distinct: HashSet<&String> = verbs.iter().collect();
                return distinct.into_iter().cloned().map(Select::Verb).collect();
            }
            Self::Tweets { retweets: true } if !posts => &[EntryKind::Post, EntryKind::Retweet],
            Self::Actions { verbs: None } if !posts => &EntryKind::ALL,
            Self::Tweets { .. } | Self::Actions { .. } => &[EntryKind::Post],
        };
        kinds.iter().copied().map(Select::Kind).collect()
    }

    /// Whether actions of a verb may be among the chosen.
    fn has(&self, verb: &str) -> bool {
        match self {
            Self::Actions { verbs: Some(verbs) } => verbs.iter().any(|one| one == verb),
            Self::Actions { verbs: None } | Self::Tweets { .. } => true,
        }
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
    let selects = choice.selects(matches!(feed, FeedKey::Hashtag(_)));
    Ok(match feed {
        FeedKey::Timeline(owner) => followed(*owner, &*store.follows(*owner).await?, &selects),
        _ => whole(feed.topic(), &selects),
    })
}

/// The whole of topics.
fn whole(topics: impl IntoIterator<Item = Topic>, selects: &[Select]) -> Vec<Part> {
    let part = |topic: &Topic, select: &Select| Part {
        topic: topic.clone(),
        select: select.clone(),
        from: Place::OLDEST,
        to: Place::NEWEST,
        until: ActionId(i64::MAX),
        not_by: None,
    };
    let topics = topics.into_iter();
    topics
        .flat_map(|topic| selects.iter().map(move |select| part(&topic, select)))
        .collect()
}

/// What a user follows, within its spans.
fn followed(owner: UserId, follows: &Follows, selects: &[Select]) -> Vec<Part> {
    let mut parts = Vec::with_capacity(follows.spans.len() * selects.len());
    for span in &follows.spans {
        let (to, until) = span.until.unwrap_or((Place::NEWEST, ActionId(i64::MAX)));
        parts.extend(selects.iter().map(|select| Part {
            topic: span.topic.clone(),
            select: select.clone(),
            from: span.from,
            to,
            until,
            not_by: Some(owner),
        }));
    }
    parts
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
