//! Readers that come back, or lag, miss nothing and get nothing twice.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use rand::RngExt;
use serde_json::{Value, json};
use tokio::sync::RwLock;

use crate::harness::{Linnet, Person, Socket, Stream, until};

/// Posts with a hashtag until the server goes; gives the texts, of which the last may not have
/// been taken.
async fn post_on(person: &Person, tag: &str, round: usize) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        texts.push(format!("{round}.{} #{tag}", texts.len()));
        let input = json!({ "text": texts.last() });
        match person.try_write("postTweet", input).await {
            Some(answer) => drop(answer.unwrap()),
            None => return texts,
        }
    }
}

/// One reader that keeps its cursor.
struct Reader {
    tag: String,
    /// None while it is away.
    stream: Option<Stream>,
    cursor: String,
    texts: Vec<String>,
}

impl Reader {
    async fn new(linnet: &Linnet, tag: &str) -> Self {
        let cursor = linnet.anybody().cursor().await;
        Self {
            tag: tag.to_owned(),
            stream: Some(linnet.stream_after(tag, &cursor).await),
            cursor,
            texts: Vec::new(),
        }
    }

    async fn resume(&mut self, linnet: &Linnet) {
        self.stream = Some(linnet.stream_after(&self.tag, &self.cursor).await);
    }

    /// Takes one event. False when the server is gone.
    async fn hear(&mut self) -> bool {
        let Some(event) = self.stream.as_mut().expect("a stream").try_next().await else {
            return false;
        };
        assert_eq!(event.kind, "CREATED");
        self.cursor = event.cursor;
        self.texts.push(event.text.unwrap());
        true
    }

    /// Takes events while there is a server.
    async fn listen(&mut self) {
        while self.hear().await {}
    }

    /// Takes events until this text.
    async fn listen_until(&mut self, last: &str) {
        while self.texts.last().is_none_or(|text| text != last) {
            assert!(self.hear().await, "the connection ended before {last}");
        }
    }
}

/// The texts of a hashtag in the order of their commits: one writer's, so by time.
async fn posted(linnet: &Linnet, tag: &str) -> Vec<String> {
    let tweets = linnet.anybody().tagged(tag).await;
    tweets.into_iter().rev().map(|(_, text)| text).collect()
}

/// Ends the server after a while of writing, gently or not.
async fn end(linnet: &mut Linnet, gently: bool) {
    let reader = linnet.anybody();
    let begun = reader.tagged("rust").await.len();
    until("writes", || async { reader.tagged("rust").await.len() > begun + 20 }).await;
    if gently {
        assert!(linnet.terminate().await.success());
    } else {
        linnet.kill().await;
    }
}

#[tokio::test]
async fn a_restart_and_a_crash_lose_no_event() {
    let mut linnet = Linnet::start().await;
    let mut writer = linnet.person("alice").await;
    let mut readers = [Reader::new(&linnet, "rust").await, Reader::new(&linnet, "rust").await];
    for round in 0..6 {
        let [steady, leaving] = &mut readers;
        let leaving = async {
            // Leaves while there is still something to hear.
            for _ in 0..3 {
                leaving.hear().await;
            }
            leaving.stream = None;
        };
        let writing = post_on(&writer, "rust", round);
        let (wishes, ..) = tokio::join!(writing, steady.listen(), leaving, end(&mut linnet, round % 2 == 0));
        linnet.restart().await;
        writer = writer.at(&linnet);
        writer.post(&format!("{round} last #rust")).await;
        let expected = posted(&linnet, "rust").await;
        // All but the last wish of the round were acknowledged.
        for wish in &wishes[..wishes.len() - 1] {
            assert_eq!(expected.iter().filter(|text| *text == wish).count(), 1, "{wish}");
        }
        for reader in &mut readers {
            reader.resume(&linnet).await;
            reader.listen_until(expected.last().unwrap()).await;
            assert_eq!(reader.texts, expected);
        }
    }
}

/// Two hundred readers of twenty hashtags whose sockets are cut at random, and a server that dies.
struct Outages {
    linnet: Linnet,
    readers: Vec<Reader>,
    /// Where all of them began.
    begin: String,
    /// What was acknowledged, in the order of the answers.
    taken: Mutex<Vec<String>>,
}

const TAGS: usize = 20;
const READERS: usize = 200;
const WRITERS: usize = 8;

impl Outages {
    async fn new() -> Self {
        let linnet = Linnet::start().await;
        let begin = linnet.anybody().cursor().await;
        let mut readers = Vec::new();
        for index in 0..READERS {
            readers.push(Reader::new(&linnet, &format!("tag{}", index % TAGS)).await);
        }
        let taken = Mutex::default();
        Self {
            linnet,
            readers,
            begin,
            taken,
        }
    }

