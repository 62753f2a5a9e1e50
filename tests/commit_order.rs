//! Events come to everybody in the order of commits, each once: while transactions stay open, and whatever
//! the clocks of the nodes say.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use jiff::Timestamp;
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value, json};

use crate::harness::database::connect;
use crate::harness::request::send;
use crate::harness::scene::Person;
use crate::harness::{Cluster, Database, Event, Linnet, Nats, Stream, Wires, postgres, until, wrong_by};

const NO_LIMIT: [&str; 2] = ["--rate-limit", "off"];

/// Streams of `#rust` at every node.
async fn streams(cluster: &Cluster) -> Vec<Stream> {
    join_all(cluster.nodes.iter().map(|node| node.stream("rust"))).await
}

/// So many events of each stream: the same ones in the same order, also for who comes back later.
async fn agreed(cluster: &Cluster, streams: &mut [Stream], begin: &str, number: usize) -> Vec<Event> {
    let mut heard = join_all(streams.iter_mut().map(|stream| stream.take(number))).await;
    for node in &cluster.nodes {
        let mut replay = node.stream_after("rust", begin).await;
        heard.push(replay.take(number).await);
    }
    let cursors = |events: &Vec<Event>| events.iter().map(|event| event.cursor.clone()).collect::<Vec<_>>();
    let first = heard.swap_remove(0);
    for other in &heard {
        assert_eq!(cursors(other), cursors(&first), "the order differs");
    }
    first
}

fn texts(events: &[Event]) -> Vec<&str> {
    events.iter().filter_map(|event| event.text.as_deref()).collect()
}

/// The texts at a node, the oldest first.
async fn shown(node: &Linnet) -> Vec<String> {
    let tweets = node.anybody().tagged("rust").await;
    tweets.into_iter().rev().map(|(_, text)| text).collect()
}

/// No count is wrong, and no number is missing in the log.
async fn all_is_well(cluster: &Cluster) {
    let file = cluster.node(0).file().await;
    file.counts_are_right().await;
    file.nothing_is_left_over().await;
}

/// Two nodes with wires to their database, two people, and how the log begins.
async fn wired() -> Option<(Wires, Cluster, [Person; 2], String)> {
    if !postgres::is_there() {
        return None;
    }
    let wires = Wires::to(postgres::shared().port()).await;
    let database = postgres::Database::new().through(wires.port());
    let cluster = Cluster::at(Arc::new(Database::Postgres(database)), 2, &NO_LIMIT).await;
    let people = [cluster.node(0).join("alice").await, cluster.node(0).join("bob").await];
    cluster.agree().await;
    let begin = cluster.node(0).anybody().cursor().await;
    Some((wires, cluster, people, begin))
}

const LATER: [&str; 5] = [
    "later 0 #rust",
    "later 1 #rust",
    "later 2 #rust",
    "later 3 #rust",
    "later 4 #rust",
];

/// Posts at the other node, all at once. When the last was answered.
async fn post_later(node: &Linnet, person: &Person) -> Instant {
    join_all(LATER.iter().map(|text| node.tweet(person, text))).await;
    Instant::now()
}

#[tokio::test]
async fn those_that_wait_for_an_open_transaction_come_behind_it() {
    let Some((wires, cluster, [alice, bob], begin)) = wired().await else {
        return;
    };
    let (a, b) = (cluster.node(0), cluster.node(1));
    let mut streams = streams(&cluster).await;
    let mut held = wires.hold("first #rust");
    let opening = async {
        held.reached().await;
        join(post_later(b, &bob), async {
            let file = b.file().await;
            let waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            until("the other node to wait", async || file.rows(waiting).await > 0).await;
            assert!(
                b.anybody().tagged("rust").await.is_empty(),
                "readers see what is committed"
            );
            let released = Instant::now();
            drop(held);
            released
        })
        .await
    };
    let (_, (answered, released)) = join(a.tweet(&alice, "first #rust"), opening).await;
    assert!(answered > released);
    let heard = agreed(&cluster, &mut streams, &begin, 1 + LATER.len()).await;
    assert_eq!(texts(&heard)[0], "first #rust");
    assert_eq!(
        texts(&heard).into_iter().collect::<BTreeSet<_>>().len(),
        1 + LATER.len()
    );
    cluster.agree().await;
    for node in &cluster.nodes {
        assert_eq!(shown(node).await, texts(&heard));
    }
    all_is_well(&cluster).await;
}

