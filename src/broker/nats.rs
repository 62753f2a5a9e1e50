//! Over NATS: what one node publishes, the others are subscribed to.
//!
//! Linnet needs nothing of a server but core NATS, and no right beyond `linnet.>`.

use super::{Broker, Subject};
use crate::metrics::Metrics;
use crate::model::{Error, Result};
use async_nats::{Client, ClientError, ConnectOptions, Event, RequestErrorKind, ServerError};
use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{BoxStream, StreamExt as _};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use url::Url;

/// The longest message. With [`WAITING`] it bounds what waits for a server that takes nothing.
const LONGEST: usize = 128 << 10;
/// How many messages may wait, to be sent or to be taken.
const WAITING: usize = 128;
/// How often a silent server is asked whether it lives. Two questions without an answer, and the
/// connection is given up.
const PING: Duration = Duration::from_secs(1);
/// How long a server may take to connect, or to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait before the next attempt to connect, at the most.
const BACKOFF: Duration = Duration::from_secs(2);

/// A connection to a server of a NATS cluster, or to the next one when it is lost.
pub struct Nats {
    client: Client,
    /// What the subjects of the installation begin with.
    prefix: String,
    connected: watch::Receiver<bool>,
    metrics: Metrics,
}

impl Nats {
    /// Begins to connect, and goes on for ever. The servers' addresses are `nats://` or `tls://`; the
    /// first that names a user with a password, or a token, says who connects to all of them.
    ///
    /// # Errors
    /// [`Error::Internal`] when an address is none.
    pub async fn connect(servers: &[Url], installation: &str, metrics: Metrics) -> Result<Self> {
        let (state, connected) = watch::channel(false);
        let prefix = format!("linnet.{installation}");
        let watcher = Arc::new(Watcher {
            state,
            told: Mutex::default(),
            is_encrypted: servers.iter().any(is_encrypted),
            metrics: metrics.clone(),
        });
        let options = credentials(ConnectOptions::new(), servers)
            .name("linnet")
            .custom_inbox_prefix(format!("{prefix}.inbox"))
            .no_echo()
            .retry_on_initial_connect()
            .connection_timeout(PATIENCE)
            .ping_interval(PING)
            .client_capacity(WAITING)
            .subscription_capacity(WAITING)
            .reconnect_delay_callback(delay)
            .event_callback(move |event| {
                watcher.notice(&event);
                std::future::ready(())
            });
        let addresses: Vec<String> = servers.iter().map(|url| bare(url.clone()).to_string()).collect();
        let client = options.connect(addresses).await.map_err(Error::internal)?;
        Ok(Self {
            client,
            prefix,
            connected,
            metrics,
        })
    }

    fn subject(&self, of: &str) -> String {
        format!("{}.{of}", self.prefix)
    }
}

impl Broker for Nats {
    fn longest(&self) -> usize {
        LONGEST.min(self.client.max_payload())
    }

    fn send(&self, subject: Subject, message: Bytes) -> bool {
        let sending = self.client.publish(self.subject(subject.as_str()), message);
        // A client that is not ready at once has as much waiting as it may.
        let sent = *self.connected.borrow() && matches!(sending.now_or_never(), Some(Ok(())));
        match sent {
            true => self.metrics.broker_sent.inc(),
            false => self.metrics.broker_unsent.inc(),
        };
        sent
    }

    fn messages(&self, subject: Subject) -> BoxFuture<'_, Result<BoxStream<'static, Bytes>>> {
        Box::pin(async move {
            let subscriber = self.client.subscribe(self.subject(subject.as_str())).await;
            let received = self.metrics.broker_received.clone();
            let messages = subscriber.map_err(Error::internal)?.map(move |message| {
                received.inc();
                message.payload
            });
            Ok(messages.boxed())
        })
    }

    fn connected(&self) -> watch::Receiver<bool> {
        self.connected.clone()
    }

