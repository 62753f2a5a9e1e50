//! A subscription as the body of an answer over HTTP. What the bytes look like is a [`Format`]'s
//! business: [`super::sse`] or [`super::multipart`].

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_graphql::Response as Result_;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, Stream, future::BoxFuture};
use tokio::time::{Instant, Sleep};

use super::{Server, overload::Client, refuse, share::Share};
use crate::graphql::{
    Caller,
    live::{Frame, Next, Subscription},
};

/// How much is handed over at once.
const CHUNK: usize = 16 * 1024;

/// How long a stream may take for what it has not been sent yet when the server ends, and how
/// often that is looked at.
const DRAIN_PATIENCE: Duration = Duration::from_secs(1);
const DRAIN_LOOK: Duration = Duration::from_millis(10);

/// How events look on the wire.
pub(super) trait Format: Send + Unpin + 'static {
    /// What comes before everything else.
    const BEGIN: &'static [u8];
    /// What is sent so that a line that is quiet is not taken for dead, and how often.
    const HEARTBEAT: (&'static [u8], Duration);
    /// What comes last when there are no more events, and nothing is wrong.
    const OVER: &'static [u8];
    /// What comes last when the server ends and the client is to come back.
    const COME_BACK: &'static [u8];

    /// Writes an event.
    fn event(to: &mut BytesMut, frame: &Frame);

    /// Writes why there are no more events, and the end.
    fn ended(to: &mut BytesMut, why: &Result_);
}

/// The body of a stream in a format, which holds its places.
pub(super) fn body<F: Format>(
    server: Server,
    caller: &Caller,
    subscription: Subscription,
    shares: Vec<Share<Client>>,
) -> Body {
    let (api, viewer) = (server.api.clone(), caller.viewer.clone());
    let shutdown = server.shutdown.clone();
    let now = Instant::now();
    server.options.metrics.http_streams.inc();
    Body::from_stream(Events::<F> {
        server,
        subscription,
        _shares: shares,
        session_ended: async move { api.session_ended(&viewer).await }.boxed(),
        shutdown: async move { shutdown.cancelled_owned().await }.boxed(),
        timer: Box::pin(tokio::time::sleep_until(now + F::HEARTBEAT.1)),
        has_begun: false,
        is_over: false,
        drain: None,
        format: std::marker::PhantomData,
    })
}

struct Events<F> {
    server: Server,
    subscription: Subscription,
    _shares: Vec<Share<Client>>,
    session_ended: BoxFuture<'static, ()>,
    shutdown: BoxFuture<'static, ()>,
    /// The next sign of life, or look whether the stream may end.
    timer: Pin<Box<Sleep>>,
    has_begun: bool,
    is_over: bool,
    drain: Option<Drain>,
    format: std::marker::PhantomData<F>,
}

/// How a stream ends with its server.
struct Drain {
    /// When it ends in any case.
    deadline: Instant,
    /// What was in the log when it was to end is sent first.
    upto: Option<i64>,
}

impl<F: Format> Stream for Events<F> {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let mut chunk = BytesMut::new();
        if !self.has_begun {
            self.has_begun = true;
            chunk.extend_from_slice(F::BEGIN);
        }
        if self.session_ended.poll_unpin(cx).is_ready() {
            self.is_over = true;
            F::ended(&mut chunk, &refuse("the session has ended", "UNAUTHENTICATED"));
            return Poll::Ready(Some(Ok(chunk.freeze())));
        }
        self.fill(cx, &mut chunk);
        if chunk.is_empty() {
            self.pass_time(cx, &mut chunk);
        }
        match chunk.is_empty() {
            true => Poll::Pending,
            false => Poll::Ready(Some(Ok(chunk.freeze()))),
        }
    }
}

impl<F: Format> Events<F> {
    /// Takes the events that there are, up to a chunk's size.
    fn fill(&mut self, cx: &mut Context<'_>, chunk: &mut BytesMut) {
        while chunk.len() < CHUNK && !self.is_over {
            match self.subscription.poll_next(cx) {
                Poll::Ready(Next::Frame(frame)) => {
                    let before = chunk.len();
                    F::event(chunk, &frame);
                    self.subscription.sent(&frame, chunk.len() - before);
                }
                Poll::Ready(Next::Ended(why)) => {
                    self.is_over = true;
                    F::ended(chunk, &why);
                }
                Poll::Ready(Next::Over) => {
                    self.is_over = true;
                    chunk.extend_from_slice(F::OVER);
                }
                Poll::Pending => return,
            }
        }
    }

    /// Gives a sign of life when it is time, and ends with the server.
    fn pass_time(&mut self, cx: &mut Context<'_>, chunk: &mut BytesMut) {
        if self.drain.is_none() && self.shutdown.poll_unpin(cx).is_ready() {
            let at = Instant::now() + self.server.drain_after();
            self.timer.as_mut().reset(at);
            self.drain = Some(Drain {
                deadline: at + DRAIN_PATIENCE,
                upto: None,
            });
        }
        while chunk.is_empty() && self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            let Some(drain) = &mut self.drain else {
                self.timer.as_mut().reset(now + F::HEARTBEAT.1);
                return chunk.extend_from_slice(F::HEARTBEAT.0);
            };
            let upto = *drain.upto.get_or_insert_with(|| self.server.api.flush());
            if !self.subscription.is_behind(upto) || drain.deadline <= now {
                self.is_over = true;
                return chunk.extend_from_slice(F::COME_BACK);
            }
            self.timer.as_mut().reset(now + DRAIN_LOOK);
            self.fill(cx, chunk);
        }
    }
}

impl<F> Drop for Events<F> {
    fn drop(&mut self) {
        self.server.options.metrics.http_streams.dec();
    }
}
