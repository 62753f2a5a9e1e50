//! Tests of the caches' law, for each cache: a fill is held open across a write, and another
//! process writes.

use super::super::fact::{Facts, Reacted, Subject};
use super::super::feed::HeadId;
use super::super::follow::Follows;
use super::super::session::Session;
use super::super::tx::Tx;
use super::super::user::NewUser;
use super::super::{Options, Store};
use super::{Head, Kept, On, State};
use crate::metrics::Metrics;
use crate::model::wall::{Filling, Rules};
use crate::model::{
    ActionId, Entity, Entry, EntryKind, EventKind, Hashtag, Hides, Key, Micros, NewEvent, Object, ObjectKey, Place,
    Reaction, Relation, Result, Topic, Tweet, TweetId, User, UserId, Wall, WallId,
};
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;
use tempfile::TempDir;

const ALICE: UserId = UserId(1);
const BOB: UserId = UserId(2);
const TWEET: TweetId = TweetId(1);
const WALL: WallId = WallId(1);
const SESSION: [u8; 32] = [7; 32];

async fn open(folder: &TempDir) -> Store {
    let path = folder.path().join("linnet.db").to_string_lossy().into_owned();
    let options = Options::file(path, 1 << 20);
    Store::open(&options, &Metrics::default()).await.unwrap()
}

async fn write<F>(store: &Store, job: F)
where
    F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<()>> + Clone + Send + Sync + 'static,
{
    store.write(job).await.unwrap();
}

fn changed(tx: &Tx, key: Key) {
    let mut event = NewEvent::new(EventKind::Import);
    event.keys = vec![key];
    tx.emit(event);
}

fn entry(at: i64) -> Entry {
    Entry {
        place: Place { at, id: at },
        kind: EntryKind::Post,
        verb: "tweet".into(),
        actor: ALICE,
        object: Some(Entity::Tweet(TWEET)),
    }
}

fn object() -> Object {
    Object {
        key: ObjectKey {
            kind: "repository".into(),
            key: "acme/x".into(),
        },
        name: "old".into(),
        url: None,
        data: None,
        created_at: Micros(0),
        follower_count: 0,
    }
}

fn wall(title: &str) -> Wall {
    Wall {
        id: WALL,
        slug: "w".into(),
        title: title.into(),
        rules: Rules::default(),
        created_at: Micros(0),
        tweet_count: 0,
        filling: Filling::Done,
    }
}

fn topic() -> Topic {
    Topic::user(ALICE)
}

/// A user, with a tweet, a session and an entry.
async fn fill(store: &Store) {
    write(store, |tx| {
        Box::pin(async move {
            let user = NewUser {
                username: "alice".into(),
                display_name: None,
                bio: String::new(),
                avatar_url: None,
                password_hash: None,
                created_at: tx.now(),
            };
            tx.insert_user(user).await?;
            let tweet = Tweet {
                id: tx.next_tweet().await?,
                author: ALICE,
                text: "old".into(),
                created_at: tx.now(),
                edited_at: None,
                in_reply_to: None,
                action: ActionId(1),
                like_count: 0,
                retweet_count: 0,
                reply_count: 0,
                url: None,
                language: None,
                hashtags: vec!["rust".into()],
                mentions: Vec::new(),
            };
            tx.insert_tweet(&tweet, "alice").await?;
            tx.put_object(&object()).await?;
            tx.put_wall(&wall("old")).await?;
            let session = Session {
                user: Some(ALICE),
                service: None,
                expires_at: None,
            };
            tx.insert_session(SESSION, session).await?;
            tx.insert_entries(&Entity::User(ALICE), &[(topic(), entry(1))]).await
        })
    })
    .await;
}

/// A store with these.
async fn filled() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    fill(&store).await;
    (folder, store)
}

/// Changes what every cache keeps, and says so.
async fn change(store: &Store) {
    write(store, |tx| {
        Box::pin(async move {
            tx.count_user(ALICE, [5, 0, 0]).await?;
            changed(tx, Key::User(ALICE));
            tx.count_tweet(TWEET, [5, 0, 0]).await?;
            tx.insert_reaction(Reaction::Like, TWEET, ALICE, ActionId(3)).await?;
            changed(tx, Key::Tweet(TWEET));
            tx.count_hashtags(&["rust".to_owned()], 5).await?;
            changed(tx, Key::Hashtag("rust".into()));
            tx.delete_session(SESSION).await?;
            changed(tx, Key::Session(SESSION));
            let mut object = object();
            object.name = "new".into();
            tx.put_object(&object).await?;
            changed(tx, Key::Object(object.key));
            tx.put_wall(&wall("new")).await?;
            changed(tx, Key::Topic(Topic::wall(WALL)));
            let target = Entity::Hashtag("rust".into());
            tx.insert_follow(ALICE, &target, "following", None).await?;
            tx.insert_follow(ALICE, &Entity::User(BOB), "following", None).await?;
            tx.open_span(ALICE, &Topic::hashtag("rust"), Place::OLDEST).await?;
            changed(tx, Key::Follows(ALICE));
            tx.insert_relation(Relation::Block, ALICE, UserId(2)).await?;
            changed(tx, Key::Hides(ALICE));
            let mut event = NewEvent::new(EventKind::Tweet);
            event.added = vec![(topic(), entry(2))];
            tx.insert_entries(&Entity::User(ALICE), &event.added).await?;
            tx.emit(event);
            Ok(())
        })
    })
    .await;
}

