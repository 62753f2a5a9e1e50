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

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware::from_fn, routing::get};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_costs_one_request() {
        let router: Router = Router::new()
            .route("/bad", get(async || -> &'static str { panic!("on purpose") }))
            .route("/good", get(async || "fine"))
            .layer(from_fn(contain));
        for (path, status) in [("/bad", 500), ("/good", 200)] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), status);
        }
    }
}
