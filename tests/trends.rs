//! Top users, top tweets and trends against a recount, also of what was counted long ago.

use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::harness::scene::Nobody;
use crate::harness::{Linnet, chance, until};
use linnet::model::Micros;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

fn now() -> i64 {
    linnet::model::Clock.now().0
}

#[derive(Clone)]
struct Post {
    id: String,
    author: String,
    at: i64,
    tags: BTreeSet<&'static str>,
    retweets: i64,
}

/// What a recount says, in the words of the API.
fn recount(posts: &[Post], tag: &str, since: i64) -> (Value, Value) {
    let mine: Vec<&Post> = posts
        .iter()
        .filter(|post| post.tags.contains(tag) && post.at >= since)
        .collect();
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for post in &mine {
        *counts.entry(&post.author).or_default() += 1;
    }
    let mut users: Vec<(&str, i64)> = counts.into_iter().collect();
    users.sort_by_key(|(name, count)| (Reverse(*count), *name));
    users.truncate(10);
    let users: Vec<Value> = users
        .iter()
        .map(|(name, count)| json!({ "user": { "username": name }, "tweetCount": count }))
        .collect();
    let mut tweets: Vec<&&Post> = mine.iter().filter(|post| post.retweets > 0).collect();
    tweets.sort_by_key(|post| Reverse((post.retweets, post.at)));
    let tweets: Vec<Value> = tweets.iter().take(10).map(|post| json!({ "id": post.id })).collect();
    (json!(users), json!(tweets))
}

fn trending(posts: &[Post], since: i64) -> Value {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for tag in posts.iter().filter(|post| post.at >= since).flat_map(|post| &post.tags) {
        *counts.entry(tag).or_default() += 1;
    }
    let mut all: Vec<_> = counts.into_iter().collect();
    all.sort_by_key(|(tag, count)| (Reverse(*count), *tag));
    all.into_iter()
        .take(10)
        .map(|(name, _)| json!({ "name": name }))
        .collect()
}

/// Holds every count against a recount, since ever and since many times.
async fn compare(linnet: &Linnet, posts: &[Post], sinces: &[i64]) {
    let query = "query($tag: String!, $since: DateTime) {
        hashtag(name: $tag) { topUsers(since: $since) { user { username } tweetCount } topTweets(since: $since) { id } }
        wall(slug: \"w\") { topUsers(since: $since) { user { username } tweetCount } topTweets(since: $since) { id } }
        trendingHashtags(since: $since) { name } }";
    for since in sinces {
        let variables = json!({ "tag": "big", "since": Micros(*since).to_string() });
        let shown = linnet.ask_with(Nobody, query, variables).await;
        let (users, tweets) = recount(posts, "big", *since);
        for of in ["hashtag", "wall"] {
            assert_eq!(shown[of]["topUsers"], users, "{of} since {}", Micros(*since));
            assert_eq!(shown[of]["topTweets"], tweets, "{of} since {}", Micros(*since));
        }
        assert_eq!(
            shown["trendingHashtags"],
            trending(posts, *since),
            "since {}",
            Micros(*since)
        );
    }
}

/// A million tweets are in the benchmark; here are enough that days are counted beforehand, and then
/// the past changes.
#[tokio::test]
async fn counts_are_those_of_a_recount() {
    let mut linnet = Linnet::start().await;
    let ann = linnet.moderator("ann").await;
    let mut chance = chance();
    let start = now() - 12 * DAY;
    let mut posts: Vec<Post> = (0..1_500)
        .map(|n| {
            let small = ["small", "tiny", "rare"]
                .choose(&mut chance)
                .copied()
                .filter(|_| n % 3 == 0);
            Post {
                id: n.to_string(),
                author: format!("u{:02}", 40 - (chance.random_range(0..1_600_i32) as f64).sqrt() as i32),
                at: start + n * (12 * DAY / 1_500),
                tags: std::iter::once("big").chain(small).collect(),
                retweets: chance.random_range(0..40_i64).saturating_sub(34).max(0),
            }
        })
        .collect();
    let mut users: Vec<String> = posts.iter().map(|post| post.author.clone()).collect();
    users.sort();
    users.dedup();
    let users: Vec<String> = users
        .iter()
        .map(|name| json!({ "username": name }).to_string())
        .collect();
    linnet.tell(&["import", "users", "-"], &users.join("\n")).await;
    let row = |post: &Post| {
        let tags: Vec<String> = post.tags.iter().map(|tag| format!("#{tag}")).collect();
        json!({ "id": post.id, "username": post.author, "text": tags.join(" "), "createdAt": Micros(post.at).to_string(),
                "retweets": post.retweets })
        .to_string()
    };
    let rows: Vec<String> = posts.iter().map(row).collect();
    linnet.tell(&["import", "tweets", "-"], &rows.join("\n")).await;
    linnet.wall(&ann, "w", json!({ "hashtags": ["big"] })).await;
    // By which ids they are known here.
    let ids = linnet
        .anybody()
        .all("hashtag(name: $key) { list: tweets", "big", "id createdAt")
        .await;
    let ids: BTreeMap<String, String> = ids
        .iter()
        .map(|tweet| {
            (
                tweet["createdAt"].as_str().unwrap().to_owned(),
                crate::harness::id(tweet),
            )
        })
        .collect();
    for post in &mut posts {
        post.id = ids[&Micros(post.at).to_string()].clone();
    }
    let mut sinces = vec![0, now() - DAY, now() - 7 * DAY, now() / HOUR * HOUR, now() / DAY * DAY];
    sinces.extend((0..12).map(|_| start + chance.random_range(0..12 * DAY)));
    sinces.extend((0..6).map(|_| (now() / HOUR - chance.random_range(0..168)) * HOUR));
    compare(&linnet, &posts, &sinces).await;

    // The background begins when the server does.
    linnet.restart().await;
    let file = linnet.file().await;
    for topic in ["hashtag:big", "wall:1", "hashtags"] {
        let sql = format!("SELECT start FROM tally WHERE topic = '{topic}' AND hours = 24");
        until("the days", || async { file.rows(&sql).await >= 11 }).await;
    }
    compare(&linnet, &posts, &sinces).await;
    change(&linnet, &mut posts, &mut chance).await;
    compare(&linnet, &posts, &sinces).await;
    linnet.restart().await;
    compare(&linnet, &posts, &sinces).await;
}

