//! A reconnect storm: many subscribers lose their sockets, miss some events, and all come back at
//! once behind the last event that each has heard. Checks that everyone gets exactly what they
//! missed, and prints what it cost the server.
//!
//! `cargo run --release --example storm -- ADDRESS [SUBSCRIBERS] [MISSED] [PID]`, against
//! `linnet serve --rate-limit off`. Both sides need as many file descriptors as subscribers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measurement fails by panicking"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt, future::join_all};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

const QUERY: &str = "subscription($after: String) { hashtagStream(hashtag: \"storm\", after: $after)
    { tweetId cursor tweet { id text createdAt author { id username displayName } } } }";

/// How many handshakes go on at once.
const AT_ONCE: usize = 500;

struct Server {
    address: String,
    pid: Option<u32>,
    client: reqwest::Client,
    token: Option<String>,
}

impl Server {
    async fn ask(&self, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        let mut request = self.client.post(format!("http://{}/graphql", self.address)).json(&body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let mut answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].take()
    }

    async fn post(&self, text: &str) -> String {
        let query = "mutation($input: PostTweetInput!) { postTweet(input: $input) { tweet { id } } }";
        let data = self.ask(query, json!({ "input": { "text": text } })).await;
        data["postTweet"]["tweet"]["id"].as_str().unwrap().to_owned()
    }

    async fn metric(&self, name: &str) -> f64 {
        let url = format!("http://{}/metrics", self.address);
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
        text.lines().find_map(value).unwrap_or(0.0)
    }

    /// Seconds of CPU that the process has taken, and bytes that it holds.
    fn used(&self) -> Option<(f64, u64)> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid?)).ok()?;
        let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = fields[11].parse::<f64>().ok()? + fields[12].parse::<f64>().ok()?;
        Some((ticks / 100.0, fields[21].parse::<u64>().ok()? * 4096))
    }
}

struct Subscriber(WebSocketStream<TcpStream>);

impl Subscriber {
    async fn open(server: &Server, after: &str) -> Self {
        let mut request = format!("ws://{}/graphql", server.address)
            .into_client_request()
            .unwrap();
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let stream = TcpStream::connect(&server.address).await.unwrap();
        let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
        let (stream, _) = client_async_with_config(request, stream, Some(config)).await.unwrap();
        let mut subscriber = Self(stream);
        subscriber.say(json!({ "type": "connection_init" })).await;
        let payload = json!({ "query": QUERY, "variables": { "after": after } });
        subscriber
            .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
            .await;
        assert_eq!(subscriber.hear().await["type"], "connection_ack");
        subscriber
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

    /// The next event: its tweet and its cursor.
    async fn event(&mut self) -> (String, String) {
        let message = self.hear().await;
        let event = &message["payload"]["data"]["hashtagStream"];
        let text = |name: &str| event[name].as_str().unwrap_or_else(|| panic!("{message}")).to_owned();
        (text("tweetId"), text("cursor"))
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().expect("an address");
    let mut number = |default: usize| arguments.next().map_or(default, |value| value.parse().unwrap());
    let (count, missed) = (number(10_000), number(100));
    let pid = arguments.next().map(|pid| pid.parse().unwrap());
    let mut server = Server {
        address,
        pid,
        client: reqwest::Client::new(),
        token: None,
    };
    let name = format!("s{}", rand::random::<u32>());
    let input = json!({ "input": { "username": name, "password": "correct horse" } });
    let account = server
        .ask(
            "mutation($input: SignUpInput!) { signUp(input: $input) { token } }",
            input,
        )
        .await;
    server.token = Some(account["signUp"]["token"].as_str().unwrap().to_owned());
    let server = Arc::new(server);

    let cursor = server.ask("{ eventCursor }", json!({})).await["eventCursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut subscribers = connect(&server, vec![cursor; count]).await;
    server.post("before #storm").await;
    let cursors: Vec<_> = join_all(subscribers.iter_mut().map(Subscriber::event)).await;
    let cursors: Vec<_> = cursors.into_iter().map(|(_, cursor)| cursor).collect();
    drop(subscribers);
    while server.metric("linnet_websockets").await > 0.0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let mut posted = Vec::new();
    for number in 0..missed {
        posted.push(server.post(&format!("{number} {} #storm", "x".repeat(150))).await);
    }
    let executions = server.metric("linnet_executions_total").await;
    let (cpu, _) = server.used().unwrap_or_default();
    let begin = Instant::now();
    let mut subscribers = connect(&server, cursors).await;
    let connected = begin.elapsed();
    let mut waits: Vec<_> = join_all(subscribers.iter_mut().map(|subscriber| async {
        for id in &posted {
            assert_eq!(subscriber.event().await.0, *id);
        }
        begin.elapsed()
    }))
    .await;
    waits.sort_unstable();
    let (cpu_after, memory) = server.used().unwrap_or_default();
    let result = json!({
        "subscribers": count,
        "missed": missed,
        "deliveries": count * missed,
        "executions": server.metric("linnet_executions_total").await - executions,
        "connected_s": connected.as_secs_f64(),
        "median_s": waits[count / 2].as_secs_f64(),
        "last_s": waits[count - 1].as_secs_f64(),
        "server_cpu_s": cpu_after - cpu,
        "server_cpu_us_per_delivery": (cpu_after - cpu) * 1e6 / (count * missed) as f64,
        "server_rss_mb": memory >> 20,
    });
    println!("{result}");
}

async fn connect(server: &Arc<Server>, cursors: Vec<String>) -> Vec<Subscriber> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let connecting = cursors.into_iter().map(|cursor| {
        let (server, places) = (Arc::clone(server), Arc::clone(&places));
        tokio::spawn(async move {
            let _place = places.acquire().await.unwrap();
            Subscriber::open(&server, &cursor).await
        })
    });
    join_all(connecting.collect::<Vec<_>>())
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect()
}
