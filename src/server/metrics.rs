//! `/metrics`, and the counting of requests.

use std::time::Instant;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::IntoResponse,
    response::Response,
};
use http::header::CONTENT_TYPE;

use super::Server;
use crate::metrics::Status;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers with all metrics.
pub(super) async fn show(State(server): State<Server>) -> impl IntoResponse {
    ([(CONTENT_TYPE, TEXT)], server.options.metrics.render())
}

/// Counts an answer and the time that it took.
pub(super) async fn count(State(server): State<Server>, request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let response = next.run(request).await;
    let metrics = &server.options.metrics;
    let status = response.status().as_u16();
    metrics.requests.get_or_create(&Status { status }).inc();
    metrics.request_duration.observe(begin.elapsed().as_secs_f64());
    response
}
