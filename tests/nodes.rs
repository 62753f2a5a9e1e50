//! Several nodes on one PostgreSQL are one server: events, cursors, sessions, limits and keys.

use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::harness::scene::{Nobody, PASSWORD, refusal};
use crate::harness::{Cluster, Linnet, Nats, id, until};

/// How late an event may be at another node, at the median.
const LATE: Duration = Duration::from_millis(250);

const NO_LIMIT: [&str; 2] = ["--rate-limit", "off"];

/// Posts at one node after another, and takes each tweet at all of them. How long each took.
async fn posts_everywhere(cluster: &Cluster, tag: &str, posts: usize) -> Vec<Duration> {
    let person = cluster.node(0).join(&format!("poster{tag}")).await;
    cluster.agree().await;
    let mut streams = join_all(cluster.nodes.iter().map(|node| node.stream(tag))).await;
    let mut late = Vec::new();
    for number in 0..posts {
        let text = format!("{number} #{tag}");
        let begun = Instant::now();
        let posted = cluster.node(number).tweet(&person, &text).await;
        for event in join_all(streams.iter_mut().map(|stream| stream.next())).await {
            assert_eq!(event.seen(), ("CREATED", posted.as_str(), Some(text.as_str())));
        }
        late.push(begun.elapsed());
    }
    late.sort_unstable();
    late
}

/// Fails where the median is too late.
fn assert_soon(late: &[Duration]) {
    let median = late[late.len() / 2];
    eprintln!(
        "at all nodes after {median:?} at the median, {:?} at the most",
        late.last()
    );
    assert!(median < LATE, "{late:?}");
}

#[tokio::test]
async fn a_tweet_is_at_every_node_at_once() {
    let Some(nats) = Nats::start(&[]).await else { return };
    let options = ["--rate-limit", "off", "--broker-url", &nats.url()];
    let Some(cluster) = Cluster::start(3, &options).await else {
        return;
    };
    for node in &cluster.nodes {
        node.until_ready_is("broker", "ok", 200).await;
    }
    assert_soon(&posts_everywhere(&cluster, "rust", 31).await);
    for node in &cluster.nodes {
        assert!(node.metric("linnet_broker_sent_total").await > 0.0);
        assert!(node.metric("linnet_broker_received_total").await > 0.0);
        assert!(node.metric("linnet_broker_connected").await > 0.0);
        assert!(node.metric("linnet_log_lag_seconds_count").await > 0.0);
    }
}

#[tokio::test]
async fn without_a_broker_the_database_tells_of_everything() {
    let Some(cluster) = Cluster::start(2, &NO_LIMIT).await else {
        return;
    };
    assert_soon(&posts_everywhere(&cluster, "rust", 21).await);
    for node in &cluster.nodes {
        assert!(node.metric("linnet_log_holes_total").await > 0.0);
    }
}

