//! Feeds: merges of topics, each within its stretches.

mod actions;
mod timeline;
mod tweets;

pub use actions::{Actions, ActionsOf, Standing, visible_actions};
pub use tweets::{Accept, Tweets};

use super::merge::{Strand, merge};
use crate::model::{ActionId, Entity, Entry, EntryKind, GroupKey, ObjectKey, Place, Result, Sight, Topic, UserId};
use crate::store::Store;
use crate::store::feed::{HeadId, Range, Select};
use crate::store::follow::Follows;
use crate::store::list::Stretch;
use crate::store::snapshot::{Snapshot, View};
use crate::store::timeline::Kinds;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use timeline::Timeline;

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

    /// Whether what muted users do is left out: of what is the viewer's own.
    pub(super) fn leaves_out_muted(&self) -> bool {
        matches!(self, Self::Timeline(_) | Self::Notification(_))
    }
}

/// Which entries of a feed.
pub(super) enum Choice {
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
    /// The actions of a group; of a post the place where it stands.
    Group(GroupKey, Option<Place>),
}

impl Choice {
    /// The kinds of entries that are read, where these alone decide; `posts`: the topics hold
    /// nothing else.
    fn kinds(&self, posts: bool) -> Option<Kinds> {
        Some(match self {
            Self::Actions { verbs: Some(_) } | Self::Group(_, None) => return None,
            Self::Tweets { retweets: true } if !posts => &[EntryKind::Post, EntryKind::Retweet],
            Self::Actions { verbs: None } if !posts => &EntryKind::ALL,
            Self::Group(_, Some(_)) | Self::Tweets { .. } | Self::Actions { .. } => &[EntryKind::Post],
        })
    }

    /// What of topics is read.
    fn selects(&self, posts: bool) -> Vec<Select> {
        match self {
            Self::Actions { verbs: Some(verbs) } => {
                let distinct: HashSet<&String> = verbs.iter().collect();
                distinct.into_iter().cloned().map(Select::Verb).collect()
            }
            Self::Group(key, None) => vec![Select::About(key.verb.clone(), key.object_name())],
            _ => self
                .kinds(posts)
                .into_iter()
                .flatten()
                .copied()
                .map(Select::Kind)
                .collect(),
        }
    }

    /// Whether actions of a verb may be among the chosen.
    fn has(&self, verb: &str) -> bool {
        match self {
            Self::Actions { verbs: Some(verbs) } => verbs.iter().any(|one| one == verb),
            Self::Actions { verbs: None } | Self::Tweets { .. } | Self::Group(..) => true,
        }
    }

