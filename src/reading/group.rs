//! Groups of a feed's actions by verb, object and day, each where its newest action stands.
//!
//! Notifications have rows that are kept ([`Notices`]). The groups of every other feed are made
//! at reading ([`Groups`]): a scan finds the actions, and one that has no newer one of its group
//! is where the group stands. That the scan has not come by is asked in one statement, and only
//! for the day in which it began.

use super::feed::{Actions, Choice, FeedKey, Merges};
use super::page::{Scanned, Source, pages};
use super::visible::{self, Seen};
use crate::model::feed::{NOBODY, day_of};
use crate::model::{
    Action, Entity, Entry, FeedGroup, GroupId, GroupKey, ObjectKey, Place, Result, Sight, UserId, Window,
};
use crate::store::Store;
use crate::store::feed::Range;
use crate::store::group::{Counts, Feeds};
use crate::store::list::Stretch;
use crate::store::notice::NoticeGroup;
use crate::store::snapshot::View;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How many actions a page reads before it may end short.
const MOST_READ: usize = 10_000;

/// A group of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// Of which feed.
    pub feed: FeedKey,
    /// Which.
    pub key: GroupKey,
    /// Where it stands: its newest action.
    pub newest: Place,
    /// Who did that; [`NOBODY`] where it was no user, or is kept elsewhere.
    pub actor: UserId,
    /// What is kept of it, if it is one of notifications.
    pub notice: Option<Arc<NoticeGroup>>,
}

impl Group {
    fn notice(user: UserId, notice: NoticeGroup) -> Self {
        Self {
            feed: FeedKey::Notification(user),
            key: notice.key.clone(),
            newest: notice.newest,
            actor: NOBODY,
            notice: Some(Arc::new(notice)),
        }
    }

    /// Its name for clients.
    #[must_use]
    pub fn id(&self) -> GroupId {
        let (feed, owner) = match &self.feed {
            FeedKey::User(id) => (FeedGroup::User, id.to_string()),
            FeedKey::Timeline(id) => (FeedGroup::Timeline, id.to_string()),
            FeedKey::Notification(id) => (FeedGroup::Notification, id.to_string()),
            FeedKey::Hashtag(name) => (FeedGroup::Hashtag, name.clone()),
            FeedKey::Object(key) => (FeedGroup::Object, key.to_string()),
        };
        GroupId {
            feed,
            owner,
            key: self.key.clone(),
        }
    }

    /// What its actions are found by.
    #[must_use]
    pub fn actions(&self) -> (FeedKey, GroupKey, Option<Place>) {
        let post = self.key.is_post().then_some(self.newest);
        (self.feed.clone(), self.key.clone(), post)
    }
}

/// The feed that a group's name means. `None` for what can't be one.
#[must_use]
pub fn feed_of(id: &GroupId) -> Option<FeedKey> {
    let user = || {
        let number: i64 = id.owner.parse().ok()?;
        (number > 0 && number.to_string() == id.owner).then_some(UserId(number))
    };
    Some(match id.feed {
        FeedGroup::User => FeedKey::User(user()?),
        FeedGroup::Timeline => FeedKey::Timeline(user()?),
        FeedGroup::Notification => FeedKey::Notification(user()?),
        FeedGroup::Hashtag => FeedKey::Hashtag(id.owner.clone()),
        FeedGroup::Object => FeedKey::Object(ObjectKey::parse(&id.owner)?),
    })
}

/// What a user is told of, in groups.
pub struct Notices<'a> {
    /// Where it is.
    pub store: &'a Store,
    /// Who is told.
    pub user: UserId,
}

impl Source for Notices<'_> {
    type Item = Group;

    fn count(&self) -> usize {
        1
    }

    async fn scan(&self, _: &[usize], stretch: Stretch) -> Result<Vec<Vec<Scanned<Group>>>> {
        let view = self.store.view();
        let found = view.snapshot().await?.notice_groups(self.user, stretch).await?;
        let scanned = |notice: NoticeGroup| Scanned {
            place: notice.newest,
            item: Some(Group::notice(self.user, notice)),
        };
        Ok(vec![found.into_iter().map(scanned).collect()])
    }
}

/// The groups of other feeds.
pub struct Groups<'a> {
    store: &'a Store,
    feeds: &'a [FeedKey],
    merges: Merges<'a>,
    sight: &'a Sight,
}

