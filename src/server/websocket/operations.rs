//! The operations that run on one socket.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_graphql::{Response, ServerError};
use axum::extract::ws::Utf8Bytes;
use futures_util::{
    FutureExt, StreamExt,
    future::{AbortHandle, Abortable, BoxFuture},
    stream::FuturesUnordered,
};

use tracing::Instrument;

use super::message::ServerMessage;
use crate::graphql::{
    Outcome,
    live::{Next, Subscription},
};
use crate::server::refuse;
use crate::trace::Span;

/// The most subscriptions of a socket, and the most other operations at once.
const MOST: usize = 100;

/// All operations of a socket.
#[derive(Default)]
pub(super) struct Operations {
    /// What is executed or opened, or whose result has not been sent yet.
    running: Vec<Running>,
    turns: FuturesUnordered<Abortable<BoxFuture<'static, Turn>>>,
    /// The subscriptions that are open. They take turns.
    open: Vec<Open>,
    next: usize,
}

struct Running {
    id: Arc<str>,
    kind: Kind,
    abort: AbortHandle,
}

struct Open {
    id: Box<str>,
    /// What the socket sends before a frame's own bytes.
    prefix: Box<str>,
    subscription: Subscription,
}

/// What an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Has events as long as its reader likes.
    Subscription,
    /// A query or a mutation, which has one result.
    Single,
}

/// What an operation has come to.
enum Turn {
    /// It has its result.
    Answered(Arc<str>, Outcome),
    /// It is open, or was refused.
    Opened(Arc<str>, Result<Box<Subscription>, Response>),
}

/// A message of an operation on its way to the socket.
pub(super) struct Message {
    pub(super) id: Arc<str>,
    pub(super) text: Utf8Bytes,
    /// Whether the operation is over with it.
    pub(super) is_last: bool,
}

impl Operations {
    /// Whether an id is in use.
    pub(super) fn contains(&self, id: &str) -> bool {
        self.running.iter().any(|running| &*running.id == id) || self.open.iter().any(|open| &*open.id == id)
    }

    /// Whether the socket has as many operations of this kind as it may have.
    pub(super) fn is_full(&self, kind: Kind) -> bool {
        let running = self.running.iter().filter(|running| running.kind == kind).count();
        let open = if kind == Kind::Subscription { self.open.len() } else { 0 };
        running + open >= MOST
    }

    /// Executes a query or a mutation whose id is free.
    pub(super) fn execute(
        &mut self,
        id: &str,
        request_id: &str,
        limit: Duration,
        executing: impl Future<Output = Outcome> + Send + 'static,
    ) {
        let id: Arc<str> = Arc::from(id);
        let answering = id.clone();
        let turn = async move {
            let outcome = in_time(limit, executing).await.unwrap_or_else(Outcome::Refused);
            Turn::Answered(answering, outcome)
        };
        self.run(id, Kind::Single, request_id, turn);
    }

    /// Opens a subscription whose id is free.
    pub(super) fn subscribe(
        &mut self,
        id: &str,
        request_id: &str,
        limit: Duration,
        opening: BoxFuture<'static, Result<Subscription, Response>>,
    ) {
        let id: Arc<str> = Arc::from(id);
        let answering = id.clone();
        let turn = async move {
            let opened = in_time(limit, opening).await.flatten();
            Turn::Opened(answering, opened.map(Box::new))
        };
        self.run(id, Kind::Subscription, request_id, turn);
    }

    fn run(&mut self, id: Arc<str>, kind: Kind, request_id: &str, turn: impl Future<Output = Turn> + Send + 'static) {
        let (abort, registration) = AbortHandle::new_pair();
        let traced = Span::operation();
        if kind == Kind::Subscription {
            traced.note("graphql.operation.type", "subscription");
        }
        let span = tracing::error_span!("request", request_id, trace_id = traced.trace());
        self.turns.push(Abortable::new(
            traced.around(turn.instrument(span)).boxed(),
            registration,
        ));
        self.running.push(Running { id, kind, abort });
    }

    /// Ends an operation, if it runs: it has no further result.
    pub(super) fn stop(&mut self, id: &str) {
        self.running.retain(|running| {
            let other = &*running.id != id;
            if !other {
                running.abort.abort();
            }
            other
        });
        self.open.retain(|open| &*open.id != id);
    }

