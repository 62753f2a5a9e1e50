//! Under more load than it can bear, the server answers some requests well and the others at once.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header::RETRY_AFTER};

use super::{Server, answer::Problem};

/// Turns a request away when too many are under way. One that became a stream no longer counts.
pub(super) async fn shed(State(server): State<Server>, request: Request, next: Next) -> Response {
    match server.places.try_acquire() {
        Ok(_place) => next.run(request).await,
        Err(_) => turn_away(&server),
    }
}

/// Answers a request for which there is no place.
pub(super) fn turn_away(server: &Server) -> Response {
    server.options.metrics.shed.inc();
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "RATE_LIMITED",
        "too many requests are under way",
    )
    .with(RETRY_AFTER, "1")
    .into_response()
}
