//! What outside sources tell becomes tweets: each once, whatever breaks, as it is in the end.

mod accounts;
mod disturb;
mod fake;
mod frames;
mod language;
mod limits;
mod order;
mod recorded;
mod server_walls;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use rand::RngExt;
use rand::seq::{IndexedRandom, IteratorRandom};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::process::Child;

use crate::harness::{Cluster, Linnet, Person, chance, free_port, soon, until};
use disturb::disturb;
use fake::{Fake, Frame};
use frames::{Commit, at, begin, change, did, ended, identity, post, posts, repost, status};
use recorded::record;
use tempfile::NamedTempFile;

/// Frames that no reader can make anything of, or needs to.
const GARBAGE: [&str; 12] = [
    "",
    "null",
    "{",
    "[1, 2]",
    "{\"kind\":\"commit\"}",
    "{\"did\":\"did:plc:x\",\"time_us\":1,\"kind\":\"commit\",\"commit\":{\"rev\":\"r\",\"operation\":\"create\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"k\"}}",
    "{\"did\":\"no did\",\"time_us\":1,\"kind\":\"commit\",\"commit\":{\"rev\":\"r\",\"operation\":\"delete\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"k\"}}",
    "{\"did\":\"did:plc:x\",\"time_us\":1,\"kind\":\"commit\",\"commit\":{\"rev\":\"r\",\"operation\":\"create\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"../k\",\"record\":{\"text\":\"#rust\"}}}",
    "{\"did\":\"did:plc:x\",\"time_us\":1,\"kind\":\"commit\",\"commit\":{\"rev\":\"r\",\"operation\":\"create\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"k\",\"record\":{\"text\":[\"#rust\"]}}}",
    "{\"did\":\"did:plc:x\",\"time_us\":1,\"kind\":\"commit\",\"commit\":{\"rev\":\"r\",\"operation\":\"update\",\"collection\":\"fm.teal.alpha.actor.status\",\"rkey\":\"self\",\"record\":{\"$type\":\"fm.teal.alpha.actor.status\"}}}",
    "{\"did\":\"did:plc:x\",\"time_us\":1,\"kind\":\"weather\",\"weather\":{}}",
    "{\"did\":\"did:plc:x\",\"time_us\":1,\"kind\":\"identity\",\"identity\":{\"did\":\"did:plc:x\"}}",
];

const TWEETS: &str = "query($after: String) { tweets(first: 100, after: $after) {
    nodes { id text url createdAt editedAt likeCount retweetCount replyCount hashtags { name } mentions { handle }
        inReplyTo { url } author { username displayName handle url avatarUrl bio tweetCount } }
    pageInfo { hasNextPage endCursor } } }";

/// All tweets, newest first.
async fn tweets(reader: &Person) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), Value::Null);
    loop {
        let mut page = reader.ask(TWEETS, json!({ "after": after })).await["tweets"].take();
        all.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] != true {
            return all;
        }
        after = page["pageInfo"]["endCursor"].take();
    }
}

/// The texts of all tweets, by their addresses.
async fn texts(reader: &Person) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = tweets(reader).await;
    let found: BTreeMap<_, _> = all
        .iter()
        .map(|tweet| (text(&tweet["url"]), text(&tweet["text"])))
        .collect();
    assert_eq!(found.len(), all.len(), "a post is there twice");
    found
}

