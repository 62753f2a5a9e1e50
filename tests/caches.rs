//! Whoever saw something new is never shown something older, by whatever query or connection.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Linnet, Person, id};

/// Every way to one tweet, and to the counts that it changes.
const WAYS: &str = r#"query($id: ID!) {
    tweet(id: $id) { ...T }
    node(id: $id) { ...T }
    hashtag(name: "rust") { tweetCount tweets(last: 1) { nodes { ...T } } feed { tweets(last: 1) { nodes { ...T } } } }
    user(username: "alice") { tweetCount tweets(last: 1) { nodes { ...T } } }
    tweets(author: "alice", last: 1) { nodes { ...T } }
}
fragment T on Tweet { text likeCount author { tweetCount } }"#;

/// What a tweet has come to: each number only ever grows.
#[derive(Default)]
struct Acknowledged {
    edits: AtomicI64,
    likes: AtomicI64,
    tweets: AtomicI64,
    done: AtomicBool,
}

impl Acknowledged {
    fn state(&self) -> [i64; 3] {
        [&self.edits, &self.likes, &self.tweets].map(|number| number.load(Ordering::SeqCst))
    }
}

/// The number with which a text begins.
fn edits(tweet: &Value) -> i64 {
    tweet["text"]
        .as_str()
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

/// The tweet in each of its places.
fn places(data: &Value) -> [&Value; 6] {
    [
        &data["tweet"],
        &data["node"],
        &data["hashtag"]["tweets"]["nodes"][0],
        &data["hashtag"]["feed"]["tweets"]["nodes"][0],
        &data["user"]["tweets"]["nodes"][0],
        &data["tweets"]["nodes"][0],
    ]
}

/// Reads until the writers are done: nothing is older than what was acknowledged before.
async fn read(reader: Person, tweet: &str, acknowledged: &Acknowledged) -> usize {
    let mut reads = 0;
    while !acknowledged.done.load(Ordering::SeqCst) {
        let [text, likes, tweets] = acknowledged.state();
        let data = reader.ask(WAYS, json!({ "id": tweet })).await;
        for (place, shown) in places(&data).into_iter().enumerate() {
            assert!(edits(shown) >= text, "place {place}: {shown}, after edit {text}");
            assert!(
                shown["likeCount"].as_i64() >= Some(likes),
                "place {place}: {shown}, after {likes} likes"
            );
            assert!(
                shown["author"]["tweetCount"].as_i64() >= Some(tweets),
                "place {place}: {shown}"
            );
        }
        for owner in ["hashtag", "user"] {
            assert!(data[owner]["tweetCount"].as_i64() >= Some(tweets), "{owner}: {data}");
        }
        reads += 1;
    }
    reads
}

#[tokio::test]
async fn no_reader_sees_less_than_was_acknowledged() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let fans = join_all((0..10).map(|number| {
        let linnet = &linnet;
        async move { linnet.person(&format!("fan{number}")).await }
    }))
    .await;
    let tweet = alice.post("0 #rust").await;
    let acknowledged = Acknowledged::default();
    acknowledged.tweets.store(1, Ordering::SeqCst);
    let editing = async {
        for number in 1..=100 {
            alice.edit(&tweet, &format!("{number} #rust")).await;
            acknowledged.edits.store(number, Ordering::SeqCst);
        }
    };
    let liking = async {
        for fan in &fans {
            fan.like(&tweet).await;
            acknowledged.likes.fetch_add(1, Ordering::SeqCst);
        }
    };
    let posting = async {
        for number in 2..=60 {
            alice.post(&format!("{number} more #rust")).await;
            acknowledged.tweets.store(number, Ordering::SeqCst);
        }
    };
    let writing = async {
        tokio::join!(editing, liking, posting);
        acknowledged.done.store(true, Ordering::SeqCst);
    };
    let reading = join_all((0..4).map(|_| read(linnet.anybody(), &tweet, &acknowledged)));
    let ((), reads) = tokio::join!(writing, reading);
    assert!(reads.iter().all(|reads| *reads > 0), "{reads:?}");
}

