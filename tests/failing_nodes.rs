//! Nodes, NATS and PostgreSQL that go, stand still and come back: nothing is lost, nothing comes twice,
//! and all is well again by itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::harness::scene::{Person, refusal};
use crate::harness::{Cluster, Database, Linnet, Nats, Stream, id, postgres, until};

/// Within which all is well again after a failure.
const RECOVERY: Duration = Duration::from_secs(10);

/// Posts until told to stop, each text under a key of its own and again until it is answered, at the
/// node whose turn it is. Gives what was acknowledged: ids by texts.
async fn write_on(nodes: &[String], person: &Person, name: &str, stop: &AtomicBool) -> BTreeMap<String, String> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(8))
        .build()
        .unwrap();
    let query = "mutation($input: PostTweetInput!) { postTweet(input: $input) { tweet { id } } }";
    let (mut posted, mut turn) = (BTreeMap::new(), 0);
    while !stop.load(Ordering::Relaxed) {
        let text = format!("{name} {} #rust", posted.len());
        let input = json!({ "text": text, "idempotencyKey": text });
        let body = json!({ "query": query, "variables": { "input": input } });
        loop {
            let asked = client.post(format!("{}/graphql", nodes[turn % nodes.len()]));
            turn += 1;
            let answer = asked.bearer_auth(&person.token).json(&body).send().await;
            let Ok(answer) = answer else { continue };
            let Ok(answer) = answer.json::<Value>().await else {
                continue;
            };
            if answer.get("errors").is_none() {
                posted.insert(text, id(&answer["data"]["postTweet"]["tweet"]));
                break;
            }
            // What the database could not take is said, and may be tried again.
            assert_eq!(refusal(&answer), "INTERNAL_SERVER_ERROR", "{answer}");
        }
    }
    posted
}

/// Takes events as they come, until it has had as many as there are said to be.
async fn listen(mut stream: Stream, mut number: watch::Receiver<usize>) -> Vec<String> {
    let mut heard = Vec::new();
    while heard.len() < *number.borrow_and_update() {
        tokio::select! {
            event = stream.next() => {
                assert_eq!(event.kind, "CREATED");
                assert!(!heard.contains(&event.id), "{} came twice", event.id);
                heard.push(event.id);
            }
            changed = number.changed() => changed.unwrap(),
        }
    }
    heard
}

/// Everything that was acknowledged is at every one of these nodes, once, and nothing else.
async fn assert_all_there(nodes: &[&Linnet], posted: &BTreeMap<String, String>) {
    for node in nodes {
        let shown: BTreeMap<_, _> = node
            .anybody()
            .tagged("rust")
            .await
            .into_iter()
            .map(|(id, text)| (text, id))
            .collect();
        assert_eq!(shown, *posted);
    }
}

fn urls(nodes: &[Linnet]) -> Vec<String> {
    nodes.iter().map(|node| node.url().to_owned()).collect()
}

/// Waits until so many more tweets are at a node.
async fn until_more(node: &Linnet, more: usize) {
    let reader = node.anybody();
    let before = reader.tagged("rust").await.len();
    until("more tweets", || async {
        reader.tagged("rust").await.len() >= before + more
    })
    .await;
}

/// Lets two write while something happens; then all of it is everywhere, once and in one order.
async fn while_writing<F: AsyncFnOnce(&mut Cluster)>(mut cluster: Cluster, happens: F) -> Cluster {
    let people = [cluster.node(0).join("alice").await, cluster.node(0).join("bob").await];
    cluster.agree().await;
    let last = cluster.nodes.len() - 1;
    let begin = cluster.node(last).anybody().cursor().await;
    let (number, told) = watch::channel(usize::MAX);
    let listening = tokio::spawn(listen(cluster.node(last).stream("rust").await, told));
    let (stop, nodes) = (Arc::new(AtomicBool::new(false)), urls(&cluster.nodes));
    let writing = people.map(|person| {
        let (stop, mut nodes) = (Arc::clone(&stop), nodes.clone());
        if person.name == "bob" {
            nodes.reverse();
        }
        tokio::spawn(async move { write_on(&nodes, &person, &person.name, &stop).await })
    });
    until_more(cluster.node(last), 10).await;
    happens(&mut cluster).await;
    until_more(cluster.node(last), 10).await;
    stop.store(true, Ordering::Relaxed);
    let mut posted = BTreeMap::new();
    for written in join_all(writing).await {
        posted.extend(written.unwrap());
    }
    number.send_replace(posted.len());
    let heard = listening.await.unwrap();
    cluster.agree().await;
    assert_all_there(&cluster.nodes.iter().collect::<Vec<_>>(), &posted).await;
    for node in &cluster.nodes {
        let replay = node.stream_after("rust", &begin).await;
        let (_number, told) = watch::channel(posted.len());
        let again = listen(replay, told).await;
        assert_eq!(again, heard, "the order differs");
    }
    cluster
}

async fn with_nats(nodes: usize) -> Option<(Nats, Cluster)> {
    let nats = Nats::start(&[]).await?;
    let cluster = Cluster::start(nodes, &["--rate-limit", "off", "--broker-url", &nats.url()]).await?;
    for node in &cluster.nodes {
        node.until_ready_is("broker", "ok", 200).await;
    }
    Some((nats, cluster))
}