/// Waits until these are the texts.
async fn hold(linnet: &Linnet, expected: &BTreeMap<String, String>) {
    let reader = linnet.anybody();
    let mut last = BTreeMap::new();
    let waiting = async {
        loop {
            last = texts(&reader).await;
            if &last == expected {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    if tokio::time::timeout(std::time::Duration::from_secs(60), waiting)
        .await
        .is_err()
    {
        assert_eq!(&last, expected);
    }
}

/// Makes a wall.
async fn wall(linnet: &Linnet, slug: &str, rules: Value) {
    let moderator = linnet.moderator("moderator").await;
    linnet.wall(&moderator, slug, rules).await;
}

/// A wall's tweets by their addresses.
async fn standing(reader: &Person, slug: &str) -> BTreeSet<String> {
    let nodes = reader.all("wall(slug: $key) { list: tweets", slug, "url").await;
    nodes
        .iter()
        .map(|node| node["url"].as_str().unwrap().to_owned())
        .collect()
}

/// Begins to follow a Jetstream for the wall `w`.
fn jetstream(linnet: &Linnet, fake: &Fake, more: &[&str]) -> Child {
    let url = format!("{}/subscribe", fake.url("ws"));
    let mut arguments = vec!["ingest", "jetstream", "--url", &url, "--wall", "w"];
    arguments.extend(more);
    linnet.begin(&arguments)
}

/// Ends it as an operator would.
async fn end(mut child: Child) {
    let id = i32::try_from(child.id().expect("it runs")).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), Signal::TERM).unwrap();
    let status = soon("the end", child.wait()).await.unwrap();
    assert!(status.success(), "{status}");
}

fn url(name: &str, rkey: &str) -> String {
    format!("https://bsky.app/profile/{}/post/{rkey}", did(name))
}

/// Garbage as frames.
fn garbage() -> Vec<Frame> {
    GARBAGE.map(|text| (0, text.to_owned())).into()
}

/// A story of posts, and what is true in the end.
struct Story {
    frames: Vec<Frame>,
    expected: BTreeMap<String, String>,
}

/// Many authors post, edit, delete, repost and end; half of what they write is wanted.
fn story(seed: &mut impl RngExt, steps: usize) -> Story {
    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let start = begin();
    let mut frames = Vec::new();
    let mut posts: Vec<(&str, String, usize, bool)> = Vec::new();
    let mut expected: BTreeMap<String, String> = BTreeMap::new();
    for step in 0..steps {
        let micros = start + i64::try_from(step).unwrap() * 100_000;
        let wanted = seed.random_bool(0.5);
        let text = match wanted {
            true => format!("number {step} about #{}", ["Rust", "rust", "RUST"][step % 3]),
            false => format!("number {step} about nothing"),
        };
        let rkey = format!("k{step}");
        match seed.random_range(0..10) {
            0..5 => {
                let name = *NAMES.choose(seed).unwrap();
                frames.push(change(name, "create", &rkey, 1, Some(post(&text, micros))).frame(micros));
                posts.push((name, rkey.clone(), 1, true));
                if wanted {
                    expected.insert(url(name, &rkey), text);
                }
            }
            5..7 => {
                let Some((name, rkey, rev, _)) = posts.iter_mut().filter(|post| post.3).choose(seed) else {
                    continue;
                };
                *rev += 1;
                frames.push(change(name, "update", rkey, *rev, Some(post(&text, micros))).frame(micros));
                // What is stored follows its edits; what is not comes in with one that is wanted.
                let stored = expected.contains_key(&url(name, rkey));
                if wanted || stored {
                    expected.insert(url(name, rkey), text);
                }
            }
            7..8 => {
                let Some((name, rkey, rev, there)) = posts.iter_mut().filter(|post| post.3).choose(seed) else {
                    continue;
                };
                *there = false;
                frames.push(change(name, "delete", rkey, *rev + 1, None).frame(micros));
                expected.remove(&url(name, rkey));
            }
            _ => {
                let Some((name, of, _, _)) = posts.choose(seed) else {
                    continue;
                };
                let shared = Commit {
                    collection: "app.bsky.feed.repost",
                    record: Some(repost(&at(name, of), micros)),
                    ..change(NAMES.choose(seed).unwrap(), "create", &rkey, 1, None)
                };
                frames.push(shared.frame(micros));
            }
        }
    }
    Story { frames, expected }
}

#[tokio::test]
async fn a_broken_and_repeated_stream_ends_in_what_is_true() {
    let linnet = Linnet::start().await;
    wall(&linnet, "w", json!({ "hashtags": ["rust"] })).await;
    let mut seed = chance();
    let fake = Fake::start().await;
    let story = story(&mut seed, 600);
    let mut disturbed = disturb(&mut seed, story.frames, &garbage(), record);
    assert!(disturbed.is_bad());
    let last = disturbed.frames.last().unwrap().0;
    disturbed.frames.push((last, "x".repeat(2 << 20)));
    fake.cut([100, 150, 20, 200, 90]);
    fake.send(disturbed.frames);
    let child = jetstream(&linnet, &fake, &[]);
    until("every frame", async || fake.untold() == 0).await;
    hold(&linnet, &story.expected).await;
    assert_eq!(fake.broken(), 5, "lines were cut while there was more to come");
    end(child).await;
    hold(&linnet, &story.expected).await;
    let file = linnet.file().await;
    file.counts_are_right().await;
}

#[tokio::test]
async fn a_process_that_is_killed_again_and_again_ends_in_what_is_true() {
    let linnet = Linnet::start().await;
    wall(&linnet, "w", json!({ "hashtags": ["rust"] })).await;
    let mut seed = chance();
    let fake = Fake::start().await;
    let story = story(&mut seed, 1_200);
    fake.send(story.frames);
    let reader = linnet.anybody();
    for round in 0..10 {
        // By turns as soon as the frames are on their way, and when some of them have been written.
        let is_written = round % 2 == 1;
        let (before, known) = (fake.lines().len(), texts(&reader).await);
        fake.stall_after(seed.random_range(if is_written { 100..150 } else { 10..60 }));
        let mut child = jetstream(&linnet, &fake, &[]);
        until("a line", async || fake.lines().len() > before && fake.carried() >= 10).await;
        if is_written {
            until("something new", async || texts(&reader).await != known).await;
        }
        assert_eq!(child.try_wait().unwrap(), None, "it runs");
        child.kill().await.unwrap();
        assert!(fake.untold() > 0, "there was more to come");
    }
    assert_ne!(texts(&reader).await, story.expected);
    fake.stall_after(0);
    let child = jetstream(&linnet, &fake, &[]);
    hold(&linnet, &story.expected).await;
    end(child).await;
    let cursors = fake.lines();
    assert!(cursors.last().unwrap().contains("cursor="), "{cursors:?}");
    linnet.file().await.counts_are_right().await;
}

#[tokio::test]
async fn two_processes_on_one_source_write_each_post_once() {
    let linnet = Linnet::start().await;
    wall(&linnet, "w", json!({ "hashtags": ["rust"] })).await;
    let mut seed = chance();
    let fake = Fake::start().await;
    let story = story(&mut seed, 300);
    fake.send(disturb(&mut seed, story.frames, &garbage(), record).frames);
    let one = jetstream(&linnet, &fake, &[]);
    // Where nodes share a database, the second waits for the end of the first.
    if !linnet.is_on_a_file() {
        until("the first", || async { !fake.lines().is_empty() }).await;
    }
    let two = jetstream(&linnet, &fake, &[]);
    hold(&linnet, &story.expected).await;
    end(one).await;
    until("both", || async { fake.lines().len() > 1 }).await;
    end(two).await;
    hold(&linnet, &story.expected).await;
    linnet.file().await.counts_are_right().await;
}

#[tokio::test]
async fn a_second_process_stands_by_until_the_first_is_dead() {
    let Some(cluster) = Cluster::start(1, &["--rate-limit", "off"]).await else {
        return;
    };
    let linnet = cluster.node(0);
    wall(linnet, "w", json!({ "hashtags": ["rust"] })).await;
    let fake = Fake::start().await;
    let frames = |some: std::ops::Range<usize>| {
        some.map(|n| {
            posts(
                "a",
                &format!("post{n}"),
                &format!("{n} #rust"),
                begin() + i64::try_from(n).unwrap() * 1_000,
            )
        })
    };
    let expected = |upto: usize| -> BTreeMap<String, String> {
        let known = |n| (url("a", &format!("post{n}")), format!("{n} #rust"));
        (0..upto).map(known).collect()
    };
    let mut first = jetstream(linnet, &fake, &[]);
    until("a line", || async { fake.lines().len() == 1 }).await;
    let address = format!("127.0.0.1:{}", free_port());
    let second = jetstream(linnet, &fake, &["--metrics", &address]);
    until("the second process", || async {
        reqwest::get(format!("http://{address}/healthz")).await.is_ok()
    })
    .await;
    fake.send(frames(0..20));
    hold(linnet, &expected(20)).await;
    assert_eq!(fake.lines().len(), 1, "both follow it");
    first.kill().await.unwrap();
    let killed = std::time::Instant::now();
    until("another line", || async { fake.lines().len() == 2 }).await;
    assert!(
        killed.elapsed() < std::time::Duration::from_secs(10),
        "{:?}",
        killed.elapsed()
    );
    fake.send(frames(20..40));
    hold(linnet, &expected(40)).await;
    end(second).await;
}

#[tokio::test]
async fn a_post_is_shown_with_all_that_its_source_says() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    wall(
        &linnet,
        "w",
        json!({ "hashtags": ["rust"], "keywords": ["borrow checker"] }),
    )
    .await;
    let mut stream = linnet.stream_after("rust", &alice.cursor().await).await;
    let fake = Fake::start().await;
    let child = jetstream(&linnet, &fake, &[]);
    let start = begin();
    let mut record = post("hello @alice and @bob #Rust", start);
    record["facets"].as_array_mut().unwrap().extend([
        json!({ "index": { "byteStart": 13, "byteEnd": 17 }, "features": [
            { "$type": "app.bsky.richtext.facet#mention", "did": did("b") }] }),
        json!({ "index": { "byteStart": 4, "byteEnd": 4_000_000_000_000_i64 }, "features": [
            { "$type": "app.bsky.richtext.facet#tag", "tag": "beside" }] }),
    ]);
    record["tags"] = json!(["Hidden", "two words", "rust"]);
    let mut answer = post("the BORROW checker says no", start + 3_000_000);
    answer["reply"] =
        json!({ "root": { "uri": at("a", "1"), "cid": "c" }, "parent": { "uri": at("a", "1"), "cid": "c" } });
    let mut late = post("from tomorrow #rust", start + 86_400_000_000);
    late["facets"] = json!([]);
    late["tags"] = json!(["rust"]);
    fake.send([
        posts("b", "0", "first #rust", start - 1_000_000),
        change("a", "create", "1", 1, Some(record)).frame(start),
        change("b", "create", "2", 1, Some(answer)).frame(start + 3_000_000),
        change("c", "create", "3", 1, Some(late)).frame(start + 4_000_000),
        posts("c", "4", "nothing of interest", start + 5_000_000),
        identity("a", "alice.bsky.social", start + 6_000_000),
        change("a", "update", "1", 2, Some(post("edited #rust", start))).frame(start + 7_000_000),
    ]);
    let reader = linnet.anybody();
    until("the edit", || async {
        let found = tweets(&reader).await;
        found.len() == 4 && found.iter().any(|tweet| tweet["text"] == "edited #rust")
    })
    .await;
    until("the handle", || async {
        tweets(&reader)
            .await
            .iter()
            .any(|tweet| tweet["author"]["handle"] == "alice.bsky.social")
    })
    .await;
    let found = tweets(&reader).await;
    let by = |text: &str| found.iter().find(|tweet| tweet["text"] == text).unwrap();

    let edited = by("edited #rust");
    assert_eq!(edited["url"], url("a", "1"));
    assert!(!edited["editedAt"].is_null());
    assert_eq!(edited["replyCount"], 1);
    assert_eq!(edited["author"]["displayName"], "alice.bsky.social");
    assert_eq!(
        edited["author"]["url"],
        format!("https://bsky.app/profile/{}", did("a"))
    );
    assert_eq!(by("first #rust")["author"]["handle"], did("b"));
    let answer = by("the BORROW checker says no");
    assert_eq!(answer["inReplyTo"]["url"], url("a", "1"));
    let late = by("from tomorrow #rust");
    let now = jiff::Timestamp::from_microsecond(linnet::model::Clock.now().0).unwrap();
    let at: jiff::Timestamp = late["createdAt"].as_str().unwrap().parse().unwrap();
    assert!(at <= now, "{at} lies ahead");
    assert_eq!(late["hashtags"], json!([{ "name": "rust" }]));
    for tweet in &found {
        let name = tweet["author"]["username"].as_str().unwrap();
        let is_valid = (1..=20).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        assert!(is_valid, "{name}");
    }

    let told: Vec<String> = [stream.next().await, stream.next().await]
        .map(|event| event.kind)
        .to_vec();
    assert_eq!(told, ["CREATED", "CREATED"], "a stream tells of it");
    let notes = alice
        .ask("{ viewer { notifications { unseenCount } } }", json!({}))
        .await;
    assert_eq!(
        notes["viewer"]["notifications"]["unseenCount"], 0,
        "@alice is somebody else there"
    );
    assert_eq!(standing(&reader, "w").await.len(), 4);
    end(child).await;
}

