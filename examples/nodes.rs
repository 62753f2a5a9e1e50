//! The load that one or several nodes take: postings, pages of timelines and of a hashtag, and how soon a
//! subscriber at the next node has what was posted. Checks that every subscriber hears of every posting once,
//! and all of them in the same order. Prints a row of a table for each measure.
//!
//! `cargo run --release --example nodes -- [--connections 32] [--seconds 10] ADDRESS...`, against servers that
//! are all of one database and were started with `--rate-limit off`. Each node is asked over so many
//! connections at once, for so long a measure.
//!
//! Two nodes on PostgreSQL with NATS between them, in a folder of their own and by somebody who is not root:
//!
//! ```sh
//! PATH=$PATH:/usr/lib/postgresql/15/bin:/usr/sbin
//! initdb -D data -U linnet -A trust -E UTF8 --locale=C.UTF-8
//! pg_ctl -D data -l log -o '-p 5433 -k /tmp' -w start
//! createdb -h 127.0.0.1 -p 5433 -U linnet linnet
//! nats-server -a 127.0.0.1 -p 4223 &
//! for port in 8001 8002; do
//!   linnet serve --listen 127.0.0.1:$port --rate-limit off --broker-url nats://127.0.0.1:4223 \
//!     --database-url postgres://linnet@127.0.0.1:5433/linnet &
//! done
//! cargo run --release --example nodes -- 127.0.0.1:8001 127.0.0.1:8002
//! ```
//!
//! One node on SQLite: `linnet serve --listen 127.0.0.1:8001 --rate-limit off --database-url sqlite://new.db`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a measurement fails by panicking"
)]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Parser;
use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, client_async};

const SIGN_UP: &str = "mutation($input: SignUpInput!) { signUp(input: $input) { token user { id } } }";
const FOLLOW: &str = "mutation($input: FollowInput!) { follow(input: $input) { viewer { id } } }";
const POST: &str = "mutation($input: PostTweetInput!) { postTweet(input: $input) { tweet { id } } }";
const TIMELINE: &str = "{ viewer { timeline { tweets(first: 20) { nodes
    { id text createdAt author { id username displayName } } } } } }";
const HASHTAG: &str = "query($name: String!) { hashtag(name: $name) { tweets(first: 20) { nodes
    { id text createdAt author { id username displayName } } } } }";
const STREAM: &str = "subscription($name: String!) { hashtagStream(hashtag: $name)
    { tweetId cursor tweet { id text createdAt author { id username displayName } } } }";

/// How many others everybody follows, and how much everybody has posted before anything is measured.
const FOLLOWEES: usize = 20;
const POSTINGS: usize = 10;
/// How many postings a second leave everybody at leisure.
const LEISURE: f64 = 100.0;
/// How long subscribers may take until they have everything.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Parser)]
struct Options {
    /// Connections a node
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// How long each measure takes
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Where the nodes listen: 127.0.0.1:8000
    #[arg(required = true)]
    nodes: Vec<String>,
}

/// Somebody with a connection of their own to a node.
struct Person {
    node: usize,
    connection: SendRequest<Full<Bytes>>,
    address: String,
    token: Option<String>,
    id: String,
}

impl Person {
    async fn join(node: usize, address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (requests, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut person = Self {
            node,
            connection: requests,
            address: address.to_owned(),
            token: None,
            id: String::new(),
        };
        let name = format!("n{:x}", rand::random::<u64>() >> 20);
        let input = json!({ "input": { "username": name, "password": "correct horse" } });
        let account = person.ask(SIGN_UP, input).await["signUp"].take();
        person.token = Some(text(&account["token"]));
        person.id = text(&account["user"]["id"]);
        person
    }

    async fn ask(&mut self, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let mut request = Request::post("/graphql")
            .header("host", &self.address)
            .header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::from(body)).unwrap();
        self.connection.ready().await.unwrap();
        let answer = self.connection.send_request(request).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let mut answer: Value = serde_json::from_slice(&body).unwrap();
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].take()
    }

    /// Posts, and gives the tweet's id.
    async fn post(&mut self, hashtag: &str) -> String {
        let words = "x".repeat(100);
        let input = json!({ "input": { "text": format!("{words} #{hashtag}") } });
        text(&self.ask(POST, input).await["postTweet"]["tweet"]["id"])
    }

    /// Reads 20 tweets.
    async fn read(&mut self, what: Page, hashtag: &str) {
        let (query, list) = match what {
            Page::Timeline => (TIMELINE, "/viewer/timeline/tweets/nodes"),
            Page::Hashtag => (HASHTAG, "/hashtag/tweets/nodes"),
        };
        let data = self.ask(query, json!({ "name": hashtag })).await;
        let tweets = data.pointer(list).and_then(Value::as_array);
        assert_eq!(tweets.map(Vec::len), Some(20), "{data}");
    }
}

