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
        Err(_) => {
            server.options.metrics.shed.inc();
            overloaded().into_response()
        }
    }
}

fn overloaded() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "RATE_LIMITED",
        "too many requests are under way",
    )
    .with(RETRY_AFTER, "1")
}