    fn ready(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            if !*self.connected.borrow() {
                return Err(Error::internal("not connected"));
            }
            // The server itself answers that nobody is there, so this has gone both ways.
            let asked = self.client.request(self.subject("nobody"), Bytes::new()).await;
            match asked {
                Err(error) if error.kind() != RequestErrorKind::NoResponders => Err(Error::internal(error)),
                _ => Ok(()),
            }
        })
    }
}

/// What else may be wrong where servers show certificates.
pub const CERTIFICATES: &str =
    "; over TLS a server's certificate must be signed by who is known here: SSL_CERT_FILE names others";

/// Whether a server is spoken to over TLS alone.
#[must_use]
pub fn is_encrypted(server: &Url) -> bool {
    server.scheme() == "tls"
}

/// Notices what becomes of the connection.
struct Watcher {
    state: watch::Sender<bool>,
    /// What was logged last, so that it is logged once.
    told: Mutex<String>,
    /// Whether servers have to show certificates.
    is_encrypted: bool,
    metrics: Metrics,
}

impl Watcher {
    fn notice(&self, event: &Event) {
        match event {
            Event::Connected => {
                self.told.lock().clear();
                tracing::info!("connected to the broker");
                self.set(true);
            }
            Event::Disconnected | Event::Closed => {
                self.set(false);
                self.tell("the connection is lost");
            }
            Event::ServerError(ServerError::AuthorizationViolation) => self.refused(),
            Event::ServerError(error) => self.tell(&error.to_string()),
            Event::ClientError(ClientError::Other(reason)) if reason.contains("authorization") => self.refused(),
            Event::ClientError(ClientError::Other(reason)) if !*self.state.borrow() => self.tell(reason),
            // Messages were lost that were not taken soon enough.
            Event::SlowConsumer(_) => drop(self.metrics.broker_lost.inc()),
            _ => {}
        }
    }

    fn set(&self, connected: bool) {
        self.state.send_replace(connected);
        self.metrics.broker_connected.set(connected.into());
    }

    fn tell(&self, reason: &str) {
        if self.is_new(reason) {
            // The client keeps to itself what was wrong with a certificate.
            let hint = if self.is_encrypted { CERTIFICATES } else { "" };
            tracing::warn!(
                reason,
                "the broker is out of reach: events go through the database meanwhile{hint}"
            );
        }
    }

    fn refused(&self) {
        if self.is_new("refused") {
            tracing::error!("the broker refuses the credentials of --broker-url: events go through the database");
        }
    }

    fn is_new(&self, reason: &str) -> bool {
        let mut told = self.told.lock();
        let is_new = *told != reason;
        reason.clone_into(&mut told);
        is_new
    }
}

/// How long to wait before an attempt to connect: longer each time, and not as long as others.
fn delay(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    let whole = match attempts {
        0 | 1 => Duration::ZERO,
        _ => Duration::from_millis(10).saturating_mul(1 << doublings),
    };
    whole.min(BACKOFF).mul_f64(rand::random_range(0.5..=1.0))
}

/// Says who connects: a user with a password, or by a name alone a token.
fn credentials(options: ConnectOptions, servers: &[Url]) -> ConnectOptions {
    let Some(url) = servers.iter().find(|url| !url.username().is_empty()) else {
        return options;
    };
    let plain = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    match url.password() {
        Some(password) => options.user_and_password(plain(url.username()), plain(password)),
        None => options.token(plain(url.username())),
    }
}

/// An address that may be shown: without credentials.
fn bare(mut url: Url) -> Url {
    // These fail for addresses without a host only.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_become_rare_but_never_cease() {
        assert_eq!(delay(1), Duration::ZERO);
        for attempts in 2..100 {
            assert!(delay(attempts) <= BACKOFF);
        }
        assert!(delay(usize::MAX) >= BACKOFF / 2);
    }

    #[test]
    fn an_address_shows_no_secret() {
        let url = Url::parse("tls://linnet:s%40cret@nats.example:4222").unwrap();
        assert_eq!(bare(url).as_str(), "tls://nats.example:4222");
    }
}