#[tokio::test]
async fn a_transaction_that_stays_open_makes_way_within_two_seconds() {
    let Some((wires, cluster, [alice, bob], begin)) = wired().await else {
        return;
    };
    let (a, b) = (cluster.node(0), cluster.node(1));
    let mut streams = streams(&cluster).await;
    let mut held = wires.hold("first #rust");
    let opening = async {
        held.reached().await;
        let since = Instant::now();
        post_later(b, &bob).await - since
    };
    // Its node does over another connection what was not committed.
    let (_, took) = join(a.tweet(&alice, "first #rust"), opening).await;
    eprintln!("the other node wrote after {took:?}");
    // One for a machine that is busy.
    assert!(took < Duration::from_secs(2 + 1), "{took:?}");
    let heard = agreed(&cluster, &mut streams, &begin, 1 + LATER.len()).await;
    let all: BTreeSet<_> = texts(&heard).into_iter().collect();
    assert_eq!(all, LATER.into_iter().chain(["first #rust"]).collect());
    drop(held);
    cluster.agree().await;
    for node in &cluster.nodes {
        assert_eq!(
            shown(node).await,
            texts(&heard),
            "what was taken back has come all the same"
        );
    }
    all_is_well(&cluster).await;
}

#[tokio::test]
async fn who_only_looks_or_writes_elsewhere_holds_up_no_event() {
    let Some(cluster) = Cluster::start(2, &NO_LIMIT).await else {
        return;
    };
    let alice = cluster.node(0).join("alice").await;
    cluster.agree().await;
    let mut streams = streams(&cluster).await;
    let begin = cluster.node(0).anybody().cursor().await;
    let looking = cluster.node(0).file().await.freeze().await;
    let elsewhere = connect(&cluster.node(0).database_url()).await.begin().await.unwrap();
    elsewhere
        .execute_unprepared("CREATE TABLE elsewhere (id INT)")
        .await
        .unwrap();
    for number in 0..20 {
        let text = format!("{number} #rust");
        cluster.node(number).tweet(&alice, &text).await;
        for event in join_all(streams.iter_mut().map(Stream::next)).await {
            assert_eq!(event.text.as_deref(), Some(text.as_str()));
        }
    }
    elsewhere.rollback().await.unwrap();
    looking.rollback().await.unwrap();
    agreed(&cluster, &mut [], &begin, 20).await;
}

/// Another event of what the newest one tells of, under the next number.
const NEXT: &str = "WITH last AS (SELECT * FROM event ORDER BY seq DESC LIMIT 1), \
    told AS (INSERT INTO event (seq, nonce, created_at, body) SELECT seq + 1, 7, created_at, body FROM last) \
    INSERT INTO event_topic (topic, seq) SELECT topic, seq + 1 FROM event_topic WHERE seq = (SELECT seq FROM last)";

/// Somebody takes a number who does not even ask for the lock.
#[tokio::test]
async fn a_number_of_an_open_transaction_is_nobody_elses() {
    let Some(cluster) = Cluster::start(2, &NO_LIMIT).await else {
        return;
    };
    let (a, b) = (cluster.node(0), cluster.node(1));
    let alice = a.join("alice").await;
    for commits in [true, false] {
        let told = a.tweet(&alice, "told #rust").await;
        cluster.agree().await;
        let begin = a.anybody().cursor().await;
        let mut streams = streams(&cluster).await;
        let stranger = connect(&a.database_url()).await.begin().await.unwrap();
        stranger.execute_unprepared(NEXT).await.unwrap();
        let ending = async {
            let file = a.file().await;
            let waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted";
            until("a node to wait", async || file.rows(waiting).await > 0).await;
            match commits {
                true => stranger.commit().await.unwrap(),
                false => stranger.rollback().await.unwrap(),
            }
        };
        let posting = join(a.tweet(&alice, "one #rust"), b.tweet(&alice, "other #rust"));
        let ((one, other), ()) = join(posting, ending).await;
        let heard = agreed(&cluster, &mut streams, &begin, if commits { 3 } else { 2 }).await;
        let ids: Vec<_> = heard.into_iter().map(|event| event.id).collect();
        let (first, rest) = ids.split_at(ids.len() - 2);
        assert_eq!(first, if commits { vec![told] } else { vec![] });
        assert_eq!(rest.iter().collect::<BTreeSet<_>>(), BTreeSet::from([&one, &other]));
        all_is_well(&cluster).await;
    }
}

/// By how many seconds the clocks of two nodes are wrong.
const WRONG: [i64; 2] = [90, -90];

/// A node whose clock is ahead and one whose clock is behind.
async fn apart(options: &[&str]) -> Option<Cluster> {
    if !postgres::is_there() {
        return None;
    }
    let database = Arc::new(Database::Postgres(postgres::Database::new()));
    let mut nodes = Vec::new();
    for seconds in WRONG {
        let clock = wrong_by(seconds)?;
        let options: Vec<_> = options
            .iter()
            .copied()
            .chain(clock.iter().map(String::as_str))
            .collect();
        nodes.push(Linnet::at(Arc::clone(&database), &options).await);
    }
    let cluster = Cluster { nodes };
    let apart = clock(cluster.node(0))
        .await
        .duration_since(clock(cluster.node(1)).await);
    assert!(apart.as_secs() > 170, "{apart:?}: the clocks are not wrong");
    Some(cluster)
}

