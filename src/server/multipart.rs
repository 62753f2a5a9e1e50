//! Subscriptions over `POST /graphql` as Apollo's clients ask for them: an answer in parts, by
//! the multipart subscription protocol, version 1.0.

use std::time::Duration;

use async_graphql::Response as Result_;
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE},
};

use super::{
    Server,
    overload::Client,
    share::Share,
    stream::{self, Format},
};
use crate::graphql::{
    Caller,
    live::{Frame, Subscription},
};

/// Whether a client takes an answer in parts.
pub(super) fn is_accepted(headers: &HeaderMap) -> bool {
    let ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    ranges.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range
            .split(';')
            .map(|part| part.trim().to_ascii_lowercase().replace(['"', ' '], ""));
        parts.next().as_deref() == Some("multipart/mixed") && parts.any(|part| part == "subscriptionspec=1.0")
    })
}

/// Answers with a subscription's events.
pub(super) fn answer(
    server: Server,
    caller: &Caller,
    subscription: Subscription,
    shares: Vec<Share<Client>>,
) -> Response {
    let media = HeaderValue::from_static(r#"multipart/mixed;boundary="graphql";subscriptionSpec=1.0"#);
    let headers = [
        (CONTENT_TYPE, media),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, stream::body::<Parts>(server, caller, subscription, shares)).into_response()
}

/// A part is known to be complete by the boundary behind it, so that is sent with the part.
struct Parts;

const HEAD: &[u8] = b"\r\ncontent-type: application/json\r\n\r\n";
const BOUNDARY: &[u8] = b"\r\n--graphql";

impl Format for Parts {
    const BEGIN: &'static [u8] = BOUNDARY;
    const HEARTBEAT: (&'static [u8], Duration) = (
        b"\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql",
        Duration::from_secs(5),
    );
    const OVER: &'static [u8] = b"--\r\n";
    // Ends in the middle: what ends with the last boundary is complete, and nobody comes back.
    const COME_BACK: &'static [u8] = b"\r\n";

    fn event(to: &mut BytesMut, frame: &Frame) {
        to.extend_from_slice(HEAD);
        to.extend_from_slice(b"{\"payload\":");
        to.extend_from_slice(frame.payload.as_bytes());
        to.extend_from_slice(b"}");
        to.extend_from_slice(BOUNDARY);
    }

    fn ended(to: &mut BytesMut, result: &Result_) {
        let errors = serde_json::to_string(&result.errors).unwrap_or_default();
        to.extend_from_slice(HEAD);
        to.extend_from_slice(format!("{{\"payload\":null,\"errors\":{errors}}}").as_bytes());
        to.extend_from_slice(BOUNDARY);
        to.extend_from_slice(b"--\r\n");
    }
}
