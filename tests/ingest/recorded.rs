//! What real servers have sent, over lines that break, repeat, disorder and garble it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::disturb::disturb;
use super::fake::{Fake, Frame};
use super::{end, hold, jetstream, texts, wall};
use crate::harness::{Linnet, chance, data, until};

/// The words of the wall that follows the recorded Jetstream.
const WORDS: [&str; 3] = ["the", "な", "с"];

/// The wanted posts of recorded Jetstream events, in their order: what stands in the end.
fn posts(events: &[Value]) -> BTreeMap<String, String> {
    let mut posts = BTreeMap::new();
    for event in events {
        let commit = &event["commit"];
        if commit["collection"] != "app.bsky.feed.post" {
            continue;
        }
        let (did, rkey) = (event["did"].as_str().unwrap(), commit["rkey"].as_str().unwrap());
        let url = format!("https://bsky.app/profile/{did}/post/{rkey}");
        let text = commit["record"]["text"].as_str().unwrap_or_default();
        let is_wanted = WORDS.iter().any(|word| text.to_lowercase().contains(word));
        match commit["operation"].as_str().unwrap() {
            "delete" => drop(posts.remove(&url)),
            _ if is_wanted || posts.contains_key(&url) => drop(posts.insert(url, text.to_owned())),
            _ => {}
        }
    }
    posts
}

/// What a frame of Jetstream is about: a record, or all of an account.
pub fn record(frame: &Frame) -> Option<String> {
    let event: Value = serde_json::from_str(&frame.1).ok()?;
    let (did, commit) = (event["did"].as_str()?, event.get("commit")?);
    Some(format!("{did} {} {}", commit["collection"], commit["rkey"]))
}

#[tokio::test]
async fn a_recorded_jetstream_ends_in_what_it_says() {
    let Some(file) = data("jetstream/capture-2026-07-04.ndjson") else {
        return;
    };
    let recorded = std::fs::read_to_string(file).unwrap();
    let events: Vec<Value> = recorded
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let frames = events.iter().zip(recorded.lines());
    let frames = frames.map(|(event, line)| (event["time_us"].as_i64().unwrap(), line.to_owned()));
    let expected = posts(&events);
    assert!(expected.len() > 5);
    let mut seed = chance();
    let disturbed = disturb(&mut seed, frames.collect(), &super::garbage(), record);
    assert!(disturbed.is_bad());

    let linnet = Linnet::start().await;
    wall(&linnet, "w", json!({ "keywords": WORDS })).await;
    let fake = Fake::start().await;
    // A line begins some seconds before the last position, which is all of the recording again.
    fake.cut([7, 40, 90, 91, 150]);
    fake.send(disturbed.frames);
    let child = jetstream(&linnet, &fake, &[]);
    until("every frame", async || fake.untold() == 0).await;
    hold(&linnet, &expected).await;
    end(child).await;
    hold(&linnet, &expected).await;
    assert_eq!((fake.broken(), fake.lines().len()), (5, 6));
    linnet.file().await.counts_are_right().await;
}

/// The hashtags that are followed.
const TAGS: [&str; 5] = [
    "thisisahashtag",
    "blender",
    "openscience",
    "chatgpt",
    "fgiztsshwiaqqiztpmmjbtvmescsculuvmgjgopwoeidbcrixp",
];

/// What a server of Mastodon sends.
enum Message {
    /// An event with its payload.
    Event(String, String),
    /// What was recorded of server-sent events, to the byte.
    Raw(String),
}

impl Message {
    fn status(status: &Value) -> Self {
        Self::Event("update".to_owned(), status.to_string())
    }

    /// As a transport frames it: what was recorded over the other one is taken apart.
    fn frames(&self, scheme: &str) -> Vec<Frame> {
        let framed = |event: &str, payload: &str| match scheme {
            "http" => (0, format!("{event}\n{payload}")),
            _ => (
                0,
                json!({ "stream": ["hashtag"], "event": event, "payload": payload }).to_string(),
            ),
        };
        match self {
            Self::Event(event, payload) => vec![framed(event, payload)],
            Self::Raw(text) if scheme == "http" => vec![(0, format!("{}\n\n", text.trim_end()))],
            Self::Raw(text) => events(text)
                .iter()
                .map(|(event, payload)| framed(event, payload))
                .collect(),
        }
    }
}

/// The events in recorded server-sent events.
fn events(text: &str) -> Vec<(String, String)> {
    let mut name = "";
    let mut events = Vec::new();
    for line in text.lines() {
        if let Some(event) = line.strip_prefix("event: ") {
            name = event;
        }
        if let Some(data) = line.strip_prefix("data: ") {
            events.push((name.to_owned(), data.to_owned()));
        }
    }
    events
}

