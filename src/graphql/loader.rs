//! Batched look-ups: one set of loaders a request, so that what a level of a query needs is
//! asked for once, and nothing outlives the request.

use super::batch::{Batcher, Rounds, batch_fn};
use super::request::Scope;
use crate::model::page::Page;
use crate::model::{
    Action, ActionId, Entity, Error, GroupId, Hashtag, Micros, Object, ObjectKey, Reaction, Topic, Tweet, TweetId,
    User, UserId, Wall, WallId, Window,
};
use crate::reading::feed::{Actions, ActionsOf, FeedKey, Standing, Tweets, visible_actions};
use crate::reading::group::{self, Group};
use crate::reading::list::Lists;
use crate::reading::page::pages;
use crate::reading::{top, visible};
use crate::store::Store;
use crate::store::follow::{FOLLOWING, Follows};
use crate::store::group::Counts;
use crate::store::list::{List, ListKind};
use crate::store::notice::NewNotices;
use dataloader::BatchFn;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// What a loader answers for a key.
pub type Loaded<V> = Result<V, Arc<Error>>;

type Load<K, V> = Batcher<K, Loaded<V>>;
type Run<K, V> = Arc<dyn Fn(Vec<K>) -> futures_util::future::BoxFuture<'static, Loaded<HashMap<K, V>>> + Send + Sync>;

/// A function over all keys of a level.
pub struct Batch<K, V>(Run<K, V>);

impl<K, V> Clone for Batch<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> BatchFn<K, Loaded<V>> for Batch<K, V>
where
    K: Clone + Eq + Hash + Send + Sync,
    V: Clone + Default + Send + Sync,
{
    async fn load(&mut self, keys: &[K]) -> HashMap<K, Loaded<V>> {
        match (self.0)(keys.to_vec()).await {
            Ok(mut found) => keys
                .iter()
                .map(|key| (key.clone(), Ok(found.remove(key).unwrap_or_default())))
                .collect(),
            Err(error) => keys.iter().map(|key| (key.clone(), Err(Arc::clone(&error)))).collect(),
        }
    }
}

/// A loader of one kind of look-up.
fn loader<K, V, F, R>(scope: &(Scope, Rounds), run: F) -> Load<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Default + Send + Sync + 'static,
    F: Fn(Scope, Vec<K>) -> R + Send + Sync + 'static,
    R: Future<Output = crate::model::Result<HashMap<K, V>>> + Send + 'static,
{
    let (scope, rounds) = scope.clone();
    let batch = Batch(Arc::new(move |keys| {
        let found = run(scope.clone(), keys);
        Box::pin(async move { found.await.map_err(Arc::new) })
    }));
    Batcher::new(&rounds, batch_fn!(batch))
}

/// A page of a list with rows of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListPage(pub List, pub Window);

/// A page of the tweets of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TweetsPage {
    /// Which feed.
    pub feed: FeedKey,
    /// Whether retweets count.
    pub retweets: bool,
    /// Which part.
    pub window: Window,
}

/// A page of actions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActionsPage {
    /// Whose.
    pub of: ActionsOf,
    /// Which verbs; none: all.
    pub verbs: Option<Vec<String>>,
    /// Which part.
    pub window: Window,
}

/// A page of the groups of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupsPage {
    /// Which feed.
    pub feed: FeedKey,
    /// Which part.
    pub window: Window,
}

/// A page of the actions of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupActionsPage {
    /// Which group.
    pub group: Group,
    /// Which part.
    pub window: Window,
}

/// The first actors of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupActors {
    /// Which group.
    pub group: Group,
    /// How many.
    pub first: usize,
}

/// The best of a topic since a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Top {
    /// Which topic.
    pub topic: Topic,
    /// How many.
    pub first: usize,
    /// Since when; none: ever.
    pub since: Option<Micros>,
}