impl<'a> Groups<'a> {
    /// The groups of feeds, as somebody may see them.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn new(store: &'a Store, feeds: &'a [FeedKey], sight: &'a Sight) -> Result<Self> {
        Ok(Self {
            store,
            feeds,
            merges: Merges::new(store, sight, feeds, &Choice::Actions { verbs: None }).await?,
            sight,
        })
    }

    /// Where groups that a scan began within may go on above it: feed, group and the newest
    /// place that the scan came by.
    async fn going_on(&self, view: &View<'_>, asked: &[(usize, GroupKey, Place)]) -> Result<HashSet<usize>> {
        if asked.is_empty() {
            return Ok(HashSet::new());
        }
        let snapshot = view.snapshot().await?;
        let left_out = LeftOut::new(snapshot.leaving().await?, self.sight, self.feeds.iter());
        snapshot
            .groups_going_on(left_out.of(&self.merges.ranges()), asked)
            .await
    }
}

/// Whose doing is left out of groups that are made at reading.
#[derive(Default)]
struct LeftOut {
    hidden: Vec<UserId>,
    muted: Vec<UserId>,
    muting: Vec<bool>,
    sees_banned: bool,
}

impl LeftOut {
    fn new<'f>(leaving: Vec<UserId>, sight: &Sight, feeds: impl Iterator<Item = &'f FeedKey>) -> Self {
        let hides = sight.hides();
        Self {
            hidden: leaving.into_iter().chain(hides.blocked.iter().copied()).collect(),
            muted: hides.muted.iter().copied().collect(),
            muting: feeds.map(FeedKey::leaves_out_muted).collect(),
            sees_banned: sight.sees_banned(),
        }
    }

    fn of<'l>(&'l self, ranges: &'l [Vec<Range>]) -> Feeds<'l> {
        Feeds {
            ranges,
            hidden: &self.hidden,
            muted: &self.muted,
            muting: &self.muting,
            sees_banned: self.sees_banned,
        }
    }
}

/// Where the part of a list that a scan has come by begins.
fn top(entries: &[Entry], stretch: Stretch) -> Place {
    let is_cut = !stretch.newest_first && entries.len() >= stretch.limit;
    let last = entries.last().filter(|_| is_cut);
    last.map_or(stretch.below, |entry| entry.place)
}

/// The newest place of each group that a scan came by.
fn heads<'e>(entries: impl Iterator<Item = &'e Entry>) -> HashMap<GroupKey, Place> {
    let mut heads = HashMap::new();
    for entry in entries {
        let head = heads.entry(GroupKey::of(entry)).or_insert(entry.place);
        *head = entry.place.max(*head);
    }
    heads
}

impl Source for Groups<'_> {
    type Item = Group;

    fn count(&self) -> usize {
        self.feeds.len()
    }

    fn steps(&self, size: usize) -> Vec<usize> {
        vec![(size + 1) * 4, MOST_READ / 10, MOST_READ]
    }

    async fn scan(&self, which: &[usize], stretch: Stretch) -> Result<Vec<Vec<Scanned<Group>>>> {
        let view = self.store.view();
        let found = self.merges.entries(&view, which, stretch).await?;
        let seen = look(&view, self.sight, found.iter().flatten()).await?;
        let is_seen = |feed: usize, entry: &Entry| {
            let muting = self.feeds.get(feed).is_some_and(FeedKey::leaves_out_muted);
            is_visible(entry, &seen, self.sight, muting)
        };
        let mut asked = Vec::new();
        let mut all_heads = Vec::with_capacity(found.len());
        for (feed, entries) in which.iter().zip(&found) {
            let heads = heads(entries.iter().filter(|entry| is_seen(*feed, entry)));
            let top = top(entries, stretch);
            let begun = heads
                .iter()
                .filter(|(key, _)| !key.is_post() && key.day == day_of(top.at));
            asked.extend(begun.map(|(key, head)| (*feed, key.clone(), *head)));
            all_heads.push(heads);
        }
        let on = self.going_on(&view, &asked).await?;
        let gone: HashSet<(usize, &GroupKey)> = asked
            .iter()
            .enumerate()
            .filter(|(place, _)| on.contains(place))
            .map(|(_, (feed, key, _))| (*feed, key))
            .collect();
        let scanned = |feed: usize, heads: &HashMap<GroupKey, Place>, entry: &Entry| {
            let key = GroupKey::of(entry);
            let stands = is_seen(feed, entry) && heads.get(&key) == Some(&entry.place) && !gone.contains(&(feed, &key));
            let group = |feed: &FeedKey| Group {
                feed: feed.clone(),
                key,
                newest: entry.place,
                actor: entry.actor,
                notice: None,
            };
            Scanned {
                place: entry.place,
                item: self.feeds.get(feed).filter(|_| stands).map(group),
            }
        };
        let lists = which.iter().zip(&found).zip(&all_heads);
        Ok(lists
            .map(|((feed, entries), heads)| entries.iter().map(|entry| scanned(*feed, heads, entry)).collect())
            .collect())
    }
}