#[tokio::test]
async fn reposts_are_retweets_and_accounts_end_with_all_they_wrote() {
    let linnet = Linnet::start().await;
    wall(&linnet, "w", json!({ "hashtags": ["rust"] })).await;
    let fake = Fake::start().await;
    let child = jetstream(&linnet, &fake, &[]);
    let start = begin();
    let shared = |of: &str, operation: &'static str, rkey: &'static str, rev| Commit {
        collection: "app.bsky.feed.repost",
        record: (operation == "create").then(|| repost(of, start)),
        ..change("b", operation, rkey, rev, None)
    };
    fake.send([
        posts("a", "1", "one #rust", start),
        posts("c", "1", "two #rust", start + 1),
        shared(&at("a", "1"), "create", "r", 1).frame(start + 2),
        shared(&at("a", "1"), "create", "r", 1).frame(start + 2),
        shared(&at("a", "unknown"), "create", "s", 1).frame(start + 3),
    ]);
    let reader = linnet.anybody();
    let retweets = || async {
        let found = tweets(&reader).await;
        found
            .iter()
            .map(|tweet| tweet["retweetCount"].as_i64().unwrap())
            .sum::<i64>()
    };
    until("the repost", || async { retweets().await == 1 }).await;
    fake.send([shared("", "delete", "r", 2).frame(start + 4)]);
    until("no repost", || async { retweets().await == 0 }).await;
    fake.send([
        ended("a", "deactivated", start + 5),
        ended("a", "deleted", start + 6),
        posts("a", "2", "no more #nothing", start + 7),
    ]);
    let left = BTreeMap::from([(url("c", "1"), "two #rust".to_owned())]);
    hold(&linnet, &left).await;
    end(child).await;
}

