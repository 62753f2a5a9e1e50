//! `GET /graphql` with `Upgrade: websocket`: the subprotocol `graphql-transport-ws`.
//!
//! One task a socket. Frames are read while others wait to be written, and a subscription is asked
//! for its next event only when the socket has room: nothing but a position waits for a slow
//! reader.

mod close;
mod drain;
mod ear;
pub(super) mod message;
mod operations;
mod pulse;
mod session;

use axum::{
    extract::{FromRequestParts, ws::WebSocketUpgrade},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, request::Parts};
use tracing::Instrument as _;

use self::session::Session;
use super::{Server, answer::Problem, bearer, connection::Peer, cors, overload, request};

const PROTOCOL: &str = "graphql-transport-ws";

/// The largest message of a client.
const MESSAGE_LIMIT: usize = 64 * 1024;

/// A socket mostly waits, so its read buffer is small: it is also cleared at each look for a
/// message. What is written in one go is bounded too: the room for it stays.
const READ_BUFFER: usize = 512;
const WRITE_BUFFER: usize = 4 * 1024;

/// Begins a WebSocket, or says why not.
pub(super) async fn upgrade(server: Server, parts: Parts) -> Response {
    begin(server, parts).await.unwrap_or_else(IntoResponse::into_response)
}

async fn begin(server: Server, mut parts: Parts) -> Result<Response, Problem> {
    if !cors::may_connect(&server.options.origins, &parts.headers) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "FORBIDDEN",
            "pages of this origin may not connect",
        ));
    }
    if server.shutdown.is_cancelled() {
        return Err(Problem::internal(StatusCode::SERVICE_UNAVAILABLE));
    }
    let peer = parts
        .extensions
        .get::<Peer>()
        .cloned()
        .ok_or_else(|| Problem::internal(StatusCode::INTERNAL_SERVER_ERROR))?;
    let viewer = bearer::viewer(&server.api, &parts.headers).await?;
    let caller = request::caller(&parts, viewer);
    let shares = overload::stream(&server, &caller)?;
    let mut upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &())
        .await
        .map_err(|_| Problem::bad_request("this is no WebSocket handshake"))?;
    // Chosen by hand: of several that a client offers, only this one is spoken here.
    if !upgrade.requested_protocols().any(|offered| offered == PROTOCOL) {
        return Err(Problem::bad_request("the subprotocol must be graphql-transport-ws"));
    }
    upgrade.set_selected_protocol(HeaderValue::from_static(PROTOCOL));

    let span = tracing::Span::current();
    let token = server.tasks.token();
    Ok(upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(MESSAGE_LIMIT)
        .max_frame_size(MESSAGE_LIMIT)
        .on_upgrade(async move |socket| {
            let mut session = Box::new(Session::new(server, socket, peer, caller, shares));
            session.run().instrument(span).await;
            drop(token);
        }))
}