/// A cache under test: how a snapshot fills it, and how the store answers from it.
trait Cache: Kept + Debug + PartialEq + Send + Sync + 'static
where
    State: On<Self>,
{
    fn id() -> Self::Id;
    async fn read(snapshot: &super::super::snapshot::Snapshot) -> HashMap<Self::Id, Arc<Self>>;
    async fn ask(store: &Store) -> Option<Arc<Self>>;
}

macro_rules! caches {
    ($($value:ty, $id:expr, |$snapshot:ident| $read:expr, |$store:ident| $ask:expr;)*) => {$(
        impl Cache for $value {
            fn id() -> <Self as Kept>::Id {
                $id
            }
            async fn read($snapshot: &super::super::snapshot::Snapshot) -> HashMap<<Self as Kept>::Id, Arc<Self>> {
                $read
            }
            async fn ask($store: &Store) -> Option<Arc<Self>> {
                $ask
            }
        }
    )*};
}

fn head() -> HeadId {
    (topic(), EntryKind::Post)
}

caches! {
    User, ALICE, |snapshot| snapshot.users(&[ALICE]).await.unwrap(),
        |store| store.users([ALICE]).await.unwrap().remove(&ALICE);
    Tweet, TWEET, |snapshot| snapshot.tweets(&[TWEET]).await.unwrap(),
        |store| store.tweet_rows([TWEET]).await.unwrap().remove(&TWEET);
    Hashtag, "rust".to_owned(), |snapshot| snapshot.hashtags(&["rust".to_owned()]).await.unwrap(),
        |store| store.hashtags(["rust".to_owned()]).await.unwrap().remove("rust");
    Session, SESSION, |snapshot| snapshot.session(SESSION).await.unwrap().into_iter().map(|session| (SESSION, session)).collect(),
        |store| store.session(SESSION).await.unwrap();
    Follows, ALICE, |snapshot| HashMap::from([(ALICE, Arc::new(snapshot.follows(ALICE).await.unwrap()))]),
        |store| Some(store.follows(ALICE).await.unwrap());
    Hides, ALICE, |snapshot| HashMap::from([(ALICE, Arc::new(snapshot.hides(ALICE).await.unwrap()))]),
        |store| Some(store.hides(ALICE).await.unwrap());
    Object, object().key, |snapshot| snapshot.objects(&[object().key]).await.unwrap(),
        |store| store.objects([object().key]).await.unwrap().remove(&object().key);
    Facts<TweetId>, TWEET, |snapshot| facts(ALICE, snapshot.reacted(ALICE, &[TWEET]).await.unwrap()),
        |store| facts(ALICE, store.reacted(ALICE, &[TWEET]).await.unwrap()).remove(&TWEET);
    Facts<UserId>, ALICE, |snapshot| facts(BOB, snapshot.following(&[ALICE], BOB).await.unwrap()),
        |store| facts(BOB, store.following(&[ALICE], BOB).await.unwrap()).remove(&ALICE);
    Wall, WALL, |snapshot| snapshot.walls(&[WALL]).await.unwrap(),
        |store| store.walls([WALL]).await.unwrap().remove(&WALL);
    Head, head(), |snapshot| snapshot.heads(&[head()], 10).await.unwrap(),
        |store| store.view().heads(&[head()]).await.unwrap().unwrap().remove(&head());
}

fn facts<S: Subject>(viewer: UserId, found: HashMap<S, S::Fact>) -> HashMap<S, Arc<Facts<S>>> {
    let facts = found.into_iter();
    facts
        .map(|(subject, fact)| (subject, Arc::new(Facts::of(viewer, fact))))
        .collect()
}

fn kept<V: Cache>(store: &Store) -> Option<Arc<V>>
where
    State: On<V>,
{
    store.caches().get::<V>([V::id()]).0.remove(&V::id())
}

/// What was read before a write is not kept after it, however late it is stored.
async fn a_fill_held_open<V: Cache>()
where
    State: On<V>,
{
    let (_folder, store) = filled().await;
    let snapshot = store.snapshot().await.unwrap();
    change(&store).await;
    let old = V::read(&snapshot).await;
    assert!(old.contains_key(&V::id()), "the snapshot still shows the row");
    // Nothing, or what the write has left.
    let newest = kept::<V>(&store);
    assert_ne!(newest.as_ref(), old.get(&V::id()), "an old row was not forgotten");
    store
        .caches()
        .put(snapshot.seq(), old.iter().map(|(id, value)| (id.clone(), value)));
    assert_eq!(kept::<V>(&store), newest, "an old row was kept");
    let fresh = V::ask(&store).await;
    assert_ne!(fresh.as_ref(), old.get(&V::id()), "an old row was answered");
    assert_eq!(kept::<V>(&store), fresh, "the new row is kept");
}

