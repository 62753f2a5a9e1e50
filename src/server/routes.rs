//! The only table of routes.

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    response::IntoResponse,
    routing::get,
};
use http::StatusCode;

use super::{
    Server, answer::Problem, compression, cors, forwarded, health, metrics, panic, playground, reader, request,
    request_id, sse, trace,
};

/// Every path that the server answers, with what each answer goes through.
pub(super) fn router(server: Server) -> Router {
    let operations = Router::new()
        .route("/graphql", get(request::get).post(request::post))
        .route("/graphql/stream", get(sse::get).post(sse::post));
    let mut router = Router::new()
        .merge(operations)
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .merge(playground::routes(server.options.settings));
    if !server.options.production {
        router = router.route("/graphiql", get(playground::graphiql));
    }
    let router = router
        .fallback(playground::absent)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(server.clone(), reader::divert))
        .layer(from_fn(panic::contain))
        .layer(from_fn(compression::compress))
        .layer(from_fn_with_state(server.clone(), cors::allow))
        .layer(from_fn_with_state(server.clone(), metrics::count))
        .layer(from_fn_with_state(server.clone(), forwarded::resolve));
    let router = match crate::trace::is_on() {
        true => router.layer(from_fn_with_state(server.clone(), trace::record)),
        false => router,
    };
    router.layer(from_fn(request_id::assign)).with_state(server)
}

async fn method_not_allowed() -> impl IntoResponse {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "BAD_USER_INPUT",
        "this path does not take this method",
    )
}
