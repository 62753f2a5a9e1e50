//! Sources that send what they are told to, and break when they are told to.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
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
    /// How often each frame was sent.
    told: Mutex<Vec<usize>>,
    /// How many frames each of the next lines carries before it breaks; those behind them don't.
    cuts: Mutex<VecDeque<usize>>,
    /// How many lines broke so.
    broken: AtomicUsize,
    /// How many frames a line carries before it stands still; 0: all.
    stall: AtomicUsize,
    /// How many the newest line has carried.
    carried: AtomicUsize,
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

    /// Breaks the next lines, each behind so many frames.
    pub fn cut(&self, lines: impl IntoIterator<Item = usize>) {
        self.inner.cuts.lock().extend(lines);
    }

    /// How many lines broke in the middle of what they carried.
    pub fn broken(&self) -> usize {
        self.inner.broken.load(Relaxed)
    }

    /// Has lines from now on stand still behind so many frames, and not break; 0: they carry all.
    pub fn stall_after(&self, frames: usize) {
        self.inner.stall.store(frames, Relaxed);
    }

    /// How many frames the newest line has carried.
    pub fn carried(&self) -> usize {
        self.inner.carried.load(Relaxed)
    }

    /// How many frames no line has carried yet.
    pub fn untold(&self) -> usize {
        let frames = self.inner.frames.lock().len();
        frames - self.inner.told.lock().iter().filter(|times| **times > 0).count()
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
        self.inner.stalling.store(true, Relaxed);
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
                let mut told = self.told.lock();
                let known = told.len().max(place + 1);
                told.resize(known, 0);
                told[place] += 1;
                return text;
            }
            grown.await;
        }
    }
}

/// What one line carries.
struct Course {
    inner: Arc<Inner>,
    /// The frames from this position on.
    since: i64,
    from: usize,
    carried: usize,
    cut: Option<usize>,
}

impl Course {
    fn begin(inner: Arc<Inner>, since: i64) -> Self {
        let cut = inner.cuts.lock().pop_front();
        inner.carried.store(0, Relaxed);
        Self {
            inner,
            since,
            from: 0,
            carried: 0,
            cut,
        }
    }

    /// The next frame; none where the line breaks.
    async fn next(&mut self) -> Option<String> {
        if self.cut.is_some_and(|cut| self.carried >= cut) {
            self.inner.broken.fetch_add(1, Relaxed);
            return None;
        }
        let stall = self.inner.stall.load(Relaxed);
        if stall > 0 && self.carried >= stall {
            std::future::pending::<()>().await;
        }
        let text = self.inner.next(&mut self.from, self.since).await;
        self.carried += 1;
        self.inner.carried.store(self.carried, Relaxed);
        Some(text)
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
    let mut course = Course::begin(inner, since);
    loop {
        tokio::select! {
            text = course.next() => {
                let Some(text) = text else { return };
                if socket.send(Message::Text(text.into())).await.is_err() {
                    return;
                }
            }
            came = socket.recv() => {
                if came.is_none_or(|came| came.is_err()) {
                    return;
                }
            }
        }
    }
}

/// Server-sent events: a name and data, or, where a frame begins with a colon, what was recorded.
async fn events(State(inner): State<Arc<Inner>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    inner.note(query.as_deref(), &headers);
    let (course, standing) = (Course::begin(Arc::clone(&inner), i64::MIN), Arc::clone(&inner.standing));
    let stream = stream::unfold((course, standing), |(mut course, standing)| async move {
        let text = course.next().await?;
        let bytes = match text.split_once('\n') {
            Some((name, data)) if !text.starts_with(':') => format!("event: {name}\ndata: {data}\n\n"),
            _ => text,
        };
        Some((Ok::<_, Infallible>(bytes), (course, standing)))
    });
    let media = [("content-type", "text/event-stream")];
    (media, Body::from_stream(stream)).into_response()
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
    if inner.stalling.load(Relaxed) {
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