/// All look-ups of a request.
pub struct Loaders {
    store: Store,
    scope: Scope,
    users: Load<UserId, Option<Arc<User>>>,
    tweets: Load<TweetId, Option<Arc<Tweet>>>,
    hashtags: Load<String, Option<Arc<Hashtag>>>,
    objects: Load<ObjectKey, Option<Arc<Object>>>,
    actions: Load<ActionId, Option<Arc<Action>>>,
    tombstones: Load<Entity, Option<Micros>>,
    lists: Load<ListPage, Arc<Page<Entity>>>,
    feed_tweets: Load<TweetsPage, Arc<Page<TweetId>>>,
    feed_actions: Load<ActionsPage, Arc<Page<Standing>>>,
    likes: Load<TweetId, bool>,
    retweets: Load<TweetId, bool>,
    follows: Load<UserId, Option<Arc<Follows>>>,
    flags: Load<(Entity, String), bool>,
    followers: Load<UserId, bool>,
    names: Load<String, Option<UserId>>,
    groups: Load<GroupsPage, Arc<Page<Group>>>,
    named_groups: Load<GroupId, Option<Group>>,
    group_counts: Load<Group, Counts>,
    group_actors: Load<GroupActors, Arc<Vec<Entity>>>,
    group_actions: Load<GroupActionsPage, Arc<Page<Standing>>>,
    new_notices: Load<UserId, NewNotices>,
    walls: Load<WallId, Option<Arc<Wall>>>,
    slugs: Load<String, Option<WallId>>,
    top_users: Load<Top, Arc<Vec<(UserId, u64)>>>,
    top_tweets: Load<Top, Arc<Vec<TweetId>>>,
}

impl Loaders {
    pub(super) fn new(scope: &Scope) -> Self {
        let scope = &(scope.clone(), Rounds::default());
        Self {
            store: scope.0.store().clone(),
            scope: scope.0.clone(),
            users: loader(scope, async |scope: Scope, ids: Vec<UserId>| {
                some(scope.store().users(ids).await?)
            }),
            tweets: loader(scope, async |scope: Scope, ids: Vec<TweetId>| {
                some(visible::tweets(scope.store(), &ids).await?)
            }),
            hashtags: loader(scope, async |scope: Scope, names: Vec<String>| {
                some(scope.store().hashtags(names).await?)
            }),
            objects: loader(scope, async |scope: Scope, keys: Vec<ObjectKey>| {
                some(scope.store().objects(keys).await?)
            }),
            actions: loader(scope, async |scope: Scope, ids: Vec<ActionId>| {
                actions(&scope, &ids).await
            }),
            tombstones: loader(scope, async |scope: Scope, asked: Vec<Entity>| {
                some(scope.store().tombstones(&asked).await?)
            }),
            lists: loader(scope, async |scope: Scope, asked: Vec<ListPage>| {
                lists(scope.store(), asked).await
            }),
            feed_tweets: loader(scope, async |scope: Scope, asked: Vec<TweetsPage>| {
                feed_tweets(scope.store(), asked).await
            }),
            feed_actions: loader(scope, async |scope: Scope, asked: Vec<ActionsPage>| {
                feed_actions(&scope, asked).await
            }),
            likes: loader(scope, async |scope: Scope, ids: Vec<TweetId>| {
                let Some(viewer) = scope.viewer().user() else {
                    return Ok(HashMap::new());
                };
                yes(scope.store().reacted(Reaction::Like, viewer, &ids).await?)
            }),
            retweets: loader(scope, async |scope: Scope, ids: Vec<TweetId>| {
                let Some(viewer) = scope.viewer().user() else {
                    return Ok(HashMap::new());
                };
                yes(scope.store().reacted(Reaction::Retweet, viewer, &ids).await?)
            }),
            follows: loader(scope, async |scope: Scope, ids: Vec<UserId>| {
                let mut found = HashMap::new();
                for id in ids {
                    found.insert(id, Some(scope.store().follows(id).await?));
                }
                Ok(found)
            }),
            flags: loader(scope, async |scope: Scope, asked: Vec<(Entity, String)>| {
                let Some(viewer) = scope.viewer().user() else {
                    return Ok(HashMap::new());
                };
                yes(scope.store().followed_under(viewer, &asked).await?)
            }),
            followers: loader(scope, async |scope: Scope, ids: Vec<UserId>| {
                let Some(viewer) = scope.viewer().user() else {
                    return Ok(HashMap::new());
                };
                yes(scope.store().followers_among(viewer, &ids).await?)
            }),
            names: loader(scope, async |scope: Scope, names: Vec<String>| {
                some(scope.store().users_named(&names).await?)
            }),
            groups: loader(scope, async |scope: Scope, asked: Vec<GroupsPage>| {
                groups(&scope, asked).await
            }),
            named_groups: loader(scope, async |scope: Scope, ids: Vec<GroupId>| {
                some(group::named(scope.store(), scope.sees_as(), &ids).await?)
            }),
            group_counts: loader(scope, async |scope: Scope, groups: Vec<Group>| {
                group::counts(scope.store(), scope.sees_as(), groups).await
            }),
            group_actors: loader(scope, async |scope: Scope, asked: Vec<GroupActors>| {
                group_actors(&scope, asked).await
            }),
            group_actions: loader(scope, async |scope: Scope, asked: Vec<GroupActionsPage>| {
                group_actions(&scope, asked).await
            }),
            new_notices: loader(scope, async |scope: Scope, users: Vec<UserId>| {
                let snapshot = scope.store().snapshot().await?;
                let mut found = HashMap::new();
                for user in users {
                    found.insert(user, snapshot.new_notices(user).await?);
                }
                Ok(found)
            }),
            walls: loader(scope, async |scope: Scope, ids: Vec<WallId>| {
                some(scope.store().walls(ids).await?)
            }),
            slugs: loader(scope, async |scope: Scope, slugs: Vec<String>| {
                some(scope.store().walls_named(&slugs).await?)
            }),
            top_users: loader(scope, async |scope: Scope, asked: Vec<Top>| {
                top_users(scope.store(), asked).await
            }),
            top_tweets: loader(scope, async |scope: Scope, asked: Vec<Top>| {
                top_tweets(scope.store(), asked).await
            }),
        }
    }
}

