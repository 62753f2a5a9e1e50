//! Tells what is new to whoever wants to know: the followers of [`Followers`] within a process, and
//! the other nodes of an installation.
//!
//! The log is the truth. What goes between nodes only spares them the way to the database, and
//! what is lost of it costs time, never an event.

mod database;
mod fallback;
mod followers;
pub mod nats;

pub use database::Database;
pub use fallback::Fallback;
pub use followers::{Followers, Subscription};
pub use nats::Nats;

use crate::model::Result;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use tokio::sync::watch;

/// What messages between nodes are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Events that a node has committed.
    Events,
    /// What callers were charged at a node.
    Charges,
}

impl Subject {
    fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Charges => "charges",
        }
    }
}

/// Carries messages between the nodes of one installation: each to all other nodes, at most once,
/// those of one sender in order.
pub trait Broker: Send + Sync + 'static {
    /// The longest message that it carries at present, in bytes.
    fn longest(&self) -> usize;

    /// Sends to the other nodes. Never waits: false when the message can't go now.
    fn send(&self, subject: Subject, message: Bytes) -> bool;

    /// What other nodes send from now on, over broken connections too. What is not taken soon is
    /// lost.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the broker is closed.
    fn messages(&self, subject: Subject) -> BoxFuture<'_, Result<BoxStream<'static, Bytes>>>;

    /// Tells whether it carries anything at present, as far as is known.
    fn connected(&self) -> watch::Receiver<bool>;

    /// Whether it answers.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when it does not.
    fn ready(&self) -> BoxFuture<'_, Result<()>>;
}
