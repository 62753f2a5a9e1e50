//! The pages for people: the app with its live walls, and GraphiQL, embedded in the program.

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS,
    },
};
use rust_embed::RustEmbed;

use super::answer::Problem;

#[derive(RustEmbed)]
#[folder = "playground/dist"]
struct Files;

/// The paths of the app. It is one page, which reads its address.
const APP: &[&str] = &[
    "/",
    "/log-in",
    "/sign-up",
    "/search",
    "/notifications",
    "/settings",
    "/tweet/{id}",
    "/user/{name}",
    "/user/{name}/{list}",
    "/hashtag/{name}",
    "/wall/{slug}",
];

/// Nothing from elsewhere, whatever stands in what people write.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// GraphiQL's editor styles its lines inline.
const EDITOR_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The app and what its pages are made of, which GraphiQL's are too.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    APP.iter()
        .fold(Router::new(), |router, path| router.route(path, get(app)))
        .route("/assets/{*name}", get(asset))
}

async fn app(headers: HeaderMap) -> Response {
    file("index.html", &headers)
}

/// `/graphiql`
pub(super) async fn graphiql(headers: HeaderMap) -> Response {
    file("graphiql.html", &headers)
}

/// `/assets/NAME`
async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    file(&format!("assets/{name}"), &headers)
}

/// What has no page.
pub(super) async fn absent() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", "there is nothing here")
}

fn file(name: &str, headers: &HeaderMap) -> Response {
    let Some(file) = Files::get(name) else {
        return Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", "there is nothing here").into_response();
    };
    let hash = file.metadata.sha256_hash();
    let tag: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains(&tag));

    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        file.data.into_owned().into_response()
    };
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let mut set = |header: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(header, value);
        }
    };
    set(CONTENT_TYPE, &with_charset(kind.as_ref()));
    set(ETAG, &tag);
    set(CACHE_CONTROL, caching(name));
    set(CONTENT_SECURITY_POLICY, policy(name));
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "no-referrer");
    response
}

fn with_charset(kind: &str) -> String {
    if kind.starts_with("text/") {
        format!("{kind}; charset=utf-8")
    } else {
        kind.to_owned()
    }
}

fn policy(name: &str) -> &'static str {
    if name == "graphiql.html" { EDITOR_POLICY } else { POLICY }
}

/// What is in `assets` carries the hash of its content in its name and never changes.
fn caching(name: &str) -> &'static str {
    if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    }
}
