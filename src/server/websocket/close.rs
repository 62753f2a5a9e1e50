//! Why the server closes a socket.

use std::time::Duration;

use axum::extract::ws::CloseFrame;

/// The longest reason that fits into a close frame.
const LONGEST_REASON: usize = 123;
/// How tungstenite calls a connection that ends without a close frame.
const VANISHED: &str = "Connection reset without closing handshake";

/// Why the server closes a socket. Clients try again after 1001, 1013, 4403 and 4408; after the
/// others they don't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// The server ends.
    GoingAway,
    /// The bytes are no WebSocket protocol.
    Malformed,
    /// A text is not UTF-8.
    NotUtf8,
    /// A message is larger than the limit.
    TooLarge,
    /// The reader takes nothing.
    SlowReader,
    /// The server cannot tell now whose token it is.
    TryAgain,
    /// A message that the protocol does not know.
    BadRequest(&'static str),
    /// An operation before the acknowledgement.
    Unauthorized,
    /// A bad token, or one that ended.
    Forbidden(&'static str),
    /// No `connection_init` in time.
    InitTimeout,
    /// An id that is in use.
    Duplicate,
    /// A second `connection_init`.
    SecondInit,
}

impl Close {
    pub(super) fn code(self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::Malformed => 1002,
            Self::NotUtf8 => 1007,
            Self::TooLarge => 1009,
            Self::SlowReader | Self::TryAgain => 1013,
            Self::BadRequest(_) => 4400,
            Self::Unauthorized => 4401,
            Self::Forbidden(_) => 4403,
            Self::InitTimeout => 4408,
            Self::Duplicate => 4409,
            Self::SecondInit => 4429,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::GoingAway => "Going away",
            Self::Malformed => "Malformed frame",
            Self::NotUtf8 => "Text is not UTF-8",
            Self::TooLarge => "Message too large",
            Self::SlowReader => "Reader too slow",
            Self::TryAgain => "Try again later",
            Self::BadRequest(reason) | Self::Forbidden(reason) => reason,
            Self::Unauthorized => "Unauthorized",
            Self::InitTimeout => "Connection initialisation timeout",
            Self::Duplicate => "Subscriber for this id already exists",
            Self::SecondInit => "Too many initialisation requests",
        }
    }

    /// How long the other end may take to close too.
    pub(super) fn patience(self) -> Duration {
        Duration::from_secs(match self {
            Self::SlowReader => 60,
            _ => 5,
        })
    }

    pub(super) fn frame(self) -> CloseFrame {
        let reason = self.reason();
        CloseFrame {
            code: self.code(),
            reason: reason
                .get(..reason.floor_char_boundary(LONGEST_REASON))
                .unwrap_or_default()
                .into(),
        }
    }

    /// What an error in reading means; none when the connection is gone.
    pub(super) fn of_error(error: &axum::Error) -> Option<Self> {
        // The type of the cause belongs to a crate that axum does not show, its text does not.
        let text = error.to_string();
        let (kind, cause) = text.split_once(": ")?;
        match kind {
            "Space limit exceeded" => Some(Self::TooLarge),
            "UTF-8 encoding error" => Some(Self::NotUtf8),
            "WebSocket protocol error" if cause != VANISHED => Some(Self::Malformed),
            _ => None,
        }
    }
}
