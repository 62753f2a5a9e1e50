//! What slow readers, little memory and the end of the server do to subscribers: nothing is lost.

use std::time::Instant;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Linnet, Person, Socket, until};

/// Events of this are so large that the buffers on the way hold few of them.
fn wide() -> String {
    let texts: String = (0..100).map(|n| format!("t{n}: text ")).collect();
    format!(
        "subscription($after: String) {{ hashtagStream(hashtag: \"rust\", after: $after) {{ tweetId cursor tweet {{ {texts} }} }} }}"
    )
}

async fn subscribed(linnet: &Linnet, query: &str, after: Option<&str>) -> Socket {
    let mut socket = linnet.websocket(None).await;
    let payload = json!({ "query": query, "variables": { "after": after } });
    socket
        .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
        .await;
    if after.is_none() {
        socket.quiet().await;
    }
    socket
}

async fn posted(person: &Person, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        ids.push(person.post(&format!("{number} #rust {}", "x".repeat(200))).await);
    }
    ids
}

/// The tweet and the cursor of an event.
fn told(message: &Value) -> (String, String) {
    let event = &message["payload"]["data"]["hashtagStream"];
    let text = |name: &str| event[name].as_str().unwrap_or_else(|| panic!("{message}")).to_owned();
    (text("tweetId"), text("cursor"))
}

async fn heard(socket: &mut Socket, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(told(&socket.hear().await).0);
    }
    ids
}

#[tokio::test]
async fn a_slow_reader_is_closed_and_resumes() {
    let linnet = Linnet::with(&[
        "--query-aliases",
        "100",
        "--rate-limit",
        "off",
        "--slow-reader-timeout",
        "500ms",
    ])
    .await;
    let alice = linnet.person("alice").await;
    let mut slow = subscribed(&linnet, &wide(), None).await;
    let mut others = join_all((0..5).map(|_| {
        subscribed(
            &linnet,
            "subscription { hashtagStream(hashtag: \"rust\") { tweetId cursor } }",
            None,
        )
    }))
    .await;
    let ids = posted(&alice, 60).await;
    for other in &mut others {
        assert_eq!(heard(other, ids.len()).await, ids);
    }
    until("the slow one is given up", || async {
        linnet.metric(r#"linnet_websocket_closes_total{code="1013"}"#).await == 1.0
            && linnet.metric("linnet_subscriptions").await == 5.0
    })
    .await;
    // What was on the way comes, then the close frame, and no more.
    let (mut got, mut cursor) = (Vec::new(), String::new());
    let code = loop {
        match slow.hear_or_close().await {
            Ok(message) => {
                let (id, at) = told(&message);
                got.push(id);
                cursor = at;
            }
            Err(code) => break code,
        }
    };
    assert_eq!(code, 1013);
    assert!(!got.is_empty() && got.len() < ids.len(), "{}", got.len());
    let mut resumed = subscribed(&linnet, &wide(), Some(&cursor)).await;
    got.extend(heard(&mut resumed, ids.len() - got.len()).await);
    assert_eq!(got, ids);
}

/// A budget of which a few frames are all: readers at different places, and nothing is lost.
#[tokio::test]
async fn little_memory_loses_nothing() {
    let options = [
        "--query-aliases",
        "100",
        "--rate-limit",
        "off",
        "--memory",
        "1MB",
        "--slow-reader-timeout",
        "60s",
    ];
    let linnet = Linnet::with(&options).await;
    let alice = linnet.person("alice").await;
    let cursor = alice.cursor().await;
    let mut readers = Vec::new();
    for _ in 0..3 {
        readers.push(subscribed(&linnet, &wide(), None).await);
    }
    let ids = posted(&alice, 100).await;
    for _ in 0..3 {
        readers.push(subscribed(&linnet, &wide(), Some(&cursor)).await);
    }
    // One after the other, so that they are far apart.
    for mut reader in readers {
        assert_eq!(heard(&mut reader, ids.len()).await, ids);
    }
}

/// A burst that no buffer on the way holds.
#[tokio::test]
async fn a_burst_reaches_everybody() {
    let linnet = Linnet::start().await;
    let people = join_all((0..8).map(|number| {
        let linnet = &linnet;
        async move { linnet.person(&format!("user{number}")).await }
    }))
    .await;
    let query = "subscription { hashtagStream(hashtag: \"rust\") { tweetId cursor } }";
    let mut readers = join_all((0..20).map(|_| subscribed(&linnet, query, None))).await;
    let posting = join_all(people.iter().map(|person| posted(person, 40)));
    let (of_each, of_readers) = tokio::join!(posting, join_all(readers.iter_mut().map(|reader| heard(reader, 320))));
    for got in &of_readers {
        assert_eq!(got, &of_readers[0], "one order for all");
    }
    for ids in of_each {
        let order: Vec<_> = of_readers[0].iter().filter(|id| ids.contains(id)).cloned().collect();
        assert_eq!(order, ids);
    }
    assert_eq!(linnet.metric("linnet_executions_total").await, 320.0);
}

#[tokio::test]
async fn the_end_sends_what_there_is_and_spreads_the_closing() {
    let mut linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let query = "subscription { hashtagStream(hashtag: \"rust\") { tweetId cursor } }";
    let mut readers = join_all((0..200).map(|_| subscribed(&linnet, query, None))).await;
    let ids = posted(&alice, 20).await;
    let begun = Instant::now();
    let listening = join_all(readers.iter_mut().map(|reader| async {
        let mut got = Vec::new();
        loop {
            match reader.hear_or_close().await {
                Ok(message) => got.push(told(&message).0),
                Err(code) => return (got, code, begun.elapsed()),
            }
        }
    }));
    let (status, ends) = tokio::join!(linnet.terminate(), listening);
    assert!(status.success());
    for (got, code, _) in &ends {
        assert_eq!(*code, 1001);
        assert_eq!(*got, ids, "no event and no `complete` but these");
    }
    let times: Vec<_> = ends.iter().map(|(_, _, at)| at.as_millis()).collect();
    let spread = times.iter().max().unwrap() - times.iter().min().unwrap();
    assert!((20..9_000).contains(&spread), "{spread} ms");
}
