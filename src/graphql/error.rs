//! Errors as answers carry them.

use crate::model::Error;
use crate::model::error::Code;
use async_graphql::{ErrorExtensionValues, ErrorExtensions as _, Name, Pos, Response, ServerError, Value};
use std::sync::Arc;

/// What resolvers answer.
pub type Result<T, E = ApiError> = std::result::Result<T, E>;

/// What the resolver of a nullable field answers, transposed from `Result<Option<T>>`: the
/// executor keeps an error within the field only where it finds it inside of the option.
pub type Nullable<T> = Option<Result<T>>;

/// An error with its `extensions`. It has no `Display`, so that `?` can't turn an [`Error`] into
/// an answer by its text alone.
#[derive(Clone, Debug)]
pub struct ApiError(async_graphql::Error);

impl ApiError {
    /// As the executor has it, of a field that stands there.
    #[must_use]
    pub fn at(self, place: Pos) -> ServerError {
        self.0.into_server_error(place)
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        if let Error::Internal(cause) = error {
            // The one place where causes are logged; the span names the request.
            tracing::error!(%cause, "a request failed");
        }
        let described = async_graphql::Error::new(error.to_string());
        Self(described.extend_with(|_, extensions| describe(error, extensions)))
    }
}

impl From<Arc<Error>> for ApiError {
    fn from(error: Arc<Error>) -> Self {
        Self::from(&*error)
    }
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        error.0
    }
}

fn describe(error: &Error, extensions: &mut ErrorExtensionValues) {
    extensions.set("code", error.code().as_str());
    match error {
        Error::Invalid { field, .. } => extensions.set("field", field.as_ref()),
        Error::Conflict { field, .. } | Error::Missing { field, .. } => extensions.set("field", *field),
        Error::RateLimited { retry_after } => {
            // Never 0, and rounded up: who waits that long is let in.
            let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
            extensions.set("retryAfter", seconds.max(1));
        }
        _ => {}
    }
}

/// A response that refuses a request before it is executed.
#[must_use]
pub fn refusal(message: impl Into<String>, code: Code) -> Response {
    Response::from_errors(vec![coded(message, code)])
}

/// An error of the request as a whole.
#[must_use]
pub fn coded(message: impl Into<String>, code: Code) -> ServerError {
    let mut error = ServerError::new(message, None);
    set_code(&mut error, code);
    error
}

/// A response that refuses a request because of an error of the domain.
#[must_use]
pub fn refusal_of(error: &Error) -> Response {
    let mut refused = ServerError::new(error.to_string(), None);
    describe(
        error,
        refused.extensions.get_or_insert_with(ErrorExtensionValues::default),
    );
    Response::from_errors(vec![refused])
}

/// How many seconds to wait that was refused for its rate, in whole or in part.
#[must_use]
pub fn retry_after(response: &Response) -> Option<u64> {
    let waits = response
        .errors
        .iter()
        .filter_map(|error| match error.extensions.as_ref()?.get("retryAfter")? {
            Value::Number(seconds) => seconds.as_u64(),
            _ => None,
        });
    waits.max()
}

/// Gives the executor's own errors a code: they have none.
pub fn set_codes(response: &mut Response, code: Code) {
    for error in &mut response.errors {
        if !has_code(error) {
            set_code(error, code);
        }
    }
}

/// Names the argument that one of the executor's own errors is about.
pub fn set_field<'n>(error: &mut ServerError, argument: impl Fn(Pos) -> Option<&'n Name>) {
    let place = error.locations.first().filter(|_| !has_code(error));
    if let Some(name) = place.and_then(|place| argument(*place)) {
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        extensions.set("field", name.as_str());
    }
}

fn has_code(error: &ServerError) -> bool {
    error
        .extensions
        .as_ref()
        .is_some_and(|extensions| extensions.get("code").is_some())
}

fn set_code(error: &mut ServerError, code: Code) {
    error
        .extensions
        .get_or_insert_with(ErrorExtensionValues::default)
        .set("code", Value::from(code.as_str()));
}
