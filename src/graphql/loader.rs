//! Batched look-ups: one set of loaders a request, so that what a level of a query needs is
//! asked for once, and nothing outlives the request.

mod page;

pub use page::{ActionsPage, GroupActionsPage, GroupActors, GroupsPage, ListPage, Top, TweetsPage};

use super::batch::{Batcher, Rounds, batch_fn};
use super::request::Scope;
use crate::model::feed::NOBODY;
use crate::model::page::Page;
use crate::model::{
    Action, ActionId, Entity, Error, GroupId, Hashtag, Micros, Object, ObjectKey, Sight, Tweet, TweetId, User, UserId,
    Wall, WallId,
};
use crate::reading::feed::{Standing, visible_actions};
use crate::reading::group::{self, Group};
use crate::reading::visible;
use crate::store::Store;
use crate::store::fact::Reacted;
use crate::store::follow::{FOLLOWING, Follows};
use crate::store::group::Counts;
use crate::store::notice::NewNotices;
use dataloader::BatchFn;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, OnceLock};
use tokio::sync::OnceCell;

/// What a loader answers for a key.
pub type Loaded<V> = Result<V, Arc<Error>>;

type Load<K, V> = Lazy<K, V>;
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

/// What the look-ups of a request share: who asks, and the rounds they go in.
type Common = Arc<(Scope, Rounds)>;

/// A loader that is made when it is first asked: a request needs few of them.
struct Lazy<K, V> {
    common: Common,
    make: fn(&Common) -> Batcher<K, Loaded<V>>,
    made: OnceLock<Batcher<K, Loaded<V>>>,
}

impl<K, V> Lazy<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn new(common: &Common, make: fn(&Common) -> Batcher<K, Loaded<V>>) -> Self {
        Self {
            common: Arc::clone(common),
            make,
            made: OnceLock::new(),
        }
    }

    async fn load(&self, key: K) -> Option<Loaded<V>> {
        self.made.get_or_init(|| (self.make)(&self.common)).load(key).await
    }
}

/// A loader of one kind of look-up.
fn loader<K, V, F, R>(common: &Common, run: F) -> Batcher<K, Loaded<V>>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Default + Send + Sync + 'static,
    F: Fn(Scope, Vec<K>) -> R + Send + Sync + 'static,
    R: Future<Output = crate::model::Result<HashMap<K, V>>> + Send + 'static,
{
    let scope = common.0.clone();
    let batch = Batch(Arc::new(move |keys| {
        let found = run(scope.clone(), keys);
        Box::pin(async move { found.await.map_err(Arc::new) })
    }));
    Batcher::new(&common.1, batch_fn!(batch))
}

