//! Measures counts against the bars that they must keep: `cargo bench --bench walls`. A million tweets
//! by 10,000 authors over 30 days, all of them on one wall, hashtags and authors as uneven as in life.
//! In the process, on SQLite, without GraphQL and HTTP. `LINNET_BENCH_TWEETS` makes it smaller.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a measurement fails by panicking"
)]

use linnet::metrics::Metrics;
use linnet::model::tally::HOUR;
use linnet::model::{Micros, Sight, Topic, UserId, WallId};
use linnet::reading::{top, trend};
use linnet::social::{Rules, Social};
use linnet::store::{Options, Store};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

const AUTHORS: usize = 10_000;
const TAGS: usize = 2_000;
const DAYS: i64 = 30;
const FIRST: usize = 10;

/// Ranks by Zipf's law.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(ranks: usize, exponent: f64, shift: f64) -> Self {
        let mut sum = 0.0;
        let weights = (0..ranks).map(|rank| {
            sum += (rank as f64 + shift).powf(-exponent);
            sum
        });
        Self(weights.collect())
    }

    fn draw(&self, chance: &mut StdRng) -> usize {
        let at = chance.random_range(0.0..*self.0.last().unwrap());
        self.0.partition_point(|sum| *sum < at)
    }
}

struct Post {
    author: usize,
    at: i64,
    tags: Vec<usize>,
    retweets: i64,
}

fn posts(count: usize, until: i64) -> Vec<Post> {
    let mut chance = StdRng::seed_from_u64(7);
    let (authors, tags) = (Zipf::new(AUTHORS, 0.7, 20.0), Zipf::new(TAGS, 1.0, 1.0));
    let span = DAYS * 24 * HOUR;
    (0..count)
        .map(|n| {
            let mut post = Post {
                author: 1 + authors.draw(&mut chance),
                at: until - span + span / count as i64 * n as i64,
                tags: Vec::new(),
                retweets: (chance.random_range(0.001..1.0_f64).powf(-0.9) - 1.0) as i64,
            };
            if chance.random_bool(0.4) {
                let wanted = chance.random_range(1..=3);
                while post.tags.len() < wanted {
                    let tag = tags.draw(&mut chance);
                    if !post.tags.contains(&tag) {
                        post.tags.push(tag);
                    }
                }
            }
            post
        })
        .collect()
}

async fn run(db: &DatabaseConnection, sql: &str, rows: serde_json::Value) {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [rows.to_string().into()]);
    db.execute_raw(statement).await.unwrap();
}

async fn fill(path: &Path, posts: &[Post]) {
    open(path).await.close().await.unwrap();
    let db = Database::connect(format!("sqlite://{}", path.display())).await.unwrap();
    for sql in [
        "PRAGMA journal_mode = OFF",
        "PRAGMA synchronous = OFF",
        "PRAGMA cache_size = -500000",
    ] {
        db.execute_unprepared(sql).await.unwrap();
    }
    let names: Vec<_> = (1..=AUTHORS).map(|n| json!([n, format!("u{n}")])).collect();
    let users = "INSERT INTO users (id, username, username_key, names, display_name, created_at) \
                 SELECT k.value ->> 0, k.value ->> 1, k.value ->> 1, k.value ->> 1, k.value ->> 1, 0 FROM json_each(?) k";
    run(&db, users, json!(names)).await;
    for (n, chunk) in posts.chunks(20_000).enumerate() {
        let first = n * 20_000 + 1;
        let rows: Vec<_> = chunk
            .iter()
            .enumerate()
            .map(|(n, post)| json!([first + n, post.author, post.at, post.retweets, post.at * 1024]))
            .collect();
        let rows = json!(rows);
        let tweets = "INSERT INTO tweet (id, author_id, text, created_at, position, action_id, origin_retweets) \
                      SELECT k.value ->> 0, k.value ->> 1, 'a tweet of some length that is on the wall', \
                      k.value ->> 2, k.value ->> 4, k.value ->> 0, k.value ->> 3 FROM json_each(?) k";
        run(&db, tweets, rows.clone()).await;
        let wall = "INSERT INTO feed_entry (topic, kind, created_at, id, verb, actor_id, tweet_id, retweets) \
                    SELECT 'wall:1', 0, k.value ->> 2, k.value ->> 0, 'tweet', k.value ->> 1, k.value ->> 0, k.value ->> 3 \
                    FROM json_each(?) k";
        run(&db, wall, rows).await;
        let tags: Vec<_> = chunk
            .iter()
            .enumerate()
            .flat_map(|(n, post)| {
                post.tags.iter().enumerate().map(move |(place, tag)| {
                    json!([
                        first + n,
                        place,
                        format!("tag{tag}"),
                        post.at,
                        post.author,
                        post.retweets
                    ])
                })
            })
            .collect();
        let tags = json!(tags);
        let lists = "INSERT INTO tweet_hashtag (tweet_id, place, hashtag) \
                     SELECT k.value ->> 0, k.value ->> 1, k.value ->> 2 FROM json_each(?) k";
        run(&db, lists, tags.clone()).await;
        let entries = "INSERT INTO feed_entry (topic, kind, created_at, id, verb, actor_id, tweet_id, retweets) \
                       SELECT 'hashtag:' || (k.value ->> 2), 0, k.value ->> 3, k.value ->> 0, 'tweet', k.value ->> 4, \
                       k.value ->> 0, k.value ->> 5 FROM json_each(?) k";
        run(&db, entries, tags).await;
    }
    for sql in [
        "INSERT INTO hashtag (name, created_at, tweet_count) SELECT hashtag, 0, COUNT(*) FROM tweet_hashtag GROUP BY 1",
        "INSERT INTO wall (id, slug, title, hashtags, keywords, accounts, created_at, tweet_count, phase, position_at, \
         position_id) SELECT 1, 'all', 'All', '[]', '[\"tweet\"]', '[]', 0, COUNT(*), 0, 0, 0 FROM tweet",
        "UPDATE wall_version SET version = 1",
        "ANALYZE",
        "PRAGMA journal_mode = WAL",
    ] {
        db.execute_unprepared(sql).await.unwrap();
    }
    db.close().await.unwrap();
}

