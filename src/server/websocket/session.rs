//! One socket, from the upgrade to its end.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use async_graphql::{Request, parser::types::OperationType};
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::{FutureExt, Sink, SinkExt, StreamExt, future::BoxFuture};
use parking_lot::Mutex;
use serde_json::{Map, Value};
use tokio::time::{Instant, Sleep};

use super::{
    close::Close,
    message::{ClientMessage, ServerMessage},
    operations::{Kind, Operations, Turn, refusal, too_many},
};
use crate::{
    graphql::{Caller, Refusal},
    metrics::CloseCode,
    server::{Server, bearer, connection::Peer},
};

/// How often the server looks whether the other end still lives, and how long that may take.
const PING_INTERVAL: Duration = Duration::from_secs(25);
const PONG_TIMEOUT: Duration = Duration::from_secs(10);

/// How many replies may wait for the socket before it is no longer read.
const MOST_REPLIES: usize = 64;

/// How many messages are written before others get a turn.
const BATCH: usize = 64;

/// How a session ends.
enum End {
    /// The server closes the socket.
    Close(Close),
    /// The other end closes it.
    Closed,
    /// There is nobody left to talk to.
    Gone,
}

/// What a session has to deal with.
enum Event {
    Message(Message),
    Time,
}

/// A message on its way to the socket.
enum Outgoing {
    Reply(Message),
    Result(Turn),
}

/// One socket and everything that runs on it.
pub(super) struct Session {
    server: Server,
    socket: WebSocket,
    caller: Caller,
    operations: Operations,
    outbox: VecDeque<Outgoing>,
    /// How many of the outbox are replies; the results there are bounded by the operations.
    replies: usize,
    /// Since when there has been something to send without a break.
    owing: Option<Instant>,
    /// When the other end last took something.
    last_taken: Arc<Mutex<Instant>>,
    /// The deadline of `connection_init`, until it came.
    init_deadline: Option<Instant>,
    /// Wakes the session at its next deadline, or before.
    timer: Pin<Box<Sleep>>,
    next_ping: Instant,
    /// The deadline of a sign of life, while one is waited for.
    pong_deadline: Option<Instant>,
    /// Resolves when the viewer's session ended.
    session_ended: BoxFuture<'static, ()>,
}

impl Session {
    pub(super) fn new(server: Server, socket: WebSocket, peer: Peer, caller: Caller) -> Self {
        let now = Instant::now();
        server.options.metrics.websockets.inc();
        Self {
            init_deadline: Some(now + server.options.websocket_init_timeout),
            server,
            socket,
            caller,
            operations: Operations::default(),
            outbox: VecDeque::new(),
            replies: 0,
            owing: None,
            last_taken: peer.last_taken,
            timer: Box::pin(tokio::time::sleep_until(now + PING_INTERVAL)),
            next_ping: now + PING_INTERVAL,
            pong_deadline: None,
            session_ended: std::future::pending().boxed(),
        }
    }

    /// Talks until either end closes.
    pub(super) async fn run(mut self) {
        let end = loop {
            if let Err(end) = self.step().await {
                break end;
            }
        };
        // Streams end before the farewell, which may take a while.
        self.operations = Operations::default();
        self.outbox.clear();
        match end {
            End::Close(close) => self.close(close).await,
            End::Closed => {
                // The library answers the close frame while it is polled.
                let patience = Close::GoingAway.patience();
                let _ = tokio::time::timeout(patience, self.socket.next()).await;
            }
            End::Gone => {}
        }
    }