#[tokio::test]
async fn no_list_misses_what_was_just_posted() {
    const LISTS: &str = r#"{
        hashtag(name: "rust") { tweets(first: 100) { nodes { id } } feed { tweets(first: 100) { nodes { id } } } }
        tweets(first: 100) { nodes { id } }
        found: tweets(contains: "needle", first: 100) { nodes { id } }
        viewer { timeline { tweets(first: 100) { nodes { id } } } }
    }"#;
    let linnet = Linnet::start().await;
    let writers = join_all(["ann", "ben", "cleo"].map(|name| linnet.person(name))).await;
    let reader = linnet.person("reader").await;
    reader.write("follow", json!({ "targetId": "Hashtag:rust" })).await;
    let work = writers.iter().enumerate().map(|(index, writer)| {
        let reader = &reader;
        async move {
            for number in 0..25 {
                let tweet = writer.post(&format!("needle {index} {number} #rust")).await;
                let has = |list: &Value| list["nodes"].as_array().unwrap().iter().any(|node| id(node) == tweet);
                for data in [writer.ask(LISTS, json!({})).await, reader.ask(LISTS, json!({})).await] {
                    assert!(has(&data["hashtag"]["tweets"]), "{tweet} in the hashtag");
                    assert!(has(&data["hashtag"]["feed"]["tweets"]), "{tweet} in the feed");
                    assert!(has(&data["tweets"]), "{tweet} among all tweets");
                    assert!(has(&data["found"]), "{tweet} among what was found");
                }
                let timeline = &reader.ask(LISTS, json!({})).await["viewer"]["timeline"]["tweets"];
                assert!(has(timeline), "{tweet} in the timeline");
            }
        }
    });
    join_all(work).await;
}

#[tokio::test]
async fn what_is_deleted_is_gone_for_everybody() {
    let linnet = Linnet::start().await;
    let writers = join_all(["ann", "ben", "cleo"].map(|name| linnet.person(name))).await;
    let work = writers.iter().map(|writer| {
        let reader = linnet.anybody();
        async move {
            for number in 0..20 {
                let tweet = writer.post(&format!("{number} #rust")).await;
                let query = "query($id: ID!) { tweet(id: $id) { text } }";
                assert!(reader.ask(query, json!({ "id": tweet })).await["tweet"].is_object());
                writer.delete(&tweet).await;
                assert!(reader.ask(query, json!({ "id": tweet })).await["tweet"].is_null());
                let left = reader.tagged("rust").await;
                assert!(left.iter().all(|(id, _)| *id != tweet), "{tweet} in the hashtag");
            }
        }
    });
    join_all(work).await;
    assert!(linnet.anybody().tagged("rust").await.is_empty());
}

#[tokio::test]
async fn no_event_carries_an_older_text() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let tweet = alice.post("0 #rust").await;
    let acknowledged = Acknowledged::default();
    let cursor = alice.cursor().await;
    let editing = async {
        for number in 1..=100 {
            alice.edit(&tweet, &format!("{number} #rust")).await;
            acknowledged.edits.store(number, Ordering::SeqCst);
        }
    };
    let listening = (0..4).map(|_| async {
        let mut stream = linnet.stream_after("rust", &cursor).await;
        let mut last = 0;
        for number in 1..=100 {
            let text = stream.next().await.text.unwrap();
            let shown: i64 = text.split(' ').next().unwrap().parse().unwrap();
            // Not older than the event itself, nor than what was shown before.
            assert!(
                shown >= number && shown >= last,
                "{text} in event {number}, after {last}"
            );
            last = shown;
        }
    });
    let replaying = async {
        while acknowledged.edits.load(Ordering::SeqCst) < 100 {
            let least = acknowledged.edits.load(Ordering::SeqCst);
            let text = linnet.stream_after("rust", &cursor).await.next().await.text.unwrap();
            let shown: i64 = text.split(' ').next().unwrap().parse().unwrap();
            assert!(shown >= least, "{text} in a replay, after edit {least}");
        }
    };
    let listening = join_all(listening);
    tokio::join!(editing, listening, replaying);
}

#[tokio::test]
async fn many_writers_and_readers_hold_nobody_up() {
    let linnet = Linnet::start().await;
    let people = join_all((0..32).map(|number| {
        let linnet = &linnet;
        async move { linnet.person(&format!("user{number}")).await }
    }))
    .await;
    let tweet = people[0].post("0 #rust").await;
    // Long reads: a page of a hundred with lists in it, again and again.
    let done = AtomicBool::new(false);
    let query = r#"{ hashtag(name: "rust") { tweets(first: 100) { nodes { text likers(first: 50) { nodes { username } } } } } }"#;
    let reading = join_all((0..8).map(|_| async {
        let reader = linnet.anybody();
        while !done.load(Ordering::SeqCst) {
            reader.ask(query, json!({})).await;
        }
    }));
    let writing = async {
        let work = people.iter().map(|person| async {
            for number in 0..8 {
                let own = person.post(&format!("{number} #rust")).await;
                person.like(&tweet).await;
                person.retweet(&own).await;
                person.edit(&own, &format!("{number} again #rust")).await;
            }
        });
        join_all(work).await;
        done.store(true, Ordering::SeqCst);
    };
    tokio::join!(writing, reading);
    linnet.file().await.counts_are_right().await;
}

/// Every way to a user's tweet, and what else shows that they are there.
const HIDDEN: &str = r#"query($id: ID!) {
    tweet(id: $id) { text }
    user(username: "bob") { id }
    hashtag(name: "rust") { tweets { nodes { id } } feed { actions { nodes { id } } } }
    tweets { nodes { id } }
    viewer { notifications { actions { nodes { id } } } }
}"#;

