//! A subscriber's connection: a WebSocket or an answer of server-sent events.
//!
//! It hands events on as they came. All of a group get the same bytes, so that comparing them with
//! one that was parsed says as much as parsing each, and leaves the CPU to the server.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt, stream};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::server::Server;

/// How many connections are opened at once.
const AT_ONCE: usize = 500;
const PATIENCE: Duration = Duration::from_secs(60);

/// What a subscriber asks for, and as whom.
#[derive(Clone, Copy)]
pub struct Wish<'a> {
    pub document: &'a str,
    pub after: &'a str,
    pub token: Option<&'a str>,
}

impl<'a> Wish<'a> {
    pub fn of_anybody(document: &'a str, after: &'a str) -> Self {
        let token = None;
        Self { document, after, token }
    }

    fn payload(&self) -> Value {
        json!({ "query": self.document, "variables": { "after": self.after } })
    }
}

pub enum Line {
    Socket(Socket),
    Answer(Answer),
}

impl Line {
    /// The next event as it came.
    pub async fn event(&mut self) -> Bytes {
        match self {
            Self::Socket(socket) => in_time(socket.event()).await.expect("an event"),
            Self::Answer(answer) => in_time(answer.event()).await,
        }
    }
}

/// An event that does not come is a failure, too.
pub async fn in_time<T>(event: impl Future<Output = T>) -> T {
    timeout(PATIENCE, event).await.expect("an event is missing")
}

/// The event in a message of either transport.
pub fn parse(message: &[u8]) -> Value {
    let text = std::str::from_utf8(message).unwrap();
    let mut result = match text.strip_prefix("event: next\nid: ") {
        Some(rest) => {
            let (id, data) = rest.split_once("\ndata: ").unwrap();
            let result: Value = serde_json::from_str(data).unwrap();
            assert_eq!(result["data"]["hashtagStream"]["cursor"], id);
            result
        }
        None => {
            let mut message: Value = serde_json::from_str(text).unwrap();
            assert_eq!(message["type"], "next", "{message}");
            message["payload"].take()
        }
    };
    assert!(result.get("errors").is_none(), "{result}");
    result["data"]["hashtagStream"].take()
}

#[derive(Clone, Copy)]
pub enum Transport {
    WebSocket,
    ServerSentEvents,
}

/// Opens a line for each wish.
pub async fn open(server: &Server, transport: Transport, wishes: impl Iterator<Item = Wish<'_>>) -> Vec<Line> {
    let opening = wishes.map(async |wish| match transport {
        Transport::WebSocket => Line::Socket(Socket::open(server, wish).await),
        Transport::ServerSentEvents => Line::Answer(Answer::open(server, wish).await),
    });
    stream::iter(opening).buffered(AT_ONCE).collect().await
}

pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub async fn open(server: &Server, wish: Wish<'_>) -> Self {
        let stream = TcpStream::connect(&server.address).await.unwrap();
        let mut request = format!("ws://{}/graphql", server.address)
            .into_client_request()
            .unwrap();
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
        let (stream, _) = client_async_with_config(request, stream, Some(config)).await.unwrap();
        let mut socket = Self(stream);
        let init = match wish.token {
            Some(token) => json!({ "Authorization": format!("Bearer {token}") }),
            None => json!({}),
        };
        socket.say(json!({ "type": "connection_init", "payload": init })).await;
        socket
            .say(json!({ "id": "1", "type": "subscribe", "payload": wish.payload() }))
            .await;
        let ack: Value = serde_json::from_slice(&socket.event().await.unwrap()).unwrap();
        assert_eq!(ack["type"], "connection_ack");
        socket
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message, or the code with which the server has closed the socket, if it said one.
    pub async fn event(&mut self) -> Result<Bytes, Option<u16>> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.into()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }
}

pub struct Answer {
    response: reqwest::Response,
    /// What has come and was not handed on yet.
    rest: BytesMut,
}

impl Answer {
    async fn open(server: &Server, wish: Wish<'_>) -> Self {
        let url = format!("http://{}/graphql/stream", server.address);
        let mut request = server.client.post(url).header("accept", "text/event-stream");
        if let Some(token) = wish.token {
            request = request.bearer_auth(token);
        }
        let response = request.json(&wish.payload()).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let rest = BytesMut::new();
        Self { response, rest }
    }

    async fn event(&mut self) -> Bytes {
        loop {
            while let Some(end) = self.rest.windows(2).position(|bytes| bytes == b"\n\n") {
                let block = self.rest.split_to(end + 2).freeze();
                if !block.starts_with(b":") {
                    return block.slice(..end);
                }
            }
            let chunk = self.response.chunk().await.unwrap().expect("an event");
            self.rest.extend_from_slice(&chunk);
        }
    }
}
