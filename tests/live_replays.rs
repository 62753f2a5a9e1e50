//! Subscribers who come back are served from memory, together, and never with what is gone.

use futures_util::future::join_all;
use rand::RngExt;
use serde_json::{Value, json};

use crate::harness::{Linnet, Person, Socket, until};

const QUERY: &str = "subscription($after: String) { hashtagStream(hashtag: \"rust\", after: $after) { tweetId cursor tweet { text } } }";

/// A socket that goes on behind a cursor.
async fn resumed(linnet: &Linnet, after: &str) -> Socket {
    let mut socket = linnet.websocket(None).await;
    let payload = json!({ "query": QUERY, "variables": { "after": after } });
    socket
        .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
        .await;
    socket
}

async fn event(socket: &mut Socket) -> Value {
    let mut message = socket.hear().await;
    assert_eq!(message["type"], "next", "{message}");
    message["payload"]["data"]["hashtagStream"].take()
}

async fn heard(socket: &mut Socket, events: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..events {
        ids.push(event(socket).await["tweetId"].as_str().unwrap().to_owned());
    }
    ids
}

async fn posted(person: &Person, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        ids.push(person.post(&format!("{number} #rust")).await);
    }
    ids
}

/// Whoever has missed much is not told of each event by a look-up of its own.
#[tokio::test]
async fn what_many_events_show_is_looked_up_together() {
    const MISSED: usize = 128;
    let mut linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let before = alice.cursor().await;
    let ids = posted(&alice, MISSED).await;
    linnet.restart().await;
    let statements = linnet.metric("linnet_sql_statements_total").await;
    let mut socket = resumed(&linnet, &before).await;
    assert_eq!(heard(&mut socket, MISSED).await, ids);
    let statements = linnet.metric("linnet_sql_statements_total").await - statements;
    assert!(statements < MISSED as f64 / 2.0, "{statements}");
}

/// 60 who come back at random places cost at most one execution for each event that was missed,
/// both where the group still stands and where the server is new.
#[tokio::test]
async fn a_storm_executes_each_missed_event_once() {
    const MISSED: usize = 40;
    let mut linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let before = alice.cursor().await;
    let mut first = resumed(&linnet, &before).await;
    let mut ids = posted(&alice, 1).await;
    let mut cursors = vec![before];
    cursors.push(event(&mut first).await["cursor"].as_str().unwrap().to_owned());
    for number in 1..MISSED {
        ids.push(alice.post(&format!("{number} #rust")).await);
        cursors.push(event(&mut first).await["cursor"].as_str().unwrap().to_owned());
    }
    drop(first);
    for restarted in [false, true] {
        if restarted {
            linnet.restart().await;
        }
        let executions = linnet.metric("linnet_executions_total").await;
        join_all((0..60).map(|_| async {
            let missed = rand::rng().random_range(0..MISSED);
            let mut socket = resumed(&linnet, &cursors[missed]).await;
            assert_eq!(heard(&mut socket, MISSED - missed).await, ids[missed..]);
            socket.quiet().await;
        }))
        .await;
        let executions = linnet.metric("linnet_executions_total").await - executions;
        assert!(
            executions <= MISSED as f64,
            "{executions} executions, restarted: {restarted}"
        );
    }
    assert!(linnet.metric("linnet_replays_total").await >= 50.0);
    assert!(linnet.metric("linnet_ring_misses_total").await >= 1.0);
}

/// With limits, an address that has its walks waits, and gets everything all the same.
#[tokio::test]
async fn walks_of_one_address_wait_for_one_another() {
    let linnet = Linnet::with(&["--query-aliases", "100", "--slow-reader-timeout", "60s"]).await;
    let alice = linnet.person("alice").await;
    let cursor = alice.cursor().await;
    let mut ids = Vec::new();
    // More than a walk is ahead of its readers, so that one whose reader sleeps has to rest.
    for number in 0..100 {
        ids.push(alice.post(&format!("{number} #rust {}", "x".repeat(200))).await);
    }
    // Ten groups that are behind, with readers that don't read yet.
    let mut sockets = Vec::new();
    for number in 0..10 {
        let texts: String = (0..100).map(|n| format!("t{number}_{n}: text ")).collect();
        let query = format!(
            "subscription($after: String) {{ hashtagStream(hashtag: \"rust\", after: $after) {{ tweetId tweet {{ {texts} }} }} }}"
        );
        let mut socket = linnet.websocket(None).await;
        let payload = json!({ "query": query, "variables": { "after": cursor } });
        socket
            .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
            .await;
        sockets.push(socket);
    }
    for socket in &mut sockets {
        assert_eq!(heard(socket, ids.len()).await, ids);
    }
    assert_eq!(linnet.metric("linnet_ring_misses_total").await, 10.0);
}

/// Subscribes with events so large that the buffers on the way hold few of them.
async fn stalled(linnet: &Linnet) -> Socket {
    let texts: String = (0..100).map(|n| format!("t{n}: text ")).collect();
    let query = format!("subscription {{ hashtagStream(hashtag: \"rust\") {{ tweetId cursor tweet {{ {texts} }} }} }}");
    let mut socket = linnet.websocket(None).await;
    socket.subscribe("1", &query).await;
    socket.quiet().await;
    socket
}

/// Fills the way to readers that read nothing: more than all buffers hold.
async fn fill(alice: &Person) {
    for number in 0..40 {
        alice.post(&format!("{number} #rust {}", "x".repeat(200))).await;
    }
}

#[tokio::test]
async fn a_stalled_reader_gets_no_byte_of_what_was_deleted() {
    let linnet = Linnet::with(&[
        "--query-aliases",
        "100",
        "--rate-limit",
        "off",
        "--slow-reader-timeout",
        "60s",
    ])
    .await;
    let alice = linnet.person("alice").await;
    let mut sleeper = stalled(&linnet).await;
    // The same group has somebody who hears it all while it is there.
    let mut witness = stalled(&linnet).await;
    let listening = tokio::spawn(async move {
        let mut secrets = 0;
        while let Some(message) = witness.try_hear().await {
            secrets += usize::from(message.to_string().contains("secret"));
            if message.to_string().contains("the end") {
                break;
            }
        }
        secrets
    });
    fill(&alice).await;
    let deleted = alice.post("secret #rust").await;
    let edited = alice.post("secret too #rust").await;
    let bob = linnet.person("bob").await;
    let his = bob.post("secret of bob #rust").await;
    // Somebody has been told them all: they are in the ring.
    until("all is executed", || async {
        linnet.metric("linnet_executions_total").await >= 43.0
    })
    .await;
    alice.delete(&deleted).await;
    alice.edit(&edited, "harmless #rust").await;
    bob.write("deleteAccount", json!({ "password": "correct horse" })).await;
    alice.post("the end #rust").await;
    let mut shown = std::collections::HashMap::new();
    loop {
        let told = event(&mut sleeper).await;
        let text = told.to_string();
        assert!(!text.contains("secret"), "{text}");
        shown.insert(
            told["tweetId"].as_str().unwrap().to_owned(),
            told["tweet"]["t0"].clone(),
        );
        if text.contains("the end") {
            break;
        }
    }
    assert_eq!(shown[&deleted], Value::Null);
    assert_eq!(shown[&edited], "harmless #rust");
    assert_eq!(shown[&his], Value::Null);
    assert!(listening.await.unwrap() >= 1, "nobody has seen it live");
}
