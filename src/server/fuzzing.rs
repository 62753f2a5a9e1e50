//! What strangers write into a WebSocket.

use super::websocket::message::ClientMessage;
use crate::graphql::fuzzing::ask;

/// A message; what it subscribes to is asked for.
pub fn message(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match ClientMessage::parse(text) {
        Ok(ClientMessage::Subscribe(_, request)) => ask(*request),
        Ok(_) => {}
        // It becomes the reason of a close frame, which has room for so much.
        Err(reason) => assert!((1..=123).contains(&reason.len()), "{reason}"),
    }
}