/// What time a node believes it is.
async fn clock(node: &Linnet) -> Timestamp {
    let answer = send(node.get("/healthz")).await;
    let date = answer.headers()["date"].to_str().unwrap();
    jiff::fmt::rfc2822::parse(date).unwrap().timestamp()
}

async fn with_and_without_nats(test: impl AsyncFn(Cluster)) {
    let Some(nats) = Nats::start(&[]).await else { return };
    let url = nats.url();
    for options in [&["--rate-limit", "off", "--broker-url", &url][..], &NO_LIMIT] {
        let Some(cluster) = apart(options).await else { return };
        for node in &cluster.nodes {
            node.until_ready_is("broker", "ok", 200).await;
        }
        test(cluster).await;
    }
}

fn time(value: &Value) -> Timestamp {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no time: {value}"))
        .parse()
        .unwrap()
}

#[tokio::test]
async fn edits_on_nodes_whose_clocks_differ_come_in_their_order() {
    const EDITS: usize = 20;
    const TWEET: &str = "query($id: ID!) { tweet(id: $id) { text createdAt editedAt } }";
    with_and_without_nats(async |cluster| {
        let alice = cluster.node(0).join("alice").await;
        let tweet = cluster.node(0).tweet(&alice, "0 #rust").await;
        cluster.agree().await;
        let begin = cluster.node(0).anybody().cursor().await;
        let mut streams = streams(&cluster).await;
        let posted = cluster.node(1).ask_with(&alice, TWEET, json!({ "id": tweet })).await;
        let mut times = vec![time(&posted["tweet"]["createdAt"])];
        let mut cursors = Vec::new();
        for number in 1..=EDITS {
            let text = format!("{number} #rust");
            let edited = cluster.node(number).edit(&alice, &tweet, &text).await;
            times.push(time(&edited["editedAt"]));
            // Nobody lags, so each event shows its own text.
            for event in join_all(streams.iter_mut().map(Stream::next)).await {
                assert_eq!(event.seen(), ("UPDATED", tweet.as_str(), Some(text.as_str())));
                cursors.push(event.cursor);
            }
        }
        assert!(cursors.chunks(2).all(|both| both[0] == both[1]), "{cursors:?}");
        assert!(times.is_sorted_by(|one, next| one < next), "{times:?}");
        agreed(&cluster, &mut [], &begin, EDITS).await;
        cluster.agree().await;
        for node in &cluster.nodes {
            let stored = node.ask_with(&alice, TWEET, json!({ "id": tweet })).await["tweet"].take();
            assert_eq!(stored["text"], format!("{EDITS} #rust"));
            assert_eq!(time(&stored["createdAt"]), times[0]);
            assert_eq!(time(&stored["editedAt"]), times[EDITS]);
        }
        all_is_well(&cluster).await;
    })
    .await;
}

/// The texts of somebody's timeline at a node, the oldest first.
async fn timeline(node: &Linnet, person: &Person) -> Vec<String> {
    let query = "{ viewer { timeline { tweets(first: 100) { nodes { text } } } } }";
    let data = node.ask(person, query).await;
    let nodes = data["viewer"]["timeline"]["tweets"]["nodes"]
        .as_array()
        .unwrap()
        .clone();
    nodes
        .iter()
        .rev()
        .map(|node| node["text"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn lists_of_nodes_whose_clocks_differ_are_in_the_order_of_commits() {
    with_and_without_nats(async |mut cluster| {
        let (alice, bob) = (cluster.node(0).join("alice").await, cluster.node(1).join("bob").await);
        cluster.agree().await;
        // From now on, by the clock that is ahead.
        let follow = json!({ "targetId": alice.id, "backfill": 0 });
        cluster.node(0).act(&bob, "follow", follow).await;
        let mut posted = Vec::new();
        for number in 1..=20 {
            let text = format!("{number} #rust");
            cluster.node(number).tweet(&alice, &text).await;
            posted.push(text);
            cluster.agree().await;
            for node in &cluster.nodes {
                assert_eq!(timeline(node, &bob).await, posted);
            }
        }
        // A node that has nothing in memory sees the same.
        let database = cluster.node(0).database();
        cluster.nodes.push(Linnet::at(database, &NO_LIMIT).await);
        for node in &cluster.nodes {
            assert_eq!(timeline(node, &bob).await, posted);
            assert_eq!(shown(node).await, posted);
        }
        all_is_well(&cluster).await;
    })
    .await;
}