    /// The oldest and the newest place.
    fn span(&self) -> (Place, Place) {
        match self {
            Self::Group(_, Some(post)) => (*post, *post),
            Self::Group(key, None) => key.span(),
            Self::Tweets { .. } | Self::Actions { .. } => ALL,
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
        Range {
            topic: self.topic.clone(),
            select: self.select.clone(),
            below: below.min(self.to.next(1)),
            above: above.max(self.from.next(-1)),
            until: self.until,
            not_by: self.not_by,
        }
    }
}

/// What a feed is made of, for whoever looks: who owns it may see more, and of whom somebody hides
/// nothing is read.
async fn made(store: &Store, sight: &Sight, feed: &FeedKey, choice: &Choice) -> Result<Made> {
    if let FeedKey::Timeline(owner) = feed {
        return Ok(Made::Timeline(Timeline::new(store, *owner, sight, choice).await?));
    }
    Ok(Made::Parts(parts(store, sight, feed, choice).await?))
}

async fn parts(store: &Store, sight: &Sight, feed: &FeedKey, choice: &Choice) -> Result<Vec<Part>> {
    let selects = choice.selects(matches!(feed, FeedKey::Hashtag(_)));
    let span = choice.span();
    Ok(match feed {
        FeedKey::Timeline(owner) => {
            let follows = store.follows(*owner).await?;
            followed(*owner, &follows, &hidden(sight), &selects, span)
        }
        FeedKey::User(id) if sight.viewer() == Some(*id) => {
            whole([Topic::user(*id), Topic::private(*id)], &selects, span)
        }
        FeedKey::User(id) if sight.hides().blocked.contains(id) => Vec::new(),
        _ => whole(feed.topic(), &selects, span),
    })
}

/// What a feed is made of.
enum Made {
    /// Stretches of topics.
    Parts(Vec<Part>),
    /// A timeline.
    Timeline(Timeline),
}

/// The own topics of those whom a viewer hides.
fn hidden(sight: &Sight) -> HashSet<Topic> {
    let hides = sight.hides();
    hides.blocked.union(&hides.muted).copied().map(Topic::user).collect()
}

/// The oldest and the newest place there is.
const ALL: (Place, Place) = (Place::OLDEST, Place::NEWEST);

/// The whole of topics between two places.
fn whole(topics: impl IntoIterator<Item = Topic>, selects: &[Select], (oldest, newest): (Place, Place)) -> Vec<Part> {
    let part = |topic: &Topic, select: &Select| Part {
        topic: topic.clone(),
        select: select.clone(),
        from: oldest,
        to: newest,
        until: ActionId(i64::MAX),
        not_by: None,
    };
    let topics = topics.into_iter();
    topics
        .flat_map(|topic| selects.iter().map(move |select| part(&topic, select)))
        .collect()
}

/// What a user follows, within its spans and between two places, but for what is hidden.
fn followed(
    owner: UserId,
    follows: &Follows,
    hidden: &HashSet<Topic>,
    selects: &[Select],
    (oldest, newest): (Place, Place),
) -> Vec<Part> {
    let mut parts = Vec::with_capacity(follows.spans.len() * selects.len());
    for span in follows.spans.iter().filter(|span| !hidden.contains(&span.topic)) {
        let (to, until) = span.until.unwrap_or((Place::NEWEST, ActionId(i64::MAX)));
        parts.extend(selects.iter().map(|select| Part {
            topic: span.topic.clone(),
            select: select.clone(),
            from: span.from.max(oldest),
            to: to.min(newest),
            until,
            not_by: Some(owner),
        }));
    }
    parts
}

/// Feeds that are read together.
pub(super) struct Merges<'a> {
    store: &'a Store,
    feeds: Vec<Made>,
}

impl<'a> Merges<'a> {
    pub(super) async fn new(store: &'a Store, sight: &Sight, feeds: &[FeedKey], choice: &Choice) -> Result<Self> {
        let mut all = Vec::with_capacity(feeds.len());
        for feed in feeds {
            all.push(made(store, sight, feed, choice).await?);
        }
        Ok(Self { store, feeds: all })
    }

    /// The stretches of topics that each feed is made of, for entries other than posts.
    pub(super) fn ranges(&self) -> Vec<Vec<Range>> {
        let is_one = |part: &Part| part.select == Select::Kind(EntryKind::Other) && !part.topic.holds_only_posts();
        let range = |part: &Part| is_one(part).then(|| part.range(Place::NEWEST, Place::OLDEST));
        let ranges = |made: &Made| match made {
            Made::Parts(parts) => parts.iter().filter_map(range).collect(),
            Made::Timeline(timeline) => timeline.parts().iter().filter_map(range).collect(),
        };
        self.feeds.iter().map(ranges).collect()
    }

