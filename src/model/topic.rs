//! Topics: named lists of actions. The log, the broker and the feeds all speak of them.

use super::UserId;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A named list of actions, such as `user:42` or `hashtag:rust`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Topic(Arc<str>);

impl Topic {
    /// What one user did.
    #[must_use]
    pub fn user(id: UserId) -> Self {
        Self(format!("user:{id}").into())
    }

    /// The tweets with one hashtag, by its canonical name.
    #[must_use]
    pub fn hashtag(name: &str) -> Self {
        Self(format!("hashtag:{name}").into())
    }

    /// A topic as a row names it.
    #[must_use]
    pub fn from_row(name: &str) -> Self {
        Self(name.into())
    }

    /// The name, as rows and subjects carry it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