/// Looks which of those may be seen whom entries are by and of.
async fn look<'e>(view: &View<'_>, sight: &Sight, entries: impl Iterator<Item = &'e Entry> + Clone) -> Result<Seen> {
    let actors: HashSet<Entity> = entries
        .clone()
        .filter(|entry| entry.actor != NOBODY)
        .map(|entry| Entity::User(entry.actor))
        .collect();
    let objects: HashSet<&Entity> = entries.filter_map(|entry| entry.object.as_ref()).collect();
    let asked: Vec<&Entity> = actors.iter().chain(objects).collect();
    visible::entities(view, sight, true, &asked).await
}

/// Whether an entry's action may be seen in a feed, which leaves out what muted users do, or not.
fn is_visible(entry: &Entry, seen: &Seen, sight: &Sight, muting: bool) -> bool {
    let is_automatic = GroupKey::of(entry).is_automatic();
    let by = entry.actor == NOBODY || seen.users.contains(&entry.actor);
    let of = entry.object.as_ref().is_none_or(|object| seen.has(object));
    let repeated = entry.tweet().filter(|_| is_automatic);
    by && (of || !is_automatic) && !(muting && seen.is_muted(sight, entry.actor, repeated))
}

/// Pages of the groups of feeds, as somebody may see them.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn groups(
    store: &Store,
    sight: &Sight,
    feeds: &[FeedKey],
    window: Window,
) -> Result<HashMap<FeedKey, crate::model::page::Page<Group>>> {
    let mut found = HashMap::new();
    let mut others = Vec::new();
    for feed in feeds {
        if let FeedKey::Notification(user) = feed {
            let source = Notices { store, user: *user };
            let page = pages(&source, window).await?.into_iter().next();
            found.insert(feed.clone(), page.unwrap_or_default());
        } else {
            others.push(feed.clone());
        }
    }
    if !others.is_empty() {
        let read = pages(&Groups::new(store, &others, sight).await?, window).await?;
        found.extend(others.iter().cloned().zip(read));
    }
    Ok(found)
}

/// The groups of these names that may be seen by the viewer whose feeds they are, if the feeds are
/// private.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn named(store: &Store, sight: &Sight, ids: &[GroupId]) -> Result<HashMap<GroupId, Group>> {
    let mut notices: HashMap<UserId, Vec<&GroupKey>> = HashMap::new();
    let mut others = Vec::new();
    let mut posts = Vec::new();
    for id in ids {
        match feed_of(id) {
            Some(FeedKey::Notification(user)) => notices.entry(user).or_default().push(&id.key),
            Some(feed) => {
                posts.extend(
                    id.key
                        .object
                        .as_ref()
                        .and_then(Entity::tweet)
                        .filter(|_| id.key.is_post()),
                );
                others.push((id, feed));
            }
            None => {}
        }
    }
    let mut found = HashMap::new();
    let view = store.view();
    for (user, keys) in notices {
        let groups = view.snapshot().await?.notice_groups_of(user, &keys).await?;
        found.extend(groups.into_iter().map(|notice| {
            let group = Group::notice(user, notice);
            (group.id(), group)
        }));
    }
    if others.is_empty() {
        return Ok(found);
    }
    let tweets = visible::look(&view, sight, Some(&posts), &[]).await?.tweets;
    let asked: Vec<_> = others
        .into_iter()
        .filter_map(|(id, feed)| {
            let tweet = id
                .key
                .object
                .as_ref()
                .and_then(Entity::tweet)
                .and_then(|id| tweets.get(&id));
            let place = tweet.map(|tweet| Place::new(tweet.created_at, tweet.action.0));
            let place = place.filter(|place| day_of(place.at) == id.key.day);
            match id.key.is_post() {
                true => place.map(|place| (feed, id.key.clone(), Some(place))),
                false => Some((feed, id.key.clone(), None)),
            }
        })
        .collect();
    let newest = pages(&Actions::of_groups(store, sight, &asked).await?, NEWEST).await?;
    for ((feed, key, _), page) in asked.into_iter().zip(newest) {
        let of_verb = |action: &Arc<Action>| action.verb == key.verb;
        if let Some((newest, one)) = page.items.into_iter().find(|(_, one)| of_verb(&one.action)) {
            let group = Group {
                feed,
                key,
                newest,
                actor: one.action.actor.user().unwrap_or(NOBODY),
                notice: None,
            };
            found.insert(group.id(), group);
        }
    }
    Ok(found)
}

