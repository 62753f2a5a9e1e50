//! One TCP connection: HTTP/1.1 or HTTP/2, with limits in number and time.

use std::{
    convert::Infallible,
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
use hyper::{Request, Version, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};
use tower::ServiceExt;

use super::{
    Server, routes,
    share::{Share, Shares},
    untaken::{Answers, Tasks},
};
use crate::graphql::limit::network;

/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The most connections at once.
pub const MOST: usize = 100_000;

/// How often answers over HTTP/2 are looked at, in the time that a slow reader has.
const LOOKS: u32 = 4;

const TOO_MANY: &str =
    r#"{"errors":[{"message":"too many connections are open","extensions":{"code":"RATE_LIMITED","retryAfter":10}}]}"#;

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
    /// The answers over HTTP/2.
    answers: Answers,
}

impl Traffic {
    fn new() -> Self {
        Self {
            last: Mutex::new(Instant::now()),
            is_watched: AtomicBool::new(false),
            answers: Answers::default(),
        }
    }

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
    open: Shares<IpAddr>,
}

impl Connections {
    pub(super) fn new(server: Server) -> Self {
        Self {
            router: routes::router(server.clone()),
            server,
            open: Shares::default(),
        }
    }

    /// Serves a connection in the background, or turns it away.
    pub(super) fn serve(&self, stream: TcpStream, address: SocketAddr) {
        match Place::take(self, address.ip()) {
            Some(place) => {
                let peer = Peer {
                    address: address.ip(),
                    traffic: Arc::new(Traffic::new()),
                    _place: Arc::new(place),
                };
                let serving = serve(stream, peer, self.router.clone(), self.server.clone());
                self.server.tasks.spawn(serving);
            }
            None => {
                self.server.tasks.spawn(turn_away(stream));
            }
        }
    }
}

/// A connection's place among all; free again when dropped.
struct Place {
    _share: Share<IpAddr>,
    server: Server,
}

impl Place {
    fn take(connections: &Connections, address: IpAddr) -> Option<Self> {
        let server = connections.server.clone();
        // Behind a proxy there are many clients.
        let each = server.options.connections_per_address;
        let each = each.filter(|_| !server.options.trusted_proxies.contain(address));
        let share = connections.open.take(network(address), each, MOST)?;
        server.options.metrics.connections.inc();
        Some(Self { _share: share, server })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.options.metrics.connections.dec();
    }
}

async fn turn_away(mut stream: TcpStream) {
    let length = TOO_MANY.len();
    let answer = format!(
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 10\r\ncontent-type: application/json; charset=utf-8\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{TOO_MANY}"
    );
    // Whoever does not take even this much just loses the connection.
    let _ = tokio::time::timeout(Duration::from_secs(1), stream.write_all(answer.as_bytes())).await;
}

async fn serve(stream: TcpStream, peer: Peer, router: Router, server: Server) {
    let address = peer.address;
    tracing::debug!(%address, "new client");
    // Frames of a stream are small and must not wait for one another.
    let _ = stream.set_nodelay(true);
    let patience = server.options.slow_reader_timeout;
    let stream = Noting {
        stream,
        traffic: peer.traffic.clone(),
        timeout: patience,
        blocked: None,
    };
    let begun = AtomicBool::new(false);
    let multiplexed = Notify::new();
    let traffic = Arc::clone(&peer.traffic);
    let service = service_fn(|mut request: Request<Incoming>| {
        begun.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(peer.clone());
        let watched = (request.version() == Version::HTTP_2).then(|| Arc::clone(&peer.traffic));
        if watched.is_some() {
            multiplexed.notify_one();
        }
        let answered = router.clone().oneshot(request.map(Body::new));
        async move {
            let answer = answered.await?;
            Ok::<_, Infallible>(match watched {
                Some(traffic) => answer.map(|body| traffic.answers.watch(body)),
                None => answer,
            })
        }
    });

    let builder = builder();
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    let mut head_timeout = pin!(tokio::time::sleep(HEAD_TIMEOUT));
    let (mut ending, mut waiting, mut watching) = (false, true, false);
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
            () = multiplexed.notified(), if !watching => watching = true,
            () = tokio::time::sleep(patience / LOOKS), if watching => {
                let is_left = traffic.answers.give_up(patience);
                if is_left && !server.options.trusted_proxies.contain(address) {
                    tracing::debug!(%address, "answers that nobody takes");
                    return;
                }
            }
        }
    }
}

fn builder() -> auto::Builder<Tasks> {
    let mut builder = auto::Builder::new(Tasks);
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
        .max_send_buf_size(64 * 1024)
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
