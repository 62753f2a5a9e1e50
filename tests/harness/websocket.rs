//! A small client for `graphql-transport-ws`, as strict as a test needs it.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::soon;

const PROTOCOL: (&str, &str) = ("sec-websocket-protocol", "graphql-transport-ws");

/// What the receiving end of a socket holds: little, so that a reader that stops is soon noticed.
const RECEIVE_BUFFER: u32 = 16 * 1024;

/// Longer than the server waits with a ping, and shorter than twice that.
const PING_INTERVAL: Duration = Duration::from_secs(40);

/// A client's end of a WebSocket.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    marks: u32,
}

impl Socket {
    /// Opens a socket and says nothing yet.
    pub async fn open(address: &str) -> Self {
        Self::try_open(address, &[PROTOCOL])
            .await
            .expect("the server should take the socket")
    }

    /// Opens a socket with further headers.
    pub async fn open_with(address: &str, name: &'static str, value: &str) -> Result<Self, Error> {
        Self::try_open(address, &[PROTOCOL, (name, value)]).await
    }

    /// Opens a socket with exactly these headers.
    pub async fn try_open(address: &str, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let mut request = format!("ws://{address}/graphql").into_client_request()?;
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        let stream = socket.connect(address.parse().unwrap()).await?;
        let (stream, _) = soon("the handshake", client_async(request, stream)).await?;
        Ok(Self { stream, marks: 0 })
    }

    /// Introduces itself and waits for the acknowledgement.
    pub async fn init(&mut self, token: Option<&str>) {
        let payload = token.map(|token| json!({ "Authorization": format!("Bearer {token}") }));
        self.say(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(self.hear().await, json!({ "type": "connection_ack" }));
    }

    /// Begins an operation.
    pub async fn subscribe(&mut self, id: &str, query: &str) {
        let payload = json!({ "query": query });
        self.say(json!({ "id": id, "type": "subscribe", "payload": payload }))
            .await;
    }

    /// Ends an operation.
    pub async fn complete(&mut self, id: &str) {
        self.say(json!({ "id": id, "type": "complete" })).await;
    }

    /// Sends a message.
    pub async fn say(&mut self, message: Value) {
        self.send(Message::text(message.to_string())).await;
    }

    /// Sends any frame.
    pub async fn send(&mut self, message: Message) {
        soon("sending", self.stream.send(message)).await.unwrap();
    }

    /// The next message of the server.
    pub async fn hear(&mut self) -> Value {
        match self.receive().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("expected a message, not {other:?}"),
        }
    }

    /// The next message of the server, or nothing when the connection has ended.
    pub async fn try_hear(&mut self) -> Option<Value> {
        loop {
            match soon("a frame", self.stream.next()).await? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                // A close frame is answered by listening on.
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// The next message of the server, or the code with which it closes the socket.
    pub async fn hear_or_close(&mut self) -> Result<Value, u16> {
        match self.receive().await {
            Message::Text(text) => Ok(serde_json::from_str(&text).unwrap()),
            Message::Close(frame) => Err(frame.expect("a close code").code.into()),
            other => panic!("expected a message or the end, not {other:?}"),
        }
    }

    /// The close code and reason, which come next.
    pub async fn closed(&mut self) -> (u16, String) {
        match self.receive().await {
            Message::Close(Some(frame)) => (frame.code.into(), frame.reason.to_string()),
            other => panic!("expected the end, not {other:?}"),
        }
    }

    /// The close code, after whatever else comes before it.
    pub async fn closed_at_last(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.receive().await {
                return frame.expect("a close code").code.into();
            }
        }
    }

    /// Listens from now on, and so answers pings however long nobody asks what was said.
    pub fn listen(mut self) -> UnboundedReceiver<Value> {
        let (told, heard) = unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) = self.stream.next().await {
                if let Message::Text(text) = message {
                    told.send(serde_json::from_str(&text).unwrap()).ok();
                }
            }
        });
        heard
    }

    /// Waits for the server's ping, longer than it may leave a socket alone.
    pub async fn pinged(&mut self) {
        let pinged = async { while !matches!(self.stream.next().await, Some(Ok(Message::Ping(_)))) {} };
        tokio::time::timeout(PING_INTERVAL, pinged).await.expect("a ping");
    }

    /// The next frame that is neither ping nor pong.
    async fn receive(&mut self) -> Message {
        let receiving = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(message)) => return message,
                    other => panic!("expected a frame, not {other:?}"),
                }
            }
        };
        soon("a frame", receiving).await
    }

    /// Looks at everything that the server says before the answer to a ping.
    pub async fn quiet_after(&mut self, look: impl Fn(&Value)) {
        self.marks += 1;
        let payload = json!({ "mark": self.marks });
        self.say(json!({ "type": "ping", "payload": payload })).await;
        let pong = json!({ "type": "pong", "payload": payload });
        loop {
            let message = self.hear().await;
            if message == pong {
                return;
            }
            look(&message);
        }
    }

    /// Checks that the server has nothing to say: the answer to a ping comes next.
    pub async fn quiet(&mut self) {
        self.marks += 1;
        let payload = json!({ "mark": self.marks });
        self.say(json!({ "type": "ping", "payload": payload })).await;
        assert_eq!(self.hear().await, json!({ "type": "pong", "payload": payload }));
    }
}

/// The status with which a handshake was refused.
pub fn refused(result: Result<Socket, Error>) -> StatusCode {
    match result {
        Err(Error::Http(response)) => response.status(),
        Err(error) => panic!("the handshake failed: {error}"),
        Ok(_) => panic!("the handshake succeeded"),
    }
}
