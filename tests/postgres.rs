//! PostgreSQL: lost connections, restarts, nodes that die or stand still, and how statements are run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::scene::{Nobody, PASSWORD};
use crate::harness::{Cut, Database, Linnet, Person, Run, Wires, postgres, until};

const OPEN: [&str; 2] = ["--rate-limit", "off"];

/// A database of the shared server, and a way past Linnet.
fn database() -> Arc<Database> {
    Arc::new(Database::Postgres(postgres::Database::new()))
}

fn inside(database: &Database) -> &postgres::Database {
    match database {
        Database::Postgres(database) => database,
        Database::File(_) => panic!("this is a file"),
    }
}

/// The texts that stand under a hashtag, the oldest first.
async fn texts(reader: &Person, hashtag: &str) -> Vec<String> {
    let query = "query($name: String!, $after: String) { hashtag(name: $name) {
        tweets(first: 100, after: $after) { nodes { text } pageInfo { hasNextPage endCursor } } } }";
    let (mut texts, mut after) = (Vec::new(), Value::Null);
    loop {
        let data = reader.ask(query, json!({ "name": hashtag, "after": after })).await;
        let page = &data["hashtag"]["tweets"];
        let nodes = page["nodes"].as_array().unwrap();
        texts.extend(nodes.iter().map(|node| node["text"].as_str().unwrap().to_owned()));
        if page["pageInfo"]["hasNextPage"] != true {
            texts.reverse();
            return texts;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_begin_together_make_one_schema() {
    if !postgres::is_there() {
        return;
    }
    let database = Arc::new(Database::Postgres(postgres::Database::bare()));
    let servers = join_all((0..4).map(|_| Linnet::at(Arc::clone(&database), &OPEN))).await;
    let ann = servers[0].person("ann").await;
    let tweet = ann.post("#rust").await;
    for server in &servers {
        let text = ann
            .at(server)
            .ask("query($id: ID!) { tweet(id: $id) { text } }", json!({ "id": tweet }))
            .await;
        assert_eq!(text["tweet"]["text"], "#rust");
    }
}

#[tokio::test]
async fn wrong_addresses_are_told_without_their_password() {
    let right = "postgres://linnet:secret@127.0.0.1:1/linnet";
    let wrong = [
        "postgres://linnet:secret@127.0.0.1:1",
        "postgres://linnet:secret@127.0.0.1:port/linnet",
        "postgres://linnet:secret@127.0.0.1/linnet?sslmode=perhaps",
        "mysql://linnet:secret@127.0.0.1/linnet",
    ];
    for url in wrong {
        let output = Run::new(&["migrate", "--database-url", url]).output().await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{url}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
    let output = Run::new(&["migrate", "--database-url", right]).output().await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

/// Posts one tweet after the other until told to stop. Those that were acknowledged, and those of which
/// nobody knows.
async fn keep_posting(
    person: &Person,
    name: &str,
    stop: &AtomicU64,
    count: &AtomicUsize,
) -> (Vec<String>, Vec<String>) {
    let (mut acknowledged, mut unknown) = (Vec::new(), Vec::new());
    for number in 0.. {
        if stop.load(Ordering::Relaxed) != 0 {
            break;
        }
        let text = format!("{name} {number} #rust");
        match person.try_write("postTweet", json!({ "text": text })).await {
            Some(Ok(_)) => {
                count.fetch_add(1, Ordering::Relaxed);
                acknowledged.push(text);
            }
            Some(Err(error)) => {
                assert_eq!(error["extensions"]["code"], "INTERNAL_SERVER_ERROR", "{error}");
                unknown.push(text);
            }
            None => unknown.push(text),
        }
    }
    (acknowledged, unknown)
}

/// What was acknowledged is there once, and nothing that nobody has asked for.
async fn nothing_is_lost(reader: &Person, written: &[(Vec<String>, Vec<String>)]) {
    let found = texts(reader, "rust").await;
    let distinct: BTreeSet<&String> = found.iter().collect();
    assert_eq!(distinct.len(), found.len(), "something came twice");
    for (acknowledged, _) in written {
        let lost: Vec<_> = acknowledged.iter().filter(|text| !distinct.contains(text)).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
    }
    let asked: BTreeSet<&String> = written
        .iter()
        .flat_map(|(sure, unsure)| sure.iter().chain(unsure))
        .collect();
    assert!(distinct.is_subset(&asked));
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_connections_are_replaced_and_nothing_fails() {
    if !postgres::is_there() {
        return;
    }
    let database = database();
    let linnet = Linnet::at(Arc::clone(&database), &OPEN).await;
    let ann = linnet.person("ann").await;
    let mut stream = linnet.stream("rust").await;
    let mut texts_posted = Vec::new();
    for round in 0..5 {
        inside(&database).psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = 'linnet'",
        );
        let text = format!("{round} #rust");
        ann.post(&text).await;
        texts_posted.push(text);
        let readers = (0..8).map(|_| texts(&ann, "rust"));
        for read in join_all(readers).await {
            assert_eq!(read, texts_posted);
        }
        assert_eq!(stream.next().await.text, texts_posted.last().cloned());
    }
    linnet.file().await.nothing_is_left_over().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crashed_postgresql_is_found_again() {
    if !postgres::is_there() {
        return;
    }
    let server = Arc::new(postgres::Server::start().unwrap());
    let database = Arc::new(Database::Postgres(postgres::Database::of(Arc::clone(&server))));
    let linnet = Linnet::at(Arc::clone(&database), &OPEN).await;
    let ready = async || {
        let answer = linnet.client().get(format!("{}/readyz", linnet.url())).send().await;
        answer.unwrap().status().as_u16()
    };
    let ann = linnet.person("ann").await;
    let ben = linnet.person("ben").await;
    assert_eq!(ready().await, 200);
    let (stop, count) = (AtomicU64::new(0), AtomicUsize::new(0));
    let writing = async {
        tokio::join!(
            keep_posting(&ann, "ann", &stop, &count),
            keep_posting(&ben, "ben", &stop, &count)
        )
    };
    let breaking = async {
        until("some tweets", async || count.load(Ordering::Relaxed) > 20).await;
        server.crash().unwrap();
        let asked = Instant::now();
        assert_eq!(ready().await, 503);
        assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
        server.begin().unwrap();
        let begun = Instant::now();
        until("it is ready", async || ready().await == 200).await;
        let before = count.load(Ordering::Relaxed);
        until("more tweets", async || count.load(Ordering::Relaxed) > before + 20).await;
        stop.store(1, Ordering::Relaxed);
        begun.elapsed()
    };
    let ((ann_wrote, ben_wrote), took) = tokio::join!(writing, breaking);
    assert!(took < Duration::from_secs(10), "{took:?}");
    nothing_is_lost(&ann, &[ann_wrote, ben_wrote]).await;
    let file = linnet.file().await;
    file.counts_are_right().await;
    file.nothing_is_left_over().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_hands_over_at_once() {
    if !postgres::is_there() {
        return;
    }
    let database = database();
    let mut one = Linnet::at(Arc::clone(&database), &OPEN).await;
    let other = Linnet::at(Arc::clone(&database), &OPEN).await;
    let (ann, ben) = (one.person("ann").await, one.person("ben").await);
    let (first, second) = (ann.clone(), ben.at(&other));
    let mut stream = other.stream("rust").await;
    let (stop, count) = (AtomicU64::new(0), AtomicUsize::new(0));
    let others = AtomicUsize::new(0);
    let killing = async {
        until("some tweets", async || count.load(Ordering::Relaxed) > 30).await;
        one.kill().await;
        let killed = Instant::now();
        let before = others.load(Ordering::Relaxed);
        until("tweets of the other", async || {
            others.load(Ordering::Relaxed) > before + 5
        })
        .await;
        stop.store(1, Ordering::Relaxed);
        killed.elapsed()
    };
    let (ann_wrote, ben_wrote, took) = tokio::join!(
        keep_posting(&first, "ann", &stop, &count),
        keep_posting(&second, "ben", &stop, &others),
        killing
    );
    assert!(took < Duration::from_secs(10), "{took:?}");
    nothing_is_lost(&second, &[ann_wrote, ben_wrote]).await;
    // The other's subscribers have heard of everything, in the order of the log.
    let found = texts(&second, "rust").await;
    let heard: Vec<_> = stream
        .take(found.len())
        .await
        .into_iter()
        .filter_map(|event| event.text)
        .collect();
    assert_eq!(heard.iter().collect::<BTreeSet<_>>(), found.iter().collect());
    assert_eq!(heard.len(), found.len());
    let file = other.file().await;
    file.counts_are_right().await;
    file.nothing_is_left_over().await;
}

/// How many sessions hold the writers' lock and do nothing.
fn standing_still(database: &Database) -> bool {
    let sql = "SELECT COUNT(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
               WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database() \
               AND a.state = 'idle in transaction'";
    inside(database).psql(sql).trim() != "0"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_gives_the_lock_back() {
    if !postgres::is_there() {
        return;
    }
    let database = database();
    let one = Linnet::at(Arc::clone(&database), &OPEN).await;
    let other = Linnet::at(Arc::clone(&database), &OPEN).await;
    let people = join_all((0..8).map(|number| {
        let one = &one;
        async move { one.person(&format!("user{number}")).await }
    }))
    .await;
    let cyd = other.person("cyd").await;
    let (stop, count) = (AtomicU64::new(0), AtomicUsize::new(0));
    let pausing = async {
        until("some tweets", async || count.load(Ordering::Relaxed) > 20).await;
        // It is caught with the lock sooner or later.
        loop {
            one.signal(Signal::STOP);
            tokio::time::sleep(Duration::from_millis(50)).await;
            if standing_still(&database) {
                break;
            }
            one.signal(Signal::CONT);
            tokio::time::sleep(Duration::from_millis(17)).await;
        }
        let paused = Instant::now();
        cyd.post("meanwhile #rust").await;
        let took = paused.elapsed();
        one.signal(Signal::CONT);
        let before = count.load(Ordering::Relaxed);
        until("it goes on", async || count.load(Ordering::Relaxed) > before + 20).await;
        stop.store(1, Ordering::Relaxed);
        took
    };
    let names: Vec<String> = (0..people.len()).map(|number| format!("user{number}")).collect();
    let writing = join_all(
        people
            .iter()
            .zip(&names)
            .map(|(person, name)| keep_posting(person, name, &stop, &count)),
    );
    let (mut written, took) = tokio::join!(writing, pausing);
    assert!(took < Duration::from_secs(4), "{took:?}");
    let failed: usize = written.iter().map(|(_, unknown)| unknown.len()).sum();
    assert_eq!(failed, 0, "posting can be repeated");
    written.push((vec!["meanwhile #rust".to_owned()], Vec::new()));
    nothing_is_lost(&cyd, &written).await;
    let file = other.file().await;
    file.counts_are_right().await;
    file.nothing_is_left_over().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_looked_up() {
    if !postgres::is_there() {
        return;
    }
    let wires = Wires::to(postgres::shared().port()).await;
    let database = postgres::Database::new().through(wires.port());
    let linnet = Linnet::at(Arc::new(Database::Postgres(database)), &OPEN).await;
    let ann = linnet.person("ann").await;
    let mut expected = Vec::new();
    for round in 0..6 {
        for cut in [Cut::Before, Cut::Behind] {
            wires.order(cut);
            let text = format!("{round} {cut:?} #rust");
            ann.post(&text).await;
            assert!(wires.are_cut(), "{cut:?} was not met");
            expected.push(text);
        }
    }
    assert_eq!(texts(&ann, "rust").await, expected);
    // So is what runs by itself.
    for (cut, name) in [(Cut::Before, "ben"), (Cut::Behind, "cyd")] {
        wires.order(cut);
        let made = linnet.person(name).await;
        assert!(made.token.is_some());
        assert!(wires.are_cut(), "{cut:?} was not met");
        wires.order(cut);
        made.try_write("updateProfile", json!({ "bio": name }))
            .await
            .unwrap()
            .unwrap();
        assert!(wires.are_cut(), "{cut:?} was not met");
        let data = made.ask("{ viewer { bio } }", json!({})).await;
        assert_eq!(data["viewer"]["bio"], name);
    }
    // Of what leaves no event nobody can say whether it has happened.
    for cut in [Cut::Before, Cut::Behind] {
        wires.order(cut);
        let input = json!({ "username": "ann", "password": PASSWORD });
        assert_eq!(linnet.refused(Nobody, "logIn", input).await, "INTERNAL_SERVER_ERROR");
        assert!(wires.are_cut(), "{cut:?} was not met");
    }
    let file = linnet.file().await;
    file.counts_are_right().await;
    file.nothing_is_left_over().await;
}

/// Enough rows that reading a whole table is never the cheapest way: 20,000 users, 60,000 tweets.
const MANY: &[&str] = &[
    "INSERT INTO users (id, username, username_key, names, display_name, created_at) \
     SELECT n, 'many' || n, 'many' || n, 'many' || n, 'many' || n, n FROM generate_series(1001, 21000) n",
    "INSERT INTO user_search (rowid, names) SELECT id, names FROM users WHERE id > 1000",
    "INSERT INTO tweet (id, author_id, text, created_at, position, in_reply_to_id, action_id) \
     SELECT 10000 + n, 1001 + n % 20000, 'text ' || md5(n::text) || ' #tag' || n % 500, \
     1700000000000000 + n * 1000000, (1700000000000000 + n * 1000000) * 1024, \
     CASE WHEN n % 5 = 0 THEN 10000 + n / 5 END, 10000 + n FROM generate_series(1, 60000::bigint) n",
    "INSERT INTO tweet_search (rowid, text, facets) SELECT position, text, E'\\x02@many' || author_id || E'\\x03' \
     FROM tweet WHERE id > 10000",
    "INSERT INTO tweet_hashtag (tweet_id, place, hashtag) SELECT id, 0, 'tag' || (id - 10000) % 500 FROM tweet WHERE id > 10000",
    "INSERT INTO hashtag (name, created_at, tweet_count) SELECT 'tag' || n, 0, 120 FROM generate_series(0, 499) n",
    "INSERT INTO action (id, verb, actor_kind, actor_key, object_kind, object_key, created_at) \
     SELECT action_id, 'tweet', 'user', author_id::text, 'tweet', id::text, created_at FROM tweet WHERE id > 10000",
    "INSERT INTO feed_entry (topic, kind, created_at, id, verb, actor_id, tweet_id) \
     SELECT t.topic, 0, w.created_at, w.action_id, 'tweet', w.author_id, w.id FROM tweet w CROSS JOIN LATERAL \
     (VALUES ('user:' || w.author_id), ('hashtag:tag' || (w.id - 10000) % 500)) t(topic) WHERE w.id > 10000",
    "INSERT INTO liked (tweet_id, user_id, created_at, action_id) SELECT 10000 + n % 60000, 1001 + n % 20000, n, 200000 + n \
     FROM generate_series(1, 60000) n ON CONFLICT DO NOTHING",
    "INSERT INTO follow (id, follower_id, target_kind, target_key, flag, created_at) \
     SELECT 1000 + n, 1001 + n % 20000, 'user', (1001 + n / 4)::text, 'following', n FROM generate_series(1, 39000) n \
     ON CONFLICT DO NOTHING",
    "INSERT INTO follow_span (follower_id, topic, from_at, from_id) SELECT follower_id, 'user:' || target_key, 0, 0 FROM follow",
    "INSERT INTO notification_state (user_id, version) SELECT id, 30 FROM users WHERE id > 1000",
    "INSERT INTO notification_group (user_id, verb, object, day, newest_at, newest_id, action_count, actor_count, version) \
     SELECT id, 'like', 'tweet:' || n, n, n, n, 1, 1, n FROM users CROSS JOIN generate_series(1, 20) n WHERE id > 1000",
    "INSERT INTO notification_actor (group_id, actor, user_id, action_count, newest_at, newest_id) \
     SELECT id, 'user:' || user_id + 1, user_id, 1, newest_at, newest_id FROM notification_group",
    "INSERT INTO event (seq, nonce, created_at, body) SELECT 1000000 + n, 1, CAST(extract(epoch FROM now()) AS BIGINT) * 1000000 + n, '{\"k\":\"Like\"}' \
     FROM generate_series(1, 60000) n",
    "INSERT INTO event_topic (topic, seq) SELECT 'hashtag:tag' || seq % 500, seq FROM event WHERE seq > 1000000",
];

/// Tables that grow without end.
const LARGE: [&str; 13] = [
    "tweet",
    "tweet_search",
    "tweet_hashtag",
    "action",
    "feed_entry",
    "liked",
    "follow",
    "follow_span",
    "event",
    "event_topic",
    "notification_group",
    "notification_actor",
    "users",
];

/// What people do most.
async fn hot_path(linnet: &Linnet, ann: &Person) {
    let pages = [
        "{ viewer { timeline { tweets(first: 20) { nodes { text } } groups(first: 5) { nodes { verb } } } } }",
        "{ viewer { notifications { groups(first: 20) { nodes { verb actionCount } } } feed { actions(first: 20) { nodes { verb } } } } }",
        r#"{ viewer { timeline { actions(verbs: ["tweet"], first: 20) { nodes { verb } } } } }"#,
        r#"{ hashtag(name: "tag7") { tweets(first: 20) { nodes { text author { username } likeCount } } } }"#,
        r#"{ user(username: "many1500") { tweets(first: 20) { nodes { text } } followers(first: 20) { pageInfo { hasNextPage } } } }"#,
        r#"{ tweet(id: "Tweet:10050") { replies(first: 20) { nodes { text } } likers(first: 20) { nodes { username } } } }"#,
        r#"{ tweets(contains: "a1b2c", first: 20) { nodes { text } } }"#,
        r#"{ tweets(contains: "a1b", author: "many1500", first: 20) { nodes { text } } }"#,
        r#"{ users(contains: "many15", first: 20) { nodes { username } } }"#,
    ];
    for query in pages {
        let answer = ann.try_ask(query, json!({})).await.unwrap();
        assert!(answer.get("errors").is_none(), "{query}: {answer}\n{}", linnet.log());
    }
    let tweet = ann.post("text #tag7 @many1500").await;
    for name in ["likeTweet", "unlikeTweet", "retweet", "undoRetweet", "deleteTweet"] {
        ann.write(name, json!({ "id": tweet })).await;
    }
    let mut stream = linnet.stream("tag7").await;
    ann.post("more #tag7").await;
    stream.next().await;
}

/// A later version adds columns while this one serves.
#[tokio::test]
async fn columns_of_a_later_version_disturb_nobody() {
    if !postgres::is_there() {
        return;
    }
    let database = database();
    // Little memory, so that pages are read from the tables.
    let linnet = Linnet::at(Arc::clone(&database), &[&OPEN[..], &["--memory", "1MB"]].concat()).await;
    let ann = linnet.person("ann").await;
    let moderator = linnet.moderator("mia").await;
    let everything = async || {
        hot_path(&linnet, &ann).await;
        linnet.wall(&moderator, "later", json!({ "hashtags": ["tag7"] })).await;
        let rest = r#"{ walls { title } hashtags(prefix: "tag", first: 5) { name }
            externalObject(type: "song", key: "1") { name actions(first: 5) { nodes { verb object { __typename } } } } }"#;
        ann.ask(rest, json!({})).await;
        let song = json!({ "verb": "play", "object": { "type": "song", "key": "1", "name": "One" } });
        linnet.act(&moderator, "addAction", song).await;
    };
    everything().await;
    let tables = "SELECT string_agg(format('ALTER TABLE %I ADD COLUMN of_a_later_version TEXT', tablename), ';') \
                  FROM pg_tables WHERE schemaname = 'public'";
    let adding = inside(&database).psql(tables);
    inside(&database).psql(&adding);
    for _ in 0..3 {
        everything().await;
    }
    assert!(!linnet.log().contains("cached plan"), "{}", linnet.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_a_whole_large_table() {
    if !postgres::is_there() {
        return;
    }
    let database = database();
    let name = inside(&database).psql("SELECT current_database()").trim().to_owned();
    for sql in MANY {
        inside(&database).psql(sql);
    }
    inside(&database).psql("ANALYZE");
    for setting in [
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "log_min_messages = 'log'",
        // As they are planned when they have been asked often.
        "plan_cache_mode = 'force_generic_plan'",
    ] {
        inside(&database).psql(&format!("ALTER DATABASE {name} SET {setting}"));
    }
    let linnet = Linnet::at(Arc::clone(&database), &OPEN).await;
    let ann = linnet.person("ann").await;
    let target = ann.ask(r#"{ user(username: "many1500") { id } }"#, json!({})).await["user"]["id"].clone();
    ann.write("follow", json!({ "targetId": target })).await;
    hot_path(&linnet, &ann).await;
    let log = postgres::shared().log();
    let own: Vec<&str> = log.split(&format!("{name}:LOG:")).skip(1).collect();
    assert!(own.len() > 50, "{} plans", own.len());
    let is_bad = |plan: &&&str| {
        LARGE.iter().any(|table| {
            plan.contains(&format!("Seq Scan on {table} ")) || plan.contains(&format!("Seq Scan on {table}\n"))
        })
    };
    let bad: Vec<_> = own.iter().filter(is_bad).collect();
    assert!(
        bad.is_empty(),
        "{} of {}:\n{}",
        bad.len(),
        own.len(),
        bad.iter().take(3).map(|plan| **plan).collect::<String>()
    );
}
