//! The pages for people: the app with its live walls, and GraphiQL, embedded in the program.

use std::borrow::Cow;

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode, Uri,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS,
    },
};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use super::{answer::Problem, reader};

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

/// What the app has to know of the server before it asks anything.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The weighted length of the longest tweet.
    pub tweet_length: u32,
    /// Whether anybody may sign up.
    pub sign_up: bool,
    /// Whether there are feeds for readers of news.
    pub feeds: bool,
}

impl Settings {
    /// What the page says as it is built.
    const BUILT: Self = Self {
        tweet_length: 280,
        sign_up: true,
        feeds: true,
    };

    /// The elements that say it, with the names and values of the options.
    fn elements(self) -> [String; 3] {
        let switch = |on| if on { "on" } else { "off" };
        [
            format!("<meta name=\"tweet-length\" content=\"{}\" />", self.tweet_length),
            format!("<meta name=\"sign-up\" content=\"{}\" />", switch(self.sign_up)),
            format!("<meta name=\"feeds\" content=\"{}\" />", switch(self.feeds)),
        ]
    }

    /// The page as it is sent under a path.
    fn write(self, page: &[u8], path: &str) -> Vec<u8> {
        let mut page = String::from_utf8_lossy(page).into_owned();
        for (built, own) in Self::BUILT.elements().iter().zip(self.elements()) {
            page = page.replace(built, &own);
        }
        if self.feeds {
            page = page.replace("</head>", &(reader::links(path) + "</head>"));
        }
        page.into_bytes()
    }
}

/// The app and what its pages are made of, which GraphiQL's are too.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(settings: Settings) -> Router<S> {
    let app = move |uri: Uri, headers: HeaderMap| async move { app(settings, uri.path(), &headers) };
    APP.iter()
        .fold(Router::new(), |router, path| router.route(path, get(app)))
        .route("/assets/{*name}", get(asset))
}

fn app(settings: Settings, path: &str, headers: &HeaderMap) -> Response {
    let name = "index.html";
    let Some(file) = Files::get(name) else {
        return nothing().into_response();
    };
    let page = settings.write(&file.data, path);
    let hash = Sha256::digest(&page).into();
    send(name, page.into(), hash, headers)
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
    nothing()
}

fn nothing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", "there is nothing here")
}

fn file(name: &str, headers: &HeaderMap) -> Response {
    match Files::get(name) {
        Some(file) => send(name, file.data, file.metadata.sha256_hash(), headers),
        None => nothing().into_response(),
    }
}

fn send(name: &str, content: Cow<'static, [u8]>, hash: [u8; 32], headers: &HeaderMap) -> Response {
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
        content.into_owned().into_response()
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