/// What a write has changed is in memory, as the tables show it.
async fn what_a_write_leaves<V: Cache>()
where
    State: On<V>,
{
    let (_folder, store) = filled().await;
    change(&store).await;
    let kept = kept::<V>(&store);
    assert!(kept.is_some());
    let snapshot = store.snapshot().await.unwrap();
    assert_eq!(kept.as_ref(), V::read(&snapshot).await.get(&V::id()));
}

#[tokio::test]
async fn what_a_write_has_changed_is_kept() {
    what_a_write_leaves::<Tweet>().await;
    what_a_write_leaves::<User>().await;
    what_a_write_leaves::<Hashtag>().await;
}

/// What another process commits is seen once the log was looked at, and by whoever reads a
/// newer snapshot at once.
async fn another_process_writes<V: Cache>()
where
    State: On<V>,
{
    let folder = tempfile::tempdir().unwrap();
    let (server, import) = (open(&folder).await, open(&folder).await);
    fill(&import).await;
    let old = V::ask(&server).await;
    assert!(old.is_some());
    assert_eq!(kept::<V>(&server), old);
    change(&import).await;
    let newer = server.snapshot().await.unwrap();
    assert_eq!(
        newer.seq(),
        server.log().position().seq,
        "the caches have reached the snapshot"
    );
    assert_ne!(V::ask(&server).await, old);
    drop(newer);
    // And in the server's own order again: its next event is the one after the other's.
    let before = server.log().position().seq;
    write(&server, |tx| {
        Box::pin(async move {
            changed(tx, Key::User(ALICE));
            Ok(())
        })
    })
    .await;
    assert_eq!(server.log().position().seq, before + 1);
}

/// What was read early goes with an event behind it, also when something later was joined to it.
#[tokio::test]
async fn what_is_joined_is_as_old_as_its_oldest_part() {
    let (_folder, store) = filled().await;
    let caches = store.caches();
    let before = store.log().position().seq;
    let join = |seq, viewer, liked| {
        let reacted = Reacted {
            liked,
            retweeted: false,
        };
        caches.join(seq, [(TWEET, Arc::new(Facts::of(viewer, reacted)))], Facts::with);
    };
    let liked = |viewer| store.cached_reacted(viewer, TWEET).map(|reacted| reacted.liked);
    join(before, ALICE, false);
    // As a snapshot shows it that has what this process has not heard of yet.
    join(before + 1_000, BOB, true);
    assert_eq!((liked(ALICE), liked(BOB)), (Some(false), Some(true)));
    change(&store).await;
    assert_eq!((liked(ALICE), liked(BOB)), (None, None));
    join(before, ALICE, false);
    assert_eq!(liked(ALICE), None, "something older than the event was kept");
}

/// When events could not be taken nothing is kept, until they are.
#[tokio::test]
async fn memory_is_used_again_after_a_failure() {
    let (_folder, store) = filled().await;
    store.log().distrust();
    Tweet::ask(&store).await.unwrap();
    assert_eq!(kept::<Tweet>(&store), None, "something was kept in the dark");
    change(&store).await;
    let fresh = Tweet::ask(&store).await;
    assert!(fresh.is_some());
    assert_eq!(kept::<Tweet>(&store), fresh);
}

/// A hole that another process left is read before this process's own event is taken.
#[tokio::test]
async fn a_hole_is_read_first() {
    let folder = tempfile::tempdir().unwrap();
    let (server, import) = (open(&folder).await, open(&folder).await);
    fill(&server).await;
    let old = Tweet::ask(&server).await.unwrap();
    change(&import).await;
    write(&server, |tx| {
        Box::pin(async move {
            changed(tx, Key::User(ALICE));
            Ok(())
        })
    })
    .await;
    let kept = kept::<Tweet>(&server);
    assert_ne!(kept, Some(old), "the other's event was passed over");
    assert_eq!(Tweet::ask(&server).await.unwrap().like_count, 6);
}

macro_rules! laws {
    ($($name:ident: $value:ty;)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test]
            async fn a_fill_held_open_across_a_write_is_not_kept() {
                a_fill_held_open::<$value>().await;
            }

            #[tokio::test]
            async fn another_process_is_heard() {
                another_process_writes::<$value>().await;
            }
        }
    )*};
}

laws! {
    users: User;
    reactions: Facts<TweetId>;
    followings: Facts<UserId>;
    tweets: Tweet;
    hashtags: Hashtag;
    sessions: Session;
    follows: Follows;
    hides: Hides;
    objects: Object;
    heads: Head;
    walls: Wall;
}
