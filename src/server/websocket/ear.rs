//! Tells what woke a task: events of a stream, of which there are many, or anything else.
//!
//! Whoever else has something for the task calls through the ear. If it was not called there is no
//! need to look at the socket's other end, at timers and at operations, which are many cold
//! places in memory with ten thousand sockets.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Waker},
};

use futures_util::task::{ArcWake, AtomicWaker, waker};

/// A task's ear for everything but its streams.
pub(super) struct Ear {
    heard: Arc<Heard>,
    waker: Waker,
}

struct Heard {
    called: AtomicBool,
    task: AtomicWaker,
}

impl ArcWake for Heard {
    fn wake_by_ref(heard: &Arc<Self>) {
        heard.called.store(true, Ordering::Release);
        heard.task.wake();
    }
}

impl Ear {
    /// An ear that was called: there is something to look at first.
    pub(super) fn new() -> Self {
        let heard = Arc::new(Heard {
            called: AtomicBool::new(true),
            task: AtomicWaker::new(),
        });
        Self {
            waker: waker(heard.clone()),
            heard,
        }
    }

    /// Whether it was called since the last time. From now on it wakes this task.
    pub(super) fn listen(&self, cx: &Context<'_>) -> bool {
        self.heard.task.register(cx.waker());
        self.heard.called.swap(false, Ordering::Acquire)
    }

    /// Makes the task look at everything when it runs next.
    pub(super) fn remember(&self) {
        self.heard.called.store(true, Ordering::Release);
    }

    /// What others call.
    pub(super) fn waker(&self) -> Waker {
        self.waker.clone()
    }
}
