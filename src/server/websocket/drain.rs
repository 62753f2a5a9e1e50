//! How a socket ends with its server.

use std::time::Duration;

use tokio::time::Instant;

/// How long a socket may take for what it has not been sent yet.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// A socket that is to be closed once it has got everything that there is.
pub(super) struct Drain {
    /// When to look next whether it may be closed.
    at: Instant,
    /// When it is closed anyway.
    deadline: Instant,
    /// What was in the log when it was to be closed is sent first.
    upto: Option<i64>,
}

impl Drain {
    /// Begins at a moment.
    pub(super) fn begin(at: Instant) -> Self {
        Self {
            at,
            deadline: at + PATIENCE,
            upto: None,
        }
    }

    /// When to look next.
    pub(super) fn at(&self) -> Instant {
        self.at
    }

    /// Up to which event the socket is sent what there is: `newest`, asked the first time.
    pub(super) fn upto(&mut self, newest: impl FnOnce() -> i64) -> i64 {
        *self.upto.get_or_insert_with(newest)
    }

    /// Whether the socket is closed now, or looked at again.
    pub(super) fn is_over(&mut self, now: Instant, owes: bool) -> bool {
        self.at = now + LOOK;
        !owes || self.deadline <= now
    }
}