/// Tweets of the past go, change their hashtags and are retweeted; others come in.
async fn change(linnet: &Linnet, posts: &mut Vec<Post>, chance: &mut rand::rngs::StdRng) {
    for _ in 0..12 {
        let n = chance.random_range(0..posts.len());
        let post = posts[n].clone();
        let token = linnet.command(&["token", "create", &post.author]).await;
        let token = String::from_utf8(token.stdout).unwrap().trim().to_owned();
        match chance.random_range(0..3) {
            0 => {
                linnet
                    .act(token.as_str(), "deleteTweet", json!({ "id": post.id }))
                    .await;
                posts.remove(n);
            }
            1 => {
                linnet
                    .act(
                        token.as_str(),
                        "editTweet",
                        json!({ "id": post.id, "text": "now #rare" }),
                    )
                    .await;
                posts[n].tags = BTreeSet::from(["rare"]);
            }
            _ => {
                linnet.act(token.as_str(), "retweet", json!({ "id": post.id })).await;
                posts[n].retweets += 1;
            }
        }
    }
    let at = now() - 5 * DAY - 12_345;
    let row = json!({ "id": "late", "username": "u01", "text": "#big #tiny", "createdAt": Micros(at).to_string() });
    linnet.tell(&["import", "tweets", "-"], &row.to_string()).await;
    let late = linnet
        .anybody()
        .all("hashtag(name: $key) { list: tweets", "tiny", "id createdAt")
        .await;
    let late = late
        .iter()
        .find(|tweet| tweet["createdAt"] == Micros(at).to_string())
        .unwrap();
    posts.push(Post {
        id: crate::harness::id(late),
        author: "u01".to_owned(),
        at,
        tags: BTreeSet::from(["big", "tiny"]),
        retweets: 0,
    });
}

#[tokio::test]
async fn trends_count_people_and_what_is_usual() {
    let linnet = Linnet::start().await;
    let mut rows = Vec::new();
    let mut row = |user: String, text: &str, at: i64| {
        let id = rows.len().to_string();
        let row = json!({ "id": id, "username": user, "text": text, "createdAt": Micros(at).to_string() });
        rows.push(row.to_string());
    };
    // Everybody greets every day; one person is loud; some notice something.
    for day in 0..10 {
        for user in 0..20 {
            row(format!("u{user}"), "#gm", now() - day * DAY - HOUR - user);
        }
    }
    for n in 0..60 {
        row("loud".to_owned(), "#spam", now() - n * 60_000_000);
    }
    for user in 0..6 {
        row(format!("u{user}"), "#outage", now() - user * 1_000_000);
    }
    linnet.tell(&["import", "tweets", "-"], &rows.join("\n")).await;
    let query = "{ risingHashtags { name } trendingHashtags { name tweetCount } }";
    until("what was imported", || async {
        linnet.ask(Nobody, query).await["trendingHashtags"]
            .as_array()
            .unwrap()
            .len()
            == 3
    })
    .await;
    let shown = linnet.ask(Nobody, query).await;
    assert_eq!(shown["risingHashtags"], json!([{ "name": "outage" }]));
    let trending = json!([{ "name": "spam", "tweetCount": 60 }, { "name": "gm", "tweetCount": 200 }, { "name": "outage", "tweetCount": 6 }]);
    assert_eq!(shown["trendingHashtags"], trending);
    let first = linnet
        .ask(
            Nobody,
            "{ risingHashtags(first: 1) { name } trendingHashtags(first: 1) { name } }",
        )
        .await;
    assert_eq!(
        first,
        json!({ "risingHashtags": [{ "name": "outage" }], "trendingHashtags": [{ "name": "spam" }] })
    );
}
