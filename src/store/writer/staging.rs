//! Tests of what happens when staged jobs meet.

use super::super::known::{Brief, Claim};
use super::super::tx::Tx;
use super::super::user::NewUser;
use super::super::{Options, Store};
use crate::metrics::Metrics;
use crate::model::{ActionId, Error, EventKind, Micros, NewEvent, Reaction, Result, Topic, Tweet, TweetId, UserId};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

const ALICE: UserId = UserId(1);
const TWEET: TweetId = TweetId(1);

/// A store with a user and their tweet.
async fn open(folder: &TempDir) -> Store {
    let path = folder.path().join("linnet.db").to_string_lossy().into_owned();
    let options = Options::file(path, 1 << 20);
    let store = Store::open(&options, &Metrics::default()).await.unwrap();
    let fill = store.write(|tx| {
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
            tx.insert_tweet(&tweet(TWEET, tx.now()), "alice").await
        })
    });
    fill.await.unwrap();
    store
}

fn tweet(id: TweetId, created_at: Micros) -> Tweet {
    Tweet {
        id,
        author: ALICE,
        text: "text".into(),
        created_at,
        edited_at: None,
        in_reply_to: None,
        action: ActionId(id.0),
        like_count: 0,
        retweet_count: 0,
        reply_count: 0,
        url: None,
        language: None,
        hashtags: Vec::new(),
        mentions: Vec::new(),
    }
}

/// Holds the writer while jobs queue up, then lets them go as one group. What each came to.
async fn as_one_group(store: &Store, jobs: Vec<BoxFuture<'_, Result<()>>>) -> Vec<Result<()>> {
    let (held, hold) = (
        Arc::new(tokio::sync::Notify::new()),
        Arc::new(tokio::sync::Notify::new()),
    );
    let (entered, leave) = (Arc::clone(&held), Arc::clone(&hold));
    let holding = store.write(move |_| {
        Box::pin(async move {
            entered.notify_one();
            leave.notified().await;
            Ok(())
        })
    });
    let mut jobs = Box::pin(join_all(jobs));
    let go = async {
        held.notified().await;
        // Each job is in the queue once it has been polled.
        assert!((&mut jobs).now_or_never().is_none());
        hold.notify_one();
        jobs.await
    };
    let (held, results) = tokio::join!(holding, go);
    held.unwrap();
    results
}

fn say(tx: &Tx) {
    tx.emit(NewEvent::new(EventKind::Like));
}

async fn likes(store: &Store) -> i64 {
    store.tweet_rows([TWEET]).await.unwrap()[&TWEET].like_count
}

#[tokio::test]
async fn one_of_those_who_claim_the_same_waits_and_sees_the_other() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let new = Arc::new(AtomicUsize::new(0));
    let like = || {
        let brief = Brief {
            tweets: vec![TWEET],
            claim: Some(Claim::Reaction(Reaction::Like, TWEET, ALICE)),
            ..Brief::default()
        };
        let new = Arc::clone(&new);
        store.stage(brief, move |tx| {
            let new = Arc::clone(&new);
            Box::pin(async move {
                if !tx.has_reaction(Reaction::Like, TWEET, ALICE).await? {
                    new.fetch_add(1, Ordering::Relaxed);
                    tx.insert_reaction(Reaction::Like, TWEET, ALICE, ActionId(7)).await?;
                }
                say(tx);
                Ok(())
            })
        })
    };
    let results = as_one_group(&store, (0..5).map(|_| like().boxed()).collect()).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(new.load(Ordering::Relaxed), 1);
    assert_eq!(likes(&store).await, 1);
    assert_eq!(store.log().position().seq, 1 + 5);
}

#[tokio::test]
async fn who_reads_a_topic_waits_for_those_who_enter_it() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let topic = Topic::user(ALICE);
    let entering = Brief {
        enters: vec![topic.clone()],
        ..Brief::default()
    };
    let post = store.stage(entering, |tx| {
        Box::pin(async move {
            let tweet = tweet(tx.next_tweet().await?, tx.now());
            let tweet = Tweet {
                action: tx.next_action().await?,
                ..tweet
            };
            tx.insert_tweet(&tweet, "alice").await?;
            tx.record(&crate::model::Deed::posting(&tweet, None)).await
        })
    });
    let reading = Brief {
        reads: vec![topic.clone()],
        ..Brief::default()
    };
    let read = store.stage(reading, move |tx| {
        let topic = topic.clone();
        Box::pin(async move {
            let newest = tx.entry_at_depth(&topic, 0).await?;
            newest.map(|_| ()).ok_or(Error::NotFound("entry"))
        })
    });
    let results = as_one_group(&store, vec![post.boxed(), read.boxed()]).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

#[tokio::test]
async fn rows_that_cannot_be_written_together_are_repeated_one_by_one() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let runs = Arc::new(AtomicUsize::new(0));
    // Nobody claims anything, so all are in one group, and two of them write the same row.
    let like = |user: i64| {
        let runs = Arc::clone(&runs);
        store.stage(Brief::default(), move |tx| {
            let runs = Arc::clone(&runs);
            Box::pin(async move {
                runs.fetch_add(1, Ordering::Relaxed);
                tx.insert_reaction(Reaction::Like, TWEET, UserId(user), ActionId(user))
                    .await?;
                say(tx);
                Ok(())
            })
        })
    };
    let results = as_one_group(&store, [1, 2, 1, 3].map(|user| like(user).boxed()).into()).await;
    let good: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, true, false, true]);
    assert_eq!(runs.load(Ordering::Relaxed), 8);
    assert_eq!(likes(&store).await, 3);
    assert_eq!(store.log().position().seq, 1 + 3);
}

#[tokio::test]
async fn who_fails_or_panics_takes_only_themselves_back() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let like = |user: i64| {
        store.stage(Brief::default(), move |tx| {
            Box::pin(async move {
                tx.insert_reaction(Reaction::Like, TWEET, UserId(user), ActionId(user))
                    .await?;
                say(tx);
                match user {
                    2 => Err(Error::NotFound("tweet")),
                    3 => panic!("a rule that panics"),
                    _ => Ok(()),
                }
            })
        })
    };
    let alone = |user: i64| {
        store.write(move |tx| {
            Box::pin(async move {
                tx.insert_reaction(Reaction::Like, TWEET, UserId(user), ActionId(user))
                    .await?;
                say(tx);
                if user == 12 {
                    Err(Error::NotFound("tweet"))
                } else {
                    Ok(())
                }
            })
        })
    };
    let jobs = vec![
        like(1).boxed(),
        alone(11).boxed(),
        like(2).boxed(),
        alone(12).boxed(),
        like(3).boxed(),
        like(4).boxed(),
    ];
    let results = as_one_group(&store, jobs).await;
    let good: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, true, false, false, false, true]);
    assert_eq!(likes(&store).await, 3);
    assert_eq!(store.log().position().seq, 1 + 3);
}