/// How many of these ways show anything.
fn ways(data: &Value) -> usize {
    let list = |list: &Value| !list["nodes"].as_array().unwrap().is_empty();
    let all = [
        data["tweet"].is_object(),
        data["user"].is_object(),
        list(&data["hashtag"]["tweets"]),
        list(&data["hashtag"]["feed"]["actions"]),
        list(&data["tweets"]),
        list(&data["viewer"]["notifications"]["actions"]),
    ];
    all.into_iter().filter(|shows| *shows).count()
}

/// Hides bob and shows him again, one way or the other, while others read: whoever has been answered
/// is contradicted by nobody.
async fn hide_and_seek(linnet: &Linnet, ann: &Person, by: &Person, hide: &str, show: &str) {
    let begun = AtomicI64::new(0);
    let (acknowledged, done) = (AtomicI64::new(0), AtomicBool::new(false));
    let bob = linnet.person("bob").await;
    let tweet = bob.post("#rust hello @ann").await;
    let bob = id(&by.ask("{ user(username: \"bob\") { id } }", json!({})).await["user"]);
    let kind = if hide == "banUser" {
        "BanUserInput"
    } else {
        "UserRefInput"
    };
    let query = |name: &str| format!("mutation($input: {kind}!) {{ {name}(input: $input) {{ user {{ id }} }} }}");
    let writing = async {
        for round in 1..=40 {
            begun.store(round, Ordering::SeqCst);
            let name = if round % 2 == 1 { hide } else { show };
            by.ask(&query(name), json!({ "input": { "userId": bob } })).await;
            acknowledged.store(round, Ordering::SeqCst);
        }
        done.store(true, Ordering::SeqCst);
    };
    let reading = join_all((0..4).map(|_| async {
        while !done.load(Ordering::SeqCst) {
            let known = acknowledged.load(Ordering::SeqCst);
            let seen = ann.ask(HIDDEN, json!({ "id": tweet })).await;
            if begun.load(Ordering::SeqCst) == known {
                let expected = if known % 2 == 1 { 0 } else { 6 };
                assert_eq!(ways(&seen), expected, "after {known}: {seen}");
            }
        }
    }));
    tokio::join!(writing, reading);
    for (name, expected) in [(hide, 0), (show, 6)] {
        by.ask(&query(name), json!({ "input": { "userId": bob } })).await;
        let seen = ann.ask(HIDDEN, json!({ "id": tweet })).await;
        assert_eq!(ways(&seen), expected, "{name}: {seen}");
    }
}

#[tokio::test]
async fn whom_somebody_blocks_is_hidden_from_the_answer_on() {
    let linnet = Linnet::start().await;
    let ann = linnet.person("ann").await;
    hide_and_seek(&linnet, &ann, &ann, "blockUser", "unblockUser").await;
}

#[tokio::test]
async fn who_is_banned_is_hidden_from_the_answer_on() {
    let linnet = Linnet::start().await;
    let (ann, moderator) = (linnet.person("ann").await, linnet.person("mod").await);
    linnet.tell(&["user", "promote", "mod"], "").await;
    hide_and_seek(&linnet, &ann, &moderator, "banUser", "unbanUser").await;
}

#[tokio::test]
async fn whom_one_hides_costs_a_warm_page_nothing() {
    let linnet = Linnet::start().await;
    let ann = linnet.person("ann").await;
    for name in ["bob", "cyd", "dan"] {
        let person = linnet.person(name).await;
        let query = format!("{{ user(username: \"{name}\") {{ id }} }}");
        let them = id(&ann.ask(&query, json!({})).await["user"]);
        ann.write("follow", json!({ "targetId": them })).await;
        for number in 0..5 {
            person.post(&format!("{number} by {name}")).await;
        }
        let mutation = match name {
            "bob" => "blockUser",
            "cyd" => "muteUser",
            _ => continue,
        };
        let query = format!("mutation($input: UserRefInput!) {{ {mutation}(input: $input) {{ user {{ id }} }} }}");
        ann.ask(&query, json!({ "input": { "userId": them } })).await;
    }
    let page = "{ viewer { timeline { tweets(first: 20) { nodes { text author { username viewerIsMuting } } } } } }";
    let first = ann.ask(page, json!({})).await;
    let tweets = first["viewer"]["timeline"]["tweets"]["nodes"].as_array().unwrap();
    assert_eq!(tweets.len(), 5, "{first}");
    let before = linnet.metric("linnet_sql_statements_total").await;
    assert_eq!(ann.ask(page, json!({})).await, first);
    assert!((linnet.metric("linnet_sql_statements_total").await - before).abs() < 0.5);
}
