//! How much an import writes at a time, and what it leaves to others.

use crate::store::bulk::ROWS;
use std::time::{Duration, Instant};

/// How long a transaction should take beside a server, with the turns before and after it: it
/// holds the lock for about 20 milliseconds of that.
const STEP: Duration = Duration::from_millis(25);
/// How long where no request waits for the lock.
const LONG_STEP: Duration = Duration::from_secs(1);
/// The most rows of a transaction there: pages that many rows share, and the text index's newest part,
/// are written once for all of them.
pub(super) const LONG_ROWS: usize = 4 * ROWS;
/// The pause after one: who waits for the lock looks for it every few milliseconds.
const REST: Duration = Duration::from_millis(1);
/// The fewest rows of a transaction.
const FEWEST: usize = 32;

/// Fits the size of transactions to the time that they take.
#[derive(Debug)]
pub(crate) struct Pace {
    rows: usize,
}

/// A transaction that is being measured.
pub(crate) struct Step {
    begun: Instant,
    rows: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { rows: 100 }
    }
}

impl Pace {
    /// How many rows the next transaction may write: one of few sizes, so that statements stay
    /// compiled.
    pub(crate) fn rows(&self) -> usize {
        self.rows - self.rows % FEWEST
    }

    /// Begins to measure a transaction of some rows.
    pub(crate) fn step(&self, rows: usize) -> Step {
        Step {
            begun: Instant::now(),
            rows,
        }
    }

    /// Ends the transaction, and pauses where requests may wait for the lock: `is_served`.
    pub(crate) async fn rest(&mut self, step: Step, is_served: bool) {
        let took = step.begun.elapsed().as_micros().max(1);
        let (aim, most) = if is_served {
            (STEP, ROWS)
        } else {
            (LONG_STEP, LONG_ROWS)
        };
        let fitting = aim.as_micros() * step.rows as u128 / took;
        let fitting = usize::try_from(fitting).unwrap_or(most);
        // Half the way, so that one slow commit does not make many small ones.
        self.rows = usize::midpoint(self.rows, fitting.min(2 * most)).clamp(FEWEST, most);
        if !is_served {
            return;
        }
        // The runtime's own timer would make two milliseconds of it.
        drop(tokio::task::spawn_blocking(|| std::thread::sleep(REST)).await);
    }
}
