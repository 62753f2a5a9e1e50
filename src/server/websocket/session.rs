//! One socket, from the upgrade to its end.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use async_graphql::{Request, parser::types::OperationType};
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::{FutureExt, Sink, SinkExt, StreamExt, future::BoxFuture};
use serde_json::{Map, Value};
use tokio::time::{Instant, Sleep};

use super::{
    close::Close,
    drain::Drain,
    ear::Ear,
    message::{ClientMessage, ServerMessage},
    operations::{self, Kind, Operations, refusal, too_many},
    pulse::Pulse,
};
use crate::{
    graphql::{Caller, Refusal},
    metrics::CloseCode,
    model::Viewer,
    server::{
        Server, bearer,
        connection::Peer,
        overload::{self, Client},
        share::Share,
    },
};

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

/// What concerns a socket from outside.
enum Outside {
    /// The end of the server was asked for.
    Shutdown,
    /// The viewer's session has ended.
    SessionEnded,
}

impl Outside {
    /// Waits for the first of them.
    fn of(server: &Server, viewer: Option<&Viewer>) -> BoxFuture<'static, Self> {
        let shutdown = server.shutdown.clone().cancelled_owned();
        match viewer.filter(|viewer| viewer.session().is_some()).cloned() {
            None => shutdown.map(|()| Self::Shutdown).boxed(),
            Some(viewer) => {
                let api = server.api.clone();
                async move {
                    tokio::select! {
                        () = shutdown => Self::Shutdown,
                        () = api.session_ended(&viewer) => Self::SessionEnded,
                    }
                }
                .boxed()
            }
        }
    }
}

/// A message on its way to the socket.
enum Outgoing {
    Reply(Message),
    Result(operations::Message),
}

/// One socket and everything that runs on it.
pub(super) struct Session {
    server: Server,
    socket: WebSocket,
    caller: Caller,
    operations: Operations,
    outbox: VecDeque<Outgoing>,
    /// How many of the outbox are replies; the results there are bounded by the operations, and
    /// events wait in their groups.
    replies: usize,
    /// Since when there has been something to send without a break.
    owing: Option<Instant>,
    /// The other end, and what it takes.
    peer: Peer,
    /// Its places among its client's streams.
    shares: Vec<Share<Client>>,
    /// The deadline of `connection_init`, until it came.
    init_deadline: Option<Instant>,
    /// Wakes the session at its next deadline, or before.
    timer: Pin<Box<Sleep>>,
    pulse: Pulse,
    /// Resolves when something from outside concerns the socket.
    outside: BoxFuture<'static, Outside>,
    /// Told of everything but events.
    ear: Ear,
    /// Since the end of the server was asked for.
    drain: Option<Drain>,
}

impl Session {
    pub(super) fn new(
        server: Server,
        socket: WebSocket,
        peer: Peer,
        caller: Caller,
        shares: Vec<Share<Client>>,
    ) -> Self {
        let now = Instant::now();
        let pulse = Pulse::new(now);
        let outside = Outside::of(&server, None);
        server.options.metrics.websockets.inc();
        peer.traffic.watch();
        Self {
            init_deadline: Some(now + server.options.websocket_init_timeout),
            server,
            socket,
            caller,
            operations: Operations::default(),
            outbox: VecDeque::new(),
            replies: 0,
            owing: None,
            peer,
            shares,
            timer: Box::pin(tokio::time::sleep_until(pulse.deadline(now))),
            pulse,
            outside,
            ear: Ear::new(),
            drain: None,
        }
    }

    /// Talks until either end closes.
    pub(super) async fn run(&mut self) {
        let end = loop {
            if let Err(end) = self.step().await {
                break end;
            }
        };
        // Streams end before the farewell, which may take a while.
        self.operations = Operations::default();
        self.outbox.clear();
        match end {
            // What happens once is not what every socket should have room for.
            End::Close(close) => Box::pin(self.close(close)).await,
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
        let event = poll_fn(|cx| self.poll(cx)).await?;
        match event {
            Event::Message(message) => self.hear(message).await,
            Event::Time => self.pass_deadlines(),
        }
    }

    /// Moves results and events to the socket until there is something else to do.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, End>> {
        let is_called = self.ear.listen(cx);
        let ear = self.ear.waker();
        let mut other = Context::from_waker(&ear);
        if is_called && let Poll::Ready(outside) = self.outside.poll_unpin(&mut other) {
            self.ear.remember();
            return Poll::Ready(self.heed(outside));
        }
        for left in (0..BATCH).rev() {
            while is_called && let Poll::Ready(results) = self.operations.poll_results(&mut other) {
                self.outbox.extend(results.into_iter().map(Outgoing::Result));
            }
            match self.poll_write(cx) {
                Poll::Ready(Ok(true)) if left > 0 => {}
                Poll::Ready(Ok(true)) => cx.waker().wake_by_ref(),
                Poll::Ready(Ok(false)) | Poll::Pending => break,
                Poll::Ready(Err(_)) => return Poll::Ready(Err(End::Gone)),
            }
        }
        if is_called && let Poll::Ready(message) = self.poll_read(&mut other) {
            self.ear.remember();
            return Poll::Ready(message.map(Event::Message));
        }
        self.poll_timer(&mut other, is_called)
    }

    fn poll_timer(&mut self, other: &mut Context<'_>, is_called: bool) -> Poll<Result<Event, End>> {
        let deadline = self.deadline();
        let is_earlier = deadline < self.timer.deadline();
        if is_earlier {
            self.timer.as_mut().reset(deadline);
        }
        if is_earlier || is_called {
            ready!(self.timer.as_mut().poll(other));
            self.ear.remember();
            return Poll::Ready(Ok(Event::Time));
        }
        Poll::Pending
    }

