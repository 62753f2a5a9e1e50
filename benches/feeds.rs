//! Measures feeds against the bars that they must keep, each as a ratio or a time in one run:
//! `cargo bench --bench feeds`. In the process, on SQLite, without GraphQL and HTTP, which would
//! add the same to both sides of each ratio.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a measurement fails by panicking"
)]

use linnet::metrics::Metrics;
use linnet::model::{Sight, TweetId, UserId, Viewer, Window};
use linnet::reading::feed::{FeedKey, Tweets};
use linnet::reading::page::pages;
use linnet::social::tweet::{Post, Posted};
use linnet::social::{Rules, Social, sweep};
use linnet::store::{Options, Store};
use sea_orm::{ConnectionTrait, Database};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// Who reads and writes. The authors have the numbers from 10 to 5,009; half of them are quiet.
const OF_TEN: UserId = UserId(1);
const OF_ALL: UserId = UserId(2);
const FOLLOWED: UserId = UserId(3);
const ALONE: UserId = UserId(4);
const LEAVING: UserId = UserId(5);
const OF_LIKER: UserId = UserId(6);
const OF_POSTER: UserId = UserId(7);
const FAN: UserId = UserId(10_000);

const PAIRS: usize = 5;
const TURNS: usize = 41;

/// Users, `tweets` tweets of 2,500 busy authors over as many seconds, three of each quiet one, and
/// who follows whom.
fn fill(tweets: usize, more: bool) -> Vec<String> {
    let upto =
        |last: usize| format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {last})");
    let mut fill = vec![
        format!(
            "INSERT INTO users (username, username_key, names, display_name, created_at) \
             {} SELECT 'u' || i, 'u' || i, 'u' || i, 'u' || i, 0 FROM n",
            upto(if more { 110_000 } else { 5_010 })
        ),
        format!(
            "INSERT INTO tweet (author_id, text, created_at, position, action_id) {} \
             SELECT 10 + (i * 7919) % 2500, 'tweet number ' || i, i * 1000000, i * 1000000 * 1024, i FROM n",
            upto(tweets)
        ),
        format!(
            "INSERT INTO tweet (author_id, text, created_at, position, action_id) {} \
             SELECT 2510 + i % 2500, 'long ago', i, i * 1024, 5000000 + i FROM n",
            upto(7_500)
        ),
        "INSERT INTO feed_entry (topic, kind, created_at, id, verb, actor_id, tweet_id) \
         SELECT 'user:' || author_id, 0, created_at, action_id, 'tweet', author_id, id FROM tweet"
            .to_owned(),
    ];
    fill.extend(follows(
        OF_TEN,
        &format!("SELECT 10 + (i * 499) % 5000 AS id FROM ({} SELECT i FROM n)", upto(10)),
    ));
    fill.extend(follows(
        OF_ALL,
        &format!("SELECT 9 + i AS id FROM ({} SELECT i FROM n)", upto(5_000)),
    ));
    if more {
        fill.extend(extremes(upto));
    }
    fill.push("ANALYZE".to_owned());
    fill
}

fn follows(follower: UserId, targets: &str) -> [String; 2] {
    [
        format!(
            "INSERT INTO follow (follower_id, target_kind, target_key, flag, created_at) \
             SELECT {follower}, 'user', id, 'following', 0 FROM ({targets})"
        ),
        format!(
            "INSERT INTO follow_span (follower_id, topic, from_at, from_id) SELECT {follower}, 'user:' || id, 0, 0 FROM ({targets})"
        ),
    ]
}

/// An account with 100,000 followers, one with 100,000 tweets, and two who are followed by one
/// reader each: both with forty tweets, one with a million likes between them.
fn extremes(upto: impl Fn(usize) -> String) -> Vec<String> {
    let mut fill = vec![
        format!(
            "INSERT INTO follow (follower_id, target_kind, target_key, flag, created_at) {} \
             SELECT 9999 + i, 'user', '{FOLLOWED}', 'following', 0 FROM n",
            upto(100_000)
        ),
        format!(
            "INSERT INTO follow_span (follower_id, topic, from_at, from_id) {} \
             SELECT 9999 + i, 'user:{FOLLOWED}', 0, 0 FROM n",
            upto(100_000)
        ),
        format!(
            "INSERT INTO tweet (author_id, text, created_at, position, action_id) {} \
             SELECT {LEAVING}, 'leaving ' || i, i * 1000 + 1, (i * 1000 + 1) * 1024 + 5, 6000000 + i FROM n",
            upto(100_000)
        ),
        format!(
            "INSERT INTO action (id, verb, actor_kind, actor_key, object_kind, object_key, created_at) \
             SELECT action_id, 'tweet', 'user', author_id, 'tweet', id, created_at FROM tweet WHERE author_id = {LEAVING}"
        ),
        format!("UPDATE users SET tweet_count = 100000 WHERE id = {LEAVING}"),
        format!(
            "INSERT INTO tweet (author_id, text, created_at, position, action_id) {} \
             SELECT 8 + i % 2, 'seldom ' || i, CASE WHEN i <= 40 THEN i ELSE 2000000 + i END, (20000000000 + i) * 1024, \
             7000000 + CASE WHEN i <= 40 THEN i ELSE 2000000 + i END FROM n",
            upto(80)
        ),
        format!(
            "INSERT INTO feed_entry (topic, kind, created_at, id, verb, actor_id, tweet_id) \
             SELECT 'user:' || author_id, 0, created_at, action_id, 'tweet', author_id, id FROM tweet \
             WHERE author_id IN ({LEAVING}, 8, 9)"
        ),
        format!(
            "INSERT INTO feed_entry (topic, kind, created_at, id, verb, actor_id, object) {} \
             SELECT 'user:8', 2, 100 + i, 7000040 + i, 'like', 8, 'tweet:' || i FROM n",
            upto(1_000_000)
        ),
    ];
    fill.extend(follows(OF_LIKER, "SELECT 8 AS id"));
    fill.extend(follows(OF_POSTER, "SELECT 9 AS id"));
    fill
}

