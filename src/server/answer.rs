//! What goes back over HTTP: results and problems, in the media type that the client takes.

use std::{borrow::Cow, collections::BTreeMap};

use async_graphql::{Response as Result_, ServerError, Value};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER},
};
use serde::Serialize;

use crate::graphql::{Outcome, retry_after};

/// The media type of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/json`: a refused document is still answered with 200.
    Json,
    /// `application/graphql-response+json`: the status tells whether the document was executed.
    GraphqlResponse,
}

impl MediaType {
    /// The one that the client likes best; none when it takes neither.
    pub(super) fn negotiate(headers: &HeaderMap) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        let mut stated = false;
        for value in headers.get_all(ACCEPT) {
            for range in value.to_str().unwrap_or_default().split(',') {
                stated |= !range.trim().is_empty();
                if let Some((quality, media)) = Self::of_range(range)
                    && quality > best.map_or(0.0, |(best, _)| best)
                {
                    best = Some((quality, media));
                }
            }
        }
        match best {
            None if !stated => Some(Self::Json),
            best => best.map(|(_, media)| media),
        }
    }

    /// What a range such as `application/json;q=0.5` stands for.
    fn of_range(range: &str) -> Option<(f32, Self)> {
        let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
        let media = match parts.next()?.as_str() {
            "application/graphql-response+json" => Self::GraphqlResponse,
            "application/json" | "application/*" | "*/*" => Self::Json,
            _ => return None,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.trim().parse().ok());
        Some((quality.unwrap_or(1.0), media))
    }

    fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        })
    }

    fn answer(self, status: StatusCode, body: &impl Serialize) -> Response {
        self.written(status, serde_json::to_vec(body))
    }

    fn written(self, status: StatusCode, body: serde_json::Result<Vec<u8>>) -> Response {
        match body {
            Ok(json) => {
                let mut response = Response::new(Body::from(json));
                *response.status_mut() = status;
                response.headers_mut().insert(CONTENT_TYPE, self.header());
                response
            }
            Err(error) => {
                tracing::error!(%error, "a result is no JSON");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// A request that was not executed, and why.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    header: Option<(HeaderName, &'static str)>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            header: None,
        }
    }

    /// Something about the request that the client can put right.
    pub(super) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_USER_INPUT", message)
    }

    /// Our fault; the log has the cause.
    pub(super) fn internal(status: StatusCode) -> Self {
        Self::new(status, "INTERNAL_SERVER_ERROR", "something went wrong on our side")
    }

    pub(super) fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    pub(super) fn answer(self, media: MediaType) -> Response {
        let wait = self.header.as_ref().filter(|(name, _)| *name == RETRY_AFTER);
        let wait: Option<u64> = wait.and_then(|(_, seconds)| seconds.parse().ok());
        let error = match wait {
            Some(seconds) => serde_json::json!({
                "message": self.message,
                "extensions": { "code": self.code, "retryAfter": seconds },
            }),
            None => error(&self.message, self.code),
        };
        let body = serde_json::json!({ "errors": [error] });
        let mut response = media.answer(self.status, &body);
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.answer(MediaType::Json)
    }
}

/// One error as the API words it.
pub(super) fn error(message: &str, code: &str) -> serde_json::Value {
    serde_json::json!({ "message": message, "extensions": { "code": code } })
}

/// A result without `data`, as a request that was never executed gets it.
#[derive(Serialize)]
struct Refused {
    errors: Vec<ServerError>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: BTreeMap<String, Value>,
}

/// Leaves `data` out of a result that has none: it was never executed.
pub(super) fn without_null_data(result: &mut serde_json::Value) {
    let has_errors = result.get("errors").is_some();
    if let Some(result) = result.as_object_mut()
        && has_errors
        && result.get("data").is_some_and(serde_json::Value::is_null)
    {
        result.remove("data");
    }
}

/// Answers with the result of an operation that was executed.
pub(super) fn executed(media: MediaType, answer: crate::graphql::Answer) -> Response {
    let mut response = media.written(StatusCode::OK, answer.json);
    response.headers_mut().extend(answer.headers);
    response
}

/// Answers with a result.
pub(super) fn outcome(media: MediaType, outcome: Outcome) -> Response {
    match outcome {
        Outcome::Executed(result) => {
            let mut response = media.answer(StatusCode::OK, &result);
            response.headers_mut().extend(result.http_headers);
            response
        }
        Outcome::Refused(result) => refused(media, result),
    }
}

/// Answers with the results of an array of operations.
pub(super) fn outcomes(media: MediaType, outcomes: Vec<Outcome>) -> Response {
    let results: Vec<_> = outcomes.into_iter().map(Answer::from).collect();
    media.answer(StatusCode::OK, &results)
}

/// Answers that a document was not executed.
fn refused(media: MediaType, result: Result_) -> Response {
    let wait = retry_after(&result);
    let status = match (media, &wait) {
        (MediaType::Json, _) => StatusCode::OK,
        (MediaType::GraphqlResponse, Some(_)) => StatusCode::TOO_MANY_REQUESTS,
        (MediaType::GraphqlResponse, None) => StatusCode::BAD_REQUEST,
    };
    let mut response = media.answer(status, &Refused::from(result));
    if let Some(wait) = wait {
        response.headers_mut().insert(RETRY_AFTER, wait.into());
    }
    response
}

/// What stood in the way of a document of the server's own.
pub(super) fn problem(result: Result_) -> Problem {
    let error = result.errors.first();
    let code = error.and_then(|error| error.extensions.as_ref()?.get("code"));
    match code {
        Some(Value::String(code)) if code == "UNAUTHENTICATED" => {
            Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", "log in first")
        }
        Some(Value::String(code)) if code == "RATE_LIMITED" => {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", "too many requests").with(RETRY_AFTER, "60")
        }
        Some(Value::String(code)) if code == "BAD_USER_INPUT" => Problem::bad_request("an argument is wrong"),
        _ => {
            tracing::error!(?error, "a document of the server's own failed");
            Problem::internal(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// One of several results.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Executed(Result_),
    Refused(Refused),
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Executed(result) => Self::Executed(result),
            Outcome::Refused(result) => Self::Refused(result.into()),
        }
    }
}

impl From<Result_> for Refused {
    fn from(result: Result_) -> Self {
        Self {
            errors: result.errors,
            extensions: result.extensions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(accept: &'static str) -> Option<MediaType> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        MediaType::negotiate(&headers)
    }

    #[test]
    fn the_best_quality_wins_then_the_first() {
        use MediaType::{GraphqlResponse, Json};
        assert_eq!(MediaType::negotiate(&HeaderMap::new()), Some(Json));
        assert_eq!(negotiated("*/*"), Some(Json));
        assert_eq!(
            negotiated("application/graphql-response+json, application/json;q=0.9"),
            Some(GraphqlResponse)
        );
        assert_eq!(
            negotiated("application/json;q=0.5, application/graphql-response+json;q=0.6"),
            Some(GraphqlResponse)
        );
        assert_eq!(
            negotiated("application/json, application/graphql-response+json"),
            Some(Json)
        );
        assert_eq!(negotiated("text/html"), None);
        assert_eq!(negotiated("application/json;q=0"), None);
    }
}
