//! Who is asking.

use super::{Error, Result, UserId};

/// Who is asking, as far as a token tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// No token.
    Anonymous,
    /// A user, in one of their sessions.
    User {
        /// The user.
        id: UserId,
        /// Which session: the hash of its token.
        session: TokenHash,
    },
    /// A service: names any actor, is nobody itself.
    Service {
        /// The name that it was given.
        name: String,
        /// Which token.
        session: TokenHash,
    },
}

/// SHA-256 of a token: tokens themselves are kept nowhere.
pub type TokenHash = [u8; 32];

impl Viewer {
    /// The user who asks, if it is one.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::User { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// The session that the token opened.
    #[must_use]
    pub fn session(&self) -> Option<TokenHash> {
        match self {
            Self::Anonymous => None,
            Self::User { session, .. } | Self::Service { session, .. } => Some(*session),
        }
    }

    /// The user who asks.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for an anonymous viewer, [`Error::Forbidden`] for a service.
    pub fn require_user(&self) -> Result<UserId> {
        match self {
            Self::User { id, .. } => Ok(*id),
            Self::Anonymous => Err(Error::Unauthenticated("log in first")),
            Self::Service { .. } => Err(Error::Forbidden("a service token is no user")),
        }
    }
}
