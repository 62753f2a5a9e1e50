//! Subscribers who get the same bytes share one execution of each event, and no others do.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Linnet, Person, Socket, until};

/// A socket with one subscription, which is open when this returns.
async fn subscribed(linnet: &Linnet, token: Option<&str>, query: &str, variables: Value) -> Socket {
    let mut socket = linnet.websocket(token).await;
    open(&mut socket, "1", query, variables).await;
    socket
}

async fn open(socket: &mut Socket, id: &str, query: &str, variables: Value) {
    let payload = json!({ "query": query, "variables": variables });
    socket
        .say(json!({ "id": id, "type": "subscribe", "payload": payload }))
        .await;
    socket.quiet().await;
}

/// What the next message brings.
async fn event(socket: &mut Socket) -> Value {
    let mut message = socket.hear().await;
    assert_eq!(message["type"], "next", "{message}");
    message["payload"]["data"]["hashtagStream"].take()
}

/// How many executions there are while `events` are told to all sockets.
async fn executions(linnet: &Linnet, alice: &Person, sockets: &mut [Socket], events: usize) -> f64 {
    let before = linnet.metric("linnet_executions_total").await;
    for number in 0..events {
        let id = alice.post(&format!("{number} #rust")).await;
        for told in join_all(sockets.iter_mut().map(event)).await {
            assert_eq!(told["tweet"]["id"], *id);
        }
    }
    linnet.metric("linnet_executions_total").await - before
}

const PLAIN: &str = r#"subscription { hashtagStream(hashtag: "rust") { kind tweet { id } } }"#;

#[tokio::test]
async fn an_event_is_executed_once_for_all() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let mut sockets = join_all((0..50).map(|_| subscribed(&linnet, None, PLAIN, json!({})))).await;
    assert_eq!(linnet.metric("linnet_groups").await, 1.0);
    assert_eq!(linnet.metric("linnet_subscriptions").await, 50.0);
    let frames = linnet.metric("linnet_frames_total").await;
    assert_eq!(executions(&linnet, &alice, &mut sockets, 10).await, 10.0);
    assert_eq!(linnet.metric("linnet_frames_total").await, frames + 500.0);
    assert_eq!(linnet.metric("linnet_lag_seconds_count").await, 500.0);
}

#[tokio::test]
async fn who_is_there_without_listening_costs_no_execution() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let mut socket = subscribed(&linnet, None, PLAIN, json!({})).await;
    assert_eq!(linnet.metric("linnet_groups").await, 1.0);
    socket.complete("1").await;
    socket.quiet().await;
    assert_eq!(linnet.metric("linnet_groups").await, 0.0);
    assert_eq!(linnet.metric("linnet_subscriptions").await, 0.0);
    let other = json!({ "hashtag": "other" });
    let query = "subscription($hashtag: String!) { hashtagStream(hashtag: $hashtag) { tweet { id } } }";
    let mut other = [subscribed(&linnet, None, query, other).await];
    let before = linnet.metric("linnet_executions_total").await;
    alice.post("#rust").await;
    let id = alice.post("#other").await;
    assert_eq!(event(&mut other[0]).await["tweet"]["id"], *id);
    assert_eq!(linnet.metric("linnet_executions_total").await, before + 1.0);
    socket.quiet().await;
}

#[tokio::test]
async fn documents_that_mean_the_same_are_one_group() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let cursor = alice.cursor().await;
    let query = "subscription Named($h: String!, $after: String, $r: Boolean! = false)
        { hashtagStream(includeRetweets: $r, hashtag: $h, after: $after) { kind, tweet { id } } }";
    let mut sockets = vec![subscribed(&linnet, None, PLAIN, json!({})).await];
    for variables in [
        json!({ "h": "rust" }),
        json!({ "h": "#RUST", "r": false }),
        json!({ "h": "Rust", "after": cursor, "unused": 1 }),
    ] {
        sockets.push(subscribed(&linnet, None, query, variables).await);
    }
    // Whoever asks: nothing of it depends on that.
    sockets.push(subscribed(&linnet, alice.token.as_deref(), PLAIN, json!({})).await);
    assert_eq!(linnet.metric("linnet_groups").await, 1.0);
    assert_eq!(executions(&linnet, &alice, &mut sockets, 3).await, 3.0);
}

