//! Feeds for readers of news, and users' actions as ActivityStreams: each is a document of the API,
//! executed for the anonymous viewer.
//!
//! They stand beside the pages of the app, under the same paths: `/user/NAME.rss`.

mod activity;
mod atom;
mod feed;
mod json;
mod rss;

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, HOST, IF_NONE_MATCH, VARY},
    request::Parts,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Server,
    answer::{self, Problem},
    forwarded, overload, request,
};
use crate::{graphql::Outcome, model::viewer::Viewer};
use feed::Kind;

/// What a name has encoded in a link: all but what `encodeURIComponent` leaves too and means nothing in HTML.
const IN_LINKS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.').remove(b'~');

const CACHING: &str = "public, max-age=60";

/// What a path asks for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    kind: Kind,
    /// As it stands in the path, decoded.
    name: String,
    form: Form,
}

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Rss,
    Atom,
    Json,
    /// ActivityStreams.
    Activity,
}

impl Form {
    fn media(self) -> &'static str {
        match self {
            Self::Rss => "application/rss+xml; charset=utf-8",
            Self::Atom => "application/atom+xml; charset=utf-8",
            Self::Json => "application/feed+json; charset=utf-8",
            Self::Activity => "application/activity+json; charset=utf-8",
        }
    }
}

/// Answers what readers ask for; everything else goes on.
pub(super) async fn divert(State(server): State<Server>, request: Request, next: Next) -> Response {
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    let Some(wanted) = wanted(request.uri().path(), request.headers()).filter(|_| is_read) else {
        return next.run(request).await;
    };
    let _place = match overload::place(&server) {
        Ok(place) => place,
        Err(problem) => return problem.into_response(),
    };
    let (parts, _) = request.into_parts();
    let form = wanted.form;
    match request::in_time(&server, render(&server, &parts, wanted)).await {
        Ok(body) => answer(&parts.headers, form, body),
        Err(problem) => problem.into_response(),
    }
}

/// What a path asks for, if it is a reader's.
fn wanted(path: &str, headers: &HeaderMap) -> Option<Wanted> {
    let (kind, rest) = path.strip_prefix('/')?.split_once('/')?;
    let kind = Kind::of(kind)?;
    let forms = [(".rss", Form::Rss), (".atom", Form::Atom), (".json", Form::Json)];
    let named = forms
        .into_iter()
        .find_map(|(ending, form)| Some((rest.strip_suffix(ending)?, form)));
    let (name, form) = match named {
        Some(named) => named,
        None if kind == Kind::User && accepts_activity(headers) => (rest, Form::Activity),
        None => return None,
    };
    let is_one = !name.is_empty() && !name.contains('/');
    let name = percent_encoding::percent_decode_str(name)
        .decode_utf8()
        .ok()?
        .into_owned();
    is_one.then_some(Wanted { kind, name, form })
}

/// What the page of a path says of its feeds, so that readers find them by the page's address. They run no script.
pub(super) fn links(path: &str) -> String {
    let Some((kind, rest)) = path.trim_start_matches('/').split_once('/') else {
        return String::new();
    };
    let name = rest.split('/').next().unwrap_or_default();
    let Ok(name) = percent_encoding::percent_decode_str(name).decode_utf8() else {
        return String::new();
    };
    if Kind::of(kind).is_none() || name.is_empty() {
        return String::new();
    }
    let name = percent_encoding::utf8_percent_encode(&name, IN_LINKS);
    [
        ("rss+xml", "RSS", "rss"),
        ("atom+xml", "Atom", "atom"),
        ("feed+json", "JSON Feed", "json"),
    ]
    .map(|(media, title, ending)| {
        format!(
            "<link rel=\"alternate\" type=\"application/{media}\" title=\"{title}\" href=\"/{kind}/{name}.{ending}\" />"
        )
    })
    .concat()
}

/// Whether a client asks for ActivityStreams by name.
fn accepts_activity(headers: &HeaderMap) -> bool {
    let ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    ranges.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
        match parts.next().as_deref() {
            Some("application/activity+json") => true,
            Some("application/ld+json") => parts.any(|part| part.contains("www.w3.org/ns/activitystreams")),
            _ => false,
        }
    })
}

