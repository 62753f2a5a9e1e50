//! Likes and retweets: what a user does to a tweet once, and may undo.

use super::EventKind;
use super::action::{LIKE, RETWEET};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reaction {
    /// A like.
    Like,
    /// A retweet.
    Retweet,
}

impl Reaction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Like, Self::Retweet];

    /// The verb of its action.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Like => LIKE,
            Self::Retweet => RETWEET,
        }
    }

    /// What events of it are.
    #[must_use]
    pub fn event(self) -> EventKind {
        match self {
            Self::Like => EventKind::Like,
            Self::Retweet => EventKind::Retweet,
        }
    }
}
