//! Walks of the log: one address may have only so many at once, the others wait.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Weak};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most walks of one address at once.
const MOST: usize = 4;

/// All addresses that walk.
pub(super) struct Walks {
    limited: bool,
    addresses: Mutex<HashMap<IpAddr, Weak<Semaphore>>>,
}

/// What a run needs for a walk. While it does not walk, others may.
pub(super) struct Pass {
    /// None: nobody has to wait.
    turnstile: Option<Arc<Semaphore>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Walks {
    pub(super) fn new(limited: bool) -> Self {
        Self {
            limited,
            addresses: Mutex::default(),
        }
    }

    /// A pass for a run that somebody from this address needs.
    pub(super) fn pass(&self, address: Option<IpAddr>) -> Pass {
        let turnstile = address.filter(|_| self.limited).map(|address| {
            let mut addresses = self.addresses.lock();
            if let Some(turnstile) = addresses.get(&address).and_then(Weak::upgrade) {
                return turnstile;
            }
            addresses.retain(|_, turnstile| turnstile.strong_count() > 0);
            let turnstile = Arc::new(Semaphore::new(MOST));
            addresses.insert(address, Arc::downgrade(&turnstile));
            turnstile
        });
        Pass {
            turnstile,
            permit: None,
        }
    }
}

impl Pass {
    /// Waits until the walk may begin, or go on.
    pub(super) async fn enter(&mut self) {
        if let (None, Some(turnstile)) = (&self.permit, &self.turnstile) {
            self.permit = Arc::clone(turnstile).acquire_owned().await.ok();
        }
    }

    /// The walk rests.
    pub(super) fn leave(&mut self) {
        self.permit = None;
    }

    /// The walk is over.
    pub(super) fn end(&mut self) {
        self.turnstile = None;
        self.permit = None;
    }
}
