//! Within one process.

use super::{Broker, Leave, Subscription};
use crate::model::{Event, Result, Seq, Topic};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::watch;

/// The default broker: topics that are followed, in memory. Cheap to clone.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<HashMap<Topic, watch::Sender<Seq>>>>);

impl Broker for Memory {
    fn publish(&self, events: &[Arc<Event>]) {
        let topics = self.0.lock();
        if topics.is_empty() {
            return;
        }
        for event in events {
            for (topic, _) in &event.body.topics {
                if let Some(followers) = topics.get(topic) {
                    followers.send_replace(event.position.seq);
                }
            }
        }
    }

    fn subscribe(&self, topic: &Topic) -> Subscription {
        let news = self.0.lock().entry(topic.clone()).or_default().subscribe();
        let (topics, topic) = (self.clone(), topic.clone());
        let leave = move || {
            let mut topics = topics.0.lock();
            if topics
                .get(&topic)
                .is_some_and(|followers| followers.receiver_count() == 0)
            {
                topics.remove(&topic);
            }
        };
        Subscription {
            news,
            _leave: Leave(Some(Box::new(leave))),
        }
    }

    async fn ready(&self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_nobody_follows_is_forgotten() {
        let broker = Memory::default();
        let topic = Topic::hashtag("rust");
        let (one, two) = (broker.subscribe(&topic), broker.subscribe(&topic));
        drop(one);
        assert_eq!(broker.0.lock().len(), 1);
        drop(two);
        assert_eq!(broker.0.lock().len(), 0);
    }
}
