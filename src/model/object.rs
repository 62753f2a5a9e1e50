//! What lives outside and is only referred to: repositories, commits, articles.

use super::Micros;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// The most characters of a type.
pub const TYPE_LENGTH: usize = 64;
/// The most characters of a key and of a name.
pub const KEY_LENGTH: usize = 255;

/// Names an external object, written `type:key`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    /// What it is: `repository`. Without a colon.
    pub kind: String,
    /// Which: `acme/x`.
    pub key: String,
}

impl ObjectKey {
    /// The name of an object. `None` when the type or the key is empty, too long or has control
    /// characters, or the type a colon.
    #[must_use]
    pub fn new(kind: &str, key: &str) -> Option<Self> {
        let is_name =
            |text: &str, longest| (1..=longest).contains(&text.chars().count()) && !text.contains(char::is_control);
        let good = is_name(kind, TYPE_LENGTH) && !kind.contains(':') && is_name(key, KEY_LENGTH);
        good.then(|| Self {
            kind: kind.to_owned(),
            key: key.to_owned(),
        })
    }

    /// Reads the written form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, key) = text.split_once(':')?;
        Self::new(kind, key)
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.key)
    }
}

/// An external object, as it was last told of.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of the API's `ExternalObject`")]
pub struct Object {
    pub key: ObjectKey,
    pub name: String,
    pub url: Option<String>,
    pub data: Option<Value>,
    pub created_at: Micros,
    pub follower_count: i64,
}
