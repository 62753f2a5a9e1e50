//! `POST /graphql` and `GET /graphql`: one operation, one answer.

use std::{net::IpAddr, time::Duration};

use async_graphql::{Request as Operation, parser::types::OperationType};
use axum::{
    body::{Body, HttpBody},
    extract::{Query, Request, State},
    response::Response,
};
use bytes::Bytes;
use futures_util::future::join_all;
use http::{
    HeaderMap, StatusCode, Uri,
    header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, UPGRADE},
    request::Parts,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

use super::{
    Server,
    answer::{self, MediaType, Problem},
    bearer,
    connection::Peer,
    multipart, operation,
    overload::{self, Place},
    request_id::RequestId,
    websocket,
};
use crate::{
    graphql::{Caller, Outcome},
    model::viewer::Viewer,
};

/// The largest body.
const BODY_LIMIT: usize = 1024 * 1024;

/// A body that has not come by then takes its time.
const AT_ONCE: Duration = Duration::from_millis(500);

/// How much of a refused body is still read, and for how long: a client that is sending would
/// otherwise meet a reset connection before it reads the answer.
const DRAIN_LIMIT: usize = 16 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// Answers `POST /graphql`.
pub(super) async fn post(State(server): State<Server>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let in_parts = multipart::is_accepted(&parts.headers);
    let media = match media_type(&parts.headers) {
        Ok(media) => media,
        Err(_) if in_parts => MediaType::Json,
        Err(problem) => return problem.answer(MediaType::Json),
    };
    let answered = in_time(&server, async {
        let (parameters, caller, _place) = posted(&server, &parts, body).await?;
        let request = match parameters {
            Value::Array(operations) if server.options.batch > 0 => {
                let outcomes = batch(&server, operations, &caller).await?;
                return Ok(answer::outcomes(media, outcomes));
            }
            parameters => operation::from_json(parameters).map_err(Problem::bad_request)?,
        };
        let outcome = match server.api.ask(request, &caller) {
            Ok(asked) if in_parts && asked.kind == OperationType::Subscription => {
                let shares = overload::stream(&server, &caller)?;
                match server.api.subscribe(asked, caller.clone(), None).await {
                    Ok(subscription) => return Ok(multipart::answer(server.clone(), &caller, subscription, shares)),
                    Err(refused) => Outcome::Refused(refused),
                }
            }
            Ok(asked) => match server.api.answer(asked, caller).await {
                Ok(executed) => return Ok(answer::executed(media, executed)),
                Err(refused) => Outcome::Refused(refused),
            },
            Err(refused) => Outcome::Refused(refused),
        };
        Ok(answer::outcome(media, outcome))
    });
    answered.await.unwrap_or_else(|problem| problem.answer(media))
}

/// The parameters in the body of a POST, who asks, and a place among what is under way.
pub(super) async fn posted<'a>(
    server: &'a Server,
    parts: &Parts,
    body: Body,
) -> Result<(Value, Caller, Place<'a>), Problem> {
    require_json(&parts.headers)?;
    let bytes = read(server, &parts.headers, body, address(parts)).await?;
    let place = overload::place(server)?;
    let viewer = bearer::viewer(&server.api, &parts.headers).await?;
    let parameters = serde_json::from_slice(&bytes).map_err(|_| Problem::bad_request("the body is not JSON"))?;
    Ok((parameters, caller(parts, viewer), place))
}

/// The operation in the address of a GET, who asks for it, and a place among what is under way.
pub(super) async fn got<'a>(server: &'a Server, parts: &Parts) -> Result<(Operation, Caller, Place<'a>), Problem> {
    let place = overload::place(server)?;
    let viewer = bearer::viewer(&server.api, &parts.headers).await?;
    let parameters = parameters(&parts.uri)?;
    let request = operation::from_json(parameters).map_err(Problem::bad_request)?;
    Ok((request, caller(parts, viewer), place))
}

/// Executes the operations of an array beside one another.
async fn batch(server: &Server, operations: Vec<Value>, caller: &Caller) -> Result<Vec<Outcome>, Problem> {
    let most = server.options.batch;
    if operations.is_empty() || operations.len() > most {
        return Err(Problem::bad_request(format!("an array has 1 to {most} operations")));
    }
    let requests: Result<Vec<_>, _> = operations.into_iter().map(operation::from_json).collect();
    let requests = requests.map_err(Problem::bad_request)?.into_iter();
    Ok(join_all(requests.map(|request| execute(server, request, caller.clone()))).await)
}