#[tokio::test]
async fn nothing_is_taken_from_who_is_banned() {
    let linnet = Linnet::start().await;
    wall(&linnet, "w", json!({ "hashtags": ["rust"] })).await;
    let fake = Fake::start().await;
    let child = jetstream(&linnet, &fake, &[]);
    let start = begin();
    fake.send([posts("a", "1", "one #rust", start)]);
    let one = (url("a", "1"), "one #rust".to_owned());
    hold(&linnet, &BTreeMap::from([one.clone()])).await;
    let author = tweets(&linnet.anybody()).await[0]["author"]["username"].clone();
    let author = author.as_str().unwrap();
    linnet.tell(&["user", "ban", author], "").await;
    fake.send([
        posts("a", "2", "two #rust", start + 1),
        posts("c", "1", "three #rust", start + 2),
    ]);
    let three = (url("c", "1"), "three #rust".to_owned());
    hold(&linnet, &BTreeMap::from([three.clone()])).await;
    linnet.tell(&["user", "unban", author], "").await;
    hold(&linnet, &BTreeMap::from([one, three])).await;
    end(child).await;
}

#[tokio::test]
async fn an_account_of_a_wall_is_matched_by_did_and_by_handle() {
    let linnet = Linnet::start().await;
    let accounts = json!({ "accounts": [did("a"), "bob.example.com", "carol.example.com"] });
    wall(&linnet, "w", accounts).await;
    let fake = Fake::start().await;
    fake.know(
        json!({ "did": did("c"), "handle": "carol.example.com", "displayName": "Carol  \n C.",
        "description": "walks", "avatar": "https://cdn.example/c.png" }),
    );
    let child = jetstream(&linnet, &fake, &["--profiles", &fake.url("http")]);
    until("a look-up", || async {
        fake.asked().iter().any(|actor| actor == "carol.example.com")
    })
    .await;
    let start = begin();
    let reader = linnet.anybody();
    let texts_are = |expected: &'static [&'static str]| {
        let reader = reader.clone();
        move || {
            let reader = reader.clone();
            async move {
                texts(&reader).await.into_values().collect::<BTreeSet<_>>()
                    == expected.iter().map(ToString::to_string).collect()
            }
        }
    };
    fake.send([
        posts("a", "1", "by a", start),
        posts("b", "1", "by b, unknown", start + 1),
        identity("b", "Bob.example.com", start + 2),
        posts("b", "2", "by b", start + 3),
    ]);
    until("what is matched", texts_are(&["by a", "by b"])).await;
    until("carol", || {
        fake.send([posts("c", &format!("{}", fake.lines().len()), "by c", start + 4)]);
        texts_are(&["by a", "by b", "by c"])()
    })
    .await;
    until("her profile", || async {
        let found = tweets(&reader).await;
        found
            .iter()
            .any(|tweet| tweet["author"]["displayName"] == "Carol C." && tweet["author"]["bio"] == "walks")
    })
    .await;
    assert_eq!(
        standing(&reader, "w").await.len(),
        3,
        "the wall takes them by their accounts"
    );
    end(child).await;
}

