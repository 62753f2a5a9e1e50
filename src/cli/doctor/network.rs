//! Whether the server can listen, or does, and whether it reaches what it sends to.

use crate::broker::{Broker as _, Nats, nats};
use crate::metrics::Metrics;
use crate::model::finding::Finding;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use url::Url;

/// How long somebody may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer that is read, in bytes.
const LONGEST: u64 = 4_096;

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Readiness {
    /// It serves.
    Serves,
    /// It answers that it can't serve.
    Unavailable(String),
    /// It does not answer.
    Silent(String),
}

/// Asks a server whether it can serve.
pub(in crate::cli) async fn readiness(listen: SocketAddr) -> Readiness {
    let answer = tokio::time::timeout(PATIENCE, ask(reachable(listen))).await;
    let answer = answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    match answer {
        Ok(answer) if answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200") => Readiness::Serves,
        Ok(answer) => {
            let told = answer.rsplit("\r\n").next().unwrap_or_default();
            Readiness::Unavailable(told.to_owned())
        }
        Err(error) => Readiness::Silent(error.to_string()),
    }
}

async fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Where a server is asked that listens on every address.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Whether the server that has the database serves, or one could be started.
pub(super) async fn server(listen: SocketAddr, is_served: bool) -> Finding {
    const ABOUT: &str = "server";
    match (readiness(listen).await, is_served) {
        (Readiness::Serves, _) => Finding::ok(ABOUT, format!("answers at {listen}")),
        (Readiness::Unavailable(told), _) => {
            let says = format!("what answers at {listen} does not serve: {told}; look at its log");
            Finding::failed(ABOUT, says)
        }
        (Readiness::Silent(_), true) => {
            let says = format!("one has the database open, and none answers at {listen}; is that its --listen?");
            Finding::warning(ABOUT, says)
        }
        (Readiness::Silent(_), false) => match bindable(listen) {
            Ok(()) => Finding::ok(ABOUT, format!("none runs; {listen} is free")),
            Err(error) => Finding::failed(ABOUT, format!("can't listen on {listen}: {error}; set --listen")),
        },
    }
}

/// Takes the address and gives it back. Nobody can connect meanwhile.
fn bindable(listen: SocketAddr) -> io::Result<()> {
    let socket = match listen {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(listen)
}

/// Whether a server of a NATS cluster takes connections, and these credentials.
pub(super) async fn broker(servers: &[Url]) -> Finding {
    const ABOUT: &str = "broker";
    let asked = async {
        let nats = Nats::connect(servers, "doctor", Metrics::default()).await?;
        let is_connected = nats.connected().wait_for(|is_connected| *is_connected).await.is_ok();
        if is_connected {
            nats.ready().await?;
        }
        Ok::<_, crate::model::Error>(())
    };
    let unheard = |why: &str| {
        let says =
            format!("NATS is out of reach: {why}; nodes tell one another by the database meanwhile, more slowly");
        Finding::warning(ABOUT, says)
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(())) => Finding::ok(ABOUT, "NATS answers"),
        Ok(Err(error)) => {
            unheard(&std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string))
        }
        Err(_) => {
            let is_encrypted = servers.iter().any(nats::is_encrypted);
            let hint = if is_encrypted { nats::CERTIFICATES } else { "" };
            unheard(&format!(
                "no connection; look at the address, the user and the password{hint}"
            ))
        }
    }
}

/// Whether somebody takes traces.
pub(super) async fn collector(endpoint: &str) -> Finding {
    const ABOUT: &str = "traces";
    let url = url::Url::parse(endpoint).ok();
    let place = url
        .as_ref()
        .and_then(|url| Some((url.host_str()?, url.port_or_known_default()?)));
    let Some((host, port)) = place else {
        return Finding::failed(ABOUT, "--otlp-endpoint names no host");
    };
    // An address of IPv6 stands in brackets in a URL only.
    let host = host.trim_matches(['[', ']']);
    match tokio::time::timeout(PATIENCE, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Finding::ok(ABOUT, format!("a collector takes connections at {host}:{port}")),
        Ok(Err(error)) => Finding::warning(ABOUT, unheard(host, port, &error.to_string())),
        Err(_) => Finding::warning(ABOUT, unheard(host, port, "no answer")),
    }
}

fn unheard(host: &str, port: u16, why: &str) -> String {
    format!("no collector at {host}:{port}: {why}; the server goes on, and spans are dropped")
}
