//! Over the database itself, where there is nothing else.
//!
//! Of commits PostgreSQL tells the nodes in any case, so this carries only what is short.

use super::{Broker, Subject};
use crate::model::Result;
use crate::store::Store;
use crate::store::notices::{LONGEST, Notices};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

/// Notices of a database that all nodes are connected to.
pub struct Database {
    notices: Notices,
    connected: watch::Sender<bool>,
}

impl Database {
    /// Over a store's database.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        Self {
            notices: store.notices().clone(),
            connected: watch::Sender::new(true),
        }
    }
}

impl Broker for Database {
    fn longest(&self) -> usize {
        // Three bytes become four, and before them stands who sends them about what.
        (LONGEST - 32) / 4 * 3
    }

    fn send(&self, subject: Subject, message: Bytes) -> bool {
        let text = STANDARD_NO_PAD.encode(message);
        self.notices.send(&format!("{} {text}", subject.as_str()))
    }

    fn messages(&self, subject: Subject) -> BoxFuture<'_, Result<BoxStream<'static, Bytes>>> {
        let notices = stream::unfold(self.notices.receive(), |mut notices| async {
            loop {
                match notices.recv().await {
                    Ok(notice) => return Some((notice, notices)),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        });
        let messages = notices.filter_map(move |notice| {
            let message = notice.split_once(' ').filter(|(of, _)| *of == subject.as_str());
            let message = message.and_then(|(_, text)| STANDARD_NO_PAD.decode(text).ok());
            std::future::ready(message.map(Bytes::from))
        });
        Box::pin(std::future::ready(Ok(messages.boxed())))
    }

    fn connected(&self) -> watch::Receiver<bool> {
        self.connected.subscribe()
    }

    /// It is no part of its own, but the database.
    fn ready(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
