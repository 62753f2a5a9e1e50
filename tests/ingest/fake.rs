//! Sources that send what they are told to, and break when they are told to.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// A frame with its position.
pub type Frame = (i64, String);

#[derive(Default)]
struct Inner {
    frames: Mutex<Vec<Frame>>,
    /// How many frames a line carries before it breaks; 0: all.
    cut: Mutex<usize>,
    /// The queries of the lines that were begun, with the words of their headers.
    lines: Mutex<Vec<String>>,
    timeline: Mutex<Vec<Value>>,
    profiles: Mutex<Vec<Value>>,
    asked: Mutex<Vec<String>>,
    /// Whether the directory answers nothing at all.
    stalling: AtomicBool,
    /// Held by each line of server-sent events.
    standing: Arc<()>,
    /// How many requests to the directory are still to fail.
    failing: Mutex<usize>,
    grown: Notify,
}

/// A Jetstream, a Mastodon server and a directory of profiles in one.
#[derive(Clone)]
pub struct Fake {
    inner: Arc<Inner>,
    address: String,
}

impl Fake {
    pub async fn start() -> Self {
        let inner = Arc::<Inner>::default();
        let router = Router::new()
            .route("/subscribe", get(jetstream))
            .route("/xrpc/network.bsky.jetstream.subscribeEvents", get(jetstream))
            .route("/api/v1/streaming", get(socket))
            .route("/api/v1/streaming/hashtag", get(events))
            .route("/api/v1/timelines/tag/{tag}", get(timeline))
            .route("/api/v1/accounts/lookup", get(lookup))
            .route("/api/v1/accounts/{id}/statuses", get(statuses))
            .route("/xrpc/app.bsky.actor.getProfiles", get(profiles))
            .with_state(Arc::clone(&inner));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { inner, address }
    }

    /// Its address, by the scheme.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    /// Sends more.
    pub fn send(&self, frames: impl IntoIterator<Item = Frame>) {
        self.inner.frames.lock().extend(frames);
        self.inner.grown.notify_waiters();
    }

    /// Breaks each line behind so many frames.
    pub fn cut_after(&self, frames: usize) {
        *self.inner.cut.lock() = frames;
    }

    /// The queries and headers of the lines that were begun.
    pub fn lines(&self) -> Vec<String> {
        self.inner.lines.lock().clone()
    }

    /// How many lines of server-sent events stand.
    pub fn standing(&self) -> usize {
        Arc::strong_count(&self.inner.standing) - 1
    }

    /// What the timelines of hashtags and accounts hold, oldest first.
    pub fn hold(&self, statuses: impl IntoIterator<Item = Value>) {
        self.inner.timeline.lock().extend(statuses);
    }

    /// Who is known to the directory.
    pub fn know(&self, profile: Value) {
        self.inner.profiles.lock().push(profile);
    }

    /// Lets the next requests to the directory fail.
    pub fn fail(&self, requests: usize) {
        *self.inner.failing.lock() = requests;
    }

    /// Lets the directory answer nothing any more.
    pub fn stall(&self) {
        self.inner.stalling.store(true, Ordering::Relaxed);
    }

    /// Whom the directory was asked for.
    pub fn asked(&self) -> Vec<String> {
        self.inner.asked.lock().clone()
    }
}

impl Inner {
    fn note(&self, query: Option<&str>, headers: &HeaderMap) {
        let words = ["authorization", "sec-websocket-protocol"].map(|name| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        });
        self.lines.lock().push(
            format!("{} {}", query.unwrap_or_default(), words.join(" "))
                .trim()
                .to_owned(),
        );
    }

    /// The next frame of a line at or behind a position, when there is one.
    async fn next(&self, from: &mut usize, since: i64) -> String {
        loop {
            let grown = self.grown.notified();
            tokio::pin!(grown);
            grown.as_mut().enable();
            let found = {
                let frames = self.frames.lock();
                let rest = frames.iter().enumerate().skip(*from);
                rest.clone()
                    .find(|(_, (position, _))| *position >= since)
                    .map(|(place, (_, text))| (place, text.clone()))
            };
            if let Some((place, text)) = found {
                *from = place + 1;
                return text;
            }
            grown.await;
        }
    }
}

