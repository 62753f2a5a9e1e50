//! What a stream listens to.

use crate::broker::{Followers, Subscription};
use crate::model::{Event, Position, Topic};
use crate::store::Store;
use crate::store::log::Log;
use futures_util::future::select_all;
use tokio::sync::watch;

/// Where the events of a stream are to be found in the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Topics {
    /// In these topics.
    These(Vec<Topic>),
    /// Anywhere: the stream looks at every event.
    All,
}

/// Which events of the log a stream tells.
pub trait Source: Send + Sync {
    /// Where they are to be found.
    fn topics(&self) -> Topics;

    /// Whether an event that was found there concerns the stream.
    fn concerns(&self, event: &Event, store: &Store) -> bool;

    /// Whether the stream is over with an event that was found there.
    fn ends(&self, event: &Event) -> bool;
}

/// Tells that there may be something new in topics.
pub enum News {
    /// By what follows topics.
    Topics(Vec<Subscription>),
    /// By the log itself.
    Log(watch::Receiver<Position>),
}

impl News {
    /// Follows topics from now on.
    #[must_use]
    pub fn follow(topics: &Topics, followers: &Followers, log: &Log) -> Self {
        match topics {
            Topics::These(topics) => Self::Topics(topics.iter().map(|topic| followers.subscribe(topic)).collect()),
            Topics::All => {
                let mut positions = log.positions();
                positions.mark_unchanged();
                Self::Log(positions)
            }
        }
    }

    /// Waits until there is something that was not told before.
    pub async fn changed(&mut self) {
        match self {
            Self::Topics(topics) => match topics.as_mut_slice() {
                [] => std::future::pending().await,
                [topic] => topic.changed().await,
                topics => {
                    select_all(topics.iter_mut().map(|topic| Box::pin(topic.changed()))).await;
                }
            },
            Self::Log(positions) => {
                if positions.changed().await.is_err() {
                    std::future::pending().await
                }
            }
        }
    }
}