#[tokio::test]
async fn the_second_version_of_jetstream_is_followed_too() {
    let linnet = Linnet::start().await;
    wall(&linnet, "w", json!({ "hashtags": ["rust"] })).await;
    let fake = Fake::start().await;
    let start = begin();
    fake.send([
        change("a", "create", "1", 1, Some(post("one #rust", start))).second(1, start),
        (
            2,
            json!({ "$type": "message", "payload": { "$type": "x#info", "name": "hello" } }).to_string(),
        ),
        change("a", "update", "1", 2, Some(post("two #rust", start))).second(3, start),
        (
            4,
            json!({ "$type": "error", "error": "ConsumerTooSlow", "message": "m" }).to_string(),
        ),
        change("a", "create", "2", 1, Some(post("three #rust", start))).second(5, start),
    ]);
    let address = format!("{}/xrpc/network.bsky.jetstream.subscribeEvents", fake.url("ws"));
    let child = linnet.begin(&["ingest", "jetstream", "--url", &address, "--wall", "w"]);
    let first = BTreeMap::from([(url("a", "1"), "two #rust".to_owned())]);
    hold(&linnet, &first).await;
    until("another line", || async { fake.lines().len() > 1 }).await;
    let lines = fake.lines();
    assert!(
        lines[0].contains("collections=app.bsky.feed.post") && lines[0].contains("xrpc.v1.json"),
        "{lines:?}"
    );
    assert!(lines[1].contains("cursor=3"), "{lines:?}");
    end(child).await;
}