fn cursor(query: Option<&str>) -> i64 {
    let pairs = query.unwrap_or_default().split('&');
    pairs
        .filter_map(|pair| pair.strip_prefix("cursor="))
        .find_map(|cursor| cursor.parse().ok())
        .unwrap_or(i64::MIN)
}

async fn jetstream(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    inner.note(query.as_deref(), &headers);
    let since = cursor(query.as_deref());
    upgrade
        .protocols(["xrpc.v1.json"])
        .on_upgrade(move |socket| pour(inner, socket, since))
}

async fn socket(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    inner.note(query.as_deref(), &headers);
    upgrade.on_upgrade(move |socket| pour(inner, socket, i64::MIN))
}

async fn pour(inner: Arc<Inner>, mut socket: WebSocket, since: i64) {
    let (mut from, mut sent) = (0, 0);
    loop {
        let cut = *inner.cut.lock();
        if cut > 0 && sent >= cut {
            return;
        }
        tokio::select! {
            text = inner.next(&mut from, since) => {
                if socket.send(Message::Text(text.into())).await.is_err() {
                    return;
                }
                sent += 1;
            }
            came = socket.recv() => {
                if came.is_none_or(|came| came.is_err()) {
                    return;
                }
            }
        }
    }
}

async fn events(State(inner): State<Arc<Inner>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    inner.note(query.as_deref(), &headers);
    let standing = Arc::clone(&inner.standing);
    let stream = stream::unfold(
        (inner, 0, 0, standing),
        |(inner, mut from, sent, standing)| async move {
            let cut = *inner.cut.lock();
            if cut > 0 && sent >= cut {
                return None;
            }
            let text = inner.next(&mut from, i64::MIN).await;
            let (name, data) = text.split_once('\n').unwrap_or(("", &text));
            let event = Event::default().event(name).data(data);
            Some((Ok::<_, Infallible>(event), (inner, from, sent + 1, standing)))
        },
    );
    Sse::new(stream).into_response()
}

/// The account of whoever has written something.
async fn lookup(State(inner): State<Arc<Inner>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default().replace("%40", "@");
    inner.asked.lock().push(format!("lookup?{query}"));
    let asked = query.strip_prefix("acct=").unwrap_or_default();
    let statuses = inner.timeline.lock();
    let found = statuses.iter().map(|status| &status["account"]).find(|account| {
        let name = account["acct"].as_str().unwrap();
        asked == name || asked == format!("{name}@example.social")
    });
    match found {
        Some(account) => Json(account.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn statuses(inner: State<Arc<Inner>>, Path(id): Path<String>, query: RawQuery) -> Response {
    timeline(inner, Path(format!("statuses/{id}")), query).await
}

async fn timeline(State(inner): State<Arc<Inner>>, Path(tag): Path<String>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    inner.asked.lock().push(format!("{tag}?{query}"));
    let min: u64 = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("min_id="))
        .find_map(|id| id.parse().ok())
        .unwrap_or_default();
    let statuses = inner.timeline.lock();
    let id = |status: &Value| status["id"].as_str().unwrap().parse::<u64>().unwrap();
    // What lies behind a place comes page by page, else the newest.
    let size = if min == 0 { 40 } else { 2 };
    let page = statuses.iter().filter(|status| id(status) > min).take(size);
    let mut page: Vec<Value> = page.cloned().collect();
    page.reverse();
    Json(page).into_response()
}

async fn profiles(State(inner): State<Arc<Inner>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default().replace("%3A", ":");
    let actors: Vec<&str> = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("actors="))
        .collect();
    if actors.len() > 25 {
        return StatusCode::BAD_REQUEST.into_response();
    }
    inner.asked.lock().extend(actors.iter().map(ToString::to_string));
    if inner.stalling.load(Ordering::Relaxed) {
        return std::future::pending().await;
    }
    let mut failing = inner.failing.lock();
    if let Some(fewer) = failing.checked_sub(1) {
        *failing = fewer;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let known = inner.profiles.lock();
    let found = known.iter().filter(|profile| {
        let is = |name: &str| profile[name].as_str().is_some_and(|value| actors.contains(&value));
        is("did") || is("handle")
    });
    Json(json!({ "profiles": found.collect::<Vec<_>>() })).into_response()
}
