//! What can go wrong, in the terms in which clients are told.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// Every fallible function of the domain answers with this.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A refusal or a failure. The text of all but [`Error::Internal`] is meant for the client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A write or a private read by nobody in particular, or a wrong log-in.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// Not the viewer's to do or to see.
    #[error("{0}")]
    Forbidden(&'static str),
    /// A mutation or a subscription names what does not exist.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// An input of a mutation names what does not exist.
    #[error("{what} not found")]
    Missing {
        /// The input at fault.
        field: &'static str,
        /// What is not there, as the client named it.
        what: String,
    },
    /// An input is out of range, too long or malformed.
    #[error("{reason}")]
    Invalid {
        /// The input at fault, such as `input.text` or `first`.
        field: Cow<'static, str>,
        /// What is wrong with it.
        reason: Cow<'static, str>,
    },
    /// The name is taken.
    #[error("{reason}")]
    Conflict {
        /// The input at fault.
        field: &'static str,
        /// What it collides with.
        reason: &'static str,
    },
    /// Too much in too short a time.
    #[error("too many requests")]
    RateLimited {
        /// When to try again.
        retry_after: Duration,
    },
    /// An answer would be longer than any may be.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// `after` of a stream names an event that is no longer, or was never, in this log.
    #[error("the cursor's event is no longer kept")]
    CursorExpired,
    /// Our fault. The cause is for the log, never for the answer.
    #[error("internal error")]
    Internal(#[source] Cause),
}

impl Error {
    /// An input that is out of range, too long or malformed.
    pub fn invalid(field: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid {
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// A failure of ours, from its cause.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    /// What clients rely on.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unauthenticated(_) => Code::Unauthenticated,
            Self::Forbidden(_) => Code::Forbidden,
            Self::NotFound(_) | Self::Missing { .. } => Code::NotFound,
            Self::Invalid { .. } => Code::BadUserInput,
            Self::Conflict { .. } => Code::Conflict,
            Self::RateLimited { .. } => Code::RateLimited,
            Self::TooLarge(_) => Code::QueryTooComplex,
            Self::CursorExpired => Code::CursorExpired,
            Self::Internal(_) => Code::InternalServerError,
        }
    }
}

/// The stable codes of `extensions.code`: adding one is a small change, renaming one never happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A write or a private read without a good token.
    Unauthenticated,
    /// Not the viewer's to do or to see.
    Forbidden,
    /// Names what does not exist.
    NotFound,
    /// Out of range, too long, malformed.
    BadUserInput,
    /// Taken.
    Conflict,
    /// Too much in too short a time.
    RateLimited,
    /// The stream can't go on from there.
    CursorExpired,
    /// The document can't be read.
    GraphqlParseFailed,
    /// The document, or its variables, don't fit the schema.
    GraphqlValidationFailed,
    /// Nested too deeply.
    QueryTooDeep,
    /// Too large or too costly.
    QueryTooComplex,
    /// A hash whose document is not known: the client sends the text too.
    PersistedQueryNotFound,
    /// Our fault.
    InternalServerError,
}

impl Code {
    /// The code as it stands in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::Conflict => "CONFLICT",
            Self::RateLimited => "RATE_LIMITED",
            Self::CursorExpired => "CURSOR_EXPIRED",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::QueryTooDeep => "QUERY_TOO_DEEP",
            Self::QueryTooComplex => "QUERY_TOO_COMPLEX",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::InternalServerError => "INTERNAL_SERVER_ERROR",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
