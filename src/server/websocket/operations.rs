//! The operations that run on one socket.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_graphql::{ErrorExtensionValues, ServerError};
use axum::extract::ws::Utf8Bytes;
use futures_util::{
    FutureExt, StreamExt,
    future::{AbortHandle, Abortable, BoxFuture},
    stream::{BoxStream, FuturesUnordered},
};

use super::message::ServerMessage;
use crate::graphql::Outcome;

/// The most subscriptions of a socket, and the most other operations at once.
const MOST: usize = 100;

/// All operations of a socket. Each takes its turn when it has a result, in the order of results.
#[derive(Default)]
pub(super) struct Operations {
    running: HashMap<Arc<str>, Running>,
    turns: FuturesUnordered<Abortable<BoxFuture<'static, Turn>>>,
}

struct Running {
    kind: Kind,
    abort: AbortHandle,
}

/// What bounds an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Runs as long as its reader likes.
    Subscription,
    /// A query or a mutation, which has one result, in time.
    Single(Duration),
}

/// One result of an operation on its way to the socket.
pub(super) struct Turn {
    pub(super) id: Arc<str>,
    pub(super) text: Utf8Bytes,
    kind: Kind,
    /// Where more results come from; none after the last message of an operation.
    rest: Option<BoxStream<'static, Outcome>>,
}

impl Turn {
    /// Whether it carries a result, and not the end of its operation.
    pub(super) fn is_result(&self) -> bool {
        self.rest.is_some()
    }
}

impl Operations {
    /// Whether an id is in use.
    pub(super) fn contains(&self, id: &str) -> bool {
        self.running.contains_key(id)
    }

    /// Whether the socket has as many operations of this kind as it may have.
    pub(super) fn is_full(&self, kind: Kind) -> bool {
        let same = |running: &&Running| (running.kind == Kind::Subscription) == (kind == Kind::Subscription);
        self.running.values().filter(same).count() >= MOST
    }

    /// Runs an operation whose id is free.
    pub(super) fn start(&mut self, id: &str, kind: Kind, results: BoxStream<'static, Outcome>) {
        self.take_turn(Arc::from(id), kind, results);
    }

    /// Ends an operation, if it runs: it has no further result.
    pub(super) fn stop(&mut self, id: &str) {
        if let Some(running) = self.running.remove(id) {
            running.abort.abort();
        }
    }

    /// The next result of any operation. That operation waits until [`Self::delivered`].
    pub(super) fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        loop {
            match self.turns.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(turn))) => return Poll::Ready(turn),
                Poll::Ready(Some(Err(_aborted))) => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// The socket has taken a result: its operation goes on, or is over.
    pub(super) fn delivered(&mut self, turn: Turn) {
        match turn.rest {
            Some(results) => self.take_turn(turn.id, turn.kind, results),
            None => {
                self.running.remove(&turn.id);
            }
        }
    }

    fn take_turn(&mut self, id: Arc<str>, kind: Kind, results: BoxStream<'static, Outcome>) {
        let (abort, registration) = AbortHandle::new_pair();
        let turn = turn(id.clone(), kind, results).boxed();
        self.turns.push(Abortable::new(turn, registration));
        self.running.insert(id, Running { kind, abort });
    }
}

/// Waits for the next result and words it.
async fn turn(id: Arc<str>, kind: Kind, mut results: BoxStream<'static, Outcome>) -> Turn {
    let next = AssertUnwindSafe(results.next()).catch_unwind();
    let result = match kind {
        Kind::Subscription => next.await.map_err(|_| ()),
        Kind::Single(limit) => match tokio::time::timeout(limit, next).await {
            Ok(result) => result.map_err(|_| ()),
            Err(_) => {
                tracing::warn!("an operation took too long");
                Err(())
            }
        },
    };
    let (text, more) = match &result {
        Ok(Some(Outcome::Executed(result))) => {
            let (id, payload) = (&*id, result);
            (ServerMessage::Next { id, payload }.text(), true)
        }
        Ok(Some(Outcome::Refused(result))) => (refusal(&id, &result.errors), false),
        Ok(None) => (ServerMessage::Complete { id: &id }.text(), false),
        Err(()) => {
            let error = coded("something went wrong on our side", "INTERNAL_SERVER_ERROR");
            (refusal(&id, &[error]), false)
        }
    };
    Turn {
        id,
        text,
        kind,
        rest: more.then_some(results),
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
    refusal(id, &[coded(&message, "BAD_USER_INPUT")])
}

fn coded(message: &str, code: &str) -> ServerError {
    let mut error = ServerError::new(message, None);
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code);
    error.extensions = Some(extensions);
    error
}
