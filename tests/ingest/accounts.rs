//! Who an outside account is: one user, however and whenever it was named.

use serde_json::{Value, json};

use super::fake::Fake;
use super::frames::{begin, did, identity, posts, status};
use super::{end, hold, jetstream, standing, tweets, url};
use crate::harness::scene::{Nobody, all};
use crate::harness::{Linnet, Person, until};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// A wall's accounts.
async fn accounts(linnet: &Linnet, slug: &str) -> Vec<Value> {
    let query = format!(
        "{{ wall(slug: \"{slug}\") {{ accounts {{ id username handle url displayName tweetCount followerCount }} }} }}"
    );
    let mut wall = linnet.ask(Nobody, &query).await["wall"].take();
    wall["accounts"].as_array_mut().unwrap().drain(..).collect()
}

fn profile(name: &str) -> String {
    format!("https://bsky.app/profile/{}", did(name))
}

/// What an author is called, by a letter; none before they have written anything.
async fn handle(reader: &Person, name: &str) -> Option<String> {
    let all = tweets(reader).await;
    let found = all.iter().find(|tweet| tweet["author"]["url"] == profile(name))?;
    Some(found["author"]["handle"].as_str()?.to_owned())
}

#[tokio::test]
async fn a_handle_is_who_has_it_now() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("moderator").await;
    linnet.wall(&ann, "w", json!({ "hashtags": ["rust"] })).await;
    let fake = Fake::start().await;
    let child = jetstream(&linnet, &fake, &[]);
    let (start, reader) = (begin(), linnet.anybody());
    fake.send([
        posts("a", "1", "one #rust", start),
        identity("a", "Ann.Example.com", start + 1),
    ]);
    until("a handle", || async {
        handle(&reader, "a").await.as_deref() == Some("ann.example.com")
    })
    .await;
    linnet.wall(&ann, "v", json!({ "accounts": ["ANN.example.COM"] })).await;
    let shown = accounts(&linnet, "v").await;
    assert_eq!((shown.len(), &shown[0]["url"]), (1, &json!(profile("a"))));
    assert_eq!(standing(&reader, "v").await, BTreeSet::from([url("a", "1")]));
    // It moves to one who is not here yet, and to one who is.
    fake.send([identity("c", "ann.example.com", start + 2)]);
    until("no handle", || async { handle(&reader, "a").await == Some(did("a")) }).await;
    fake.send([
        posts("b", "1", "two #rust", start + 3),
        identity("b", "ann.example.com", start + 4),
    ]);
    until("another's handle", || async {
        handle(&reader, "b").await.as_deref() == Some("ann.example.com")
    })
    .await;
    linnet.wall(&ann, "v", json!({ "accounts": ["ann.example.com"] })).await;
    assert_eq!(accounts(&linnet, "v").await[0]["url"], profile("b"));
    end(child).await;
}

#[tokio::test]
async fn a_handle_that_becomes_known_is_the_one_who_was_here() {
    for way in ["an identity frame", "a look-up"] {
        let linnet = Linnet::start().await;
        let ann = linnet.moderator("moderator").await;
        linnet.wall(&ann, "w", json!({ "hashtags": ["rust"] })).await;
        let fake = Fake::start().await;
        let child = jetstream(&linnet, &fake, &["--profiles", &fake.url("http")]);
        let (start, reader) = (begin(), linnet.anybody());
        fake.send([posts("a", "1", "one #rust", start)]);
        until("the first", || async { tweets(&reader).await.len() == 1 }).await;
        let rules = json!({ "accounts": ["ann.example.com"] });
        linnet.wall(&ann, "w", rules.clone()).await;
        assert_eq!(
            accounts(&linnet, "w").await[0]["tweetCount"],
            0,
            "nobody is known by it"
        );
        let (bob, eve) = (linnet.join("bob").await, linnet.join("eve").await);
        let stand_in = accounts(&linnet, "w").await[0]["id"].as_str().unwrap().to_owned();
        linnet.follow(&bob, &stand_in).await;
        linnet.follow(&eve, &stand_in).await;
        let author = linnet
            .ask(Nobody, "{ tweets(first: 1) { nodes { author { id } } } }")
            .await;
        let author = author["tweets"]["nodes"][0]["author"]["id"].clone();
        linnet.act(&eve, "blockUser", json!({ "userId": author })).await;
        match way {
            "a look-up" => fake.know(json!({ "did": did("a"), "handle": "ann.example.com", "displayName": "Ann" })),
            _ => fake.send([identity("a", "ann.example.com", start + 1)]),
        }
        until(way, || async { accounts(&linnet, "w").await[0]["url"] == profile("a") }).await;
        until("what was stored", || async {
            standing(&reader, "w").await == BTreeSet::from([url("a", "1")])
        })
        .await;
        fake.send([posts("a", "2", "two", start + 2)]);
        until("what comes", || async { standing(&reader, "w").await.len() == 2 }).await;
        linnet.wall(&ann, "w", rules).await;
        let shown = accounts(&linnet, "w").await;
        assert_eq!((shown.len(), &shown[0]["tweetCount"]), (1, &json!(2)), "{way}");
        assert_eq!(shown[0]["followerCount"], 1, "bob, but not eve");
        let query = "{ viewer { followingCount timeline { tweets(first: 5) { nodes { text } } } } }";
        let viewer = linnet.ask(&bob, query).await["viewer"].take();
        assert_eq!(viewer["followingCount"], 1);
        assert_eq!(all(&viewer["timeline"]["tweets"], "text"), ["two", "one #rust"]);
        let query = "{ users(contains: \"ann\") { nodes { handle } } }";
        let found = linnet.ask(Nobody, query).await;
        let found = found["users"]["nodes"].as_array().unwrap().clone();
        assert_eq!(found.len(), 1, "{way}: {found:?}");
        end(child).await;
        linnet.file().await.counts_are_right().await;
    }
}