async fn open(path: &Path) -> Store {
    let options = Options::file(path.to_string_lossy().into_owned(), 256 << 20);
    Store::open(&options, &Metrics::default()).await.unwrap()
}

async fn database(folder: &Path, name: &str, fill: Vec<String>) -> PathBuf {
    let path = folder.join(name);
    open(&path).await.close().await.unwrap();
    let db = Database::connect(format!("sqlite://{}", path.display())).await.unwrap();
    for sql in fill {
        db.execute_unprepared(&sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    db.close().await.unwrap();
    path
}

/// The first page of a timeline's tweets.
async fn page(store: &Store, owner: UserId) -> Vec<TweetId> {
    let sight = store.sight(Some(owner)).await.unwrap();
    let source = Tweets::new(store, &sight, &[FeedKey::Timeline(owner)], true)
        .await
        .unwrap();
    let window = Window::new(Some(20), None, None, None).unwrap();
    let page = pages(&source, window).await.unwrap().remove(0);
    page.items.into_iter().map(|(_, id)| id).collect()
}

fn median(mut took: Vec<f64>) -> f64 {
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}

fn milliseconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1_000.0
}

async fn warm(store: &Store, owner: UserId) -> f64 {
    assert_eq!(page(store, owner).await.len(), 20);
    let mut took = Vec::with_capacity(TURNS);
    for _ in 0..TURNS {
        let begun = Instant::now();
        page(store, owner).await;
        took.push(milliseconds(begun));
    }
    median(took)
}

/// Prints a figure, and whether it keeps its bar.
fn tell(what: &str, figure: f64, bar: f64, unit: &str) {
    let verdict = if figure <= bar { "kept" } else { "MISSED" };
    println!("{what}: {figure:.2}{unit}, at most {bar}{unit}: {verdict}");
}

/// The median ratio of alternated pairs.
async fn ratio(a: (&Store, UserId), b: (&Store, UserId)) -> f64 {
    let mut ratios = Vec::with_capacity(PAIRS);
    for _ in 0..PAIRS {
        let (one, other) = (warm(a.0, a.1).await, warm(b.0, b.1).await);
        ratios.push(one / other);
    }
    median(ratios)
}

fn user(id: UserId) -> Viewer {
    Viewer::User { id, session: [0; 32] }
}

async fn post(social: &Social, by: UserId) -> TweetId {
    let post = Post {
        text: format!("posted #bench {}", rand::random::<u32>()),
        in_reply_to: None,
        idempotency_key: None,
    };
    match social.post_tweet(&user(by), post).await.unwrap() {
        Posted::New(tweet) => tweet.id,
        Posted::Before(id) => id,
    }
}

async fn posting(social: &Social) {
    let (mut followed, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        let begun = Instant::now();
        let id = post(social, FOLLOWED).await;
        followed.push(milliseconds(begun));
        assert_eq!(page(social.store(), FAN).await[0], id);
        let begun = Instant::now();
        post(social, ALONE).await;
        alone.push(milliseconds(begun));
    }
    tell(
        "a post with 100,000 followers against one with none",
        median(followed) / median(alone),
        1.5,
        "",
    );
}

/// An account with 100,000 tweets goes while others post.
async fn leaving(social: &Social) {
    social.set_password("u5", "correct horse".to_owned()).await.unwrap();
    let stop = CancellationToken::new();
    let sweeping = tokio::spawn(sweep::run(social.clone(), stop.clone()));
    social
        .delete_account(&user(LEAVING), "correct horse".to_owned())
        .await
        .unwrap();
    let feed = [FeedKey::User(LEAVING)];
    let sight = Sight::default();
    let source = Tweets::new(social.store(), &sight, &feed, true).await.unwrap();
    let window = Window::new(Some(20), None, None, None).unwrap();
    assert!(pages(&source, window).await.unwrap().remove(0).items.is_empty());
    let mut took = Vec::new();
    let begun = Instant::now();
    while begun.elapsed().as_secs() < 10 {
        let begun = Instant::now();
        post(social, ALONE).await;
        took.push(milliseconds(begun));
    }
    stop.cancel();
    sweeping.await.unwrap().unwrap();
    took.sort_by(f64::total_cmp);
    tell(
        "p99 of posts while 100,000 tweets are deleted",
        took[took.len() * 99 / 100],
        100.0,
        " ms",
    );
}

#[tokio::main]
async fn main() {
    let folder = std::env::temp_dir().join(format!("linnet-feeds-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let small = database(&folder, "small.db", fill(10_000, false)).await;
    let large = database(&folder, "large.db", fill(1_000_000, true)).await;
    let (small, store) = (open(&small).await, open(&large).await);

    let cold = Instant::now();
    assert_eq!(page(&store, OF_ALL).await.len(), 20);
    tell("cold, 5,000 followees", milliseconds(cold), 20.0, " ms");
    tell(
        "warm, 5,000 followees against 10",
        ratio((&store, OF_ALL), (&store, OF_TEN)).await,
        2.0,
        "",
    );
    tell(
        "warm, 1,000,000 tweets against 10,000",
        ratio((&store, OF_TEN), (&small, OF_TEN)).await,
        1.5,
        "",
    );
    tell(
        "a million likes between tweets against none",
        ratio((&store, OF_LIKER), (&store, OF_POSTER)).await,
        1.5,
        "",
    );
    let social = Social::new(store, Rules::default());
    posting(&social).await;
    leaving(&social).await;
    drop(std::fs::remove_dir_all(folder));
}
