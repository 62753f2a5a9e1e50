//! Documents by name: automatic persisted queries, and those that an operator trusts.

use super::Operation;
use super::error::refusal;
use crate::model::error::Code;
use async_graphql::{Response, Value};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

/// SHA-256 of a document's text, under which it is kept.
pub type Hash = [u8; 32];

/// The longest name of a document, in bytes.
const LONGEST: usize = 256;

/// The hash of a text.
#[must_use]
pub fn hash(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

/// A hash as clients write it.
#[must_use]
pub fn hex(hash: &Hash) -> String {
    hash.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What a client calls a document: the hash of its text, or the id of a trusted one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id(String);

impl Id {
    /// Whether it is the hash of a text.
    #[must_use]
    pub fn is(&self, hash: &Hash) -> bool {
        self.hash().as_ref() == Some(hash)
    }

    /// The hash that it stands for.
    #[must_use]
    pub fn hash(&self) -> Option<Hash> {
        let text = self.0.as_bytes();
        let mut hash = [0; 32];
        if text.len() != 2 * hash.len() {
            return None;
        }
        for (byte, digits) in hash.iter_mut().zip(text.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(hash)
    }
}

/// How a request names its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// By its text.
    Text,
    /// By its hash alone.
    Hash(Id),
    /// By both: the client registers it.
    Both(Id),
}

impl Named {
    /// How this request does.
    ///
    /// # Errors
    /// The response that refuses an extension `persistedQuery` of another kind.
    pub fn by(request: &Operation) -> Result<Self, Response> {
        let wrong = |reason: &str| refusal(reason, Code::BadUserInput);
        let extension = match request.extensions.get("persistedQuery") {
            None | Some(Value::Null) => return Ok(Self::Text),
            Some(Value::Object(extension)) => extension,
            Some(_) => return Err(wrong("`persistedQuery` is no object")),
        };
        match extension.get("version") {
            Some(Value::Number(version)) if version.as_u64() == Some(1) => {}
            _ => return Err(wrong("only version 1 of persisted queries is known")),
        }
        match extension.get("sha256Hash") {
            Some(Value::String(id)) if (1..=LONGEST).contains(&id.len()) => {
                let id = Id(id.clone());
                let by_hash = request.query.is_empty();
                Ok(if by_hash { Self::Hash(id) } else { Self::Both(id) })
            }
            _ => Err(wrong("`persistedQuery` has no `sha256Hash`")),
        }
    }
}

/// What to do with documents that are not trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// They are executed like others.
    #[default]
    Off,
    /// They are executed, and named in the log.
    Log,
    /// They are refused.
    Enforce,
}

/// The documents that an operator trusts.
#[derive(Clone, Debug, Default)]
pub struct Trusted {
    trust: Trust,
    texts: HashMap<String, String>,
    hashes: HashSet<Hash>,
}

impl Trusted {
    /// Reads a manifest: Apollo's (`operations` with `id` and `body`), or an object of ids and texts.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(manifest: &str, trust: Trust) -> Result<Self, String> {
        use serde_json::Value;
        let wrong = || "neither an Apollo manifest nor an object of ids and texts".to_owned();
        let manifest: Value = serde_json::from_str(manifest).map_err(|error| error.to_string())?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let pairs: Option<Vec<_>> = match (manifest.get("operations"), &manifest) {
            (Some(Value::Array(operations)), _) => operations
                .iter()
                .map(|operation| Some((text(operation.get("id")?)?, text(operation.get("body")?)?)))
                .collect(),
            (_, Value::Object(texts)) => texts.iter().map(|(id, body)| Some((id.clone(), text(body)?))).collect(),
            _ => None,
        };
        let texts: HashMap<_, _> = pairs.ok_or_else(wrong)?.into_iter().collect();
        let hashes = texts.values().map(|text| hash(text)).collect();
        Ok(Self { trust, texts, hashes })
    }

    /// What to do with others.
    #[must_use]
    pub fn trust(&self) -> Trust {
        self.trust
    }

    /// All ids with their texts.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(id, text)| (id.as_str(), text.as_str()))
    }

    /// The text of an id.
    #[must_use]
    pub fn text(&self, id: &Id) -> Option<&str> {
        self.texts.get(&id.0).map(String::as_str)
    }

    /// Whether the text of this hash is trusted.
    #[must_use]
    pub fn has(&self, hash: &Hash) -> bool {
        self.hashes.contains(hash)
    }

    /// Whether this is the id of the text with that hash.
    #[must_use]
    pub fn is(&self, id: &Id, hash: &Hash) -> bool {
        self.text(id).is_some_and(|text| self::hash(text) == *hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_may_be_hashes() {
        let hash = hash("{ __typename }");
        assert!(Id(hex(&hash)).is(&hash));
        assert!(Id(hex(&hash).to_uppercase()).is(&hash));
        for other in ["", "00", &"é".repeat(32), &"+1".repeat(32), &"zz".repeat(32)] {
            assert!(!Id(other.to_owned()).is(&hash), "{other}");
        }
    }

    #[test]
    fn both_forms_of_a_manifest_are_read() {
        let plain = r#"{ "one": "{ a }", "two": "{ b }" }"#;
        let apollo = r#"{ "format": "apollo-persisted-query-manifest", "version": 1, "operations": [
            { "id": "one", "name": "A", "type": "query", "body": "{ a }" },
            { "id": "two", "name": "B", "type": "query", "body": "{ b }" }] }"#;
        for manifest in [plain, apollo] {
            let trusted = Trusted::read(manifest, Trust::Log).unwrap();
            assert_eq!(trusted.text(&Id("two".to_owned())), Some("{ b }"));
            assert!(trusted.has(&hash("{ a }")) && !trusted.has(&hash("{ c }")));
        }
        for wrong in ["", "[]", "{", r#"{ "a": 1 }"#, r#"{ "operations": [{ "id": "one" }] }"#] {
            assert!(Trusted::read(wrong, Trust::Log).is_err(), "{wrong}");
        }
    }
}
