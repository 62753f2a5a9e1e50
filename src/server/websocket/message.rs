//! The messages of `graphql-transport-ws`.

use async_graphql::{Request, Response, ServerError};
use axum::extract::ws::Utf8Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::server::operation;

/// The longest id of an operation, in bytes.
const LONGEST_ID: usize = 128;

/// What a client says.
pub(in crate::server) enum ClientMessage {
    Init(Map<String, Value>),
    Ping(Option<Value>),
    Pong,
    Subscribe(String, Box<Request>),
    Complete(String),
}

impl ClientMessage {
    /// Reads a message, or says what is wrong with it.
    pub(in crate::server) fn parse(text: &str) -> Result<Self, &'static str> {
        let Ok(Value::Object(mut message)) = serde_json::from_str(text) else {
            return Err("Message is no JSON object");
        };
        let kind = message.remove("type");
        match kind.as_ref().and_then(Value::as_str) {
            Some("connection_init") => Ok(Self::Init(object(&mut message)?.unwrap_or_default())),
            Some("ping") => Ok(Self::Ping(object(&mut message)?.map(Value::Object))),
            Some("pong") => object(&mut message).map(|_| Self::Pong),
            Some("subscribe") => {
                let id = id(&mut message)?;
                let payload = object(&mut message)?.ok_or("Message has no payload")?;
                let request = operation::from_json(Value::Object(payload))?;
                Ok(Self::Subscribe(id, Box::new(request)))
            }
            Some("complete") => id(&mut message).map(Self::Complete),
            Some(_) => Err("Message has an unknown type"),
            None => Err("Message has no type"),
        }
    }
}

fn object(message: &mut Map<String, Value>) -> Result<Option<Map<String, Value>>, &'static str> {
    match message.remove("payload") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(payload)) => Ok(Some(payload)),
        Some(_) => Err("Payload is no object"),
    }
}

fn id(message: &mut Map<String, Value>) -> Result<String, &'static str> {
    match message.remove("id") {
        Some(Value::String(id)) if id.is_empty() => Err("Id is empty"),
        Some(Value::String(id)) if id.len() > LONGEST_ID => Err("Id is too long"),
        Some(Value::String(id)) => Ok(id),
        _ => Err("Message has no id"),
    }
}

/// What the server says.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage<'a> {
    ConnectionAck,
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Value>,
    },
    Next {
        id: &'a str,
        payload: &'a Response,
    },
    Error {
        id: &'a str,
        payload: &'a [ServerError],
    },
    Complete {
        id: &'a str,
    },
}

impl ServerMessage<'_> {
    /// The message as it goes over the wire.
    pub(super) fn text(&self) -> Utf8Bytes {
        serde_json::to_string(self)
            .inspect_err(|error| tracing::error!(%error, "a message is no JSON"))
            .unwrap_or_default()
            .into()
    }
}
