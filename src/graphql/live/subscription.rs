//! One subscriber of a group.

use super::hidden::{Share, share};
use super::{Audience, Execution, Frame, Live, Plan};
use crate::delivery::frame::{Teller as _, Told};
use crate::delivery::group::{End, Heard, Listener};
use crate::graphql::Caller;
use crate::graphql::error::ApiError;
use crate::model::{Error, Result, Seq, UserId, Viewer};
use async_graphql::Response;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// How often a frame is looked at: what a viewer's own execution still shows of somebody hidden is
/// not to be told.
const TRIES: usize = 2;

/// One subscriber: a position in a group, and what the viewer's own rules make of its frames.
pub struct Subscription {
    live: Live,
    viewer: Viewer,
    listener: Listener<Execution>,
    /// What becomes of a frame, while it is decided.
    share: Option<BoxFuture<'static, Result<Option<Arc<Frame>>>>>,
}

/// What a subscription gives.
pub enum Next {
    /// The next event.
    Frame(Arc<Frame>),
    /// There will be no more, since something is wrong.
    Ended(Box<Response>),
    /// There will be no more: what the stream is of is no more.
    Over,
}

impl Subscription {
    pub(super) fn open(live: Live, plan: Arc<Plan>, caller: Caller, position: Seq) -> Self {
        live.0.metrics.subscriptions.inc();
        let listener = live.join(&plan, &caller.viewer, position, caller.address);
        Self {
            live,
            viewer: caller.viewer,
            listener,
            share: None,
        }
    }

    /// What comes next. The caller counts what it sends with [`Self::sent`].
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        loop {
            if let Some(share) = &mut self.share {
                let shared = ready!(share.poll_unpin(cx));
                self.share = None;
                match shared {
                    Ok(Some(frame)) => return Poll::Ready(Next::Frame(frame)),
                    Ok(None) => {}
                    Err(error) => return Poll::Ready(Next::Ended(ended(&error))),
                }
            }
            match ready!(self.listener.poll(cx)) {
                Heard::Frame(frame) => match self.viewer.user() {
                    Some(viewer) if !self.hides_nobody(viewer) => {
                        self.share = Some(self.decide(viewer, frame));
                    }
                    _ => return Poll::Ready(Next::Frame(frame)),
                },
                Heard::Ended(End::Failed(why)) => return Poll::Ready(Next::Ended(ended(&why))),
                Heard::Ended(End::Over) => return Poll::Ready(Next::Over),
                Heard::Part => {
                    let plan = Arc::clone(&self.listener.teller().plan);
                    let (position, address) = (self.listener.position(), self.listener.address());
                    self.listener = self.live.join(&plan, &self.viewer, position, address);
                }
            }
        }
    }

    /// Whether memory knows that a viewer hides nobody.
    fn hides_nobody(&self, viewer: UserId) -> bool {
        let hides = self.live.0.social.store().cached_hides(viewer);
        hides.is_some_and(|hides| hides.is_empty())
    }

    /// Holds a frame against whom the viewer hides. Also one that is the viewer's own may be older
    /// than a block.
    fn decide(&self, viewer: UserId, mut frame: Arc<Frame>) -> BoxFuture<'static, Result<Option<Arc<Frame>>>> {
        let store = self.live.0.social.store().clone();
        let own = Execution {
            audience: Audience::Viewer(self.viewer.clone()),
            ..self.listener.teller().clone()
        };
        async move {
            for _ in 0..TRIES {
                match share(&*store.hides(viewer).await?, &frame.shown) {
                    Share::None => return Ok(None),
                    Share::All => return Ok(Some(frame)),
                    Share::Own => {}
                }
                own.live.0.metrics.executions.inc();
                match own.tell(Arc::clone(&frame.event)).await? {
                    Told::Frame(told) => frame = Arc::from(told),
                    Told::Nothing | Told::Personal => return Ok(None),
                }
            }
            Ok(None)
        }
        .boxed()
    }

    /// Counts a frame that was handed to the subscriber in so many bytes.
    pub fn sent(&self, frame: &Frame, bytes: usize) {
        let metrics = &self.live.0.metrics;
        metrics.frames.inc();
        metrics.frame_bytes.inc_by(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.listener.was_there(&frame.event) {
            let now = self.live.0.social.store().clock().now();
            let micros = u64::try_from(now.0 - frame.event.at.0).unwrap_or_default();
            metrics.lag.observe(Duration::from_micros(micros).as_secs_f64());
        }
    }

    /// Whether there is something that the subscriber has not heard yet of all that was in the
    /// log at a position.
    #[must_use]
    pub fn is_behind(&self, position: Seq) -> bool {
        self.share.is_some() || self.listener.position() < position
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.live.0.metrics.subscriptions.dec();
    }
}

fn ended(error: &Error) -> Box<Response> {
    let error: async_graphql::Error = ApiError::from(error).into();
    let error = error.into_server_error(async_graphql::Pos::default());
    Box::new(Response::from_errors(vec![error]))
}
