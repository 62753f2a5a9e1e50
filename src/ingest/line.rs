//! Connections to sources: WebSocket and server-sent events, and single answers of JSON.
//!
//! A line that has brought nothing for a while is asked for a sign of life where it can be, and
//! given up where none comes.

use super::sse::{Decoder, Event, TooLarge};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::header::{ACCEPT, AUTHORIZATION, CONNECTION, HeaderValue, UPGRADE, USER_AGENT};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::time::Duration;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};
use url::Url;

/// The largest frame that is taken, in bytes; larger ones are left out.
pub(super) const LARGEST: usize = 1 << 20;
/// The largest frame that is read, only to be left out.
const LARGEST_READ: usize = 16 << 20;
/// The largest answer of JSON, in bytes.
const LARGEST_ANSWER: usize = 8 << 20;
/// How long it may take until a source answers.
const PATIENCE: Duration = Duration::from_secs(15);
/// After which silence a WebSocket is asked for a sign of life, and given up after another.
const SILENCE: Duration = Duration::from_secs(40);
/// How long server-sent events may be silent: their servers give signs of life by themselves.
const LONG_SILENCE: Duration = Duration::from_secs(90);

/// Why there is no line, or no longer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("the address is no http, https, ws or wss address")]
    Address,
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Late,
    #[error("{0}")]
    Http(#[from] hyper_util::client::legacy::Error),
    #[error("answered with {0}")]
    Refused(StatusCode, String),
    #[error("answered with something else than was asked for")]
    Strange,
    #[error("{0}")]
    Socket(#[from] tungstenite::Error),
    #[error("{0}")]
    Body(#[from] Box<dyn std::error::Error + Send + Sync>),
    #[error("silent for too long")]
    Silent,
}

/// Makes connections to the outside.
#[derive(Clone)]
pub(super) struct Outside(Client<HttpsConnector<HttpConnector>, Empty<Bytes>>);

impl Outside {
    /// Trusts the authorities that the system trusts; where it knows none, those of Mozilla.
    pub(super) fn new() -> Self {
        let builder = HttpsConnectorBuilder::new();
        let builder = match builder.with_native_roots() {
            Ok(builder) => builder,
            Err(_) => HttpsConnectorBuilder::new().with_webpki_roots(),
        };
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(PATIENCE));
        tcp.set_keepalive(Some(SILENCE));
        let connector = builder.https_or_http().enable_http1().wrap_connector(tcp);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    async fn ask(&self, mut request: Request<Empty<Bytes>>, token: Option<&str>) -> Result<Response<Incoming>, Broken> {
        let headers = request.headers_mut();
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("linnet/", env!("CARGO_PKG_VERSION"))),
        );
        if let Some(token) = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok()) {
            headers.insert(AUTHORIZATION, token);
        }
        let answer = tokio::time::timeout(PATIENCE, self.0.request(request)).await;
        Ok(answer.map_err(|_| Broken::Late)??)
    }

    /// Asks for JSON.
    pub(super) async fn json<T: DeserializeOwned>(&self, url: &Url, token: Option<&str>) -> Result<T, Broken> {
        let request = Request::get(uri(url)?).header(ACCEPT, "application/json");
        let request = request.body(Empty::new()).map_err(|_| Broken::Address)?;
        let answer = self.ask(request, token).await?;
        if answer.status() != StatusCode::OK {
            return Err(refusal(answer).await);
        }
        let body = read(answer, LARGEST_ANSWER).await?;
        serde_json::from_slice(&body).map_err(|_| Broken::Strange)
    }

    /// Begins server-sent events.
    pub(super) async fn events(&self, url: &Url, token: Option<&str>) -> Result<Events, Broken> {
        let request = Request::get(uri(url)?).header(ACCEPT, "text/event-stream");
        let request = request.body(Empty::new()).map_err(|_| Broken::Address)?;
        let answer = self.ask(request, token).await?;
        if answer.status() != StatusCode::OK {
            return Err(refusal(answer).await);
        }
        Ok(Events {
            body: answer.into_body(),
            decoder: Decoder::new(LARGEST),
            ready: VecDeque::new(),
        })
    }

    /// Begins a WebSocket.
    pub(super) async fn socket(
        &self,
        url: &Url,
        protocol: Option<&'static str>,
        token: Option<&str>,
    ) -> Result<Socket, Broken> {
        let key = generate_key();
        let mut request = Request::get(uri(url)?)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", &key);
        if let Some(protocol) = protocol {
            request = request.header("sec-websocket-protocol", protocol);
        }
        let request = request.body(Empty::new()).map_err(|_| Broken::Address)?;
        let mut answer = self.ask(request, token).await?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(refusal(answer).await);
        }
        let accepted = answer.headers().get("sec-websocket-accept");
        if accepted.is_none_or(|accepted| accepted.as_bytes() != derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err(Broken::Strange);
        }
        let upgraded = hyper::upgrade::on(&mut answer).await;
        let upgraded = TokioIo::new(upgraded.map_err(|error| Broken::Body(error.into()))?);
        let limits = WebSocketConfig::default()
            .max_message_size(Some(LARGEST_READ))
            .max_frame_size(Some(LARGEST_READ));
        Ok(Socket(
            WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(limits)).await,
        ))
    }
}

