//! Walks of the log: one address may have only so many at once, the others wait.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::Waker;

/// The most walks of one address at once.
const MOST: usize = 4;

/// All walks, by address. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Walks {
    limited: bool,
    addresses: Arc<Mutex<HashMap<IpAddr, Address>>>,
}

#[derive(Default)]
struct Address {
    walks: usize,
    waiting: Vec<Waker>,
}

/// One walk; over when dropped.
pub(super) struct Permit {
    walks: Walks,
    address: Option<IpAddr>,
}

impl Walks {
    pub(super) fn new(limited: bool) -> Self {
        Self {
            limited,
            addresses: Arc::default(),
        }
    }

    /// Begins a walk, or has the waker woken when one may begin.
    pub(super) fn begin(&self, address: Option<IpAddr>, waker: &Waker) -> Option<Permit> {
        let address = address.filter(|_| self.limited);
        if let Some(address) = address {
            let mut addresses = self.addresses.lock();
            let of_address = addresses.entry(address).or_default();
            if of_address.walks >= MOST {
                if !of_address.waiting.iter().any(|waiting| waiting.will_wake(waker)) {
                    of_address.waiting.push(waker.clone());
                }
                return None;
            }
            of_address.walks += 1;
        }
        Some(Permit {
            walks: self.clone(),
            address,
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut addresses = self.walks.addresses.lock();
        let Some(of_address) = addresses.get_mut(&address) else {
            return;
        };
        of_address.walks -= 1;
        let waiting = std::mem::take(&mut of_address.waiting);
        if of_address.walks == 0 {
            addresses.remove(&address);
        }
        drop(addresses);
        // All of them: who was first may have gone, or be served by another's walk by now.
        waiting.into_iter().for_each(Waker::wake);
    }
}
