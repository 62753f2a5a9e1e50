//! One broker, and another one for as long as the first is away.

use super::{Broker, Subject};
use crate::model::Result;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt as _, select};
use std::sync::Arc;
use tokio::sync::watch;

/// Sends by the first broker that takes a message, and hears both.
pub struct Fallback {
    /// What is used.
    pub first: Arc<dyn Broker>,
    /// What is used when that can't.
    pub second: Arc<dyn Broker>,
}

impl Broker for Fallback {
    fn longest(&self) -> usize {
        self.first.longest().min(self.second.longest())
    }

    fn send(&self, subject: Subject, message: Bytes) -> bool {
        self.first.send(subject, message.clone()) || self.second.send(subject, message)
    }

    fn messages(&self, subject: Subject) -> BoxFuture<'_, Result<BoxStream<'static, Bytes>>> {
        Box::pin(async move {
            let (first, second) = (
                self.first.messages(subject).await?,
                self.second.messages(subject).await?,
            );
            Ok(select(first, second).boxed())
        })
    }

    fn connected(&self) -> watch::Receiver<bool> {
        self.first.connected()
    }

    fn ready(&self) -> BoxFuture<'_, Result<()>> {
        self.first.ready()
    }
}
