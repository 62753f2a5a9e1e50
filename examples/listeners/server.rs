//! The server that is measured, as seen over HTTP and in `/proc`.

use std::time::Duration;

use serde_json::{Value, json};

/// How many ticks of `/proc` a second has, on every Linux.
const TICKS: f64 = 100.0;
const PAGE: u64 = 4096;

pub struct Server {
    pub address: String,
    pub client: reqwest::Client,
    pid: u32,
}

pub struct User {
    pub id: String,
    pub name: String,
    pub token: String,
}

/// What a process has used.
#[derive(Clone, Copy)]
pub struct Usage {
    /// Seconds of CPU.
    pub cpu: f64,
    /// Bytes of memory.
    pub resident: u64,
}

impl Server {
    pub fn new(address: String, pid: u32) -> Self {
        let client = reqwest::Client::new();
        Self { address, client, pid }
    }

    pub async fn ask(&self, token: Option<&str>, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        let mut request = self.client.post(format!("http://{}/graphql", self.address)).json(&body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let mut answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].take()
    }

    pub async fn cursor(&self) -> String {
        string(&self.ask(None, "{ eventCursor }", json!({})).await["eventCursor"])
    }

    pub async fn sign_up(&self) -> User {
        let query = "mutation($input: SignUpInput!) { signUp(input: $input) { token user { id username } } }";
        let name = random_name();
        let input = json!({ "username": name, "password": "correct horse" });
        let account = self.ask(None, query, json!({ "input": input })).await;
        User {
            id: string(&account["signUp"]["user"]["id"]),
            name,
            token: string(&account["signUp"]["token"]),
        }
    }

    /// Waits until the memory in which passwords were hashed is given back, with the threads that did
    /// it: they live for another ten seconds. No line may be open, or it is taken for dead.
    pub async fn rest(&self) {
        tokio::time::sleep(Duration::from_secs(12)).await;
    }

    /// Posts, and gives the tweet with all fields that a document of a mode may ask for.
    pub async fn post(&self, author: &User, text: &str, in_reply_to: Option<&str>) -> Value {
        let query = "mutation($input: PostTweetInput!) { postTweet(input: $input) { tweet {
            id text createdAt editedAt likeCount retweetCount replyCount url
            author { id username displayName } inReplyTo { id } } } }";
        let input = json!({ "text": text, "inReplyTo": in_reply_to });
        let mut data = self.ask(Some(&author.token), query, json!({ "input": input })).await;
        data["postTweet"]["tweet"].take()
    }

    pub async fn metric(&self, name: &str) -> f64 {
        let url = format!("http://{}/metrics", self.address);
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
        text.lines().find_map(value).unwrap_or(0.0)
    }

    pub fn used(&self) -> Usage {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).expect("the server's process");
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let number = |index: usize| fields[index].parse::<u64>().unwrap();
        Usage {
            cpu: (number(11) + number(12)) as f64 / TICKS,
            resident: number(21) * PAGE,
        }
    }
}

/// A username, or a hashtag, that no earlier run has had.
pub fn random_name() -> String {
    format!("s{}", rand::random::<u32>())
}

pub fn string(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

pub fn megabytes(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}
