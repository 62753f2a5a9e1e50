//! The memory of all frames together: beyond the budget, the oldest frame of any group goes.

use super::frame::Frame;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Weak};

/// The budget, and all frames by age. `G` is where a frame can be given up.
pub(super) struct Memory<G> {
    budget: usize,
    used: Arc<Used>,
    by_age: Mutex<VecDeque<(Weak<G>, Weak<Frame>)>>,
}

#[derive(Debug, Default)]
struct Used {
    bytes: AtomicUsize,
    frames: AtomicUsize,
}

/// What a frame takes, given back when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Charge(Option<(Arc<Used>, usize)>);

impl Drop for Charge {
    fn drop(&mut self) {
        if let Some((used, bytes)) = &self.0 {
            used.bytes.fetch_sub(*bytes, Relaxed);
            used.frames.fetch_sub(1, Relaxed);
        }
    }
}

impl<G> Memory<G> {
    pub(super) fn new(budget: usize) -> Self {
        Self {
            budget,
            used: Arc::default(),
            by_age: Mutex::default(),
        }
    }

    /// How many bytes all frames take.
    pub(super) fn used(&self) -> usize {
        self.used.bytes.load(Relaxed)
    }

    /// Charges a frame that is about to be shared.
    pub(super) fn charge(&self, frame: &mut Frame) {
        let bytes = frame.weight();
        self.used.bytes.fetch_add(bytes, Relaxed);
        self.used.frames.fetch_add(1, Relaxed);
        frame.charge = Charge(Some((Arc::clone(&self.used), bytes)));
    }

    /// Notes where a frame is kept, and gives the frames that have to go for it. Must be called
    /// without a lock on any of the places.
    pub(super) fn keep(&self, place: &Arc<G>, frame: &Arc<Frame>) -> Vec<(Arc<G>, Arc<Frame>)> {
        let mut by_age = self.by_age.lock();
        by_age.push_back((Arc::downgrade(place), Arc::downgrade(frame)));
        let mut going = Vec::new();
        let mut surplus = self.used().saturating_sub(self.budget);
        while surplus > 0 {
            let Some((place, frame)) = by_age.pop_front() else {
                break;
            };
            if let (Some(place), Some(frame)) = (place.upgrade(), frame.upgrade()) {
                surplus = surplus.saturating_sub(frame.weight());
                going.push((place, frame));
            }
        }
        // Frames also go by other ways.
        if by_age.len() > 2 * self.used.frames.load(Relaxed) + 1_024 {
            by_age.retain(|(_, frame)| frame.strong_count() > 0);
        }
        going
    }
}