#[tokio::test]
async fn a_server_of_mastodon_is_followed_over_both_transports() {
    for scheme in ["http", "ws"] {
        let linnet = Linnet::start().await;
        let fake = Fake::start().await;
        let message = |event: &str, payload: &str| match scheme {
            "http" => (0, format!("{event}\n{payload}")),
            _ => (
                0,
                json!({ "stream": ["hashtag"], "event": event, "payload": payload }).to_string(),
            ),
        };
        let update = |event: &str, status: &Value| message(event, &status.to_string());
        let child = linnet.begin(&[
            "ingest",
            "mastodon",
            "--url",
            &fake.url(scheme),
            "--hashtag",
            "Rust",
            "--token",
            "secret",
        ]);
        let first = status(
            101,
            "alice",
            "<p>one &amp; <a href=\"x\">#<span>Rust</span></a></p>",
            &["rust"],
        );
        let mut reply = status(102, "bob@far.example", "<p>two<br>lines</p>", &["Rust", "more"]);
        reply["in_reply_to_id"] = "101".into();
        reply["spoiler_text"] = "careful".into();
        reply["mentions"] = json!([{ "url": "https://example.social/@alice", "acct": "alice" }]);
        let mut private = status(103, "alice", "<p>secret</p>", &["rust"]);
        private["visibility"] = "private".into();
        let mut edited = status(101, "alice", "<p>edited</p>", &["other"]);
        edited["edited_at"] = "2026-02-13T22:00:00.000Z".into();
        fake.send([
            update("update", &first),
            update("update", &reply),
            update("update", &reply),
            update("update", &private),
            update("update", &status(104, "alice", "<p>other</p>", &["python"])),
            update("update", &status(105, "alice", "<p>gone</p>", &["rust"])),
            message("update", "{"),
            message("notification", "{}"),
            message("delete", "105"),
            update("status.update", &edited),
        ]);
        let reader = linnet.anybody();
        until("the edit", || async {
            texts(&reader).await.into_values().collect::<Vec<_>>() == ["edited", "careful\n\ntwo\nlines"]
        })
        .await;
        let found = tweets(&reader).await;
        let reply = &found[0];
        assert_eq!(reply["url"], "https://far.example/@bob/102");
        assert_eq!(reply["author"]["handle"], "@bob@far.example");
        assert_eq!(reply["author"]["displayName"], "bob of far.example");
        assert_eq!(reply["author"]["bio"], "I walk funny");
        assert_eq!(reply["inReplyTo"]["url"], "https://example.social/@alice/101");
        assert_eq!(reply["mentions"][0]["handle"], "@alice@example.social");
        assert_eq!(reply["hashtags"], json!([{ "name": "rust" }, { "name": "more" }]));
        let line = fake.lines().pop().unwrap();
        assert!(line.contains("tag=rust") && line.contains("Bearer secret"), "{line}");
        end(child).await;
    }
}

