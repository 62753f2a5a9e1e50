//! `/graphql/stream`: GraphQL over server-sent events, each operation over a request of its own.
//!
//! Each event carries its cursor as its id, and a client that comes back with it as
//! `Last-Event-ID`, as browsers do by themselves, goes on behind it, whatever `after` said.

use std::time::Duration;

use async_graphql::{Response as Result_, parser::types::OperationType};
use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE},
};

use super::{
    Server,
    answer::Problem,
    operation, overload, request,
    stream::{self, Format},
};
use crate::graphql::{Asked, Caller, Outcome, live::Frame};

const EVENT_STREAM: &str = "text/event-stream";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const COMPLETE: &[u8] = b"event: complete\ndata: \n\n";

/// Answers `POST /graphql/stream`.
pub(super) async fn post(State(server): State<Server>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answered = async {
        accept(&parts.headers)?;
        let posted = request::posted(&server, &parts, body);
        let (parameters, caller, _place) = request::in_time(&server, posted).await?;
        let operation = operation::from_json(parameters).map_err(Problem::bad_request)?;
        let asked = server.api.ask(operation, &caller);
        run(&server, asked, caller, &parts.headers).await
    };
    answered.await.unwrap_or_else(IntoResponse::into_response)
}

/// Answers `GET /graphql/stream`.
pub(super) async fn get(State(server): State<Server>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let answered = async {
        accept(&parts.headers)?;
        let (operation, caller, _place) = request::in_time(&server, request::got(&server, &parts)).await?;
        let asked = server.api.ask(operation, &caller);
        if asked.as_ref().is_ok_and(|asked| asked.kind == OperationType::Mutation) {
            return Err(
                Problem::new(StatusCode::METHOD_NOT_ALLOWED, "BAD_USER_INPUT", "mutations need POST")
                    .with(ALLOW, "POST"),
            );
        }
        run(&server, asked, caller, &parts.headers).await
    };
    answered.await.unwrap_or_else(IntoResponse::into_response)
}

/// Checks that the client takes what it will get.
fn accept(headers: &HeaderMap) -> Result<(), Problem> {
    let accepted: Vec<_> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let takes = |range: &str| {
        let media = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        [EVENT_STREAM, "text/*", "*/*"].contains(&media.as_str())
    };
    if accepted.is_empty() || accepted.iter().flat_map(|value| value.split(',')).any(takes) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::NOT_ACCEPTABLE,
        "BAD_USER_INPUT",
        "answers are text/event-stream",
    ))
}

async fn run(
    server: &Server,
    asked: Result<Asked, Result_>,
    caller: Caller,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let body = match asked {
        Ok(asked) if asked.kind == OperationType::Subscription => {
            let resume = headers
                .get(LAST_EVENT_ID)
                .map(|id| id.to_str().unwrap_or("?").to_owned());
            let opening = server
                .api
                .subscribe(asked, caller.clone(), resume.filter(|id| !id.is_empty()));
            let shares = overload::stream(server, &caller)?;
            match request::in_time(server, async { Ok(opening.await) }).await? {
                Ok(subscription) => stream::body::<Events>(server.clone(), &caller, subscription, shares),
                Err(refused) => once(&refused),
            }
        }
        Ok(asked) => {
            let executing = async { Ok(server.api.execute(asked, caller).await) };
            match request::in_time(server, executing).await? {
                Outcome::Executed(result) | Outcome::Refused(result) => once(&result),
            }
        }
        Err(refused) => once(&refused),
    };
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream; charset=utf-8"),
        ),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        // Proxies of this kind would keep events until there are many.
        (
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    Ok((headers, body).into_response())
}

/// The body of an operation that has one result.
fn once(result: &Result_) -> Body {
    let mut text = BytesMut::new();
    Events::ended(&mut text, result);
    Body::from(text.freeze())
}

struct Events;

impl Format for Events {
    const BEGIN: &'static [u8] = b":\n\n";
    const HEARTBEAT: (&'static [u8], Duration) = (b":\n\n", Duration::from_secs(12));
    const OVER: &'static [u8] = COMPLETE;
    const COME_BACK: &'static [u8] = b"retry: 1000\n\n";

    fn event(to: &mut BytesMut, frame: &Frame) {
        to.extend_from_slice(b"event: next\nid: ");
        to.extend_from_slice(frame.event.position.encode().as_bytes());
        to.extend_from_slice(b"\ndata: ");
        to.extend_from_slice(frame.payload.as_bytes());
        to.extend_from_slice(b"\n\n");
    }

    fn ended(to: &mut BytesMut, result: &Result_) {
        let mut json = serde_json::to_value(result).unwrap_or_default();
        super::answer::without_null_data(&mut json);
        to.extend_from_slice(format!("event: next\ndata: {json}\n\n").as_bytes());
        to.extend_from_slice(COMPLETE);
    }
}
