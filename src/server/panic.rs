//! A panic costs the request in which it happens, nothing else.

use std::panic::AssertUnwindSafe;

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::StatusCode;

use super::answer::Problem;

/// Answers 500 where the handler panics; the panic hook has logged the reason.
pub(super) async fn contain(request: Request, next: Next) -> Response {
    // What a handler shares with others is behind locks that don't poison, or atomic.
    AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Problem::internal(StatusCode::INTERNAL_SERVER_ERROR).into_response())
}