/// The address of a request, where WebSockets have schemes of their own.
fn uri(url: &Url) -> Result<String, Broken> {
    let scheme = match url.scheme() {
        "ws" | "http" => "http",
        "wss" | "https" => "https",
        _ => return Err(Broken::Address),
    };
    let rest = url.as_str().split_once(':').map(|(_, rest)| rest).unwrap_or_default();
    Ok(format!("{scheme}:{rest}"))
}

async fn refusal(answer: Response<Incoming>) -> Broken {
    let status = answer.status();
    let body = tokio::time::timeout(PATIENCE, read(answer, LARGEST)).await;
    let body = body.ok().and_then(Result::ok).unwrap_or_default();
    Broken::Refused(status, String::from_utf8_lossy(&body).into_owned())
}

async fn read(answer: Response<Incoming>, most: usize) -> Result<Bytes, Broken> {
    let reading = Limited::new(answer.into_body(), most).collect();
    let body = tokio::time::timeout(PATIENCE, reading)
        .await
        .map_err(|_| Broken::Late)?;
    Ok(body?.to_bytes())
}

/// A frame that is no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    TooLarge,
    NoText,
}

/// A WebSocket.
pub(super) struct Socket(WebSocketStream<TokioIo<Upgraded>>);

impl Socket {
    /// The next frame; none when the source has closed the line.
    pub(super) async fn next(&mut self) -> Result<Option<Result<tungstenite::Utf8Bytes, Unusable>>, Broken> {
        let mut was_asked = false;
        loop {
            let message = match tokio::time::timeout(SILENCE, self.0.next()).await {
                Ok(Some(message)) => message?,
                Ok(None) => return Ok(None),
                Err(_) if was_asked => return Err(Broken::Silent),
                Err(_) => {
                    was_asked = true;
                    self.0.send(Message::Ping(Bytes::new())).await?;
                    continue;
                }
            };
            match message {
                Message::Text(text) if text.len() > LARGEST => return Ok(Some(Err(Unusable::TooLarge))),
                Message::Text(text) => return Ok(Some(Ok(text))),
                Message::Binary(_) => return Ok(Some(Err(Unusable::NoText))),
                Message::Close(_) => return Ok(None),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => was_asked = false,
            }
        }
    }
}

/// Server-sent events.
pub(super) struct Events {
    body: Incoming,
    decoder: Decoder,
    ready: VecDeque<Result<Event, TooLarge>>,
}

impl Events {
    /// The next event; none when the source has ended the answer.
    pub(super) async fn next(&mut self) -> Result<Option<Result<Event, Unusable>>, Broken> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event.map_err(|TooLarge| Unusable::TooLarge)));
            }
            let frame = tokio::time::timeout(LONG_SILENCE, self.body.frame()).await;
            match frame.map_err(|_| Broken::Silent)? {
                None => return Ok(None),
                Some(Err(error)) => return Err(Broken::Body(error.into())),
                Some(Ok(frame)) => {
                    let bytes = frame.into_data().unwrap_or_default();
                    self.ready.extend(self.decoder.feed(&bytes));
                }
            }
        }
    }
}
