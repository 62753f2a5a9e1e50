//! Postings one after the other, each as soon as everybody has the one before: what an event costs,
//! and when the last has it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::line::{Line, Transport, Wish, open, parse};
use crate::server::{Server, User, megabytes, random_name};
use crate::viewers;

/// Which of them a document has is said by the bits of its number.
const FIELDS: [&str; 7] = [
    "text",
    "createdAt",
    "editedAt",
    "likeCount",
    "retweetCount",
    "replyCount",
    "url",
];
/// The document with `text` and `createdAt`.
const USUAL: usize = 0b11;

const EXECUTIONS: &str = "linnet_executions_total";

/// Subscribers who get the same.
pub struct Group {
    pub document: String,
    pub token: Option<String>,
    /// Of whom they hear nothing, by their places among the authors.
    pub hidden: Vec<usize>,
    /// What they see of a tweet.
    pub sees: Box<dyn Fn(&Value) -> Value>,
}

/// Who posts what, and who listens.
pub struct Scene {
    pub tag: String,
    /// Nobody hides the first one.
    pub authors: Vec<User>,
    /// The tweet that postings answer.
    pub root: Option<String>,
    pub groups: Vec<Group>,
}

pub async fn queries(server: &Server, subscribers: usize, events: usize, documents: usize) -> Value {
    let scene = Scene::of_documents(server, 0..documents).await;
    measure(server, &scene, Transport::WebSocket, subscribers, events).await
}

pub async fn viewers(server: &Server, subscribers: usize, events: usize, viewers: usize) -> Value {
    let scene = viewers::scene(server, viewers).await;
    measure(server, &scene, Transport::WebSocket, subscribers, events).await
}

pub async fn sse(server: &Server, subscribers: usize, events: usize) -> Value {
    let scene = Scene::of_documents(server, USUAL..=USUAL).await;
    measure(server, &scene, Transport::ServerSentEvents, subscribers, events).await
}

impl Scene {
    /// Everybody is anonymous.
    async fn of_documents(server: &Server, numbers: impl Iterator<Item = usize>) -> Self {
        let tag = random_name();
        let group = |number: usize| {
            let named = FIELDS.iter().enumerate().filter(|(bit, _)| number >> bit & 1 == 1);
            let fields: Vec<_> = named.map(|(_, field)| *field).collect();
            let selection = format!("id author {{ id username displayName }} {}", fields.join(" "));
            let sees = move |tweet: &Value| {
                let mut seen = json!({ "id": tweet["id"], "author": tweet["author"] });
                for field in &fields {
                    seen[field] = tweet[field].clone();
                }
                seen
            };
            Group {
                document: document(&tag, &selection),
                token: None,
                hidden: Vec::new(),
                sees: Box::new(sees),
            }
        };
        Self {
            groups: numbers.map(group).collect(),
            authors: vec![server.sign_up().await],
            root: None,
            tag,
        }
    }
}

pub fn document(tag: &str, selection: &str) -> String {
    format!(
        "subscription($after: String) {{ hashtagStream(hashtag: \"{tag}\", after: $after)
            {{ tweetId cursor tweet {{ {selection} }} }} }}"
    )
}

async fn measure(server: &Server, scene: &Scene, transport: Transport, subscribers: usize, events: usize) -> Value {
    server.rest().await;
    let cursor = server.cursor().await;
    let alone = server.used();
    let wishes = scene.groups.iter().cycle().take(subscribers).map(|group| Wish {
        document: &group.document,
        after: &cursor,
        token: group.token.as_deref(),
    });
    let mut lines = open(server, transport, wishes).await;
    let connected = server.used();
    // The first event finds cold caches, and one after the last shows whether that came once.
    round(server, scene, &mut lines, 0).await;
    let (before, executions) = (server.used(), server.metric(EXECUTIONS).await);
    let (mut waits, mut deliveries) = (Vec::new(), 0);
    for left in (1..=events).rev() {
        let (wait, heard) = round(server, scene, &mut lines, left).await;
        waits.push(wait);
        deliveries += heard;
    }
    let (after, executed) = (server.used(), server.metric(EXECUTIONS).await - executions);
    round(server, scene, &mut lines, 0).await;
    waits.sort_unstable();
    let of_connection = |bytes: u64| (bytes as f64 - alone.resident as f64) / 1024.0 / subscribers as f64;
    json!({
        "subscribers": subscribers,
        "groups": scene.groups.len(),
        "events": events,
        "deliveries": deliveries,
        "executions_per_event": executed / events as f64,
        "last_median_ms": waits[events / 2].as_secs_f64() * 1e3,
        "last_p99_ms": waits[events * 99 / 100].as_secs_f64() * 1e3,
        "server_cpu_us_per_delivery": (after.cpu - before.cpu) * 1e6 / deliveries as f64,
        "server_kb_per_connection_idle": of_connection(connected.resident),
        "server_kb_per_connection_after": of_connection(after.resident),
        "server_rss_mb": megabytes(after.resident as f64),
    })
}

/// Posts, and waits until everybody who is to hear of it has heard the right thing: how long the
/// last one took, and how many there were. The authors take turns, and the first one's is 0.
async fn round(server: &Server, scene: &Scene, lines: &mut [Line], number: usize) -> (Duration, usize) {
    let author = number % scene.authors.len();
    let text = format!("{number} {} #{}", "x".repeat(180), scene.tag);
    let begin = Instant::now();
    let groups = scene.groups.iter().enumerate().cycle();
    let hearing = lines
        .iter_mut()
        .zip(groups)
        .filter(|(_, (_, group))| !group.hidden.contains(&author));
    let hearing = hearing.map(async |(line, (group, _))| (group, line.event().await, begin.elapsed()));
    let posting = server.post(&scene.authors[author], &text, scene.root.as_deref());
    let (tweet, heard) = join(posting, join_all(hearing)).await;
    let mut first: HashMap<usize, &Bytes> = HashMap::new();
    for (group, event, _) in &heard {
        let first = first.entry(*group).or_insert_with(|| {
            let parsed = parse(event);
            assert_eq!(parsed["tweetId"], tweet["id"]);
            assert_eq!(parsed["tweet"], (scene.groups[*group].sees)(&tweet), "group {group}");
            event
        });
        assert_eq!(*first, event, "not what others of group {group} got");
    }
    let last = heard.iter().map(|(.., wait)| *wait).max();
    (last.unwrap_or_default(), heard.len())
}
