//! `x-request-id`: one id for an answer and for all log lines about it.

use std::sync::Arc;

use axum::{extract::Request, middleware::Next, response::Response};
use http::{Extensions, HeaderName, HeaderValue};
use tracing::Instrument;

pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST: usize = 64;

/// The id of a request, among its extensions.
#[derive(Clone)]
pub(super) struct RequestId(Arc<str>);

impl RequestId {
    /// The id of the request with these extensions.
    pub(super) fn of(extensions: &Extensions) -> Arc<str> {
        extensions
            .get::<Self>()
            .map_or_else(|| Arc::from(""), |id| id.0.clone())
    }
}

/// Gives a request its id, the client's own when it is a plain one.
pub(super) async fn assign(mut request: Request, next: Next) -> Response {
    let value = request
        .headers()
        .get(HEADER)
        .filter(|value| is_plain(value))
        .cloned()
        .unwrap_or_else(fresh);
    let id: Arc<str> = value.to_str().unwrap_or_default().into();
    // The level of the span is the highest, so that no filter takes the id from a line.
    let span = tracing::error_span!("request", request_id = &*id, trace_id = tracing::field::Empty);
    request.extensions_mut().insert(RequestId(id));

    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(HEADER, value);
    response
}

fn is_plain(value: &HeaderValue) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    (1..=LONGEST).contains(&value.len()) && value.as_bytes().iter().all(plain)
}

fn fresh() -> HeaderValue {
    let id = format!("{:032x}", rand::random::<u128>());
    HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("none"))
}