#[tokio::test]
async fn an_account_of_mastodon_is_one_in_any_case() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("moderator").await;
    let names = json!({ "accounts": ["@Ann@Example.SOCIAL", "@ann@example.social", "@anN@example.social"] });
    linnet.wall(&ann, "w", names).await;
    let shown = accounts(&linnet, "w").await;
    assert_eq!((shown.len(), &shown[0]["handle"]), (1, &json!("@Ann@example.social")));
    linnet
        .wall(&ann, "v", json!({ "accounts": ["@ANN@example.social"] }))
        .await;
    assert_eq!(accounts(&linnet, "v").await, shown);
    let fake = Fake::start().await;
    let child = linnet.begin(&["ingest", "mastodon", "--url", &fake.url("http"), "--hashtag", "rust"]);
    fake.send([(0, format!("update\n{}", status(7, "aNN", "<p>hello</p>", &["rust"])))]);
    let reader = linnet.anybody();
    until("a tweet", || async { tweets(&reader).await.len() == 1 }).await;
    assert_eq!(standing(&reader, "v").await.len(), 1);
    assert_eq!(accounts(&linnet, "w").await[0]["handle"], "@aNN@example.social");
    end(child).await;
}

#[tokio::test]
async fn a_handle_is_known_that_was_told_before_a_wall_named_it() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("moderator").await;
    linnet.wall(&ann, "w", json!({ "hashtags": ["rust"] })).await;
    let fake = Fake::start().await;
    let child = jetstream(&linnet, &fake, &[]);
    let (start, reader) = (begin(), linnet.anybody());
    fake.send([
        identity("a", "Ann.example.com", start),
        identity("b", "bob.example.com", start + 1),
        identity("c", "bob.example.com", start + 2),
        posts("m", "1", "mark #rust", start + 3),
    ]);
    until("the mark", || async { tweets(&reader).await.len() == 1 }).await;
    let names = json!({ "accounts": ["ann.example.com", "bob.example.com"] });
    linnet.wall(&ann, "w", names).await;
    let mut n = 0;
    // They go on writing until both are heard: the one may be followed before the other.
    until("what both write", || {
        n += 1;
        let at = start + 3 + n;
        // Several by each, which are written together.
        let keys = (0..4).flat_map(|k| ["a", "b", "c"].map(|name| (name, format!("{n}-{k}"))));
        fake.send(keys.map(|(name, key)| posts(name, &key, "hello", at)));
        async {
            let shown = accounts(&linnet, "w").await;
            let told: Vec<_> = shown.iter().filter_map(|one| one["url"].as_str()).collect();
            told == [profile("a"), profile("c")]
        }
    })
    .await;
    linnet.file().await.counts_are_right().await;
    end(child).await;
}

#[tokio::test]
async fn a_look_up_under_way_holds_up_no_end() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("moderator").await;
    linnet.wall(&ann, "w", json!({ "accounts": [did("a")] })).await;
    let fake = Fake::start().await;
    fake.stall();
    let child = jetstream(&linnet, &fake, &["--profiles", &fake.url("http")]);
    until("a look-up", || async { !fake.asked().is_empty() }).await;
    let asked = Instant::now();
    end(child).await;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn look_ups_are_tried_again() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("moderator").await;
    let names = json!({ "accounts": [did("a"), "bob.example.com"] });
    linnet.wall(&ann, "w", names).await;
    let fake = Fake::start().await;
    fake.fail(3);
    fake.know(json!({ "did": did("a"), "handle": "ann.example.com", "displayName": "Ann" }));
    let child = jetstream(&linnet, &fake, &["--profiles", &fake.url("http")]);
    // The stream waits for none of it.
    fake.send([posts("a", "1", "one", begin())]);
    hold(&linnet, &BTreeMap::from([(url("a", "1"), "one".to_owned())])).await;
    until("who a DID is", || async {
        accounts(&linnet, "w").await[0]["displayName"] == "Ann"
    })
    .await;
    fake.know(json!({ "did": did("b"), "handle": "bob.example.com", "displayName": "Bob" }));
    until("whose a handle is", || async {
        accounts(&linnet, "w").await[1]["url"] == profile("b")
    })
    .await;
    end(child).await;
}