    /// The entries of a stretch of each feed, hidden ones too.
    pub(super) async fn entries(&self, view: &View<'_>, which: &[usize], stretch: Stretch) -> Result<Vec<Vec<Entry>>> {
        let feeds: Vec<&Made> = which.iter().filter_map(|feed| self.feeds.get(*feed)).collect();
        let range = |part: &Part| part.range(stretch.below, stretch.above);
        let ranges = feeds.iter().filter_map(|made| match made {
            Made::Parts(parts) => Some(parts.iter().map(range).collect()),
            Made::Timeline(_) => None,
        });
        let mut read = of_parts(view, ranges.collect(), stretch).await?.into_iter();
        let mut found = Vec::with_capacity(feeds.len());
        for made in feeds {
            found.push(match made {
                Made::Parts(_) => read.next().unwrap_or_default(),
                Made::Timeline(timeline) => timeline.entries(view, stretch).await?,
            });
        }
        Ok(found)
    }
}

/// The entries of feeds that are made of ranges: from memory where the heads reach, else from the
/// index.
async fn of_parts(view: &View<'_>, ranges: Vec<Vec<Range>>, stretch: Stretch) -> Result<Vec<Vec<Entry>>> {
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

/// The heads of all topics that are needed. None when a verb or a group is asked for, which heads
/// don't tell apart, or when there would be too many to read.
async fn heads(view: &View<'_>, ranges: &[Vec<Range>]) -> Result<Option<Heads>> {
    let mut ids = HashSet::new();
    for range in ranges.iter().flatten() {
        match &range.select {
            Select::Kind(kind) => drop(ids.insert((range.topic.clone(), *kind))),
            Select::Verb(_) | Select::About(..) => return Ok(None),
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
        Select::Verb(_) | Select::About(..) => None,
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
    let mut read = match chosen.len().saturating_mul(stretch.limit) > MOST_READ {
        true => in_two(snapshot, &chosen, &counts, stretch).await?,
        false => snapshot.entries(&chosen, stretch.newest_first, stretch.limit).await?,
    }
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

/// How many entries are read at the most without looking first which ranges have so many.
const MOST_READ: usize = 20_000;
/// How many times its even part of a page a range is looked at first.
const AHEAD: usize = 4;

/// As much of ranges as a long page may need: first some of each, then all of those that have
/// more where the page is.
async fn in_two(snapshot: &Snapshot, ranges: &[Range], counts: &[usize], stretch: Stretch) -> Result<Vec<Vec<Entry>>> {
    let some = (AHEAD * stretch.limit / ranges.len().max(1)).clamp(16, stretch.limit);
    let mut read = snapshot.entries(ranges, stretch.newest_first, some).await?;
    let mut more = Vec::new();
    let mut first = 0;
    for count in counts {
        let mut places: Vec<Place> = read
            .iter()
            .skip(first)
            .take(*count)
            .flatten()
            .map(|entry| entry.place)
            .collect();
        places.sort_unstable();
        if stretch.newest_first {
            places.reverse();
        }
        let end = places.get(stretch.limit.saturating_sub(1)).copied();
        let is_before = |place: Place| match end {
            Some(end) if stretch.newest_first => place > end,
            Some(end) => place < end,
            None => true,
        };
        let long = (first..first + count).filter(|range| {
            let entries = read.get(*range).map(Vec::as_slice).unwrap_or_default();
            entries.len() == some && entries.last().is_some_and(|last| is_before(last.place))
        });
        more.extend(long.filter_map(|range| Some((range, within(ranges.get(range)?, end, stretch.newest_first)))));
        first += count;
    }
    let asked: Vec<Range> = more.iter().map(|(_, range)| range.clone()).collect();
    let longer = snapshot.entries(&asked, stretch.newest_first, stretch.limit).await?;
    for ((range, _), entries) in more.into_iter().zip(longer) {
        if let Some(slot) = read.get_mut(range) {
            *slot = entries;
        }
    }
    Ok(read)
}

/// A range no further than a place.
fn within(range: &Range, end: Option<Place>, newest_first: bool) -> Range {
    let mut range = range.clone();
    match end {
        Some(end) if newest_first => range.above = range.above.max(end),
        Some(end) => range.below = range.below.min(end),
        None => {}
    }
    range
}
