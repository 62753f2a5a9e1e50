//! Timelines of thousands of entries, of few followees and of hundreds, to the very first entry.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

use crate::harness::scene::{Person, all};
use crate::harness::{Linnet, chance};

const AUTHORS: usize = 300;
/// How many authors wrote most.
const BUSY: usize = 10;
const TWEETS: usize = 6_000;

struct World {
    linnet: Linnet,
    /// The authors' tokens, by username.
    tokens: BTreeMap<String, Person>,
    chance: StdRng,
}

/// A tweet, and whose it is.
type Entry = (String, String);

fn author(tweet: usize) -> usize {
    if tweet.is_multiple_of(6) {
        tweet / 6 % AUTHORS
    } else {
        tweet % BUSY
    }
}

impl World {
    /// Two readers: one follows the busy authors, the other all of them.
    async fn new() -> (Self, [Person; 2]) {
        let linnet = Linnet::start().await;
        let readers = [linnet.join("narrow").await, linnet.join("wide").await];
        let tweets = (0..TWEETS).map(|n| {
            let at = format!("2026-01-{:02}T{:02}:{:02}:00Z", 1 + n / 1_440, n / 60 % 24, n % 60);
            json!({ "id": n.to_string(), "username": format!("a{}", author(n)), "text": format!("tweet {n}"), "createdAt": at })
        });
        let follows = [("narrow", BUSY), ("wide", AUTHORS)];
        let follows = follows
            .iter()
            .flat_map(|(who, count)| (0..*count).map(move |n| json!({ "follower": who, "followee": format!("a{n}") })));
        let lines = |rows: &mut dyn Iterator<Item = Value>| rows.map(|row| format!("{row}\n")).collect::<String>();
        linnet
            .tell(&["import", "tweets", "-"], &lines(&mut tweets.into_iter()))
            .await;
        linnet
            .tell(&["import", "follows", "-"], &lines(&mut follows.into_iter()))
            .await;
        let names: Vec<String> = (0..AUTHORS).map(|n| format!("a{n}")).collect();
        let mut arguments = vec!["token", "create"];
        arguments.extend(names.iter().map(String::as_str));
        let printed = linnet.tell(&arguments, "").await.stdout;
        let printed = String::from_utf8(printed).unwrap();
        let mut tokens = BTreeMap::new();
        for (name, token) in names.into_iter().zip(printed.lines()) {
            let query = format!("{{ user(username: \"{name}\") {{ id }} }}");
            let id = linnet.ask(&readers[0], &query).await["user"]["id"]
                .as_str()
                .unwrap()
                .to_owned();
            let token = token.to_owned();
            tokens.insert(name.clone(), Person { id, name, token });
        }
        let chance = chance();
        (Self { linnet, tokens, chance }, readers)
    }

    /// Walks back to the first entry; `between` is what happens between two pages.
    async fn walk(&mut self, reader: &Person, mut between: impl AsyncFnMut(&mut Self)) -> Vec<Entry> {
        let (mut found, mut after) = (Vec::new(), Value::Null);
        loop {
            let query = "query($after: String) { viewer { timeline { tweets(first: 100, after: $after) {
                nodes { id author { username } } pageInfo { hasNextPage endCursor } } } } }";
            let before = self.linnet.metric("linnet_sql_statements_total").await;
            let mut page = self.linnet.ask_with(reader, query, json!({ "after": after })).await;
            let ran = self.linnet.metric("linnet_sql_statements_total").await - before;
            assert!(ran <= 24.0, "a page ran {ran} statements");
            let page = page["viewer"]["timeline"]["tweets"].take();
            let authors = page["nodes"].as_array().unwrap().iter();
            let authors = authors.map(|node| node["author"]["username"].as_str().unwrap().to_owned());
            found.extend(all(&page, "id").into_iter().zip(authors));
            if page["pageInfo"]["hasNextPage"] != true {
                return found;
            }
            after = page["pageInfo"]["endCursor"].clone();
            between(self).await;
        }
    }
}

#[tokio::test]
async fn nothing_is_skipped_or_comes_twice_while_others_write() {
    let (mut world, readers) = World::new().await;
    for (reader, followed) in readers.iter().zip([BUSY, AUTHORS]) {
        let standing = world.walk(reader, async |_| {}).await;
        let expected = (0..TWEETS).filter(|n| author(*n) < followed).count();
        assert_eq!(standing.iter().collect::<BTreeSet<_>>().len(), expected, "each once");
        let (mut left, mut deleted) = (BTreeSet::new(), BTreeSet::new());
        let found = world
            .walk(reader, async |world| {
                let (tweet, name) = standing[world.chance.random_range(0..standing.len())].clone();
                let author = &world.tokens[&name];
                // As many come as go, so that the next reader finds as many as there were.
                if deleted.insert(tweet.clone()) {
                    world.linnet.tweet(author, "meanwhile").await;
                    world.linnet.on(author, "deleteTweet", &tweet).await;
                }
                // Some go, but never so many that nothing is left to walk.
                if left.len() < followed / 3 && world.chance.random_bool(0.5) && left.insert(name.clone()) {
                    world.linnet.unfollow(reader, &author.id).await;
                }
            })
            .await;
        let distinct: BTreeSet<&Entry> = found.iter().collect();
        assert_eq!(distinct.len(), found.len(), "something came twice");
        let throughout = standing
            .iter()
            .filter(|(id, by)| !deleted.contains(id) && !left.contains(by));
        let skipped: Vec<&Entry> = throughout.filter(|entry| !distinct.contains(entry)).collect();
        assert!(skipped.is_empty(), "skipped: {skipped:?}");
    }
}