    /// Everybody writes and reads, until the server dies in the middle of it.
    async fn until_it_dies(&mut self, writer: &Person, round: usize) {
        let (linnet, taken) = (RwLock::new(&mut self.linnet), &self.taken);
        let writing = join_all((0..WRITERS).map(async |which| {
            for number in 0.. {
                let tag = rand::rng().random_range(0..TAGS);
                let text = format!("{round}.{which}.{number} #tag{tag}");
                match writer.try_write("postTweet", json!({ "text": text })).await {
                    Some(answer) => drop(answer.unwrap()),
                    None => return,
                }
                taken.lock().unwrap().push(text);
            }
        }));
        let is_over = AtomicBool::new(false);
        let reading = join_all(self.readers.iter_mut().map(async |reader| {
            while reader.hear().await {
                if rand::rng().random_bool(0.05) {
                    // Not while the server dies: then there would be nobody to come back to.
                    let linnet = linnet.read().await;
                    match is_over.load(Ordering::Relaxed) {
                        true => reader.stream = None,
                        false => reader.resume(&linnet).await,
                    }
                }
                if reader.stream.is_none() {
                    return;
                }
            }
        }));
        let dying = async {
            let enough = taken.lock().unwrap().len() + 100;
            until("writes", || async { taken.lock().unwrap().len() >= enough }).await;
            let mut linnet = linnet.write().await;
            is_over.store(true, Ordering::Relaxed);
            linnet.kill().await;
        };
        tokio::join!(writing, reading, dying);
    }

    /// All events of a hashtag, up to this text.
    async fn log(&self, tag: &str, last: &str) -> Vec<String> {
        let mut reader = Reader {
            tag: tag.to_owned(),
            stream: None,
            cursor: self.begin.clone(),
            texts: Vec::new(),
        };
        reader.resume(&self.linnet).await;
        reader.listen_until(last).await;
        reader.texts
    }
}