#[tokio::test]
async fn what_makes_other_bytes_is_another_group() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.person("alice").await, linnet.person("bob").await);
    let mut socket = linnet.websocket(None).await;
    let selections = [
        r#"hashtagStream(hashtag: "rust") { kind tweetId }"#,
        r#"hashtagStream(hashtag: "rust") { tweetId kind }"#,
        r#"s: hashtagStream(hashtag: "rust") { kind tweetId }"#,
        r#"hashtagStream(hashtag: "rust", includeRetweets: true) { kind tweetId }"#,
        r#"hashtagStream(hashtag: "go") { kind tweetId }"#,
    ];
    for (number, selection) in selections.iter().enumerate() {
        let query = format!("subscription {{ {selection} }}");
        open(&mut socket, &number.to_string(), &query, json!({})).await;
    }
    assert_eq!(linnet.metric("linnet_groups").await, 5.0);
    let id = alice.post("#rust").await;
    let mut heard = Vec::new();
    for _ in 0..4 {
        heard.push(socket.hear().await);
    }
    heard.sort_by_key(|message| message["id"].as_str().unwrap().to_owned());
    let payloads: Vec<_> = heard
        .iter()
        .map(|message| message["payload"]["data"].to_string())
        .collect();
    let event = json!({ "kind": "CREATED", "tweetId": id });
    let turned = json!({ "tweetId": id, "kind": "CREATED" });
    assert_eq!(payloads[0], json!({ "hashtagStream": event }).to_string());
    assert_eq!(payloads[1], json!({ "hashtagStream": turned }).to_string());
    assert_eq!(payloads[2], json!({ "s": event }).to_string());
    assert_eq!(payloads[3], payloads[0]);
    bob.retweet(&id).await;
    let retweeted = socket.hear().await;
    assert_eq!(retweeted["id"], "3");
    assert_eq!(retweeted["payload"]["data"]["hashtagStream"]["kind"], "RETWEETED");
    socket.quiet().await;
}

#[tokio::test]
async fn each_viewer_sees_their_own() {
    let linnet = Linnet::start().await;
    let people = [
        linnet.person("alice").await,
        linnet.person("bob").await,
        linnet.person("cleo").await,
    ];
    let [alice, bob, _] = &people;
    alice.write("follow", json!({ "targetId": "Hashtag:rust" })).await;
    bob.write("follow", json!({ "targetId": "Hashtag:go" })).await;
    let query = "subscription($h: String!) { hashtagStream(hashtag: $h)
        { tweet { id viewerHasLiked author { viewerIsFollowing } } hashtag { viewerIsFollowing } } }";
    let mut sockets = Vec::new();
    for token in people.iter().map(|person| person.token.as_deref()).chain([None, None]) {
        sockets.push(subscribed(&linnet, token, query, json!({ "h": "rust" })).await);
    }
    // The two who are nobody share.
    assert_eq!(linnet.metric("linnet_groups").await, 4.0);
    let before = linnet.metric("linnet_executions_total").await;
    let id = alice.post("#rust").await;
    let expected = [true, false, false, false, false];
    for (socket, follows) in sockets.iter_mut().zip(expected) {
        let told = event(socket).await;
        assert_eq!(told["hashtag"]["viewerIsFollowing"], follows);
        assert_eq!(told["tweet"]["viewerHasLiked"], false);
    }
    assert_eq!(linnet.metric("linnet_executions_total").await, before + 4.0);

    bob.like(&id).await;
    alice.edit(&id, "again #rust").await;
    let likes = [false, true, false, false, false];
    for (socket, likes) in sockets.iter_mut().zip(likes) {
        assert_eq!(event(socket).await["tweet"]["viewerHasLiked"], likes);
    }
}

#[tokio::test]
async fn a_subscription_has_one_root_field() {
    let linnet = Linnet::start().await;
    let mut socket = linnet.websocket(None).await;
    for query in [
        r#"subscription { a: hashtagStream(hashtag: "a") { kind } b: hashtagStream(hashtag: "b") { kind } }"#,
        r#"subscription { ...F } fragment F on Subscription { a: hashtagStream(hashtag: "a") { kind } b: hashtagStream(hashtag: "b") { kind } }"#,
    ] {
        socket.subscribe("1", query).await;
        let refused = socket.hear().await;
        assert_eq!(refused["type"], "error", "{refused}");
        assert_eq!(refused["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
        socket.quiet().await;
    }
    assert_eq!(linnet.metric("linnet_subscriptions").await, 0.0);
}

#[tokio::test]
async fn a_frame_carries_any_id() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let mut socket = linnet.websocket(None).await;
    let ids = ["1", "\"quoted\"", "a\\b", "\u{1F980} crab", "\n"];
    for id in ids {
        open(&mut socket, id, PLAIN, json!({})).await;
    }
    alice.post("#rust \u{1F980} \"text\"").await;
    let mut heard = Vec::new();
    for _ in ids {
        heard.push(socket.hear().await["id"].as_str().unwrap().to_owned());
    }
    heard.sort_unstable();
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    assert_eq!(heard, ids);
}

#[tokio::test]
async fn a_session_that_ends_closes_its_sockets_and_no_others() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.person("alice").await, linnet.person("bob").await);
    let mut ending = subscribed(&linnet, alice.token.as_deref(), PLAIN, json!({})).await;
    let mut staying = [subscribed(&linnet, bob.token.as_deref(), PLAIN, json!({})).await];
    let begun = std::time::Instant::now();
    alice.ask("mutation { logOut }", json!({})).await;
    assert_eq!(ending.closed().await.0, 4403);
    assert!(begun.elapsed().as_millis() < 1_000, "{:?}", begun.elapsed());
    assert_eq!(executions(&linnet, &bob, &mut staying, 1).await, 1.0);
    until("the subscription is forgotten", || async {
        linnet.metric("linnet_subscriptions").await == 1.0
    })
    .await;
}