#[tokio::test]
async fn a_cursor_is_good_at_every_node() {
    let Some(cluster) = Cluster::start(2, &NO_LIMIT).await else {
        return;
    };
    let (a, b) = (cluster.node(0), cluster.node(1));
    let alice = a.join("alice").await;
    let begin = a.anybody().cursor().await;
    let mut posted = Vec::new();
    for number in 0..30 {
        posted.push(cluster.node(number).tweet(&alice, &format!("{number} #rust")).await);
    }
    cluster.agree().await;
    // A stream goes on at the other node, event by event.
    let mut cursor = begin;
    for (number, expected) in posted.iter().enumerate() {
        let mut stream = cluster.node(number).stream_after("rust", &cursor).await;
        let event = stream.next().await;
        assert_eq!(event.id, *expected);
        cursor = event.cursor;
    }
    // So does a list, page by page.
    let query = "query($after: String) { hashtag(name: \"rust\") { tweets(first: 7, after: $after) {
        nodes { id } pageInfo { hasNextPage endCursor } } } }";
    let (mut read, mut after) = (Vec::new(), Value::Null);
    for number in 0.. {
        let page = cluster
            .node(number)
            .ask_with(Nobody, query, json!({ "after": after }))
            .await;
        let page = &page["hashtag"]["tweets"];
        read.extend(page["nodes"].as_array().unwrap().iter().map(id));
        if page["pageInfo"]["hasNextPage"] != true {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    read.reverse();
    assert_eq!(read, posted);
    // What another database never had is refused by both.
    for node in [a, b] {
        let other = "AgAAAAAAAAABAAAAAA";
        assert_eq!(
            node.stream_after("rust", other).await.refused().await["code"],
            "CURSOR_EXPIRED"
        );
    }
}

#[tokio::test]
async fn two_edits_on_two_nodes_come_in_their_order() {
    let Some(nats) = Nats::start(&[]).await else { return };
    let options = ["--rate-limit", "off", "--broker-url", &nats.url()];
    let Some(cluster) = Cluster::start(2, &options).await else {
        return;
    };
    let alice = cluster.node(0).join("alice").await;
    let tweet = cluster.node(0).tweet(&alice, "0 #rust").await;
    cluster.agree().await;
    let mut streams = join_all(cluster.nodes.iter().map(|node| node.stream("rust"))).await;
    const EDITS: usize = 20;
    for number in 1..=EDITS {
        cluster
            .node(number)
            .edit(&alice, &tweet, &format!("{number} #rust"))
            .await;
    }
    let number = |text: &str| text.split(' ').next().unwrap().parse::<usize>().unwrap();
    let mut told = Vec::new();
    for stream in &mut streams {
        let events = stream.take(EDITS).await;
        // Each shows the text of its moment or a newer one, and so never goes back.
        let shown: Vec<_> = events
            .iter()
            .map(|event| number(event.text.as_deref().unwrap()))
            .collect();
        assert!(shown.is_sorted(), "{shown:?}");
        assert!(
            shown.iter().enumerate().all(|(place, shown)| *shown > place),
            "{shown:?}"
        );
        assert_eq!(shown.last(), Some(&EDITS));
        told.push(events.into_iter().map(|event| event.cursor).collect::<Vec<_>>());
    }
    assert_eq!(told[0], told[1], "the order differs between the nodes");
}

/// The texts that a new reader is told from a cursor on; none for what is gone.
async fn replayed(node: &Linnet, after: &str, events: usize) -> Vec<Option<String>> {
    let mut stream = node.stream_after("rust", after).await;
    stream.take(events).await.into_iter().map(|event| event.text).collect()
}

#[tokio::test]
async fn what_one_node_takes_back_no_other_shows() {
    let Some(nats) = Nats::start(&[]).await else { return };
    let options = ["--rate-limit", "off", "--broker-url", &nats.url()];
    let Some(cluster) = Cluster::start(2, &options).await else {
        return;
    };
    let (a, b) = (cluster.node(0), cluster.node(1));
    let moderator = a.moderator("moderator").await;
    let (alice, bob) = (a.join("alice").await, a.join("bob").await);
    let begin = a.anybody().cursor().await;
    let edited = a.tweet(&alice, "an old text #rust").await;
    let deleted = a.tweet(&alice, "it will go #rust").await;
    a.tweet(&bob, "by somebody bad #rust").await;
    cluster.agree().await;
    // Frames of all three lie in the ring of the other node, with a group that stays.
    let _listener = b.stream("rust").await;
    let before = replayed(b, &begin, 3).await;
    assert_eq!(before[0].as_deref(), Some("an old text #rust"));
    assert!(before[1].is_some() && before[2].is_some());
    a.edit(&alice, &edited, "a new text #rust").await;
    a.on(&alice, "deleteTweet", &deleted).await;
    a.to(&moderator, "banUser", &bob).await;
    cluster.agree().await;
    let after = replayed(b, &begin, 3).await;
    assert_eq!(after, [Some("a new text #rust".to_owned()), None, None]);
    let shown = b.anybody().tagged("rust").await;
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].1, "a new text #rust");
}

#[tokio::test]
async fn a_session_ends_at_every_node() {
    let Some(nats) = Nats::start(&[]).await else { return };
    let options = ["--rate-limit", "off", "--broker-url", &nats.url()];
    let Some(cluster) = Cluster::start(2, &options).await else {
        return;
    };
    let (a, b) = (cluster.node(0), cluster.node(1));
    let alice = a.join("alice").await;
    let seen = b.ask(&alice, "{ viewer { username } }").await;
    assert_eq!(seen["viewer"]["username"], "alice", "a new token is good elsewhere");
    let mut socket = b.websocket(Some(&alice.token)).await;
    let out = a.graphql("mutation { logOut }", json!({}), Some(&alice.token)).await;
    assert_eq!(out["data"]["logOut"], true);
    assert_eq!(socket.closed_at_last().await, 4403);
    until("the token to be refused", || async {
        let answer = b.graphql("{ viewer { id } }", json!({}), Some(&alice.token)).await;
        answer.get("errors").is_some() && refusal(&answer) == "UNAUTHENTICATED"
    })
    .await;
}