/// The document, ready to be sent.
async fn render(server: &Server, parts: &Parts, wanted: Wanted) -> Result<String, Problem> {
    let site = site(parts).ok_or_else(|| Problem::bad_request("the request names no host"))?;
    if wanted.form == Form::Activity {
        let after = after(parts);
        let data = ask(
            server,
            parts,
            activity::DOCUMENT,
            json!({ "name": wanted.name, "after": after }),
        )
        .await?;
        return activity::render(&site, data, after.as_deref());
    }
    let data = ask(server, parts, wanted.kind.document(), json!({ "name": wanted.name })).await?;
    let feed = wanted.kind.feed(&site, data).ok_or_else(absent)?;
    let written = match wanted.form {
        Form::Rss => rss::write(&feed),
        Form::Atom => atom::write(&feed),
        Form::Json | Form::Activity => json::write(&feed),
    };
    written.map_err(|reason| {
        tracing::error!(reason, "a feed can't be written");
        Problem::internal(StatusCode::INTERNAL_SERVER_ERROR)
    })
}

fn absent() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", "there is nothing here")
}

/// Where a page of actions goes on.
fn after(parts: &Parts) -> Option<String> {
    let pairs = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    pairs
        .into_iter()
        .find(|(name, _)| name == "after")
        .map(|(_, value)| value.into_owned())
}

/// The address that the client knows the server by, without a slash at the end.
fn site(parts: &Parts) -> Option<String> {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = host.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str))?;
    let authority: http::uri::Authority = authority.parse().ok()?;
    Some(format!("{}://{authority}", forwarded::scheme(parts)))
}

/// Executes one of the server's own documents for an anonymous viewer.
async fn ask(server: &Server, parts: &Parts, document: &str, variables: Value) -> Result<Value, Problem> {
    let caller = request::caller(parts, Viewer::Anonymous);
    let operation = async_graphql::Request::new(document).variables(async_graphql::Variables::from_json(variables));
    let result = match server.api.ask_own(operation, &caller) {
        Ok(asked) => match server.api.execute(asked, caller).await {
            Outcome::Executed(result) | Outcome::Refused(result) => result,
        },
        Err(refused) => refused,
    };
    match result.errors.is_empty() {
        true => result
            .data
            .into_json()
            .map_err(|_| Problem::internal(StatusCode::INTERNAL_SERVER_ERROR)),
        false => Err(answer::problem(result)),
    }
}

/// Sends a document, or says that the client has it. That is told by its content alone: a tweet that is
/// deleted, a profile that is changed or a ban leave no date behind in what remains.
fn answer(headers: &HeaderMap, form: Form, body: String) -> Response {
    let hash = Sha256::digest(body.as_bytes());
    let hash: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    // An encoding of it is the same to whoever reads it.
    let tag = format!("W/\"{hash}\"");
    let mut response = match is_known(headers, &hash) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Response::new(Body::from(body)),
    };
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(CONTENT_TYPE, form.media());
    set(ETAG, &tag);
    set(CACHE_CONTROL, CACHING);
    if form == Form::Activity {
        set(VARY, "accept");
    }
    response
}

/// Whether the client has it already.
fn is_known(headers: &HeaderMap, hash: &str) -> bool {
    let tags = headers.get_all(IF_NONE_MATCH).iter();
    tags.filter_map(|value| value.to_str().ok())
        .any(|tags| tags.contains(hash) || tags.trim() == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str, accept: &'static str) -> Option<Wanted> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        wanted(path, &headers)
    }

    #[test]
    fn paths_of_readers_are_told_from_pages() {
        let is = |kind, name: &str, form| {
            let name = name.to_owned();
            Some(Wanted { kind, name, form })
        };
        assert_eq!(path("/user/alice.rss", "*/*"), is(Kind::User, "alice", Form::Rss));
        assert_eq!(
            path("/hashtag/caf%C3%A9.atom", "*/*"),
            is(Kind::Hashtag, "café", Form::Atom)
        );
        assert_eq!(path("/wall/a-b.json", "text/html"), is(Kind::Wall, "a-b", Form::Json));
        assert_eq!(
            path("/user/alice", "text/html;q=0.1, application/activity+json"),
            is(Kind::User, "alice", Form::Activity)
        );
        assert_eq!(
            path(
                "/user/alice",
                "application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\""
            ),
            is(Kind::User, "alice", Form::Activity)
        );
        for other in [
            "/user/alice",
            "/user/.rss",
            "/user/a/b.rss",
            "/tweet/1.rss",
            "/user.rss",
            "/",
            "/user/%ff.rss",
        ] {
            assert_eq!(path(other, "text/html, application/ld+json, */*"), None, "{other}");
        }
        assert_eq!(path("/wall/a", "application/activity+json"), None);
    }
}
