//! Batched look-ups: one set of loaders a request, so that what a level of a query needs is
//! asked for once, and nothing outlives the request.

use super::request::Scope;
use crate::model::page::Page;
use crate::model::{Action, ActionId, Entity, Error, Hashtag, Micros, Tweet, TweetId, User, UserId, Window};
use crate::reading::feed::{Actions, FeedKey, Tweets, visible_actions};
use crate::reading::list::Lists;
use crate::reading::page::pages;
use crate::reading::visible;
use crate::store::Store;
use crate::store::list::{List, ListKind};
use dataloader::BatchFn;
use dataloader::non_cached::Loader;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// What a loader answers for a key.
pub type Loaded<V> = Result<V, Arc<Error>>;

type Load<K, V> = Loader<K, Loaded<V>, Batch<K, V>>;
type Run<K, V> = Box<dyn Fn(Vec<K>) -> futures_util::future::BoxFuture<'static, Loaded<HashMap<K, V>>> + Send + Sync>;

/// A function over all keys of a level.
pub struct Batch<K, V>(Run<K, V>);

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
fn loader<K, V, F, R>(scope: &Scope, run: F) -> Load<K, V>
where
    K: Clone + Eq + Hash + std::fmt::Debug + Send + Sync + 'static,
    V: Clone + Default + Send + Sync + 'static,
    F: Fn(Scope, Vec<K>) -> R + Send + Sync + 'static,
    R: Future<Output = crate::model::Result<HashMap<K, V>>> + Send + 'static,
{
    let scope = scope.clone();
    let batch = Batch(Box::new(move |keys| {
        let found = run(scope.clone(), keys);
        Box::pin(async move { found.await.map_err(Arc::new) })
    }));
    // One turn of the scheduler is enough for all resolvers of a level to have asked.
    Loader::new(batch).with_yield_count(1).with_max_batch_size(1_000_000)
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

/// A page of the actions of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActionsPage {
    /// Which feed.
    pub feed: FeedKey,
    /// Which verbs; none: all.
    pub verbs: Option<Vec<String>>,
    /// Which part.
    pub window: Window,
}

/// All look-ups of a request.
pub struct Loaders {
    users: Load<UserId, Option<Arc<User>>>,
    tweets: Load<TweetId, Option<Arc<Tweet>>>,
    hashtags: Load<String, Option<Arc<Hashtag>>>,
    actions: Load<ActionId, Option<Arc<Action>>>,
    tombstones: Load<Entity, Option<Micros>>,
    lists: Load<ListPage, Arc<Page<Entity>>>,
    feed_tweets: Load<TweetsPage, Arc<Page<TweetId>>>,
    feed_actions: Load<ActionsPage, Arc<Page<Arc<Action>>>>,
    likes: Load<TweetId, bool>,
    retweets: Load<TweetId, bool>,
    followers: Load<UserId, bool>,
    names: Load<String, Option<UserId>>,
}

impl Loaders {
    pub(super) fn new(scope: &Scope) -> Self {
        Self {
            users: loader(scope, async |scope: Scope, ids: Vec<UserId>| {
                some(scope.store().users(ids).await?)
            }),
            tweets: loader(scope, async |scope: Scope, ids: Vec<TweetId>| {
                some(visible::tweets(scope.store(), ids).await?)
            }),
            hashtags: loader(scope, async |scope: Scope, names: Vec<String>| {
                some(scope.store().hashtags(names).await?)
            }),
            actions: loader(scope, async |scope: Scope, ids: Vec<ActionId>| {
                actions(scope.store(), &ids).await
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
                feed_actions(scope.store(), asked).await
            }),
            likes: loader(scope, async |scope: Scope, ids: Vec<TweetId>| {
                let Some(viewer) = scope.viewer().user() else {
                    return Ok(HashMap::new());
                };
                yes(scope.store().liked_by(viewer, &ids).await?)
            }),
            retweets: loader(scope, async |scope: Scope, ids: Vec<TweetId>| {
                let Some(viewer) = scope.viewer().user() else {
                    return Ok(HashMap::new());
                };
                yes(scope.store().retweeted_by(viewer, &ids).await?)
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
                match self.$loader.try_load(key).await {
                    Ok(loaded) => loaded,
                    Err(missing) => Err(Arc::new(Error::internal(missing))),
                }
            }
        )*}
    };
}

ask! {
    /// A user who is there.
    user: users(UserId) -> Option<Arc<User>>;
    /// A tweet that may be seen.
    tweet: tweets(TweetId) -> Option<Arc<Tweet>>;
    /// A hashtag that was ever used or followed.
    hashtag: hashtags(String) -> Option<Arc<Hashtag>>;
    /// An action that may be seen.
    action: actions(ActionId) -> Option<Arc<Action>>;
    /// When something was deleted.
    tombstone: tombstones(Entity) -> Option<Micros>;
    /// A page of a list.
    list: lists(ListPage) -> Arc<Page<Entity>>;
    /// A page of the tweets of a feed.
    feed_tweets: feed_tweets(TweetsPage) -> Arc<Page<TweetId>>;
    /// A page of the actions of a feed.
    feed_actions: feed_actions(ActionsPage) -> Arc<Page<Arc<Action>>>;
    /// Whether the viewer likes a tweet.
    has_liked: likes(TweetId) -> bool;
    /// Whether the viewer has retweeted a tweet.
    has_retweeted: retweets(TweetId) -> bool;
    /// Whether a user follows the viewer.
    follows_viewer: followers(UserId) -> bool;
    /// Who has a username, given in lower case.
    user_named: names(String) -> Option<UserId>;
}

type Found<K, V> = crate::model::Result<HashMap<K, V>>;

fn some<K: Eq + Hash, V>(found: HashMap<K, V>) -> Found<K, Option<V>> {
    Ok(found.into_iter().map(|(key, value)| (key, Some(value))).collect())
}

fn yes<K: Eq + Hash>(found: impl IntoIterator<Item = K>) -> Found<K, bool> {
    Ok(found.into_iter().map(|key| (key, true)).collect())
}

async fn actions(store: &Store, ids: &[ActionId]) -> Found<ActionId, Option<Arc<Action>>> {
    let mut found = store.actions_unfiltered(ids).await?;
    let seen = visible_actions(store, found.values()).await?;
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

async fn feed_actions(store: &Store, asked: Vec<ActionsPage>) -> Found<ActionsPage, Arc<Page<Arc<Action>>>> {
    let mut found = HashMap::new();
    for ((verbs, window), keys) in grouped(asked, |page| (page.verbs.clone(), page.window)) {
        let feeds: Vec<FeedKey> = keys.iter().map(|page| page.feed.clone()).collect();
        let source = Actions::new(store, &feeds, verbs).await?;
        let pages = pages(&source, window).await?;
        found.extend(keys.into_iter().zip(pages.into_iter().map(Arc::new)));
    }
    Ok(found)
}
