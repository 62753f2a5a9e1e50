//! Who follows which topic within a process.

use crate::model::{Event, Seq, Topic};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::watch;

/// Who follows which topic. Cheap to clone.
#[derive(Clone, Default)]
pub struct Followers(Arc<Mutex<HashMap<Topic, watch::Sender<Seq>>>>);

impl Followers {
    /// Tells those who follow the events' topics. The caches have the events already.
    pub fn publish(&self, events: &[Arc<Event>]) {
        let topics = self.0.lock();
        if topics.is_empty() {
            return;
        }
        for event in events {
            for (topic, _) in &event.body.topics {
                if let Some(news) = topics.get(topic) {
                    news.send_replace(event.position.seq);
                }
            }
        }
    }

    /// Follows a topic from now on.
    #[must_use]
    pub fn subscribe(&self, topic: &Topic) -> Subscription {
        let news = self.0.lock().entry(topic.clone()).or_default().subscribe();
        let (followers, topic) = (self.clone(), topic.clone());
        let leave = move || {
            let mut topics = followers.0.lock();
            if topics.get(&topic).is_some_and(|news| news.receiver_count() == 0) {
                topics.remove(&topic);
            }
        };
        Subscription {
            news,
            _leave: Leave(Some(Box::new(leave))),
        }
    }
}

/// A topic that is followed. Ends when dropped.
pub struct Subscription {
    news: watch::Receiver<Seq>,
    _leave: Leave,
}

impl Subscription {
    /// Waits until the topic has something that was not told before. Several are told as one.
    pub async fn changed(&mut self) {
        if self.news.changed().await.is_err() {
            // They are gone, and the process with them.
            std::future::pending::<()>().await;
        }
    }
}

/// Does what there is to do when a follower of a topic leaves.
struct Leave(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Drop for Leave {
    fn drop(&mut self) {
        if let Some(leave) = self.0.take() {
            leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_nobody_follows_is_forgotten() {
        let followers = Followers::default();
        let topic = Topic::hashtag("rust");
        let (one, two) = (followers.subscribe(&topic), followers.subscribe(&topic));
        drop(one);
        assert_eq!(followers.0.lock().len(), 1);
        drop(two);
        assert_eq!(followers.0.lock().len(), 0);
    }
}