    /// Waits for whatever comes first and deals with it.
    async fn step(&mut self) -> Result<(), End> {
        let shutdown = self.server.shutdown.clone();
        let event = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Err(End::Close(Close::GoingAway)),
            event = poll_fn(|cx| self.poll(cx)) => event?,
        };
        match event {
            Event::Message(message) => self.hear(message).await,
            Event::Time => self.pass_deadlines(),
        }
    }

    /// Moves results from operations to the socket until there is something else to do.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, End>> {
        if self.session_ended.poll_unpin(cx).is_ready() {
            let close = Close::Forbidden("Session ended");
            return Poll::Ready(Err(End::Close(close)));
        }
        for left in (0..BATCH).rev() {
            while let Poll::Ready(turn) = self.operations.poll_turn(cx) {
                self.outbox.push_back(Outgoing::Result(turn));
            }
            match self.poll_write(cx) {
                Poll::Ready(Ok(true)) if left > 0 => {}
                Poll::Ready(Ok(true)) => cx.waker().wake_by_ref(),
                Poll::Ready(Ok(false)) | Poll::Pending => break,
                Poll::Ready(Err(_)) => return Poll::Ready(Err(End::Gone)),
            }
        }
        if let Poll::Ready(message) = self.poll_read(cx) {
            return Poll::Ready(message.map(Event::Message));
        }
        let deadline = self.deadline();
        if deadline < self.timer.deadline() {
            self.timer.as_mut().reset(deadline);
        }
        self.timer.as_mut().poll(cx).map(|()| Ok(Event::Time))
    }

    /// Hands one message to the socket, or flushes it when there is none: several messages share
    /// a flush. True when a message was handed over.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, axum::Error>> {
        if self.outbox.is_empty() {
            if self.owing.is_some() {
                ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
                self.owing = None;
            }
            return Poll::Ready(Ok(false));
        }
        self.owing.get_or_insert_with(Instant::now);
        ready!(Pin::new(&mut self.socket).poll_ready(cx))?;
        match self.outbox.pop_front() {
            Some(Outgoing::Reply(message)) => {
                self.replies -= 1;
                self.socket.start_send_unpin(message)?;
            }
            Some(Outgoing::Result(turn)) => {
                self.socket.start_send_unpin(Message::Text(turn.text.clone()))?;
                if turn.is_result() {
                    self.server.options.metrics.frames.inc();
                }
                self.operations.delivered(turn);
            }
            None => {}
        }
        Poll::Ready(Ok(true))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, End>> {
        if self.replies >= MOST_REPLIES {
            return Poll::Pending;
        }
        let message = ready!(self.socket.poll_next_unpin(cx));
        Poll::Ready(match message {
            Some(Ok(message)) => Ok(message),
            Some(Err(error)) => Err(Close::of_error(&error).map_or(End::Gone, End::Close)),
            None => Err(End::Gone),
        })
    }

    fn deadline(&self) -> Instant {
        [self.init_deadline, self.pong_deadline, self.slow_deadline()]
            .into_iter()
            .flatten()
            .fold(self.next_ping, Instant::min)
    }

    /// When the reader counts as too slow.
    fn slow_deadline(&self) -> Option<Instant> {
        let since = self.owing?.max(*self.last_taken.lock());
        Some(since + self.server.options.slow_reader_timeout)
    }

    fn pass_deadlines(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let passed = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if passed(self.slow_deadline()) {
            return Err(End::Close(Close::SlowReader));
        }
        if passed(self.init_deadline) {
            return Err(End::Close(Close::InitTimeout));
        }
        if passed(self.pong_deadline) {
            // Who cannot even be told is a slow reader, and judged as such.
            if self.owing.is_none() {
                return Err(End::Gone);
            }
            self.pong_deadline = None;
        }
        if self.next_ping <= now {
            self.next_ping = now + PING_INTERVAL;
            self.pong_deadline.get_or_insert(now + PONG_TIMEOUT);
            self.reply(Message::Ping(bytes::Bytes::new()));
        }
        let deadline = self.deadline();
        self.timer.as_mut().reset(deadline);
        Ok(())
    }

    /// Deals with a message of the client.
    async fn hear(&mut self, message: Message) -> Result<(), End> {
        // Any sign of life will do.
        self.pong_deadline = None;
        let text = match message {
            Message::Text(text) => text,
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Binary(_) => {
                return Err(End::Close(Close::BadRequest("Message is no text")));
            }
            Message::Close(_) => return Err(End::Closed),
        };
        let message = ClientMessage::parse(&text).map_err(Close::BadRequest);
        match message.map_err(End::Close)? {
            ClientMessage::Init(payload) => self.init(&payload).await.map_err(End::Close)?,
            ClientMessage::Ping(payload) => self.say(ServerMessage::Pong { payload }.text()),
            ClientMessage::Pong => {}
            ClientMessage::Subscribe(id, request) => {
                self.subscribe(&id, *request).map_err(End::Close)?;
            }
            ClientMessage::Complete(id) => self.complete(&id),
        }
        Ok(())
    }

    async fn init(&mut self, payload: &Map<String, Value>) -> Result<(), Close> {
        if self.init_deadline.take().is_none() {
            return Err(Close::SecondInit);
        }
        let api = self.server.api.clone();
        if let Some(token) = token(payload)? {
            let limit = self.server.options.request_timeout;
            let found = tokio::time::timeout(limit, api.authenticate(Some(token))).await;
            self.caller.viewer = match found {
                Ok(Ok(viewer)) => viewer,
                Ok(Err(Refusal::Unauthenticated)) => return Err(Close::Forbidden("Forbidden")),
                Ok(Err(Refusal::Unavailable)) | Err(_) => return Err(Close::TryAgain),
            };
        }
        let viewer = self.caller.viewer.clone();
        self.session_ended = async move { api.session_ended(&viewer).await }.boxed();
        self.say(ServerMessage::ConnectionAck.text());
        Ok(())
    }

    fn subscribe(&mut self, id: &str, request: Request) -> Result<(), Close> {
        if self.init_deadline.is_some() {
            return Err(Close::Unauthorized);
        }
        if self.operations.contains(id) {
            return Err(Close::Duplicate);
        }
        let asked = match self.server.api.ask(request, &self.caller) {
            Ok(asked) => asked,
            Err(response) => {
                self.say(refusal(id, &response.errors));
                return Ok(());
            }
        };
        let kind = match asked.kind {
            OperationType::Subscription => Kind::Subscription,
            _ => Kind::Single(self.server.options.request_timeout),
        };
        if self.operations.is_full(kind) {
            self.say(too_many(id));
            return Ok(());
        }
        let results = self.server.api.subscribe(asked, self.caller.clone());
        self.operations.start(id, kind, results);
        Ok(())
    }

    /// The client wants no more of an operation: not even what already waits for the socket.
    fn complete(&mut self, id: &str) {
        self.operations.stop(id);
        self.outbox
            .retain(|waiting| !matches!(waiting, Outgoing::Result(turn) if &*turn.id == id));
    }

    fn say(&mut self, text: Utf8Bytes) {
        self.reply(Message::Text(text));
    }

    fn reply(&mut self, message: Message) {
        self.replies += 1;
        self.outbox.push_back(Outgoing::Reply(message));
    }

    /// Sends a close frame after what was already written, and waits for the answer to it.
    async fn close(&mut self, close: Close) {
        let code = close.code();
        tracing::debug!(code, "closing a WebSocket");
        let metrics = &self.server.options.metrics;
        metrics.websocket_closes.get_or_create(&CloseCode { code }).inc();
        let farewell = async {
            self.socket.send(Message::Close(Some(close.frame()))).await?;
            while let Some(message) = self.socket.next().await {
                message?;
            }
            Ok::<_, axum::Error>(())
        };
        // Who does not answer is cut off.
        let _ = tokio::time::timeout(close.patience(), farewell).await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.server.options.metrics.websockets.dec();
    }
}

/// The token in the payload of `connection_init`.
fn token(payload: &Map<String, Value>) -> Result<Option<&str>, Close> {
    let field = payload
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    match field {
        None => Ok(None),
        Some((_, Value::String(value))) => bearer::token(value)
            .map(Some)
            .map_err(|_| Close::Forbidden("Forbidden")),
        Some(_) => Err(Close::Forbidden("Forbidden")),
    }
}