macro_rules! ask {
    ($($(#[$doc:meta])* $name:ident: $loader:ident($key:ty) -> $value:ty;)*) => {
        impl Loaders {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`Error::Internal`] when the database fails.
            pub async fn $name(&self, key: $key) -> Loaded<$value> {
                answered(self.$loader.load(key).await)
            }
        )*}
    };
}

ask! {
    /// An action that may be seen.
    action: actions(ActionId) -> Option<Arc<Action>>;
    /// When something was deleted.
    tombstone: tombstones(Entity) -> Option<Micros>;
    /// A page of a list.
    list: lists(ListPage) -> Arc<Page<Entity>>;
    /// A page of the tweets of a feed.
    feed_tweets: feed_tweets(TweetsPage) -> Arc<Page<TweetId>>;
    /// Whether the viewer likes a tweet.
    has_liked: likes(TweetId) -> bool;
    /// Whether the viewer has retweeted a tweet.
    has_retweeted: retweets(TweetId) -> bool;
    /// Whether a user follows the viewer.
    follows_viewer: followers(UserId) -> bool;
    /// A page of the groups of a feed.
    groups: groups(GroupsPage) -> Arc<Page<Group>>;
    /// A group of a feed that the viewer may see.
    group: named_groups(GroupId) -> Option<Group>;
    /// How many actions a group has, and by how many actors.
    group_counts: group_counts(Group) -> Counts;
    /// The first actors of a group.
    group_actors: group_actors(GroupActors) -> Arc<Vec<Entity>>;
    /// A page of the actions of a group.
    group_actions: group_actions(GroupActionsPage) -> Arc<Page<Standing>>;
    /// How much of a user's notifications is new.
    new_notices: new_notices(UserId) -> NewNotices;
    /// Which wall has a slug, given in normal form.
    wall_named: slugs(String) -> Option<WallId>;
    /// Who posted most in a topic, and how often.
    top_users: top_users(Top) -> Arc<Vec<(UserId, u64)>>;
    /// What was retweeted most in a topic.
    top_tweets: top_tweets(Top) -> Arc<Vec<TweetId>>;
    /// Who has a username, given in lower case.
    user_named: names(String) -> Option<UserId>;
}