#[tokio::test]
async fn a_key_posts_once_on_all_nodes() {
    let Some(cluster) = Cluster::start(2, &NO_LIMIT).await else {
        return;
    };
    let alice = cluster.node(0).join("alice").await;
    for number in 0..10 {
        let input = json!({ "text": format!("{number} #rust"), "idempotencyKey": format!("key {number}") });
        let post = |node: usize| cluster.node(node).act(&alice, "postTweet", input.clone());
        let (one, other) = join(post(0), post(1)).await;
        assert_eq!(one["tweet"]["id"], other["tweet"]["id"]);
        let again = post(number).await;
        assert_eq!(one["tweet"]["id"], again["tweet"]["id"]);
    }
    cluster.agree().await;
    for node in &cluster.nodes {
        assert_eq!(node.anybody().tagged("rust").await.len(), 10);
    }
}

/// How many of so many attempts, at one node after the other, were let through.
async fn let_through(cluster: &Cluster, attempts: usize, mutation: &str, input: impl Fn(usize) -> Value) -> usize {
    let mut through = 0;
    for number in 0..attempts {
        let answer = cluster.node(number).attempt(Nobody, mutation, input(number)).await;
        let limited = answer.get("errors").is_some() && refusal(&answer) == "RATE_LIMITED";
        through += usize::from(!limited);
    }
    through
}

#[tokio::test]
async fn accounts_and_passwords_are_counted_exactly() {
    let rates = [
        "--rate-sign-ups",
        "6/d",
        "--rate-passwords",
        "4/d",
        "--rate-log-ins",
        "9/d",
    ];
    let Some(cluster) = Cluster::start(3, &rates).await else {
        return;
    };
    let join = |number| json!({ "username": format!("user{number}"), "password": PASSWORD });
    assert_eq!(let_through(&cluster, 12, "signUp", join).await, 6);
    let guess = |_| json!({ "username": "user0", "password": "a wrong guess" });
    assert_eq!(let_through(&cluster, 8, "logIn", guess).await, 4);
    // Refused ones count as attempts too, the right password of another one does not.
    let right = |number| json!({ "username": format!("user{}", 1 + number % 3), "password": PASSWORD });
    let first = let_through(&cluster, 12, "logIn", right).await;
    assert!((1..=5).contains(&first), "{first}");
    assert_eq!(let_through(&cluster, 6, "logIn", right).await, 0);
}

/// Somebody who has had all of a rate at one node soon gets nothing at the others.
async fn writes_are_shared(cluster: &Cluster) {
    let alice = cluster.node(0).join("alice").await;
    let post = |node: usize, text: String| cluster.node(node).attempt(&alice, "postTweet", json!({ "text": text }));
    for number in 0..40 {
        let answer = post(0, format!("{number}")).await;
        assert_eq!(answer.get("errors"), None);
    }
    assert_eq!(refusal(&post(0, "one more".into()).await), "RATE_LIMITED");
    // The other node has been told by and by, and hears of the rest soon.
    let mut more = 0;
    while post(1, format!("{more} more")).await.get("errors").is_none() {
        more += 1;
        assert!(more < 20, "the other node lets them through");
    }
}

#[tokio::test]
async fn writes_are_counted_for_all_nodes_over_nats() {
    let Some(nats) = Nats::start(&[]).await else { return };
    let options = ["--rate-writes", "40/d", "--broker-url", &nats.url()];
    let Some(cluster) = Cluster::start(2, &options).await else {
        return;
    };
    for node in &cluster.nodes {
        node.until_ready_is("broker", "ok", 200).await;
    }
    writes_are_shared(&cluster).await;
}

#[tokio::test]
async fn writes_are_counted_for_all_nodes_over_the_database() {
    let Some(cluster) = Cluster::start(2, &["--rate-writes", "40/d"]).await else {
        return;
    };
    for node in &cluster.nodes {
        node.until_ready_is("broker", "ok", 200).await;
    }
    writes_are_shared(&cluster).await;
}
