//! Events come to everybody in the order of commits, each once, while transactions stay open.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use sea_orm::{ConnectionTrait, TransactionTrait};

use crate::harness::database::connect;
use crate::harness::scene::Person;
use crate::harness::{Cluster, Database, Event, Linnet, Stream, Wires, postgres, until};

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
async fn a_transaction_that_stays_open_for_two_seconds_makes_way() {
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
    assert!(took < Duration::from_secs(4), "{took:?}");
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