/// Everything of Mastodon that was recorded, and the statuses in it that anybody may read.
fn mastodon() -> Option<(Vec<Message>, Vec<Value>)> {
    let read = |file: &str| Some(std::fs::read_to_string(data(&format!("mastodon/{file}"))?).unwrap());
    let (mut messages, mut statuses) = (Vec::new(), Vec::new());
    for file in ["statuses-public.ndjson", "statuses-testserver.ndjson"] {
        statuses.extend(
            read(file)?
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap()),
        );
    }
    let update: Value = serde_json::from_str(&read("ws-update.json")?).unwrap();
    statuses.push(serde_json::from_str(update["payload"].as_str().unwrap()).unwrap());
    messages.extend(statuses.iter().map(Message::status));
    // What these tell is between few: nothing of it may come in.
    for file in [
        "direct-direct",
        "user_direct-direct",
        "user_direct-user",
        "user_local-user",
    ] {
        let text = read(&format!("sse-{file}.txt"))?;
        assert!(text.starts_with(":)\n") && !events(&text).is_empty(), "{file}");
        messages.insert(messages.len() / 2, Message::Raw(text));
    }
    Some((messages, statuses))
}

/// A text by what is neither space nor markup.
fn letters(html: &str) -> String {
    let mut text = String::new();
    for (place, part) in html.split('<').enumerate() {
        text.push_str(if place == 0 {
            part
        } else {
            part.split_once('>').map_or("", |(_, rest)| rest)
        });
    }
    for (entity, letter) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, letter);
    }
    text.split_whitespace().collect()
}

/// What stands in the end, by address.
fn wanted(statuses: &[Value]) -> BTreeMap<String, String> {
    let is_wanted = |status: &&Value| {
        let tags = status["tags"].as_array().unwrap().iter();
        let mut names = tags.map(|tag| tag["name"].as_str().unwrap().to_lowercase());
        let is_public = ["public", "unlisted"].contains(&status["visibility"].as_str().unwrap());
        is_public && status["reblog"].is_null() && names.any(|name| TAGS.contains(&name.as_str()))
    };
    let said = |status: &Value| {
        let warning = status["spoiler_text"].as_str().unwrap();
        format!("{}{}", letters(warning), letters(status["content"].as_str().unwrap()))
    };
    let wanted = statuses.iter().filter(is_wanted);
    let wanted = wanted.map(|status| (status["url"].as_str().unwrap().to_owned(), said(status)));
    wanted.filter(|(_, said)| !said.is_empty()).collect()
}

/// Frames of which a reader of Mastodon can make nothing.
fn garbage(scheme: &str) -> Vec<Frame> {
    let events = [
        ("update", "{"),
        ("update", "null"),
        ("update", "{\"id\":\"1\"}"),
        ("status.update", "[]"),
        ("delete", "../1"),
        ("delete", ""),
        ("filters_changed", "{}"),
        ("", "nothing"),
    ];
    let framed = events.map(|(event, payload)| Message::Event(event.to_owned(), payload.to_owned()).frames(scheme));
    let mut garbage: Vec<Frame> = framed.into_iter().flatten().collect();
    let raw = match scheme {
        "http" => [":\n", ": no event\n\n", ":\nnonsense\ndata\nevent: update\n\n"].as_slice(),
        _ => ["", "null", "{\"event\":1}", "{\"event\":\"update\"}"].as_slice(),
    };
    garbage.extend(raw.iter().map(|text| (0, (*text).to_owned())));
    garbage
}

#[tokio::test]
async fn a_recorded_server_of_mastodon_ends_in_what_it_says() {
    let Some((messages, statuses)) = mastodon() else {
        return;
    };
    let expected = wanted(&statuses);
    assert!(expected.len() > 60, "{}", expected.len());
    let mut seed = chance();
    for scheme in ["http", "ws"] {
        let frames = messages.iter().flat_map(|message| message.frames(scheme)).collect();
        // What few say to each other keeps its place, each other status is its own.
        let about = |frame: &Frame| (!frame.1.starts_with(':')).then(|| frame.1.clone());
        let disturbed = disturb(&mut seed, frames, &garbage(scheme), about);
        assert!(disturbed.is_bad());
        let linnet = Linnet::start().await;
        let fake = Fake::start().await;
        // The first lines of all five hashtags, and some of those that follow them.
        fake.cut([5, 30, 60, 90, 120, 170, 200, 230]);
        fake.send(disturbed.frames);
        let url = fake.url(scheme);
        let mut arguments = vec!["ingest", "mastodon", "--url", &url];
        arguments.extend(TAGS.iter().flat_map(|tag| ["--hashtag", tag]));
        let child = linnet.begin(&arguments);
        let reader = linnet.anybody();
        let said = async || -> BTreeMap<String, String> {
            let texts = texts(&reader).await.into_iter();
            texts
                .map(|(url, text)| (url, text.split_whitespace().collect()))
                .collect()
        };
        until("every frame", async || fake.untold() == 0 && fake.lines().len() == 13).await;
        until("all statuses", async || said().await.len() >= expected.len()).await;
        end(child).await;
        assert_eq!(said().await, expected, "{scheme}");
        assert_eq!(fake.broken(), 8, "{scheme}");
        linnet.file().await.counts_are_right().await;
    }
}
