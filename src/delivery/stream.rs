//! A topic's events from a position on: one loop over the log's numbers, whether they are past
//! or live. There is no hand-over between the two in which an event could be lost or come twice,
//! and no queue: a reader that lags is only further behind in the log.

use crate::broker::{Broker, Subscription};
use crate::model::{Event, Position, Result, Seq, Topic};
use crate::store::Store;
use std::collections::VecDeque;
use std::sync::Arc;

/// A reader of a topic.
pub struct Reader {
    store: Store,
    topic: Topic,
    news: Subscription,
    reached: Seq,
    ready: VecDeque<Arc<Event>>,
}

impl Reader {
    /// Opens a topic behind a position, or from now on.
    ///
    /// # Errors
    /// [`crate::model::Error::CursorExpired`] when the log can't go on from there.
    pub async fn open<B: Broker>(store: &Store, broker: &B, topic: Topic, after: Option<Position>) -> Result<Self> {
        // Followed before the log is looked at: what comes in between is told.
        let news = broker.subscribe(&topic);
        let reached = match after {
            Some(position) => {
                store.log().check(position).await?;
                position.seq
            }
            None => store.log().position().seq,
        };
        Ok(Self {
            store: store.clone(),
            topic,
            news,
            reached,
            ready: VecDeque::new(),
        })
    }

    /// The topic that is read.
    #[must_use]
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The next event of the topic.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the log can't be read.
    pub async fn next(&mut self) -> Result<Arc<Event>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            let (events, reached) = self.store.log().since(&self.topic, self.reached).await?;
            let idle = events.is_empty() && reached == self.reached;
            self.ready.extend(events);
            self.reached = reached;
            if idle {
                self.news.changed().await;
            }
        }
    }
}
