//! Answers that a client does not take, over HTTP/2.
//!
//! Over HTTP/1 who takes nothing blocks a connection, which is seen there. Over HTTP/2 each answer
//! has a window of its own, which a client can leave shut while its connection looks alive. Such an
//! answer is given up alone: a proxy has many clients on one connection. What its task has already
//! handed over and ended with goes only with the connection.

use std::{
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use hyper::rt::Executor;
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

tokio::task_local! {
    /// Ends the task of the answer that is being made.
    static TASK: CancellationToken;
}

/// Runs each answer of a connection in a task that can be ended.
#[derive(Clone, Copy)]
pub(super) struct Tasks;

impl<F> Executor<F> for Tasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, answering: F) {
        let end = CancellationToken::new();
        tokio::spawn(TASK.scope(end.clone(), async move { end.run_until_cancelled(answering).await }));
    }
}

/// How much of an answer is handed over at once: a reader that takes this much is no slow one.
const PIECE: usize = 16 * 1024;

/// How many answers are noted before those that are over are forgotten.
const NOTED: usize = 256;

/// The answers of a connection that are under way.
#[derive(Default)]
pub(super) struct Answers(Mutex<Vec<Weak<Answer>>>);

impl Answers {
    /// Keeps an eye on an answer.
    pub(super) fn watch(&self, body: Body) -> Body {
        let state = State {
            since: Instant::now(),
            pieces: 0,
            has_more: true,
        };
        let answer = Arc::new(Answer {
            task: TASK.try_with(Clone::clone).ok(),
            state: Mutex::new(state),
        });
        let mut all = self.0.lock();
        if all.len() >= NOTED {
            all.retain(|answer| answer.strong_count() > 0);
        }
        all.push(Arc::downgrade(&answer));
        drop(all);
        Body::new(Watched {
            body,
            piece: Bytes::new(),
            answer,
        })
    }

    /// Gives up those of which the client has taken nothing for so long, though there was something.
    /// True when something of them is left all the same, twice as long.
    pub(super) fn give_up(&self, limit: Duration) -> bool {
        let under_way: Vec<Arc<Answer>> = self.0.lock().iter().filter_map(Weak::upgrade).collect();
        let slow = under_way.iter().filter(|answer| answer.waits(limit));
        slow.clone()
            .filter_map(|answer| answer.task.as_ref())
            .for_each(CancellationToken::cancel);
        slow.clone().any(|answer| answer.waits(limit * 2))
    }
}

/// One of them.
struct Answer {
    /// Ends its task.
    task: Option<CancellationToken>,
    state: Mutex<State>,
}

struct State {
    /// When something of it was last taken.
    since: Instant,
    /// How many pieces were handed over and are not on the wire.
    pieces: usize,
    /// Whether there may be more for the client when it takes more.
    has_more: bool,
}

impl Answer {
    fn waits(&self, limit: Duration) -> bool {
        let state = self.state.lock();
        (state.pieces > 0 || state.has_more) && state.since.elapsed() > limit
    }

    fn note(&self, what: impl FnOnce(&mut State)) {
        let mut state = self.state.lock();
        state.since = Instant::now();
        what(&mut state);
    }
}

/// A part of an answer that tells when it is on the wire.
struct Piece {
    bytes: Bytes,
    answer: Arc<Answer>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.answer.note(|state| state.pieces -= 1);
    }
}

/// A body that notes what is taken of it. It is asked for a piece when there is room for it.
struct Watched {
    body: Body,
    /// What the body has given and nobody has taken.
    piece: Bytes,
    answer: Arc<Answer>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        while self.piece.is_empty() {
            let polled = Pin::new(&mut self.body).poll_frame(cx);
            self.answer.note(|state| state.has_more = polled.is_ready());
            match ready!(polled).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(bytes))) => self.piece = bytes,
                Some(Ok(Err(trailers))) => return Poll::Ready(Some(Ok(trailers))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let length = self.piece.len().min(PIECE);
        let bytes = self.piece.split_to(length);
        self.answer.note(|state| state.pieces += 1);
        let answer = Arc::clone(&self.answer);
        let piece = Bytes::from_owner(Piece { bytes, answer });
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.piece.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, given) = (self.body.size_hint(), self.piece.len() as u64);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + given);
        }
        hint.set_lower(hint.lower() + given);
        hint
    }
}