#[tokio::test]
async fn what_a_hashtag_missed_is_asked_for() {
    let linnet = Linnet::start().await;
    let fake = Fake::start().await;
    let held = |ids: std::ops::Range<u64>| ids.map(|id| status(id, "alice", &format!("<p>{id}</p>"), &["rust"]));
    let arguments = ["ingest", "mastodon", "--url", &fake.url("http"), "--hashtag", "rust"];
    let child = linnet.begin(&arguments);
    fake.send(held(101..103).map(|status| (0, format!("update\n{status}"))));
    let reader = linnet.anybody();
    until("two", || async { texts(&reader).await.len() == 2 }).await;
    end(child).await;
    fake.hold(held(101..110));
    let child = linnet.begin(&arguments);
    until("all of it", || async { texts(&reader).await.len() == 9 }).await;
    assert!(fake.asked()[0].contains("min_id=102"), "{:?}", fake.asked());
    end(child).await;
}

#[tokio::test]
async fn sources_of_a_file_are_followed_together_and_each_status_once() {
    let linnet = Linnet::start().await;
    wall(&linnet, "w", json!({ "keywords": ["sky"] })).await;
    let (sky, one, two) = (Fake::start().await, Fake::start().await, Fake::start().await);
    let mut file = NamedTempFile::new().unwrap();
    write!(
        file,
        "[[jetstream]]\nurl = \"{}\"\nwalls = [\"w\"]\n\
         [[mastodon]]\nurl = \"{}\"\nhashtags = [\"rust\", \"python\"]\n\
         [[mastodon]]\nurl = \"{}\"\nhashtags = [\"rust\"]\n",
        sky.url("ws"),
        one.url("http"),
        two.url("http")
    )
    .unwrap();
    let path = file.path().display().to_string();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let child = linnet.begin(&["ingest", "--config", &path, "--metrics", &port]);
    sky.send([posts("a", "1", "the sky", begin())]);
    let everywhere = status(7, "carol@far.example", "<p>both</p>", &["rust", "python"]);
    let mut there = everywhere.clone();
    there["id"] = "900".into();
    one.send([(0, format!("update\n{everywhere}"))]);
    two.send([(0, format!("update\n{there}"))]);
    let reader = linnet.anybody();
    until("all", || async {
        texts(&reader).await.into_values().collect::<Vec<_>>() == ["the sky", "both"]
    })
    .await;
    until("all lines", || async {
        one.lines().len() == 2 && two.lines().len() == 1
    })
    .await;
    two.send([(0, "delete\n900".to_owned())]);
    until("its end", || async { texts(&reader).await.len() == 1 }).await;
    let metrics = linnet
        .client()
        .get(format!("http://{port}/metrics"))
        .send()
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    for line in [
        "linnet_ingest_written_total{what=\"tweets\"} 2",
        "linnet_ingest_written_total{what=\"deletions\"} 1",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    end(child).await;
}

#[tokio::test]
async fn a_username_is_stable_and_never_a_local_users() {
    let start = begin();
    let mut names: Vec<String> = Vec::new();
    for round in 0..3 {
        let linnet = Linnet::start().await;
        if round == 2 {
            linnet.sign_up(&names[0]).await;
        }
        wall(&linnet, "w", json!({ "hashtags": ["rust"] })).await;
        let fake = Fake::start().await;
        fake.send([posts("a", "1", "one #rust", start)]);
        let child = jetstream(&linnet, &fake, &[]);
        let reader = linnet.anybody();
        until("the tweet", || async { tweets(&reader).await.len() == 1 }).await;
        names.push(
            tweets(&reader).await[0]["author"]["username"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
        end(child).await;
    }
    assert_eq!(names[0], names[1]);
    assert_ne!(names[0], names[2]);
}

#[tokio::test]
async fn what_is_wrong_is_told_in_a_line() {
    let linnet = Linnet::start().await;
    let cases: [(&[&str], i32, &str); 7] = [
        (&["ingest"], 2, "no source"),
        (
            &["ingest", "jetstream", "--url", "https://x", "--wall", "w"],
            2,
            "WebSocket",
        ),
        (&["ingest", "jetstream", "--url", "ws://x"], 2, "--wall"),
        (
            &["ingest", "mastodon", "--url", "http://x", "--hashtag", "two words"],
            2,
            "hashtag",
        ),
        (&["ingest", "--config", "/nowhere/at/all"], 2, "/nowhere/at/all"),
        (&["ingest", "twitter"], 2, "twitter"),
        (
            &["ingest", "jetstream", "--url", "ws://127.0.0.1:9", "--wall", "nowhere"],
            1,
            "there is no wall nowhere",
        ),
    ];
    for (arguments, status, reason) in cases {
        let output = linnet.command(arguments).await;
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {told}");
        assert!(
            told.contains(reason) && told.trim_end().lines().count() == 1,
            "{arguments:?}: {told}"
        );
    }
}