#[tokio::test]
async fn sockets_cut_at_random_miss_nothing_over_ten_crashes() {
    let mut outages = Outages::new().await;
    let mut writer = outages.linnet.person("alice").await;
    for round in 0..10 {
        outages.until_it_dies(&writer, round).await;
        outages.linnet.restart().await;
        writer = writer.at(&outages.linnet);
        for reader in &mut outages.readers {
            reader.resume(&outages.linnet).await;
        }
    }
    let mut told = Vec::new();
    for tag in (0..TAGS).map(|tag| format!("tag{tag}")) {
        let last = format!("last #{tag}");
        writer.post(&last).await;
        let log = outages.log(&tag, &last).await;
        for reader in outages.readers.iter_mut().filter(|reader| reader.tag == tag) {
            reader.listen_until(&last).await;
            assert_eq!(reader.texts, log, "{tag}");
        }
        told.extend(log);
    }
    let distinct: BTreeSet<&String> = told.iter().collect();
    assert_eq!(distinct.len(), told.len(), "something was told twice");
    let taken = outages.taken.into_inner().unwrap();
    let lost: Vec<_> = taken.iter().filter(|text| !distinct.contains(text)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    println!("{} events, {} acknowledged", told.len(), taken.len());
}

/// Likes and unlikes, many in one request: events that no hashtag hears of.
async fn like_and_unlike(person: &Person, id: &str, times: usize) {
    const PAIRS: usize = 10;
    let pairs: String = (0..PAIRS)
        .map(|n| {
            format!(
                "l{n}: likeTweet(input: $i) {{ tweet {{ id }} }} u{n}: unlikeTweet(input: $i) {{ tweet {{ id }} }} "
            )
        })
        .collect();
    let query = format!("mutation($i: TweetRefInput!) {{ {pairs} }}");
    for _ in 0..times.div_ceil(2 * PAIRS) {
        person.ask(&query, json!({ "i": { "id": id } })).await;
    }
}

/// What a server takes for [`wide_stream`].
const WIDE: &[&str] = &["--query-aliases", "100"];

/// A stream whose events are so large that the buffers on the way hold few of them.
async fn wide_stream(linnet: &Linnet) -> Socket {
    let texts: String = (0..100).map(|n| format!("t{n}: text ")).collect();
    let query = format!(r#"subscription {{ hashtagStream(hashtag: "rust") {{ tweetId tweet {{ {texts} }} }} }}"#);
    let mut socket = linnet.websocket(None).await;
    socket.subscribe("1", &query).await;
    socket.quiet().await;
    socket
}

/// More events than a server keeps in memory.
const MANY: usize = 8_400;

#[tokio::test]
async fn a_reader_far_behind_gets_everything_afterwards() {
    let linnet = Linnet::with(
        &[
            WIDE,
            &[
                "--rate-limit",
                "off",
                "--slow-reader-timeout",
                "60s",
                "--request-timeout",
                "60s",
            ],
        ]
        .concat(),
    )
    .await;
    let people = join_all((0..40).map(|number| {
        let linnet = &linnet;
        async move { linnet.person(&format!("user{number}")).await }
    }))
    .await;
    let target = people[0].post("liked").await;
    let cursor = people[0].cursor().await;
    let mut sleeper = wide_stream(&linnet).await;
    let posting = async {
        for number in 0..200 {
            people[0].post(&format!("{number} #rust {}", "x".repeat(200))).await;
        }
    };
    let pushing = people[1..]
        .iter()
        .map(|person| like_and_unlike(person, &target, MANY / 39));
    tokio::join!(posting, join_all(pushing));

    let last = people[0].post("last #rust").await;
    let expected = expected_of(&linnet, "rust").await;
    assert_eq!(expected.last(), Some(&last));
    for id in &expected {
        assert_eq!(
            sleeper.hear().await["payload"]["data"]["hashtagStream"]["tweetId"],
            **id
        );
    }
    // And one that was away meanwhile.
    let events = linnet.stream_after("rust", &cursor).await.take(expected.len()).await;
    let ids: Vec<_> = events.into_iter().map(|event| event.id).collect();
    assert_eq!(ids, expected);
    let likes = people[0]
        .ask(
            "query($id: ID!) { tweet(id: $id) { likeCount } }",
            json!({ "id": target }),
        )
        .await;
    assert_eq!(likes["tweet"]["likeCount"], Value::from(0));
}

async fn expected_of(linnet: &Linnet, tag: &str) -> Vec<String> {
    linnet
        .anybody()
        .tagged(tag)
        .await
        .into_iter()
        .rev()
        .map(|(id, _)| id)
        .collect()
}

#[tokio::test]
async fn a_reader_behind_never_sees_what_is_gone_by_then() {
    const TWEETS: usize = 200;
    let linnet = Linnet::with(&[WIDE, &["--rate-limit", "off", "--slow-reader-timeout", "60s"]].concat()).await;
    let alice = linnet.person("alice").await;
    let mut sleeper = wide_stream(&linnet).await;
    let mut ids = Vec::new();
    for number in 0..TWEETS {
        ids.push(alice.post(&format!("{number} #rust {}", "x".repeat(200))).await);
    }
    for id in &ids {
        alice.delete(id).await;
    }
    let (mut shown, mut heard) = (0, Vec::new());
    for _ in 0..2 * TWEETS {
        let event = sleeper.hear().await["payload"]["data"]["hashtagStream"].take();
        shown += usize::from(!event["tweet"].is_null());
        heard.push(event["tweetId"].as_str().unwrap().to_owned());
    }
    // What was on the way already can't be taken back.
    assert!(shown < TWEETS, "the reader was never behind");
    assert_eq!(heard, [ids.clone(), ids].concat());
}

#[tokio::test]
async fn a_reader_behind_what_is_kept_is_told_so() {
    const OPTIONS: [&str; 6] = [
        "--rate-limit",
        "off",
        "--event-retention",
        "1s",
        "--slow-reader-timeout",
        "60s",
    ];
    let linnet = Linnet::with(&[WIDE, &OPTIONS].concat()).await;
    let alice = linnet.person("alice").await;
    let mut sleeper = wide_stream(&linnet).await;
    for number in 0..200 {
        alice.post(&format!("{number} #rust {}", "x".repeat(200))).await;
    }
    let newest = alice.cursor().await;
    until("the last of them is old", || async {
        alice.post("one more #rust").await;
        let begun = linnet.stream_after("rust", &newest).await.begin().await;
        begun.is_err_and(|error| error["code"] == "CURSOR_EXPIRED")
    })
    .await;

    // It gets what was on the way, without a gap, and then the reason why no more comes.
    let expected = expected_of(&linnet, "rust").await;
    let mut heard = 0;
    let end = loop {
        let message = sleeper.hear().await;
        if message["type"] != "next" {
            break message;
        }
        let id = &message["payload"]["data"]["hashtagStream"]["tweetId"];
        assert_eq!(*id, *expected[heard]);
        heard += 1;
    };
    assert!(heard < 200, "the reader was never behind");
    assert_eq!(end["type"], "error", "{end}");
    assert_eq!(end["payload"][0]["extensions"]["code"], "CURSOR_EXPIRED", "{end}");
}
