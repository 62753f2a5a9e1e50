//! One TCP connection: HTTP/1.1 or HTTP/2, with limits in number and time.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};
use tower::ServiceExt;

use super::{Server, routes};
use crate::graphql::limit::network;

/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The most connections at once.
pub const MOST: usize = 100_000;

const TOO_MANY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 10\r\n\
    content-length: 0\r\nconnection: close\r\n\r\n";

/// The other end of a connection, as handlers see it in a request's extensions.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) address: IpAddr,
    /// What the peer takes.
    pub(super) traffic: Arc<Traffic>,
    /// Its place among all connections, which it keeps when it becomes a WebSocket.
    _place: Arc<Place>,
}

impl Peer {
    /// The client behind a proxy that is the other end.
    pub(super) fn at(self, address: IpAddr) -> Self {
        Self { address, ..self }
    }
}

/// What a peer takes of what it is sent.
pub(super) struct Traffic {
    last: Mutex<Instant>,
    /// Whether somebody else judges how slow the peer may be.
    is_watched: AtomicBool,
}

impl Traffic {
    /// When the peer last took something.
    pub(super) fn last(&self) -> Instant {
        *self.last.lock()
    }

    /// Leaves it to the caller how slow the peer may be.
    pub(super) fn watch(&self) {
        self.is_watched.store(true, Ordering::Relaxed);
    }
}

/// All connections of a server.
pub(super) struct Connections {
    server: Server,
    router: Router,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Connections {
    pub(super) fn new(server: Server) -> Self {
        Self {
            router: routes::router(server.clone()),
            server,
            open: Arc::default(),
        }
    }

    /// Serves a connection in the background, or turns it away.
    pub(super) fn serve(&self, stream: TcpStream, address: SocketAddr) {
        match Place::take(self, address.ip()) {
            Some(place) => {
                let place = Arc::new(place);
                let serving = serve(stream, place, self.router.clone(), self.server.clone());
                self.server.tasks.spawn(serving);
            }
            None => {
                self.server.tasks.spawn(turn_away(stream));
            }
        }
    }
}

/// A connection's place among all; free again when dropped.
pub(super) struct Place {
    open: Arc<Mutex<Open>>,
    address: IpAddr,
    server: Server,
}

impl Place {
    fn take(connections: &Connections, address: IpAddr) -> Option<Self> {
        let server = connections.server.clone();
        let mut open = connections.open.lock();
        // Behind a proxy there are many clients.
        let limit = server.options.connections_per_address;
        let limit = limit.filter(|_| !server.options.trusted_proxies.contain(address));
        let address = network(address);
        let of_address = open.by_address.entry(address).or_default();
        if limit.is_some_and(|limit| *of_address >= limit) {
            return None;
        }
        *of_address += 1;
        open.all += 1;
        let open_now = open.all;
        drop(open);

        server.options.metrics.connections.inc();
        let place = Self {
            open: connections.open.clone(),
            address,
            server,
        };
        (open_now <= MOST).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.lock();
        open.all -= 1;
        if let Some(of_address) = open.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                open.by_address.remove(&self.address);
            }
        }
        self.server.options.metrics.connections.dec();
    }
}

async fn turn_away(mut stream: TcpStream) {
    // Whoever does not take even this much just loses the connection.
    let _ = tokio::time::timeout(Duration::from_secs(1), stream.write_all(TOO_MANY)).await;
}

async fn serve(stream: TcpStream, place: Arc<Place>, router: Router, server: Server) {
    let address = place.address;
    tracing::debug!(%address, "new client");
    // Frames of a stream are small and must not wait for one another.
    let _ = stream.set_nodelay(true);
    let traffic = Arc::new(Traffic {
        last: Mutex::new(Instant::now()),
        is_watched: AtomicBool::new(false),
    });
    let stream = Noting {
        stream,
        traffic: traffic.clone(),
        timeout: server.options.slow_reader_timeout,
        blocked: None,
    };
    let peer = Peer {
        address,
        traffic,
        _place: place,
    };
    let begun = AtomicBool::new(false);
    let service = service_fn(|mut request: Request<Incoming>| {
        begun.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(peer.clone());
        router.clone().oneshot(request.map(Body::new))
    });

    let builder = builder();
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    let mut head_timeout = pin!(tokio::time::sleep(HEAD_TIMEOUT));
    let (mut ending, mut waiting) = (false, true);
    loop {
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(%error, %address, "connection failed");
                }
                return;
            }
            () = server.shutdown.cancelled(), if !ending => {
                ending = true;
                connection.as_mut().graceful_shutdown();
            }
            // hyper's own timers start only after it has told HTTP/1 from HTTP/2.
            () = head_timeout.as_mut(), if waiting => {
                waiting = false;
                if !begun.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(64 * 1024);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(32 * 1024)
        .keep_alive_interval(Duration::from_secs(25))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

/// A stream that notes when its peer last took something, and ends when a peer takes nothing for
/// too long while there is something to send.
struct Noting {
    stream: TcpStream,
    traffic: Arc<Traffic>,
    timeout: Duration,
    /// Since something waits for the peer.
    blocked: Option<Pin<Box<Sleep>>>,
}

impl Noting {
    fn note(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(_) => {
                self.blocked = None;
                *self.traffic.last.lock() = Instant::now();
            }
            Poll::Pending if !self.traffic.is_watched.load(Ordering::Relaxed) => {
                let timeout = self.timeout;
                let blocked = self
                    .blocked
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
                if blocked.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
            }
            Poll::Pending => {}
        }
        written
    }
}

impl AsyncRead for Noting {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Noting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.note(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