/// All look-ups of a request.
pub struct Loaders {
    store: Store,
    scope: Scope,
    glance: Arc<OnceCell<Sight>>,
    users: Load<UserId, Option<Arc<User>>>,
    tweets: Load<TweetId, Option<Arc<Tweet>>>,
    hashtags: Load<String, Option<Arc<Hashtag>>>,
    objects: Load<ObjectKey, Option<Arc<Object>>>,
    actions: Load<ActionId, Option<Arc<Action>>>,
    tombstones: Load<Entity, Option<Micros>>,
    lists: Load<ListPage, Arc<Page<Entity>>>,
    feed_tweets: Load<TweetsPage, Arc<Page<TweetId>>>,
    feed_actions: Load<ActionsPage, Arc<Page<Standing>>>,
    reactions: Load<TweetId, Reacted>,
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

/// A loader that is made over this function when it is first asked.
macro_rules! lazy {
    ($common:expr, $run:expr $(,)?) => {
        Lazy::new($common, |common| loader(common, $run))
    };
}

impl Loaders {
    pub(super) fn new(scope: &Scope) -> Self {
        let common = &Arc::new((scope.clone(), Rounds::default()));
        Self {
            store: scope.store().clone(),
            scope: scope.clone(),
            glance: scope.glance(),
            users: lazy!(common, async |scope: Scope, ids: Vec<UserId>| {
                some(scope.store().users(ids).await?)
            }),
            tweets: lazy!(common, async |scope: Scope, ids: Vec<TweetId>| {
                some(visible::tweets(scope.store(), &scope.sight().await?, &ids).await?)
            }),
            hashtags: lazy!(common, async |scope: Scope, names: Vec<String>| {
                some(scope.store().hashtags(names).await?)
            }),
            objects: lazy!(common, async |scope: Scope, keys: Vec<ObjectKey>| {
                some(scope.store().objects(keys).await?)
            }),
            actions: lazy!(common, async |scope: Scope, ids: Vec<ActionId>| {
                actions(&scope, &ids).await
            }),
            tombstones: lazy!(common, async |scope: Scope, asked: Vec<Entity>| {
                some(scope.store().tombstones(&asked).await?)
            }),
            lists: lazy!(common, async |scope: Scope, asked: Vec<ListPage>| {
                page::lists(&scope, asked).await
            }),
            feed_tweets: lazy!(common, async |scope: Scope, asked: Vec<TweetsPage>| {
                page::feed_tweets(&scope, asked).await
            }),
            feed_actions: lazy!(common, async |scope: Scope, asked: Vec<ActionsPage>| {
                page::feed_actions(&scope, asked).await
            }),
            reactions: lazy!(common, async |scope: Scope, ids: Vec<TweetId>| {
                match scope.viewer().user() {
                    Some(viewer) => scope.store().reacted(viewer, &ids).await,
                    None => Ok(HashMap::new()),
                }
            }),
            follows: lazy!(common, async |scope: Scope, ids: Vec<UserId>| {
                let mut found = HashMap::new();
                for id in ids {
                    found.insert(id, Some(scope.store().follows(id).await?));
                }
                Ok(found)
            }),
            flags: lazy!(common, async |scope: Scope, asked: Vec<(Entity, String)>| {
                let Some(viewer) = scope.viewer().user() else {
                    return Ok(HashMap::new());
                };
                yes(scope.store().followed_under(viewer, &asked).await?)
            }),
            followers: lazy!(common, async |scope: Scope, ids: Vec<UserId>| {
                match scope.viewer().user() {
                    Some(viewer) => scope.store().following(&ids, viewer).await,
                    None => Ok(HashMap::new()),
                }
            }),
            names: lazy!(common, async |scope: Scope, names: Vec<String>| {
                some(scope.store().users_named(&names).await?)
            }),
            groups: lazy!(common, async |scope: Scope, asked: Vec<GroupsPage>| {
                page::groups(&scope, asked).await
            }),
            named_groups: lazy!(common, async |scope: Scope, ids: Vec<GroupId>| {
                some(group::named(scope.store(), &scope.sight().await?, &ids).await?)
            }),
            group_counts: lazy!(common, async |scope: Scope, groups: Vec<Group>| {
                group::counts(scope.store(), &scope.sight().await?, groups).await
            }),
            group_actors: lazy!(common, async |scope: Scope, asked: Vec<GroupActors>| {
                page::group_actors(&scope, asked).await
            }),
            group_actions: lazy!(common, async |scope: Scope, asked: Vec<GroupActionsPage>| {
                page::group_actions(&scope, asked).await
            }),
            new_notices: lazy!(common, async |scope: Scope, users: Vec<UserId>| {
                let snapshot = scope.store().snapshot().await?;
                let mut found = HashMap::new();
                for user in users {
                    found.insert(user, snapshot.new_notices(user).await?);
                }
                Ok(found)
            }),
            walls: lazy!(common, async |scope: Scope, ids: Vec<WallId>| {
                some(scope.store().walls(ids).await?)
            }),
            slugs: lazy!(common, async |scope: Scope, slugs: Vec<String>| {
                some(scope.store().walls_named(&slugs).await?)
            }),
            top_users: lazy!(common, async |scope: Scope, asked: Vec<Top>| {
                page::top_users(&scope, asked).await
            }),
            top_tweets: lazy!(common, async |scope: Scope, asked: Vec<Top>| {
                page::top_tweets(&scope, asked).await
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
    /// A user who may be seen.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn user(&self, id: UserId) -> Loaded<Option<Arc<User>>> {
        let sight = self.scope.look(&self.glance).await?;
        let user = self.account(id).await?.filter(|user| sight.shows(user));
        if user.is_some() {
            self.scope.show_user(id);
        }
        Ok(user)
    }

    /// A user who is there, whether the viewer hides them or a ban does: for who has just done
    /// that, and for lists of such users.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn account(&self, id: UserId) -> Loaded<Option<Arc<User>>> {
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
        let sight = self.scope.look(&self.glance).await?;
        let tweet = match visible::cached_tweet(&self.store, sight, id) {
            Some(tweet) => Some(tweet),
            None => answered(self.tweets.load(id).await)?,
        };
        if let Some(tweet) = &tweet {
            self.scope.show_tweet(tweet);
        }
        Ok(tweet)
    }

    /// What the viewer did with a tweet.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn reacted(&self, id: TweetId) -> Loaded<Reacted> {
        let Some(viewer) = self.scope.viewer().user() else {
            return Ok(Reacted::default());
        };
        match self.store.cached_reacted(viewer, id) {
            Some(reacted) => Ok(reacted),
            None => answered(self.reactions.load(id).await),
        }
    }

    /// Whether a user follows the viewer.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn follows_viewer(&self, id: UserId) -> Loaded<bool> {
        let Some(viewer) = self.scope.viewer().user() else {
            return Ok(false);
        };
        match self.store.cached_following(id, viewer) {
            Some(follows) => Ok(follows),
            None => answered(self.followers.load(id).await),
        }
    }

    /// A page of actions.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn feed_actions(&self, page: ActionsPage) -> Loaded<Arc<Page<Standing>>> {
        let page = answered(self.feed_actions.load(page).await)?;
        for (_, standing) in &page.items {
            self.show(&standing.action);
        }
        Ok(page)
    }

    /// Keeps account of an action: whose it is and, of one that goes with what it was done to,
    /// whose that is. A page has brought both into memory.
    fn show(&self, action: &Action) {
        self.scope.show_action(action.id);
        if let Entity::User(actor) = action.actor {
            self.scope.show_user(actor);
        }
        let goes_with = action.object.as_ref().filter(|_| action.is_automatic());
        self.show_owner(goes_with);
    }

    fn show_owner(&self, object: Option<&Entity>) {
        match object {
            Some(Entity::User(id)) => self.scope.show_user(*id),
            Some(Entity::Tweet(id)) => {
                if let Some(tweet) = self.store.cached_tweet_row(*id) {
                    self.scope.show_tweet(&tweet);
                }
            }
            Some(Entity::Hashtag(_) | Entity::Object(_)) | None => {}
        }
    }

    /// A page of the groups of a feed.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn groups(&self, page: GroupsPage) -> Loaded<Arc<Page<Group>>> {
        let page = answered(self.groups.load(page).await)?;
        for (_, group) in &page.items {
            // It stands where it does by whoever's newest action.
            if group.actor != NOBODY {
                self.scope.show_user(group.actor);
            }
            // Of others the object is shown where it is asked for, and they stand without it too.
            self.show_owner(group.key.object.as_ref().filter(|_| group.key.is_automatic()));
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
    let seen = visible_actions(&view, &scope.sight().await?, found.values()).await?;
    found.retain(|id, _| seen.contains(id));
    some(found)
}