/// What is in memory is answered without a batch: a page brought it there.
impl Loaders {
    /// A user who is there.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn user(&self, id: UserId) -> Loaded<Option<Arc<User>>> {
        let user = match self.store.cached_user(id) {
            Some(user) => Some(user),
            None => answered(self.users.load(id).await)?,
        };
        if user.is_some() {
            self.scope.show_user(id);
        }
        Ok(user)
    }

    /// A tweet that may be seen.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn tweet(&self, id: TweetId) -> Loaded<Option<Arc<Tweet>>> {
        let tweet = match visible::cached_tweet(&self.store, id) {
            Some(tweet) => Some(tweet),
            None => answered(self.tweets.load(id).await)?,
        };
        if let Some(tweet) = &tweet {
            self.scope.show_tweet(tweet);
        }
        Ok(tweet)
    }

    /// A page of actions.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn feed_actions(&self, page: ActionsPage) -> Loaded<Arc<Page<Standing>>> {
        let page = answered(self.feed_actions.load(page).await)?;
        for (_, Standing { action, .. }) in &page.items {
            self.scope.show_action(action.id);
            if let Entity::User(actor) = action.actor {
                self.scope.show_user(actor);
            }
        }
        Ok(page)
    }

    /// A hashtag that was ever used or followed.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn hashtag(&self, name: String) -> Loaded<Option<Arc<Hashtag>>> {
        self.scope.show_hashtag(&name);
        match self.store.cached_hashtag(&name) {
            Some(tag) => Ok(Some(tag)),
            None => answered(self.hashtags.load(name).await),
        }
    }

    /// A wall.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn wall(&self, id: WallId) -> Loaded<Option<Arc<Wall>>> {
        self.scope.show_wall(id);
        match self.store.cached_wall(id) {
            Some(wall) => Ok(Some(wall)),
            None => answered(self.walls.load(id).await),
        }
    }

    /// An external object.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn object(&self, key: ObjectKey) -> Loaded<Option<Arc<Object>>> {
        match self.store.cached_object(&key) {
            Some(object) => Ok(Some(object)),
            None => answered(self.objects.load(key).await),
        }
    }

    /// Whether the viewer follows something under a flag.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn is_following_under(&self, viewer: Option<UserId>, target: Entity, flag: String) -> Loaded<bool> {
        if viewer.is_none() || flag == FOLLOWING {
            return self.is_following(viewer, &target).await;
        }
        answered(self.flags.load((target, flag)).await)
    }

    /// Whether a user follows something, under the flag `following`.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn is_following(&self, user: Option<UserId>, target: &Entity) -> Loaded<bool> {
        let Some(user) = user else { return Ok(false) };
        let follows = match self.store.cached_follows(user) {
            Some(follows) => Some(follows),
            None => answered(self.follows.load(user).await)?,
        };
        Ok(follows.is_some_and(|follows| follows.targets.contains(target)))
    }
}

fn answered<V>(loaded: Option<Loaded<V>>) -> Loaded<V> {
    loaded.unwrap_or_else(|| Err(Arc::new(Error::internal("a look-up was not answered"))))
}

type Found<K, V> = crate::model::Result<HashMap<K, V>>;

fn some<K: Eq + Hash, V>(found: HashMap<K, V>) -> Found<K, Option<V>> {
    Ok(found.into_iter().map(|(key, value)| (key, Some(value))).collect())
}

fn yes<K: Eq + Hash>(found: impl IntoIterator<Item = K>) -> Found<K, bool> {
    Ok(found.into_iter().map(|key| (key, true)).collect())
}

async fn actions(scope: &Scope, ids: &[ActionId]) -> Found<ActionId, Option<Arc<Action>>> {
    let view = scope.store().view();
    let mut found = view.snapshot().await?.actions_unfiltered(ids).await?;
    let seen = visible_actions(&view, scope.sees_as(), found.values()).await?;
    found.retain(|id, _| seen.contains(id));
    some(found)
}

/// Groups of keys that one statement can answer.
fn grouped<K, G: Eq + Hash>(keys: Vec<K>, group: impl Fn(&K) -> G) -> HashMap<G, Vec<K>> {
    let mut groups: HashMap<G, Vec<K>> = HashMap::new();
    for key in keys {
        groups.entry(group(&key)).or_default().push(key);
    }
    groups
}

async fn lists(store: &Store, asked: Vec<ListPage>) -> Found<ListPage, Arc<Page<Entity>>> {
    let mut found = HashMap::new();
    let groups: HashMap<(ListKind, Window), Vec<ListPage>> = grouped(asked, |page| (page.0.kind, page.1));
    for ((kind, window), keys) in groups {
        let lists: Vec<List> = keys.iter().map(|page| page.0.clone()).collect();
        let source = Lists {
            store,
            kind,
            lists: &lists,
        };
        let pages = pages(&source, window).await?;
        found.extend(keys.into_iter().zip(pages.into_iter().map(Arc::new)));
    }
    Ok(found)
}