#[tokio::test]
async fn a_node_that_dies_while_it_writes_loses_nothing() {
    let Some((_nats, cluster)) = with_nats(3).await else {
        return;
    };
    while_writing(cluster, async |cluster| {
        let mut dead = cluster.nodes.remove(0);
        let killed = Instant::now();
        dead.kill().await;
        until_more(cluster.node(1), 5).await;
        assert!(killed.elapsed() < RECOVERY, "{:?}", killed.elapsed());
    })
    .await;
}

#[tokio::test]
async fn a_node_that_stands_still_holds_nobody_up() {
    let Some((_nats, cluster)) = with_nats(3).await else {
        return;
    };
    while_writing(cluster, async |cluster| {
        let carol = cluster.node(1).join("carol").await;
        cluster.node(0).signal(Signal::STOP);
        let stopped = Instant::now();
        cluster.node(1).tweet(&carol, "#other").await;
        cluster.node(2).tweet(&carol, "#other").await;
        assert!(stopped.elapsed() < RECOVERY, "{:?}", stopped.elapsed());
        cluster.node(0).signal(Signal::CONT);
    })
    .await;
}

#[tokio::test]
async fn a_nats_that_stands_still_slows_nobody_down() {
    let Some((nats, cluster)) = with_nats(2).await else {
        return;
    };
    while_writing(cluster, async |cluster| {
        nats.pause();
        let paused = Instant::now();
        until_more(cluster.node(1), 20).await;
        for node in &cluster.nodes {
            node.until_ready_is("broker", "unavailable", 200).await;
        }
        until_more(cluster.node(1), 20).await;
        assert!(paused.elapsed() < 2 * RECOVERY, "{:?}", paused.elapsed());
        nats.go_on();
        let woken = Instant::now();
        for node in &cluster.nodes {
            node.until_ready_is("broker", "ok", 200).await;
        }
        assert!(woken.elapsed() < RECOVERY, "{:?}", woken.elapsed());
    })
    .await;
}

#[tokio::test]
async fn a_nats_that_comes_back_is_used_again() {
    let Some((mut nats, cluster)) = with_nats(2).await else {
        return;
    };
    let cluster = while_writing(cluster, async |cluster| {
        nats.kill().await;
        for node in &cluster.nodes {
            node.until_ready_is("broker", "unavailable", 200).await;
        }
        until_more(cluster.node(1), 10).await;
        nats.restart().await;
        let back = Instant::now();
        for node in &cluster.nodes {
            node.until_ready_is("broker", "ok", 200).await;
        }
        assert!(back.elapsed() < RECOVERY, "{:?}", back.elapsed());
    })
    .await;
    let received = cluster.node(1).metric("linnet_broker_received_total").await;
    let carol = cluster.node(0).join("carol").await;
    until("messages to come again", || async {
        cluster.node(0).tweet(&carol, "again").await;
        cluster.node(1).metric("linnet_broker_received_total").await > received
    })
    .await;
}

#[tokio::test]
async fn nodes_start_without_the_nats_that_they_are_told_of() {
    let Some(mut nats) = Nats::start(&[]).await else { return };
    nats.kill().await;
    let options = ["--rate-limit", "off", "--broker-url", &nats.url()];
    let Some(cluster) = Cluster::start(2, &options).await else {
        return;
    };
    for node in &cluster.nodes {
        node.until_ready_is("broker", "unavailable", 200).await;
        assert!(node.log().contains("the broker is out of reach"), "{}", node.log());
    }
    let alice = cluster.node(0).join("alice").await;
    let mut stream = cluster.node(1).stream("rust").await;
    let tweet = cluster.node(0).tweet(&alice, "#rust").await;
    assert_eq!(stream.next().await.id, tweet);
    nats.restart().await;
    for node in &cluster.nodes {
        node.until_ready_is("broker", "ok", 200).await;
    }
}

#[tokio::test]
async fn wrong_credentials_are_told_and_right_ones_serve() {
    let Some(nats) = Nats::start(&["--user", "linnet", "--pass", "s@cret"]).await else {
        return;
    };
    let url = nats.url_of("linnet:s%40cret");
    let Some(right) = Cluster::start(1, &["--broker-url", &url]).await else {
        return;
    };
    right.node(0).until_ready_is("broker", "ok", 200).await;
    let url = nats.url_of("linnet:a-guess");
    let Some(wrong) = Cluster::start(1, &["--broker-url", &url]).await else {
        return;
    };
    let wrong = wrong.node(0);
    until("a word about it", || async {
        wrong.log().contains("refuses the credentials")
    })
    .await;
    wrong.until_ready_is("broker", "unavailable", 200).await;
    assert!(!wrong.log().contains("a-guess"), "{}", wrong.log());
    let Some(nats) = Nats::start(&["--auth", "t0ken"]).await else {
        return;
    };
    let url = nats.url_of("t0ken");
    let Some(token) = Cluster::start(1, &["--broker-url", &url]).await else {
        return;
    };
    token.node(0).until_ready_is("broker", "ok", 200).await;
}

