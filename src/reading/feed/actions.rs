//! The actions of feeds, and those that concern somebody or something.

use super::{ALL, Choice, FeedKey, Made, Merges, made, parts, whole};
use crate::model::deed::{Deed, reasons};
use crate::model::feed::NOBODY;
use crate::model::{Action, ActionId, Entity, Entry, GroupKey, Place, Result, Sight, Topic, Tweet, TweetId, UserId};
use crate::reading::page::{Scanned, Source};
use crate::reading::visible::{self, Seen};
use crate::store::Store;
use crate::store::follow::Follows;
use crate::store::list::Stretch;
use crate::store::snapshot::View;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Whose actions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ActionsOf {
    /// Those that stand in a feed.
    Feed(FeedKey),
    /// The public ones in which a user is the actor, the object or the target.
    User(UserId),
    /// The public ones in which a tweet is the object or the target, its own posting too.
    Tweet(TweetId),
}

/// Whose it is, and what it is made of.
type Timeline = (UserId, Arc<Follows>);

/// An action where it stands in a list.
#[derive(Clone)]
pub struct Standing {
    /// The action.
    pub action: Arc<Action>,
    /// The tweet that it is about.
    tweet: Option<Arc<Tweet>>,
    /// Whose timeline it stands in, and what that is made of.
    timeline: Option<Timeline>,
}

impl Standing {
    /// Through what it stands in a timeline: users, hashtags and external objects. Elsewhere
    /// nothing.
    #[must_use]
    pub fn because(&self) -> Vec<Entity> {
        let Some((owner, follows)) = &self.timeline else {
            return Vec::new();
        };
        let entry = Entry::of(&self.action);
        let hashtags = self.tweet.as_ref().map_or(&[][..], |tweet| tweet.hashtags.as_slice());
        let mut reasons = reasons(&self.action, hashtags);
        reasons.retain(|(_, topic)| follows.bring(*owner, topic, &entry));
        reasons.into_iter().map(|(entity, _)| entity).collect()
    }
}

/// The actions of several lists.
pub struct Actions<'a> {
    merges: Merges<'a>,
    sight: &'a Sight,
    /// The lists that leave out what muted users do.
    muting: HashSet<usize>,
    /// Those lists that are one.
    timelines: HashMap<usize, Timeline>,
    /// Of tweets, the entries of their own postings: these stand in no topic about them.
    postings: HashMap<usize, Entry>,
}

impl<'a> Actions<'a> {
    /// The actions of lists as somebody may see them, of these verbs or of all.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn new(
        store: &'a Store,
        sight: &'a Sight,
        lists: &[ActionsOf],
        verbs: Option<Vec<String>>,
    ) -> Result<Self> {
        let choice = Choice::Actions { verbs };
        let mut actions = Self {
            merges: Merges {
                store,
                feeds: Vec::with_capacity(lists.len()),
            },
            sight,
            muting: HashSet::new(),
            timelines: HashMap::new(),
            postings: postings(store, lists, &choice).await?,
        };
        for list in lists {
            actions.add(list, &choice).await?;
        }
        Ok(actions)
    }

    /// The actions of groups, each of a feed, with its place where it is a post.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn of_groups(
        store: &'a Store,
        sight: &'a Sight,
        groups: &[(FeedKey, GroupKey, Option<Place>)],
    ) -> Result<Self> {
        let mut feeds = Vec::with_capacity(groups.len());
        let mut timelines = HashMap::new();
        let mut muting = HashSet::new();
        for (list, (feed, key, post)) in groups.iter().enumerate() {
            muting.extend(feed.leaves_out_muted().then_some(list));
            let choice = Choice::Group(key.clone(), *post);
            feeds.push(Made::Parts(parts(store, sight, feed, &choice).await?));
            if let FeedKey::Timeline(owner) = feed {
                timelines.insert(list, (*owner, store.follows(*owner).await?));
            }
        }
        Ok(Self {
            merges: Merges { store, feeds },
            sight,
            muting,
            timelines,
            postings: HashMap::new(),
        })
    }

    async fn add(&mut self, list: &ActionsOf, choice: &Choice) -> Result<()> {
        let selects = choice.selects(matches!(list, ActionsOf::Feed(FeedKey::Hashtag(_))));
        let about = |entity: Entity| Topic::about(&entity);
        let place = self.merges.feeds.len();
        let made = match list {
            ActionsOf::Feed(feed) => {
                self.muting.extend(feed.leaves_out_muted().then_some(place));
                if let FeedKey::Timeline(owner) = feed {
                    let follows = self.merges.store.follows(*owner).await?;
                    self.timelines.insert(place, (*owner, follows));
                }
                made(self.merges.store, self.sight, feed, choice).await?
            }
            ActionsOf::User(id) if self.sight.hides().blocked.contains(id) => Made::Parts(Vec::new()),
            ActionsOf::User(id) => {
                let topics = [Topic::user(*id)].into_iter().chain(about(Entity::User(*id)));
                Made::Parts(whole(topics, &selects, ALL))
            }
            ActionsOf::Tweet(id) => Made::Parts(whole(about(Entity::Tweet(*id)), &selects, ALL)),
        };
        self.merges.feeds.push(made);
        Ok(())
    }

    async fn entries(&self, view: &View<'_>, which: &[usize], stretch: Stretch) -> Result<Vec<Vec<Entry>>> {
        let mut found = self.merges.entries(view, which, stretch).await?;
        for (list, entries) in which.iter().zip(&mut found) {
            if let Some(posting) = self.postings.get(list) {
                put_in(entries, posting, stretch);
            }
        }
        Ok(found)
    }
}

