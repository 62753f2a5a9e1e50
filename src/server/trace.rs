//! The span of a request, where traces are asked for.

use super::{Server, connection::Peer};
use crate::trace::Span;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Extensions;

/// What whoever watches over the server asks every few seconds.
const UNTRACED: &[&str] = &["/healthz", "/readyz", "/metrics"];

/// Makes a span of a request, if it is chosen. It is over when the answer begins: a stream's events
/// have spans of their own.
pub(super) async fn record(State(server): State<Server>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("", MatchedPath::as_str);
    if UNTRACED.contains(&route) {
        return next.run(request).await;
    }
    let method = method(&request);
    let name = || [method, route].join(" ").trim_end().to_owned();
    let span = Span::request(name, request.headers(), is_trusted(&server, request.extensions()));
    let Some(trace) = span.trace() else {
        return next.run(request).await;
    };
    tracing::Span::current().record("trace_id", trace);
    span.note("http.request.method", method);
    span.note("http.route", route.to_owned());

    let response = span.around(next.run(request)).await;
    span.note("http.response.status_code", i64::from(response.status().as_u16()));
    if response.status().is_server_error() {
        span.fail();
    }
    span.end();
    response
}

/// The methods that there are: anybody can write others.
fn method(request: &Request) -> &'static str {
    match request.method().as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "POST" => "POST",
        _ => "_OTHER",
    }
}

/// Whether the other end is a proxy of the operator's.
fn is_trusted(server: &Server, extensions: &Extensions) -> bool {
    let peer = extensions.get::<Peer>();
    peer.is_some_and(|peer| server.options.trusted_proxies.contain(peer.address))
}