    /// The results of the next operation that has any.
    pub(super) fn poll_results(&mut self, cx: &mut Context<'_>) -> Poll<Vec<Message>> {
        while !self.turns.is_empty() {
            match self.turns.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(Turn::Opened(id, Ok(subscription))))) => self.open(&id, *subscription),
                Poll::Ready(Some(Ok(Turn::Opened(id, Err(refused))))) => {
                    let text = refusal(&id, &refused.errors);
                    return Poll::Ready(vec![Message {
                        id,
                        text,
                        is_last: true,
                    }]);
                }
                Poll::Ready(Some(Ok(Turn::Answered(id, outcome)))) => return Poll::Ready(answer(&id, &outcome)),
                Poll::Ready(Some(Err(_aborted))) => {}
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        Poll::Pending
    }

    fn open(&mut self, id: &Arc<str>, subscription: Subscription) {
        self.delivered(id);
        let quoted = serde_json::to_string(&**id).unwrap_or_default();
        // Most sockets have one subscription, and there are many sockets.
        self.open.reserve_exact(1);
        self.open.push(Open {
            id: (&**id).into(),
            prefix: format!(r#"{{"type":"next","id":{quoted},"payload":"#).into(),
            subscription,
        });
    }

    /// The socket has taken the last result of an operation.
    pub(super) fn delivered(&mut self, id: &str) {
        self.running.retain(|running| &*running.id != id);
    }

    /// The next event of any subscription, in turns, or why a subscription has ended. It counts
    /// as sent.
    pub(super) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Utf8Bytes> {
        for _ in 0..self.open.len() {
            if self.next >= self.open.len() {
                self.next = 0;
            }
            let Some(open) = self.open.get_mut(self.next) else {
                break;
            };
            match open.subscription.poll_next(cx) {
                Poll::Ready(Next::Frame(frame)) => {
                    self.next += 1;
                    let mut text = String::with_capacity(open.prefix.len() + frame.payload.len() + 1);
                    text.push_str(&open.prefix);
                    text.push_str(&frame.payload);
                    text.push('}');
                    open.subscription.sent(&frame, text.len());
                    return Poll::Ready(text.into());
                }
                Poll::Ready(Next::Ended(why)) => {
                    let text = refusal(&open.id, &why.errors);
                    self.open.remove(self.next);
                    return Poll::Ready(text);
                }
                Poll::Ready(Next::Over) => {
                    let text = ServerMessage::Complete { id: &open.id }.text();
                    self.open.remove(self.next);
                    return Poll::Ready(text);
                }
                Poll::Pending => self.next += 1,
            }
        }
        Poll::Pending
    }

    /// Whether a subscription has not heard of all that was in the log at a position.
    pub(super) fn is_behind(&self, position: i64) -> bool {
        !self.turns.is_empty() || self.open.iter().any(|open| open.subscription.is_behind(position))
    }
}

/// What an operation gives, unless it takes too long or panics.
async fn in_time<T>(limit: Duration, operation: impl Future<Output = T>) -> Result<T, Response> {
    let why = match tokio::time::timeout(limit, AssertUnwindSafe(operation).catch_unwind()).await {
        Ok(Ok(result)) => return Ok(result),
        Ok(Err(_)) => "an operation panicked",
        Err(_) => "an operation took too long",
    };
    tracing::warn!(why);
    Err(refuse("something went wrong on our side", "INTERNAL_SERVER_ERROR"))
}

fn answer(id: &Arc<str>, outcome: &Outcome) -> Vec<Message> {
    let result = |text, is_last| Message {
        id: id.clone(),
        text,
        is_last,
    };
    match outcome {
        Outcome::Executed(payload) => vec![
            result(ServerMessage::Next { id, payload }.text(), false),
            result(ServerMessage::Complete { id }.text(), true),
        ],
        Outcome::Refused(refused) => vec![result(refusal(id, &refused.errors), true)],
    }
}

/// Words that an operation was not executed, for these reasons.
pub(super) fn refusal(id: &str, reasons: &[ServerError]) -> Utf8Bytes {
    let payload = reasons;
    ServerMessage::Error { id, payload }.text()
}

/// Words that a socket has too many operations.
pub(super) fn too_many(id: &str) -> Utf8Bytes {
    let message = format!("a socket takes {MOST} operations at once");
    refusal(id, &refuse(&message, "BAD_USER_INPUT").errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The others on the socket go on.
    #[tokio::test]
    async fn a_panic_costs_one_operation() {
        let mut operations = Operations::default();
        let limit = Duration::from_secs(10);
        operations.execute("bad", "request", limit, async { panic!("on purpose") });
        operations.execute("good", "request", limit, async {
            Outcome::Executed(Response::new(async_graphql::Value::Boolean(true)))
        });
        let mut texts = Vec::new();
        for _ in 0..2 {
            let messages = std::future::poll_fn(|cx| operations.poll_results(cx)).await;
            texts.extend(messages.into_iter().map(|message| message.text.to_string()));
        }
        let (bad, good): (Vec<String>, Vec<String>) =
            texts.into_iter().partition(|text| text.contains(r#""id":"bad""#));
        assert_eq!(bad.len(), 1);
        assert!(
            bad.iter()
                .all(|text| text.contains("INTERNAL_SERVER_ERROR") && !text.contains("purpose"))
        );
        assert_eq!(good.len(), 2, "the result and the end");
    }
}
