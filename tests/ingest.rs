//! What outside sources tell becomes tweets: each once, whatever breaks, as it is in the end.

mod fake;
mod frames;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::Output;

use rand::RngExt;
use rand::seq::{IndexedRandom, IteratorRandom};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::process::Child;

use crate::harness::{Linnet, Person, chance, soon, until};
use fake::{Fake, Frame};
use frames::{Commit, at, begin, change, did, ended, identity, post, posts, repost, status};

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
async fn wall(linnet: &Linnet, slug: &str, hashtags: &[&str], keywords: &[&str], accounts: &[&str]) {
    use sea_orm::{ConnectionTrait, Database};
    let db = Database::connect(format!("sqlite://{}", linnet.database_path()))
        .await
        .unwrap();
    let sql = format!(
        "INSERT INTO wall (slug, title, hashtags, keywords, accounts, created_at, phase, position_at, position_id) \
         VALUES ('{slug}', '{slug}', '{}', '{}', '{}', 0, 0, 0, 0)",
        json!(hashtags),
        json!(keywords),
        json!(accounts)
    );
    db.execute_unprepared(&sql).await.unwrap();
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

/// Repeats some frames, moves some a little, and puts garbage between them: but nothing about a
/// post before what the source said of it earlier.
fn disturb(seed: &mut impl RngExt, frames: Vec<Frame>) -> Vec<Frame> {
    let mut disturbed: Vec<Frame> = Vec::new();
    for frame in frames {
        if let Some(again) = disturbed.choose(seed).cloned().filter(|_| seed.random_bool(0.2)) {
            disturbed.push(again);
        }
        if seed.random_bool(0.1) {
            disturbed.push((frame.0, (*GARBAGE.choose(seed).unwrap()).to_owned()));
        }
        disturbed.push(frame);
    }
    disturbed.push((disturbed.last().unwrap().0, "x".repeat(2 << 20)));
    disturbed
}

#[tokio::test]
async fn a_broken_and_repeated_stream_ends_in_what_is_true() {
    let linnet = Linnet::start().await;
    wall(&linnet, "w", &["rust"], &[], &[]).await;
    let mut seed = chance();
    let fake = Fake::start().await;
    let story = story(&mut seed, 600);
    fake.cut_after(400);
    fake.send(disturb(&mut seed, story.frames));
    let child = jetstream(&linnet, &fake, &[]);
    hold(&linnet, &story.expected).await;
    assert!(fake.lines().len() > 1, "the lines were cut");
    end(child).await;
    hold(&linnet, &story.expected).await;
    let file = linnet.file().await;
    file.counts_are_right().await;
}
