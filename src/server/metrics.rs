//! `/metrics`, and the counting of requests.

use std::{io, time::Instant};

use axum::{
    Router,
    extract::{Request, State},
    middleware::Next,
    response::IntoResponse,
    response::Response,
    routing::get,
};
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Server, health};
use crate::metrics::Status;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers with all metrics.
pub(super) async fn show(State(server): State<Server>) -> impl IntoResponse {
    ([(CONTENT_TYPE, TEXT)], server.options.metrics.render())
}

/// Answers `/metrics` with a text, and `/healthz`, for a process that serves nothing else.
pub async fn expose(
    listener: TcpListener,
    render: impl Fn() -> String + Clone + Send + Sync + 'static,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let router = Router::new()
        .route("/healthz", get(health::alive))
        .route("/metrics", get(async move || ([(CONTENT_TYPE, TEXT)], render())));
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
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
