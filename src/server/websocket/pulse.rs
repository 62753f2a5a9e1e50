//! Whether the other end of a socket still lives.

use std::time::Duration;

use tokio::time::Instant;

/// How often that is looked at.
const INTERVAL: Duration = Duration::from_secs(25);
/// How long the answer to a ping may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take who is sent events meanwhile: what came before the ping is read before it.
const BUSY_PATIENCE: Duration = Duration::from_secs(60);

/// The pings of a socket.
pub(super) struct Pulse {
    next_ping: Instant,
    /// Since when a sign of life is waited for.
    pinged: Option<Instant>,
}

impl Pulse {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            next_ping: now + INTERVAL,
            pinged: None,
        }
    }

    /// Notes a sign of life.
    pub(super) fn beat(&mut self) {
        self.pinged = None;
    }

    /// When to look next. `taken`: when the other end last took something.
    pub(super) fn deadline(&self, taken: Instant) -> Instant {
        self.lost_at(taken)
            .map_or(self.next_ping, |lost| lost.min(self.next_ping))
    }

    /// Whether the other end counts as gone.
    pub(super) fn is_lost(&self, now: Instant, taken: Instant) -> bool {
        self.lost_at(taken).is_some_and(|lost| lost <= now)
    }

    fn lost_at(&self, taken: Instant) -> Option<Instant> {
        let pinged = self.pinged?;
        Some((taken.max(pinged) + PATIENCE).min(pinged + BUSY_PATIENCE))
    }

    /// Whether it is time for a ping, which is then to be sent.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.next_ping <= now;
        if is_due {
            self.next_ping = now + INTERVAL;
            self.pinged.get_or_insert(now);
        }
        is_due
    }
}