/// The entries of the postings of those lists that are a tweet's.
async fn postings(store: &Store, lists: &[ActionsOf], choice: &Choice) -> Result<HashMap<usize, Entry>> {
    let tweet = |list: &ActionsOf| match list {
        ActionsOf::Tweet(id) => Some(*id),
        ActionsOf::Feed(_) | ActionsOf::User(_) => None,
    };
    let rows = store.tweet_rows(lists.iter().filter_map(tweet)).await?;
    let entries = lists.iter().enumerate().filter_map(|(place, list)| {
        let posting = Deed::posting(rows.get(&tweet(list)?)?, None).entry();
        choice.has(&posting.verb).then_some((place, posting))
    });
    Ok(entries.collect())
}

/// Puts an entry in its place of what was found in a stretch.
fn put_in(entries: &mut Vec<Entry>, entry: &Entry, stretch: Stretch) {
    if entry.place >= stretch.below || entry.place <= stretch.above {
        return;
    }
    let at = entries.partition_point(|found| (found.place > entry.place) == stretch.newest_first);
    entries.insert(at, entry.clone());
    entries.truncate(stretch.limit);
}

impl Source for Actions<'_> {
    type Item = Standing;

    fn count(&self) -> usize {
        self.merges.feeds.len()
    }

    async fn scan(&self, which: &[usize], stretch: Stretch) -> Result<Vec<Vec<Scanned<Standing>>>> {
        let view = self.merges.store.view();
        let found = self.entries(&view, which, stretch).await?;
        let ids: Vec<ActionId> = found.iter().flatten().map(Entry::action).collect();
        let actions = view.snapshot().await?.actions_unfiltered(&ids).await?;
        let seen = look(&view, self.sight, actions.values()).await?;
        let standing = |list: &usize, entry: &Entry| {
            let action = actions.get(&entry.action())?;
            let is_muted = self.muting.contains(list) && is_muted(action, &seen, self.sight);
            (!is_muted && is_visible(action, &seen, self.sight)).then(|| Standing {
                action: Arc::clone(action),
                tweet: entry.tweet().and_then(|id| seen.tweets.get(&id).cloned()),
                timeline: self.timelines.get(list).cloned(),
            })
        };
        let scanned = |(list, entries): (&usize, Vec<Entry>)| {
            let entries = entries.into_iter();
            entries
                .map(|entry| Scanned {
                    place: entry.place,
                    item: standing(list, &entry),
                })
                .collect()
        };
        Ok(which.iter().zip(found).map(scanned).collect())
    }
}

/// Looks which of what actions name may be seen, and brings all of it into memory.
async fn look(view: &View<'_>, sight: &Sight, actions: impl Iterator<Item = &Arc<Action>>) -> Result<Seen> {
    let named: Vec<&Entity> = actions.flat_map(|action| action.entities()).collect();
    let seen = visible::entities(view, sight, true, &named).await?;
    view.remember(&named).await?;
    Ok(seen)
}

/// Whether an action may be seen: its actor is there, a private one's is the viewer, and what
/// was done by itself goes with what it was done to.
fn is_visible(action: &Action, seen: &Seen, sight: &Sight) -> bool {
    let viewer = sight.viewer();
    let is_open = action.public || (viewer.is_some() && action.actor.user() == viewer);
    let stands = !action.is_automatic() || action.object.as_ref().is_none_or(|object| seen.has(object));
    is_open && stands && seen.has(&action.actor)
}

/// Whether an action is left out of what is the viewer's own.
fn is_muted(action: &Action, seen: &Seen, sight: &Sight) -> bool {
    let actor = action.actor.user().unwrap_or(NOBODY);
    let repeated = action.object.as_ref().filter(|_| action.is_automatic());
    seen.is_muted(sight, actor, repeated.and_then(Entity::tweet))
}

/// Which actions may be seen.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn visible_actions(
    view: &View<'_>,
    sight: &Sight,
    actions: impl Iterator<Item = &Arc<Action>> + Clone,
) -> Result<HashSet<ActionId>> {
    let seen = look(view, sight, actions.clone()).await?;
    let visible = actions.filter(|action| is_visible(action, &seen, sight));
    Ok(visible.map(|action| action.id).collect())
}