#[derive(Clone, Copy)]
enum Page {
    Timeline,
    Hashtag,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// People at each node, who follow each other across all nodes and have posted.
async fn crowd(options: &Options, hashtag: &str) -> Vec<Person> {
    let places = (0..options.connections).flat_map(|_| options.nodes.iter().enumerate());
    let mut people = join_all(places.map(|(node, address)| Person::join(node, address))).await;
    let ids: Vec<String> = people.iter().map(|person| person.id.clone()).collect();
    let followees = FOLLOWEES.min(ids.len() - 1);
    join_all(people.iter_mut().enumerate().map(async |(place, person)| {
        for next in 1..=followees {
            let target = &ids[(place + next) % ids.len()];
            person.ask(FOLLOW, json!({ "input": { "targetId": target } })).await;
        }
        for _ in 0..POSTINGS {
            person.post(hashtag).await;
        }
    }))
    .await;
    people
}

/// Who listens to a hashtag at a node.
struct Listener(WebSocketStream<TcpStream>);

impl Listener {
    async fn open(address: &str, hashtag: &str) -> Self {
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let stream = TcpStream::connect(address).await.unwrap();
        let mut listener = Self(client_async(request, stream).await.unwrap().0);
        listener.say(json!({ "type": "connection_init" })).await;
        assert_eq!(listener.hear().await["type"], "connection_ack");
        let payload = json!({ "query": STREAM, "variables": { "name": hashtag } });
        listener
            .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
            .await;
        // The answer to a ping comes behind the beginning of the stream.
        listener.say(json!({ "type": "ping" })).await;
        assert_eq!(listener.hear().await["type"], "pong");
        listener
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.0.next().await.unwrap().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// Notes so many tweets as they come, with their cursors. Nobody knows how many there will be before all
    /// are posted.
    async fn listen(mut self, mut number: watch::Receiver<usize>) -> Heard {
        let mut heard = Vec::new();
        while heard.len() < *number.borrow_and_update() {
            tokio::select! {
                message = self.hear() => {
                    let event = &message["payload"]["data"]["hashtagStream"];
                    heard.push((text(&event["tweetId"]), text(&event["cursor"]), Instant::now()));
                }
                changed = number.changed() => changed.unwrap(),
            }
        }
        heard
    }
}

/// What was posted: at which node, and when that was answered.
type Posted = HashMap<String, (usize, Instant)>;

/// What a listener has heard: tweets, cursors, and when.
type Heard = Vec<(String, String, Instant)>;

/// What came of posting.
struct Posting {
    /// How long each posting took.
    took: Vec<Duration>,
    /// How long after its answer the listener at the next node had it.
    late: Vec<Duration>,
    /// From the first posting until all listeners had everything.
    lasted: Duration,
}

/// Posts, with a listener at each node; at a pace of so many postings a second in all, or as fast as it goes.
async fn posting(options: &Options, people: &mut [Person], hashtag: &str, pace: Option<f64>) -> Posting {
    let (number, told) = watch::channel(usize::MAX);
    let mut listening = Vec::new();
    for address in &options.nodes {
        let listener = Listener::open(address, hashtag).await;
        listening.push(tokio::spawn(listener.listen(told.clone())));
    }
    let pause = pace.map(|pace| Duration::from_secs_f64(people.len() as f64 / pace));
    let begun = Instant::now();
    let answers = each(people, options.seconds, pause, async |person| {
        person.post(hashtag).await
    })
    .await;
    number.send_replace(answers.len());
    let heard = tokio::time::timeout(PATIENCE, join_all(listening)).await;
    let heard: Vec<Heard> = heard.expect("all events").into_iter().map(Result::unwrap).collect();
    let took = answers
        .iter()
        .map(|(_, _, asked, answered)| *answered - *asked)
        .collect();
    let posted = answers.into_iter().map(|(node, id, _, at)| (id, (node, at))).collect();
    let last = heard.iter().flatten().map(|(_, _, at)| *at).max().unwrap();
    Posting {
        took,
        late: lateness(&heard, &posted),
        lasted: last - begun,
    }
}

/// How long after its answer each posting was heard of at the next node.
fn lateness(heard: &[Heard], posted: &Posted) -> Vec<Duration> {
    let cursors = |events: &Heard| events.iter().map(|(_, cursor, _)| cursor.clone()).collect::<Vec<_>>();
    let mut late = Vec::new();
    for (listener, events) in heard.iter().enumerate() {
        assert_eq!(cursors(events), cursors(&heard[0]), "the order differs");
        let mut left = posted.clone();
        for (id, _, at) in events {
            let (node, answered) = left.remove(id).expect("each once");
            if (node + 1) % heard.len() == listener {
                late.push(at.saturating_duration_since(answered));
            }
        }
    }
    late
}

/// Has everybody do something again and again, with a pause or none from one beginning to the next. Where it
/// was done, what came of it, when it was begun and when it was answered.
async fn each<T>(
    people: &mut [Person],
    seconds: f64,
    pause: Option<Duration>,
    act: impl AsyncFn(&mut Person) -> T,
) -> Vec<(usize, T, Instant, Instant)> {
    let (end, pause) = (
        Instant::now() + Duration::from_secs_f64(seconds),
        pause.unwrap_or_default(),
    );
    let all = join_all(people.iter_mut().map(async |person| {
        let mut done = Vec::new();
        // Not all at once.
        let mut next = Instant::now() + pause.mul_f64(rand::random());
        while next < end {
            tokio::time::sleep_until(next.into()).await;
            let begun = Instant::now();
            let result = act(person).await;
            let answered = Instant::now();
            done.push((person.node, result, begun, answered));
            next = answered.max(next + pause);
        }
        done
    }));
    all.await.into_iter().flatten().collect()
}

fn row(what: &str, lasted: Duration, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize].as_secs_f64() * 1_000.0;
    let rate = took.len() as f64 / lasted.as_secs_f64();
    println!("| {what} | {rate:.0} | {:.1} | {:.1} |", at(0.5), at(0.99));
}

async fn reading(options: &Options, people: &mut [Person], what: Page, hashtag: &str) -> Vec<Duration> {
    let read = each(people, options.seconds, None, async |person| {
        person.read(what, hashtag).await
    })
    .await;
    read.into_iter()
        .map(|(_, (), asked, answered)| answered - asked)
        .collect()
}

/// How often events of other nodes were so late at a node, by upper bounds in seconds, added up.
async fn log_lag(nodes: &[String]) -> Vec<(f64, u64)> {
    let mut all: Vec<(f64, u64)> = Vec::new();
    for node in nodes {
        let answer = reqwest::get(format!("http://{node}/metrics")).await.unwrap();
        let metrics = answer.text().await.unwrap();
        let buckets = metrics.lines().filter_map(|line| {
            let (bound, count) = line
                .strip_prefix("linnet_log_lag_seconds_bucket{le=\"")?
                .split_once("\"} ")?;
            Some((bound.parse().unwrap_or(f64::INFINITY), count.parse().ok()?))
        });
        for (place, (bound, count)) in buckets.enumerate() {
            match all.get_mut(place) {
                Some(sum) => sum.1 += count,
                None => all.push((bound, count)),
            }
        }
    }
    all
}

/// Nothing is numbered later than it is committed, so what is left is the way to the other nodes' memory.
fn log_lag_row(lasted: Duration, before: &[(f64, u64)], after: &[(f64, u64)]) {
    let counts: Vec<_> = after
        .iter()
        .zip(before)
        .map(|(after, before)| (after.0, after.1 - before.1))
        .collect();
    let Some((_, all)) = counts.last() else { return };
    let within = |part: f64| {
        let needed = *all as f64 * part;
        let bound = counts.iter().find(|(_, count)| *count as f64 >= needed);
        bound.map_or(f64::INFINITY, |(bound, _)| bound * 1_000.0)
    };
    let rate = *all as f64 / lasted.as_secs_f64();
    let (median, slow) = (within(0.5), within(0.99));
    println!(
        "| their events in the next node's memory, since they were written | {rate:.0} | under {median} | under {slow} |"
    );
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let hashtag = format!("load{:x}", rand::random::<u32>());
    let mut people = crowd(&options, &hashtag).await;
    let measured = Duration::from_secs_f64(options.seconds);
    println!(
        "| nodes: {}, connections: {} | a second | median, ms | p99, ms |",
        options.nodes.len(),
        people.len()
    );
    println!("| --- | --- | --- | --- |");
    let timelines = reading(&options, &mut people, Page::Timeline, &hashtag).await;
    row("timelines of 20 tweets", measured, timelines);
    let pages = reading(&options, &mut people, Page::Hashtag, &hashtag).await;
    row("pages of a hashtag, 20 tweets", measured, pages);
    let before = log_lag(&options.nodes).await;
    let all = posting(&options, &mut people, &hashtag, None).await;
    let after = log_lag(&options.nodes).await;
    row("postings", measured, all.took);
    row("their events at the next node, since the answer", all.lasted, all.late);
    if options.nodes.len() > 1 {
        log_lag_row(all.lasted, &before, &after);
    }
    let few = posting(&options, &mut people, &hashtag, Some(LEISURE)).await;
    row("postings at leisure", measured, few.took);
    row("their events at the next node, since the answer", few.lasted, few.late);
}
