//! The transports: HTTP and WebSocket.
//!
//! They know requests, frames and time limits; what a document means is `graphql`'s business.

mod answer;
mod bearer;
mod compression;
mod connection;
mod cors;
mod forwarded;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod health;
mod metrics;
mod multipart;
mod operation;
mod overload;
mod panic;
mod playground;
mod reader;
mod request;
mod request_id;
mod routes;
mod share;
mod sse;
mod stream;
mod trace;
mod untaken;
mod websocket;

pub use connection::MOST as MOST_CONNECTIONS;
pub use metrics::expose;
pub use playground::Settings;

use std::{io, net::SocketAddr, ops::Deref, sync::Arc, time::Duration};

use async_graphql::{ErrorExtensionValues, Response, ServerError};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::{Networks, Origins},
    graphql::Api,
    metrics::Metrics,
};

/// How long requests under way and WebSockets may take once the end was asked for.
const GRACE: Duration = Duration::from_secs(8);

/// Over how long streams are closed when the server ends, and how much of it one of them takes.
const DRAIN: Duration = Duration::from_secs(5);
const DRAIN_STEP: Duration = Duration::from_micros(500);

/// How long to wait before accepting again when the system has no room for a connection.
const OUT_OF_ROOM: Duration = Duration::from_millis(100);

/// What the kernel holds for one socket that is not read. It bounds the memory of slow readers,
/// and how long they stay unnoticed.
const SEND_BUFFER: u32 = 128 * 1024;

/// How the transports behave.
pub struct Options {
    /// Where to count.
    pub metrics: Metrics,
    /// Whether GraphiQL is left out.
    pub production: bool,
    /// What the app's page says of the server.
    pub settings: Settings,
    /// The most connections, and the most streams, of one address, and the most streams of one
    /// user; none: as many as they like.
    pub connections_per_address: Option<usize>,
    /// The proxies that tell a client's address.
    pub trusted_proxies: Networks,
    /// The web pages of other origins that may use the API.
    pub origins: Origins,
    /// The longest that a request may take.
    pub request_timeout: Duration,
    /// The most requests under way.
    pub max_requests: usize,
    /// The most operations of an array that is one request; 0: no arrays.
    pub batch: usize,
    /// How long a WebSocket may wait with its `connection_init`.
    pub websocket_init_timeout: Duration,
    /// How long a reader may take nothing while there is something to send.
    pub slow_reader_timeout: Duration,
}

/// What every handler has at hand. Cheap to clone: each layer of each request does.
#[derive(Clone)]
struct Server(Arc<Parts>);

/// What a server is made of.
struct Parts {
    api: Api,
    options: Options,
    /// A place for all that may be under way.
    places: overload::Places,
    /// Cancelled when the end was asked for.
    shutdown: CancellationToken,
    /// The connections and WebSockets that the end waits for.
    tasks: TaskTracker,
}

impl Deref for Server {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Server {
    /// How long one of all the streams may go on when the server ends.
    fn drain_after(&self) -> Duration {
        let metrics = &self.options.metrics;
        let streams = metrics.websockets.get() + metrics.http_streams.get();
        let all = DRAIN_STEP * u32::try_from(streams).unwrap_or_default();
        all.min(DRAIN).mul_f64(rand::random())
    }
}

/// An error as the API words it, as the result of an operation.
fn refuse(message: &str, code: &str) -> Response {
    let mut error = ServerError::new(message, None);
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code);
    error.extensions = Some(extensions);
    Response::from_errors(vec![error])
}

/// Binds a listener whose connections have a bounded send buffer.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(4096)
}

/// Serves until `shutdown`; then stops accepting, finishes what is under way and closes WebSockets.
pub async fn run(listener: TcpListener, api: Api, options: Options, shutdown: CancellationToken) -> io::Result<()> {
    let server = Server(Arc::new(Parts {
        api,
        places: overload::Places::new(options.max_requests),
        options,
        shutdown: shutdown.clone(),
        tasks: TaskTracker::new(),
    }));
    let connections = connection::Connections::new(server.clone());
    while let Some((stream, address)) = accept(&listener, &shutdown).await {
        connections.serve(stream, address);
    }
    drop(listener);

    server.tasks.close();
    if tokio::time::timeout(GRACE, server.tasks.wait()).await.is_err() {
        tracing::warn!(left = server.tasks.len(), "cutting connections");
    }
    Ok(())
}

/// The next connection; none once the end was asked for.
async fn accept(listener: &TcpListener, shutdown: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(connection) => return Some(connection),
            // A connection that was gone before it was accepted, or no file descriptor left.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(OUT_OF_ROOM).await;
            }
        }
    }
}
