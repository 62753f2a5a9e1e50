//! Batched look-ups: one set of loaders a request, so that what a level of a query needs is
//! asked for once, and nothing outlives the request.

use super::batch::{Batcher, Rounds, batch_fn};
use super::request::Scope;
use crate::model::page::Page;
use crate::model::{Action, ActionId, Entity, Error, Hashtag, Micros, Reaction, Tweet, TweetId, User, UserId, Window};
use crate::reading::feed::{Actions, FeedKey, Tweets, visible_actions};
use crate::reading::list::Lists;
use crate::reading::page::pages;
use crate::reading::visible;
use crate::store::Store;
use crate::store::follow::Follows;
use crate::store::list::{List, ListKind};
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
    store: Store,
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
    follows: Load<UserId, Option<Arc<Follows>>>,
    followers: Load<UserId, bool>,
    names: Load<String, Option<UserId>>,
}

impl Loaders {
    pub(super) fn new(scope: &Scope) -> Self {
        let scope = &(scope.clone(), Rounds::default());
        Self {
            store: scope.0.store().clone(),
            users: loader(scope, async |scope: Scope, ids: Vec<UserId>| {
                some(scope.store().users(ids).await?)
            }),
            tweets: loader(scope, async |scope: Scope, ids: Vec<TweetId>| {
                some(visible::tweets(scope.store(), &ids).await?)
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

/// What is in memory is answered without a batch: a page brought it there.
impl Loaders {
    /// A user who is there.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn user(&self, id: UserId) -> Loaded<Option<Arc<User>>> {
        match self.store.cached_user(id) {
            Some(user) => Ok(Some(user)),
            None => answered(self.users.load(id).await),
        }
    }

    /// A tweet that may be seen.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn tweet(&self, id: TweetId) -> Loaded<Option<Arc<Tweet>>> {
        match visible::cached_tweet(&self.store, id) {
            Some(tweet) => Ok(Some(tweet)),
            None => answered(self.tweets.load(id).await),
        }
    }

    /// A hashtag that was ever used or followed.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn hashtag(&self, name: String) -> Loaded<Option<Arc<Hashtag>>> {
        match self.store.cached_hashtag(&name) {
            Some(tag) => Ok(Some(tag)),
            None => answered(self.hashtags.load(name).await),
        }
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

async fn actions(store: &Store, ids: &[ActionId]) -> Found<ActionId, Option<Arc<Action>>> {
    let view = store.view();
    let mut found = view.snapshot().await?.actions_unfiltered(ids).await?;
    let seen = visible_actions(&view, found.values()).await?;
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