async fn open(path: &Path) -> Store {
    let options = Options::file(path.to_string_lossy().into_owned(), 256 << 20);
    Store::open(&options, &Metrics::default()).await.unwrap()
}

/// What an order by count says of posts, the other way: by hand.
fn recount(posts: &[Post], since: i64, tag: Option<usize>) -> Vec<(UserId, u64)> {
    let mut counts: HashMap<usize, u64> = HashMap::new();
    for post in posts.iter().filter(|post| post.at >= since) {
        if tag.is_none_or(|tag| post.tags.contains(&tag)) {
            *counts.entry(post.author).or_default() += 1;
        }
    }
    let mut all: Vec<_> = counts
        .into_iter()
        .map(|(user, count)| (UserId(user as i64), count))
        .collect();
    all.sort_by_key(|(user, count)| (std::cmp::Reverse(*count), *user));
    all.truncate(FIRST);
    all
}

struct Times {
    what: String,
    bar: Duration,
    times: Vec<Duration>,
}

impl Times {
    fn new(what: String, bar: u64) -> Self {
        Self {
            what,
            bar: Duration::from_millis(bar),
            times: Vec::new(),
        }
    }

    async fn time<T>(&mut self, asked: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let answer = asked.await;
        self.times.push(began.elapsed());
        answer
    }

    fn tell(mut self) {
        self.times.sort_unstable();
        let at = |share: usize| self.times[(self.times.len() - 1) * share / 100].as_secs_f64() * 1_000.0;
        let verdict = if self.times[self.times.len() / 2] < self.bar {
            "kept"
        } else {
            "MISSED"
        };
        println!(
            "{:52} median {:6.2} ms  p99 {:6.2}  slowest {:6.2}  bar {:3} ms: {verdict}",
            self.what,
            at(50),
            at(99),
            at(100),
            self.bar.as_millis(),
        );
    }
}

#[tokio::main]
async fn main() {
    let count = std::env::var("LINNET_BENCH_TWEETS").map_or(1_000_000, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("walls.db");
    let now = linnet::model::Clock.now().0;
    let posts = posts(count, now);
    let began = Instant::now();
    fill(&path, &posts).await;
    println!("{count} tweets written in {:.0} s", began.elapsed().as_secs_f64());
    let store = open(&path).await;
    let social = Social::new(store.clone(), Rules::default());
    let began = Instant::now();
    social.count_all().await.unwrap();
    println!("what is over counted in {:.1} s", began.elapsed().as_secs_f64());

    let this_hour = now.div_euclid(HOUR);
    let hours: Vec<i64> = (0..7 * 24).map(|ago| (this_hour - ago) * HOUR).collect();
    let mut chance = StdRng::seed_from_u64(11);
    let any: Vec<i64> = (0..100)
        .map(|_| now - chance.random_range(0..DAYS * 24 * HOUR))
        .collect();
    let topics = [
        ("the wall", Topic::wall(WallId(1)), None),
        ("#tag0", Topic::hashtag("tag0"), Some(0)),
        ("#tag90", Topic::hashtag("tag90"), Some(90)),
        ("#tag1500", Topic::hashtag("tag1500"), Some(1_500)),
    ];
    for (name, topic, tag) in topics {
        let asked = |since: Option<i64>| [(topic.clone(), since.map(Micros))];
        for (span, sinces, bar) in [
            ("ever", vec![None; 41], 5),
            (
                "since an hour of the week",
                hours.iter().copied().map(Some).collect(),
                5,
            ),
            ("since any time", any.iter().copied().map(Some).collect(), 100),
        ] {
            let mut users = Times::new(format!("top users of {name}, {span}"), bar);
            let mut tweets = Times::new(format!("top tweets of {name}, {span}"), bar);
            for (n, since) in sinces.into_iter().enumerate() {
                let best = users
                    .time(top::users(&store, &Sight::default(), &asked(since), FIRST))
                    .await
                    .unwrap();
                if n % 20 == 0 {
                    assert_eq!(
                        best[0],
                        recount(&posts, since.unwrap_or(i64::MIN), tag),
                        "{name} {span}"
                    );
                }
                tweets
                    .time(top::tweets(&store, &Sight::default(), &asked(since), FIRST))
                    .await
                    .unwrap();
            }
            users.tell();
            tweets.tell();
        }
    }
    for (span, sinces, bar) in [("since an hour of the week", hours, 5), ("since any time", any, 100)] {
        let mut trending = Times::new(format!("trending hashtags {span}"), bar);
        for since in sinces {
            trending
                .time(trend::trending(&store, Some(Micros(since)), FIRST))
                .await
                .unwrap();
        }
        trending.tell();
    }
    let mut rising = Times::new("rising hashtags".to_owned(), 100);
    for _ in 0..41 {
        rising.time(trend::rising(&store, FIRST)).await.unwrap();
    }
    rising.tell();
    store.close().await.unwrap();
}
