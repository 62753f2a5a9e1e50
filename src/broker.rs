//! Carries events to whoever follows their topics.
//!
//! The log is the truth; the broker only says that a topic has something new and up to which
//! event. What it loses or merges costs time, never an event.

mod memory;

pub use memory::Memory;

use crate::model::{Event, Result, Seq, Topic};
use std::future::Future;
use std::sync::Arc;

/// At most once, in order per topic: the log repairs.
pub trait Broker: Send + Sync + 'static {
    /// Tells those who follow the events' topics. The caches have the events already.
    fn publish(&self, events: &[Arc<Event>]);

    /// Follows a topic from now on.
    fn subscribe(&self, topic: &Topic) -> Subscription;

    /// Whether it can be reached.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when it can't.
    fn ready(&self) -> impl Future<Output = Result<()>> + Send;
}

/// A topic that is followed. Ends when dropped.
pub struct Subscription {
    news: tokio::sync::watch::Receiver<Seq>,
    _leave: Leave,
}

impl Subscription {
    /// Waits until the topic has something that was not told before. Several are told as one.
    pub async fn changed(&mut self) {
        if self.news.changed().await.is_err() {
            // The broker is gone, and with it the process.
            std::future::pending::<()>().await;
        }
    }
}

/// Does what there is to do when the last follower of a topic leaves.
struct Leave(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Drop for Leave {
    fn drop(&mut self) {
        if let Some(leave) = self.0.take() {
            leave();
        }
    }
}