async fn feed_tweets(store: &Store, asked: Vec<TweetsPage>) -> Found<TweetsPage, Arc<Page<TweetId>>> {
    let mut found = HashMap::new();
    for ((retweets, window), keys) in grouped(asked, |page| (page.retweets, page.window)) {
        let feeds: Vec<FeedKey> = keys.iter().map(|page| page.feed.clone()).collect();
        let source = Tweets::new(store, &feeds, retweets).await?;
        let pages = pages(&source, window).await?;
        found.extend(keys.into_iter().zip(pages.into_iter().map(Arc::new)));
    }
    Ok(found)
}

async fn feed_actions(scope: &Scope, asked: Vec<ActionsPage>) -> Found<ActionsPage, Arc<Page<Standing>>> {
    let mut found = HashMap::new();
    for ((verbs, window), keys) in grouped(asked, |page| (page.verbs.clone(), page.window)) {
        let lists: Vec<ActionsOf> = keys.iter().map(|page| page.of.clone()).collect();
        let source = Actions::new(scope.store(), scope.sees_as(), &lists, verbs).await?;
        let pages = pages(&source, window).await?;
        found.extend(keys.into_iter().zip(pages.into_iter().map(Arc::new)));
    }
    Ok(found)
}

async fn groups(scope: &Scope, asked: Vec<GroupsPage>) -> Found<GroupsPage, Arc<Page<Group>>> {
    let mut found = HashMap::new();
    for (window, keys) in grouped(asked, |page| page.window) {
        let feeds: Vec<FeedKey> = keys.into_iter().map(|page| page.feed).collect();
        let pages = group::groups(scope.store(), scope.sees_as(), &feeds, window).await?;
        found.extend(
            pages
                .into_iter()
                .map(|(feed, page)| (GroupsPage { feed, window }, Arc::new(page))),
        );
    }
    Ok(found)
}

async fn group_actors(scope: &Scope, asked: Vec<GroupActors>) -> Found<GroupActors, Arc<Vec<Entity>>> {
    let mut found = HashMap::new();
    for (first, keys) in grouped(asked, |asked| asked.first) {
        let groups: Vec<Group> = keys.into_iter().map(|asked| asked.group).collect();
        let actors = group::actors(scope.store(), scope.sees_as(), groups, first).await?;
        let answers = actors.into_iter();
        found.extend(answers.map(|(group, actors)| (GroupActors { group, first }, Arc::new(actors))));
    }
    Ok(found)
}

async fn group_actions(scope: &Scope, asked: Vec<GroupActionsPage>) -> Found<GroupActionsPage, Arc<Page<Standing>>> {
    let mut found = HashMap::new();
    for (window, keys) in grouped(asked, |page| page.window) {
        let groups: Vec<_> = keys.iter().map(|page| page.group.actions()).collect();
        let pages = pages(
            &Actions::of_groups(scope.store(), scope.sees_as(), &groups).await?,
            window,
        )
        .await?;
        found.extend(keys.into_iter().zip(pages.into_iter().map(Arc::new)));
    }
    Ok(found)
}

async fn top_users(store: &Store, asked: Vec<Top>) -> Found<Top, Arc<Vec<(UserId, u64)>>> {
    let mut found = HashMap::new();
    for (first, keys) in grouped(asked, |top| top.first) {
        let best = top::users(store, &topics(&keys), first).await?;
        found.extend(keys.into_iter().zip(best.into_iter().map(Arc::new)));
    }
    Ok(found)
}

async fn top_tweets(store: &Store, asked: Vec<Top>) -> Found<Top, Arc<Vec<TweetId>>> {
    let mut found = HashMap::new();
    for (first, keys) in grouped(asked, |top| top.first) {
        let best = top::tweets(store, &topics(&keys), first).await?;
        found.extend(keys.into_iter().zip(best.into_iter().map(Arc::new)));
    }
    Ok(found)
}

fn topics(asked: &[Top]) -> Vec<top::Asked> {
    asked.iter().map(|top| (top.topic.clone(), top.since)).collect()
}
