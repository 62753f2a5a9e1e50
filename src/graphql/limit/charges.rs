//! What nodes tell each other of what they have charged.
//!
//! A message is a line for each caller, in JSON. One that is lost lets its callers do so much more.

use super::{Counts, Limiter, Who};
use crate::broker::{Broker, Subject};
use bytes::Bytes;
use futures_util::StreamExt as _;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How often other nodes are told.
const INTERVAL: Duration = Duration::from_millis(75);
/// How many callers they are told of at once. There may be more: of those nothing is told.
const CALLERS: usize = 4_096;

/// What the other nodes have not been told yet: of each caller the cost and the number of writes.
pub(super) struct Untold(Option<Mutex<HashMap<Who, (u64, u64)>>>);

impl Untold {
    /// Nothing yet; nothing ever where there are no other nodes.
    pub(super) fn new(shared: bool) -> Self {
        Self(shared.then(Mutex::default))
    }

    pub(super) fn add(&self, who: Who, cost: u64, writes: u64) {
        let Some(callers) = &self.0 else { return };
        let mut callers = callers.lock();
        if cost + writes > 0 && (callers.len() < CALLERS || callers.contains_key(&who)) {
            let (costs, all) = callers.entry(who).or_default();
            *costs = costs.saturating_add(cost);
            *all = all.saturating_add(writes);
        }
    }

    fn take(&self) -> HashMap<Who, (u64, u64)> {
        self.0
            .as_ref()
            .map(|callers| std::mem::take(&mut *callers.lock()))
            .unwrap_or_default()
    }
}

impl Limiter {
    /// Tells other nodes what callers are charged here, and charges them what others tell.
    pub async fn exchange(&self, broker: &dyn Broker) {
        let Some(counts) = &self.0 else { return };
        let listening = async {
            match broker.messages(Subject::Charges).await {
                Ok(mut messages) => {
                    while let Some(message) = messages.next().await {
                        counts.charge(&message);
                    }
                }
                Err(error) => tracing::warn!(?error, "can't hear what callers are charged elsewhere"),
            }
        };
        tokio::select! {
            () = tell(counts, broker) => {}
            () = listening => {}
        }
    }
}

async fn tell(counts: &Counts, broker: &dyn Broker) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let told = messages(counts.untold.take(), broker.longest());
        // Where one can't go now, the others can't either.
        let _ = told.into_iter().all(|message| broker.send(Subject::Charges, message));
    }
}

/// Messages that are not too long.
fn messages(callers: HashMap<Who, (u64, u64)>, longest: usize) -> Vec<Bytes> {
    let mut messages = vec![Vec::new()];
    for (who, (cost, writes)) in callers {
        let Ok(mut line) = serde_json::to_vec(&(who, cost, writes)) else {
            continue;
        };
        line.push(b'\n');
        match messages.last_mut() {
            Some(message) if message.len() + line.len() <= longest => message.extend(line),
            _ => messages.push(line),
        }
    }
    let told = messages.into_iter().filter(|message| !message.is_empty());
    told.map(Bytes::from).collect()
}

impl Counts {
    /// Charges callers what another node has charged them.
    fn charge(&self, message: &[u8]) {
        for line in message.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let Ok((who, cost, writes)) = serde_json::from_slice::<(Who, u64, u64)>(line) else {
                continue;
            };
            self.cost.owe(who, cost);
            self.writes.owe(who, writes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserId;

    #[test]
    fn every_caller_is_told_of_in_messages_of_a_length() {
        let untold = Untold::new(true);
        for id in 0..1_000 {
            untold.add(Who::User(UserId(id)), 5, 0);
            untold.add(Who::User(UserId(id)), 5, 1);
        }
        let messages = messages(untold.take(), 200);
        assert!(messages.iter().all(|message| message.len() <= 200));
        let lines: usize = messages
            .iter()
            .map(|message| message.split(|byte| *byte == b'\n').count() - 1)
            .sum();
        assert_eq!(lines, 1_000);
        assert!(messages[0].starts_with(b"[{\"u\":"), "{:?}", messages[0]);
        assert!(untold.take().is_empty());
    }

    #[test]
    fn a_flood_of_callers_is_bounded() {
        let untold = Untold::new(true);
        for id in 0..100_000 {
            untold.add(Who::User(UserId(id)), 1, 0);
        }
        assert_eq!(untold.take().len(), CALLERS);
    }
}