async fn execute(server: &Server, request: async_graphql::Request, caller: Caller) -> Outcome {
    match server.api.ask(request, &caller) {
        Ok(asked) => server.api.execute(asked, caller).await,
        Err(response) => Outcome::Refused(response),
    }
}

/// Answers `GET /graphql`, which may also be the beginning of a WebSocket.
pub(super) async fn get(State(server): State<Server>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if wants_websocket(&parts.headers) {
        return websocket::upgrade(server, parts).await;
    }
    let media = match media_type(&parts.headers) {
        Ok(media) => media,
        Err(problem) => return problem.answer(MediaType::Json),
    };
    let answered = in_time(&server, async {
        let (request, caller, _place) = got(&server, &parts).await?;
        match server.api.ask(request, &caller) {
            // A link must not be able to change anything.
            Ok(asked) if asked.kind == OperationType::Mutation => {
                Err(
                    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "BAD_USER_INPUT", "mutations need POST")
                        .with(ALLOW, "POST"),
                )
            }
            Ok(asked) => Ok(server.api.execute(asked, caller).await),
            Err(response) => Ok(Outcome::Refused(response)),
        }
    });
    match answered.await {
        Ok(outcome) => answer::outcome(media, outcome),
        Err(problem) => problem.answer(media),
    }
}

/// Some clients offer to upgrade to HTTP/2 instead, which may be ignored.
fn wants_websocket(headers: &HeaderMap) -> bool {
    headers
        .get(UPGRADE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// What comes of something, unless it takes too long.
pub(super) async fn in_time<T>(server: &Server, work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    tokio::time::timeout(server.options.request_timeout, work)
        .await
        .unwrap_or_else(|_| {
            tracing::warn!("a request took too long");
            Err(Problem::internal(StatusCode::SERVICE_UNAVAILABLE))
        })
}

fn media_type(headers: &HeaderMap) -> Result<MediaType, Problem> {
    MediaType::negotiate(headers).ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            "BAD_USER_INPUT",
            "answers are application/json or application/graphql-response+json",
        )
    })
}

/// Only JSON: what a plain HTML form can send would open the API to other sites.
fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut parts = content_type.split(';').map(str::trim);
    let json = parts.next() == Some("application/json");
    let utf8 = parts
        .filter_map(|part| part.strip_prefix("charset="))
        .all(|charset| matches!(charset.trim_matches('"'), "utf-8" | "utf8"));
    if json && utf8 {
        Ok(())
    } else {
        Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "BAD_USER_INPUT",
            "the body must be application/json in UTF-8",
        ))
    }
}

/// Reads the body up to the limit. One that takes its time needs a place.
async fn read(server: &Server, headers: &HeaderMap, body: Body, from: Option<IpAddr>) -> Result<Bytes, Problem> {
    let too_large = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "BAD_USER_INPUT",
            "the body is larger than 1 MiB",
        )
    };
    let stated: Option<usize> = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if stated.is_some_and(|length| length > BODY_LIMIT) {
        tokio::spawn(drain(body));
        return Err(too_large());
    }
    let mut body = Limited::new(body, BODY_LIMIT);
    let mut reading = (&mut body).collect();
    let read = match tokio::time::timeout(AT_ONCE, &mut reading).await {
        Ok(read) => read,
        Err(_) => {
            let _share = overload::slow_body(server, from)?;
            reading.await
        }
    };
    match read {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            tokio::spawn(drain(body));
            Err(too_large())
        }
        Err(_) => Err(Problem::bad_request("the body could not be read")),
    }
}

async fn drain<B>(body: B)
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let reading = async {
        let mut body = body;
        let mut left = DRAIN_LIMIT;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME, reading).await;
}

/// The parameters of a GET as the object that a POST would send.
fn parameters(uri: &Uri) -> Result<Value, Problem> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|_| Problem::bad_request("the query string is malformed"))?;
    let mut parameters = Map::new();
    for (name, text) in pairs {
        let value = match name.as_str() {
            "query" => Value::String(text),
            _ if text.is_empty() => Value::Null,
            "operationName" => Value::String(text),
            "variables" | "extensions" => {
                serde_json::from_str(&text).map_err(|_| Problem::bad_request(format!("`{name}` is not JSON")))?
            }
            _ => continue,
        };
        parameters.insert(name, value);
    }
    Ok(Value::Object(parameters))
}

/// For whom the operation of a request is executed.
pub(super) fn caller(parts: &Parts, viewer: Viewer) -> Caller {
    Caller {
        viewer,
        request_id: RequestId::of(&parts.extensions),
        address: address(parts),
    }
}

fn address(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<Peer>().map(|peer| peer.address)
}
