//! The pages for people: GraphiQL and the live walls, embedded in the program.

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
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

/// Nothing from elsewhere; GraphiQL's editor styles its lines inline.
const POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; font-src 'self' data:; \
    worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// `/`
pub(super) async fn home() -> Redirect {
    Redirect::temporary("/graphiql")
}

/// `/graphiql`
pub(super) async fn graphiql(headers: HeaderMap) -> Response {
    file("graphiql.html", &headers)
}

/// `/wall/SLUG` and `/hashtag/NAME`: one page, which reads its address.
pub(super) async fn wall(headers: HeaderMap) -> Response {
    file("wall.html", &headers)
}

/// `/assets/NAME`
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
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
    set(CONTENT_SECURITY_POLICY, POLICY);
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

/// A file whose name carries the hash of its content never changes.
fn caching(name: &str) -> &'static str {
    let stem = name.rsplit('/').next().unwrap_or(name);
    let hashed = stem
        .split(['-', '.'])
        .skip(1)
        .any(|part| part.len() >= 8 && part.bytes().any(|byte| byte.is_ascii_digit()));
    if name.starts_with("assets/") && hashed {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    }
}
