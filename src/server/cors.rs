//! Which web pages may use the API from a browser.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, VARY,
    },
};

use super::Server;
use crate::config::Origins;

/// Answers preflights, and lets the pages of allowed origins read answers.
pub(super) async fn allow(State(server): State<Server>, request: Request, next: Next) -> Response {
    let origins = &server.options.origins;
    if *origins == Origins::Only(Vec::new()) {
        return next.run(request).await;
    }
    let origin = request.headers().get(ORIGIN).cloned();
    let allowed = origin.filter(|origin| origin.to_str().is_ok_and(|text| origins.allow(text)));
    let preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);

    let mut response = if preflight && allowed.is_some() {
        let mut response = StatusCode::NO_CONTENT.into_response();
        permit(response.headers_mut());
        response
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("retry-after, x-request-id"),
        );
    }
    response
}

fn permit(headers: &mut HeaderMap) {
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, last-event-id, x-request-id",
        ),
        (ACCESS_CONTROL_MAX_AGE, "86400"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Whether a WebSocket may be opened: browsers send no preflight for it, so the origin must be the
/// server's own or an allowed one. Clients that are no browsers send no origin.
pub(super) fn may_connect(origins: &Origins, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = origin
        .split_once("://")
        .zip(host)
        .is_some_and(|((scheme, authority), host)| {
            let port = if scheme == "https" { ":443" } else { ":80" };
            let bare = |name: &str| {
                let name = name.to_ascii_lowercase();
                name.strip_suffix(port).map(str::to_owned).unwrap_or(name)
            };
            bare(authority) == bare(host)
        });
    own || origins.allow(origin)
}