/// Only the newest item.
const NEWEST: Window = Window {
    after: None,
    before: None,
    size: 1,
    from_end: false,
};

/// Groups with what finds their entries, as far as they have no rows of their own.
async fn with_ranges(
    store: &Store,
    sight: &Sight,
    groups: &[Group],
) -> Result<(Vec<FeedKey>, Vec<Vec<Range>>, Vec<(usize, GroupKey)>)> {
    let feeds: HashSet<&FeedKey> = groups.iter().map(|group| &group.feed).collect();
    let feeds: Vec<FeedKey> = feeds.into_iter().cloned().collect();
    let merges = Merges::new(store, sight, &feeds, &Choice::Actions { verbs: None }).await?;
    let places: HashMap<&FeedKey, usize> = feeds.iter().zip(0..).collect();
    let asked: Vec<(usize, GroupKey)> = groups
        .iter()
        .map(|group| (places.get(&group.feed).copied().unwrap_or_default(), group.key.clone()))
        .collect();
    let ranges = merges.ranges();
    Ok((feeds, ranges, asked))
}

/// How many actions groups have, and by how many actors. Whom the viewer hides counts too, who is
/// banned does not.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn counts(store: &Store, sight: &Sight, groups: Vec<Group>) -> Result<HashMap<Group, Counts>> {
    let one = Counts { actions: 1, actors: 1 };
    let (posts, groups): (Vec<Group>, Vec<Group>) = groups.into_iter().partition(|group| group.key.is_post());
    let mut found: HashMap<Group, Counts> = posts.into_iter().map(|group| (group, one)).collect();
    if groups.is_empty() {
        return Ok(found);
    }
    let (_, ranges, asked) = with_ranges(store, &sight.of_all(), &groups).await?;
    let asked: Vec<(usize, &GroupKey)> = asked.iter().map(|(feed, key)| (*feed, key)).collect();
    let snapshot = store.snapshot().await?;
    let left_out = LeftOut {
        hidden: snapshot.leaving().await?,
        ..LeftOut::default()
    };
    let counts = snapshot.group_counts(left_out.of(&ranges), &asked).await?;
    let counted = groups.into_iter().enumerate();
    found.extend(counted.map(|(place, group)| (group, counts.get(&place).copied().unwrap_or_default())));
    Ok(found)
}

/// The first actors of groups, the newest first, each once.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn actors(
    store: &Store,
    sight: &Sight,
    groups: Vec<Group>,
    first: usize,
) -> Result<HashMap<Group, Vec<Entity>>> {
    let mut found = HashMap::new();
    let (told, groups): (Vec<Group>, Vec<Group>) = groups.into_iter().partition(|group| group.notice.is_some());
    let (posts, groups): (Vec<Group>, Vec<Group>) = groups.into_iter().partition(|group| group.key.is_post());
    let view = store.view();
    let mut by_user: HashMap<UserId, Vec<(Group, i64)>> = HashMap::new();
    for group in told {
        if let (FeedKey::Notification(user), Some(notice)) = (&group.feed, &group.notice) {
            let (user, row) = (*user, notice.id);
            by_user.entry(user).or_default().push((group, row));
        }
    }
    for (user, groups) in by_user {
        let rows: Vec<i64> = groups.iter().map(|(_, row)| *row).collect();
        let actors = view.snapshot().await?.notice_actors(user, &rows, first).await?;
        found.extend(groups.into_iter().map(|(group, _)| group).zip(actors));
    }
    let tweets: Vec<_> = posts
        .iter()
        .filter_map(|group| group.key.object.as_ref()?.tweet())
        .collect();
    if !tweets.is_empty() {
        let seen = visible::look(&view, sight, Some(&tweets), &[]).await?.tweets;
        let author = |group: &Group| seen.get(&group.key.object.as_ref()?.tweet()?).map(|tweet| tweet.author);
        found.extend(posts.into_iter().map(|group| {
            let author = author(&group).map(Entity::User);
            (group, author.into_iter().collect())
        }));
    }
    if !groups.is_empty() {
        let (feeds, ranges, asked) = with_ranges(store, sight, &groups).await?;
        let asked: Vec<(usize, &GroupKey)> = asked.iter().map(|(feed, key)| (*feed, key)).collect();
        let snapshot = view.snapshot().await?;
        let left_out = LeftOut::new(snapshot.leaving().await?, sight, feeds.iter());
        let actors = snapshot.group_actors(left_out.of(&ranges), &asked, first).await?;
        found.extend(groups.into_iter().zip(actors));
    }
    Ok(found)
}