    /// Deals with what comes from outside.
    fn heed(&mut self, outside: Outside) -> Result<Event, End> {
        match outside {
            Outside::SessionEnded => Err(End::Close(Close::Forbidden("Session ended"))),
            Outside::Shutdown => {
                let (api, viewer) = (self.server.api.clone(), self.caller.viewer.clone());
                self.outside = async move {
                    api.session_ended(&viewer).await;
                    Outside::SessionEnded
                }
                .boxed();
                self.begin_drain();
                Ok(Event::Time)
            }
        }
    }

    /// Hands one message to the socket, or flushes it when there is none: several messages share
    /// a flush. An event leaves its group only when the socket has room. True when a message was
    /// handed over.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, axum::Error>> {
        ready!(Pin::new(&mut self.socket).poll_ready(cx))?;
        let message = match self.outbox.pop_front() {
            Some(Outgoing::Reply(message)) => {
                self.replies -= 1;
                message
            }
            Some(Outgoing::Result(result)) => {
                if result.is_last {
                    self.operations.delivered(&result.id);
                }
                Message::Text(result.text)
            }
            None => match self.operations.poll_event(cx) {
                Poll::Ready(text) => Message::Text(text),
                Poll::Pending => return self.poll_flush(cx),
            },
        };
        self.owing.get_or_insert_with(Instant::now);
        self.socket.start_send_unpin(message)?;
        Poll::Ready(Ok(true))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, axum::Error>> {
        if self.owing.is_some() {
            ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
            self.owing = None;
        }
        Poll::Ready(Ok(false))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, End>> {
        if self.replies >= MOST_REPLIES {
            // To be looked at again once some of them were taken.
            self.ear.remember();
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
        let drain = self.drain.as_ref().map(Drain::at);
        [self.init_deadline, self.slow_deadline(), drain]
            .into_iter()
            .flatten()
            .fold(self.pulse.deadline(self.peer.traffic.last()), Instant::min)
    }

    /// When the reader counts as too slow.
    fn slow_deadline(&self) -> Option<Instant> {
        let since = self.owing?.max(self.peer.traffic.last());
        Some(since + self.server.options.slow_reader_timeout)
    }

    fn pass_deadlines(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let passed = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if passed(self.slow_deadline()) {
            return Err(End::Close(Close::SlowReader));
        }
        if passed(self.drain.as_ref().map(Drain::at)) {
            self.drain(now)?;
        }
        if passed(self.init_deadline) {
            return Err(End::Close(Close::InitTimeout));
        }
        if self.pulse.is_lost(now, self.peer.traffic.last()) {
            // Who cannot even be told is a slow reader, and judged as such.
            if self.owing.is_none() {
                return Err(End::Gone);
            }
            self.pulse.beat();
        }
        if self.pulse.is_due(now) {
            self.reply(Message::Ping(bytes::Bytes::new()));
        }
        let deadline = self.deadline();
        self.timer.as_mut().reset(deadline);
        Ok(())
    }

    /// Notes when this socket is to be closed: not all at once, or their clients would all come
    /// back at once.
    fn begin_drain(&mut self) {
        self.drain = Some(Drain::begin(Instant::now() + self.server.drain_after()));
    }

    /// Closes the socket if it has got everything that there is.
    fn drain(&mut self, now: Instant) -> Result<(), End> {
        let Some(drain) = &mut self.drain else { return Ok(()) };
        let upto = drain.upto(|| self.server.api.flush());
        let owes = self.owing.is_some() || !self.outbox.is_empty() || self.operations.is_behind(upto);
        if drain.is_over(now, owes) {
            return Err(End::Close(Close::GoingAway));
        }
        Ok(())
    }

    /// Deals with a message of the client.
    async fn hear(&mut self, message: Message) -> Result<(), End> {
        // Any sign of life will do.
        self.pulse.beat();
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
            ClientMessage::Init(payload) => Box::pin(self.init(&payload)).await.map_err(End::Close)?,
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
            let viewer = match found {
                Ok(Ok(viewer)) => viewer,
                Ok(Err(Refusal::Unauthenticated)) => return Err(Close::Forbidden("Forbidden")),
                Ok(Err(Refusal::Unavailable)) | Err(_) => return Err(Close::TryAgain),
            };
            // Who was known by the header may have another token here.
            self.shares.truncate(1);
            let share = overload::stream_of(&self.server, &viewer).map_err(|_| Close::TryAgain)?;
            self.shares.extend(share);
            self.caller.viewer = viewer;
        }
        self.outside = Outside::of(&self.server, Some(&self.caller.viewer));
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
        let (api, limit) = (self.server.api.clone(), self.server.options.request_timeout);
        let asked = match self.server.api.ask(request, &self.caller) {
            Ok(asked) => asked,
            Err(response) => {
                self.say(refusal(id, &response.errors));
                return Ok(());
            }
        };
        let kind = match asked.kind {
            OperationType::Subscription => Kind::Subscription,
            _ => Kind::Single,
        };
        if self.operations.is_full(kind) {
            self.say(too_many(id));
            return Ok(());
        }
        let caller = self.caller.clone();
        let request_id = caller.request_id.clone();
        match kind {
            Kind::Subscription => {
                let opening = api.subscribe(asked, caller, None);
                self.operations.subscribe(id, &request_id, limit, opening);
            }
            Kind::Single => {
                let executing = async move { api.execute(asked, caller).await };
                self.operations.execute(id, &request_id, limit, executing);
            }
        }
        Ok(())
    }

    /// The client wants no more of an operation: not even what already waits for the socket.
    fn complete(&mut self, id: &str) {
        self.operations.stop(id);
        self.outbox
            .retain(|waiting| !matches!(waiting, Outgoing::Result(result) if &*result.id == id));
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