#[tokio::test]
async fn a_postgres_that_comes_back_finds_everybody_there() {
    let Some(nats) = Nats::start(&[]).await else { return };
    if !postgres::is_there() {
        return;
    }
    let server = Arc::new(postgres::Server::start().unwrap());
    let database = Database::Postgres(postgres::Database::of(Arc::clone(&server)));
    let options = ["--rate-limit", "off", "--broker-url", &nats.url()];
    let cluster = Cluster::at(Arc::new(database), 2, &options).await;
    let cluster = while_writing(cluster, async |cluster| {
        server.crash().unwrap();
        for node in &cluster.nodes {
            node.until_ready_is("database", "unavailable", 503).await;
        }
        server.begin().unwrap();
        let back = Instant::now();
        for node in &cluster.nodes {
            node.until_ready_is("database", "ok", 200).await;
        }
        until_more(cluster.node(1), 5).await;
        assert!(back.elapsed() < RECOVERY, "{:?}", back.elapsed());
    })
    .await;
    // Streams over the other node go on too, also without NATS.
    nats.pause();
    let carol = cluster.node(0).join("carol").await;
    let mut stream = cluster.node(1).stream("later").await;
    let tweet = cluster.node(0).tweet(&carol, "#later").await;
    assert_eq!(stream.next().await.id, tweet);
}

#[tokio::test]
async fn a_rolling_restart_fails_no_mutation() {
    let Some((_nats, cluster)) = with_nats(3).await else {
        return;
    };
    let people = [cluster.node(0).join("alice").await, cluster.node(0).join("bob").await];
    cluster.agree().await;
    // What a balancer knows: the nodes that take connections.
    let nodes = Arc::new(parking_lot::Mutex::new(urls(&cluster.nodes)));
    let stop = Arc::new(AtomicBool::new(false));
    let writing = people.map(|person| {
        let (stop, nodes) = (Arc::clone(&stop), Arc::clone(&nodes));
        tokio::spawn(async move { write_through(&nodes, &person, &stop).await })
    });
    let mut cluster = cluster;
    for number in 0..cluster.nodes.len() {
        until_more(cluster.node(number + 1), 5).await;
        let ending = nodes.lock().remove(0);
        assert_eq!(ending, cluster.node(number).url());
        cluster.nodes[number].restart().await;
        nodes.lock().push(cluster.node(number).url().to_owned());
    }
    until_more(cluster.node(0), 5).await;
    stop.store(true, Ordering::Relaxed);
    let mut posted = BTreeMap::new();
    for written in join_all(writing).await {
        posted.extend(written.unwrap());
    }
    cluster.agree().await;
    assert_all_there(&cluster.nodes.iter().collect::<Vec<_>>(), &posted).await;
}

/// Posts through a balancer, without a key: what breaks off is not sent again, and nothing else fails.
async fn write_through(
    nodes: &parking_lot::Mutex<Vec<String>>,
    person: &Person,
    stop: &AtomicBool,
) -> BTreeMap<String, String> {
    let query = "mutation($input: PostTweetInput!) { postTweet(input: $input) { tweet { id } } }";
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
    let mut posted = BTreeMap::new();
    for turn in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let there = nodes.lock().clone();
        let node = &there[turn % there.len()];
        let text = format!("{} {turn} #rust", person.name);
        let body = json!({ "query": query, "variables": { "input": { "text": text } } });
        let asked = client
            .post(format!("{node}/graphql"))
            .bearer_auth(&person.token)
            .json(&body);
        match asked.send().await {
            Ok(answer) => {
                let answer: Value = answer.json().await.expect("an answer that has begun ends");
                assert_eq!(answer.get("errors"), None, "{answer}");
                posted.insert(text, id(&answer["data"]["postTweet"]["tweet"]));
            }
            // A connection that was not taken: the node was just about to end.
            Err(error) => assert!(error.is_connect() || error.is_request(), "{error:?}"),
        }
    }
    posted
}

#[tokio::test]
async fn another_node_goes_on_with_what_a_dead_one_has_begun() {
    let Some((_nats, mut cluster)) = with_nats(2).await else {
        return;
    };
    let alice = cluster.node(0).join("alice").await;
    let texts = (0..300).map(|number| (&alice, "postTweet", json!({ "text": format!("{number} #rust") })));
    cluster.node(0).rush(texts.collect()).await;
    let input = json!({ "password": crate::harness::scene::PASSWORD });
    cluster.node(0).act(&alice, "deleteAccount", input).await;
    let mut dead = cluster.nodes.remove(0);
    dead.kill().await;
    let killed = Instant::now();
    let file = cluster.node(0).file().await;
    const TWEETS: &str = "SELECT id FROM tweet";
    let left = file.rows(TWEETS).await;
    assert!(left > 0, "the sweep was over before");
    until("the sweep to go on", || async { file.rows(TWEETS).await < left }).await;
    assert!(killed.elapsed() < RECOVERY, "{:?}", killed.elapsed());
    until("the sweep to end", || file.is_swept()).await;
    file.nothing_is_left_over().await;
}
